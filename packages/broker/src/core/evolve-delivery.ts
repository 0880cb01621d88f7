/** Folding what becomes of messages: each fact moves one delivery, within the mailbox that owes it. */
import { invariant, unreachable } from "@agent-relay/kernel";
import { wireBytes, type Fact } from "@agent-relay/protocol";
import type { Delivery } from "./mailbox.ts";
import type { Agent, BrokerState, Noted } from "./state.ts";

/**
 * How long a prompt that went in may go without showing a turn. Programs echo a turn within about a second; after
 * five the prompt is taken for swallowed and the next one may go in.
 */
export const TURN_OWED_MS = 5_000;
/** What is told of a turn that was cut off; a turn takes sixteen messages unless mail is steered into it again and again. */
const TURN_MESSAGES_MAX = 64;

type FactOf<Type extends Fact["type"]> = Extract<Fact, { type: Type }>;

export function messageAccepted(state: BrokerState, fact: FactOf<"message_accepted">, noted: Noted): BrokerState {
  const bytes = wireBytes(fact.body);
  for (const name of fact.recipients) {
    const agent = state.agents.get(name);
    invariant(agent !== undefined, "a message names a recipient that was never registered");
    agent.mailbox.add(
      newDelivery(fact.messageId, noted.sequence, fact.from, fact.mode, bytes, noted.at, fact.expiresAt),
    );
    state.touched.add(name);
  }
  return state;
}

type DeliveryFact = Extract<
  Fact,
  {
    type:
      | "delivery_attempt_started"
      | "delivery_attempt_failed"
      | "delivery_handed_over"
      | "delivery_seen"
      | "delivery_answered"
      | "delivery_uncertain"
      | "delivery_stalled"
      | "delivery_dead_lettered"
      | "delivery_redelivered";
  }
>;

export function evolveDelivery(agent: Agent, fact: DeliveryFact, at: number): void {
  if (fact.type === "delivery_redelivered") {
    agent.mailbox.add({
      ...newDelivery(fact.messageId, fact.messageSequence, fact.from, fact.mode, fact.bytes, at, undefined),
      possibleRepeat: true,
    });
    return;
  }
  const delivery = agent.mailbox.find(fact.messageId);
  // Evidence for what has left the bounded memory changes nothing here; the archive still records it.
  if (delivery === undefined) return;
  switch (fact.type) {
    case "delivery_attempt_started":
      agent.injection ??= {
        id: fact.injection,
        epoch: fact.epoch,
        route: fact.route,
        // Between turns is where mail goes in otherwise; so whatever begins within one is meant for it.
        steer: agent.status === "working" && agent.traits?.boundary === "turn",
        items: [],
        turnSeen: false,
      };
      invariant(agent.injection.id === fact.injection, "D1: an attempt started while another was in flight");
      agent.mailbox.takeInFlight(delivery);
      agent.injection.items.push(delivery);
      delivery.attempts = fact.attempt;
      delivery.stalled = undefined;
      return;
    case "delivery_attempt_failed":
      agent.steerRefused ||= agent.injection?.steer === true && agent.status === "working";
      leaveInjection(agent, delivery);
      agent.mailbox.putBack(delivery);
      agent.retryAt = fact.retryAt;
      return;
    case "delivery_handed_over":
      handedOver(agent, delivery, fact, at);
      return;
    case "delivery_seen":
      delivery.seenAt = at;
      agent.unconfirmed = undefined;
      return;
    case "delivery_answered":
      agent.mailbox.remove(delivery);
      return;
    case "delivery_uncertain":
      leaveInjection(agent, delivery);
      delivery.uncertain = true;
      delivery.possibleRepeat = true;
      delivery.handedOver = undefined;
      if (delivery.place !== "waiting") agent.mailbox.putBack(delivery);
      return;
    case "delivery_stalled":
      delivery.stalled = fact.reason;
      if (fact.reason === "interrupt_unconfirmed") {
        agent.interrupt = undefined;
        agent.interruptFailedFor = fact.messageId;
      }
      return;
    case "delivery_dead_lettered":
      leaveInjection(agent, delivery);
      agent.mailbox.remove(delivery);
      return;
    default:
      unreachable(fact);
  }
}

function handedOver(agent: Agent, delivery: Delivery, fact: FactOf<"delivery_handed_over">, at: number): void {
  const injection = agent.injection?.items.includes(delivery) === true ? agent.injection : undefined;
  const owesTurn =
    agent.traits?.boundary === "turn" &&
    injection?.turnSeen === false &&
    injection.route !== "hook" &&
    fact.evidence !== "turn_steered";
  // A turn that was shown and has ended before the write was confirmed was this message's own.
  const over = injection?.turnSeen === true && agent.status === "idle";
  if (!over) agent.turnMessages = [...agent.turnMessages, fact.messageId].slice(-TURN_MESSAGES_MAX);
  leaveInjection(agent, delivery);
  delivery.attempts = Math.max(delivery.attempts, fact.attempt);
  delivery.handedOver = { at, epoch: fact.epoch, route: fact.route, evidence: fact.evidence };
  delivery.uncertain = false;
  delivery.possibleRepeat = fact.possibleRepeat;
  delivery.stalled = undefined;
  agent.mailbox.settle(delivery);
  if (!owesTurn) return;
  agent.turnOwedUntil = at + TURN_OWED_MS;
  const tells = agent.traits?.provesSeen === true && fact.route === "paste";
  agent.unconfirmed = tells ? { injection: injection.id, repeats: 0 } : undefined;
}

function newDelivery(
  messageId: string,
  sequence: number,
  from: string,
  mode: Delivery["mode"],
  bytes: number,
  acceptedAt: number,
  expiresAt: number | undefined,
): Delivery {
  return {
    messageId,
    sequence,
    from,
    mode,
    bytes,
    acceptedAt,
    expiresAt,
    attempts: 0,
    possibleRepeat: false,
    uncertain: false,
    stalled: undefined,
    place: "waiting",
    handedOver: undefined,
    seenAt: undefined,
  };
}

function leaveInjection(agent: Agent, delivery: Delivery): void {
  const injection = agent.injection;
  if (injection === undefined) return;
  const index = injection.items.indexOf(delivery);
  if (index < 0) return;
  injection.items.splice(index, 1);
  if (injection.items.length === 0) agent.injection = undefined;
}
