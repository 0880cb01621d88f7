/** Folding one fact into the state, in place. Total: a fact that was written once always folds. */
import { invariant, unreachable } from "@agent-relay/kernel";
import { wireBytes, type Fact } from "@agent-relay/protocol";
import type { Delivery } from "./mailbox.ts";
import { newAgent, type Agent, type BrokerState, type Noted } from "./state.ts";

/**
 * How long a prompt that went in may go without showing a turn. Programs echo a turn within about a second; after
 * five the prompt is taken for swallowed and the next one may go in.
 */
export const TURN_OWED_MS = 5_000;
/** How long an interrupt may take to show. Programs seen so far stop within two seconds. */
export const INTERRUPT_MS = 10_000;

type FactOf<Type extends Fact["type"]> = Extract<Fact, { type: Type }>;

export function evolve(state: BrokerState, noted: Noted): BrokerState {
  const { fact } = noted;
  invariant(noted.sequence === state.head + 1, "facts fold in order of sequence, none left out");
  state.head = noted.sequence;
  switch (fact.type) {
    case "agent_registered":
      return agentRegistered(state, fact, noted.at);
    case "channel_created":
      state.channels.set(fact.channel, {
        name: fact.channel,
        topic: fact.topic,
        createdBy: fact.by,
        createdAt: noted.at,
        members: new Set(),
      });
      return state;
    case "channel_joined":
      state.channels.get(fact.channel)?.members.add(fact.member);
      return state;
    case "channel_left":
      state.channels.get(fact.channel)?.members.delete(fact.member);
      return state;
    case "message_accepted":
      return messageAccepted(state, fact, noted);
    case "message_reacted":
    case "message_unreacted":
    case "read_marked":
    case "broker_started":
    case "broker_stopped":
      return state;
    default: {
      const agent = state.agents.get(fact.agent);
      invariant(agent !== undefined, "a fact names an agent that was never registered");
      state.touched.add(agent.name);
      evolveAgent(agent, fact, noted.at);
      return state;
    }
  }
}

type AgentFact = Extract<Fact, { agent: string }>;
type OwnFact = Exclude<AgentFact, { type: "agent_registered" }>;

function evolveAgent(agent: Agent, fact: OwnFact, at: number): void {
  switch (fact.type) {
    case "agent_spawning":
      agent.epoch = fact.epoch;
      agent.harness = fact.harness;
      agent.traits = fact.traits;
      agent.restarts = fact.restarts;
      agent.restartAt = undefined;
      agent.releasing = undefined;
      agent.ended = undefined;
      agent.pid = undefined;
      agent.startedAt = undefined;
      agent.contextThreshold = undefined;
      agent.contextExact = false;
      agent.reported = undefined;
      agent.retryAt = undefined;
      if (fact.restarts === 0) agent.failures = 0;
      forgetTurn(agent);
      setStatus(agent, "starting", at, "spawning", undefined);
      return;
    case "agent_spawned":
      agent.pid = fact.pid;
      agent.startedAt = at;
      agent.cwd = fact.cwd;
      agent.permissionMode = fact.permissionMode;
      agent.originActor = fact.originActor;
      if (agent.status === "starting") agent.reason = "started; not ready yet";
      return;
    case "agent_ready":
      setStatus(agent, "idle", at, fact.source, fact.fidelity);
      return;
    case "agent_working":
      setStatus(agent, "working", at, fact.source, fact.fidelity);
      turnShown(agent);
      return;
    case "agent_turn_ended":
      setStatus(agent, "idle", at, fact.source, fact.fidelity);
      turnShown(agent);
      agent.interrupt = undefined;
      agent.interruptFailedFor = undefined;
      return;
    case "agent_idle":
      agent.idleReportedFor = fact.since;
      return;
    case "agent_blocked":
      if (agent.status !== "blocked") agent.beforeBlock = agent.status;
      agent.blockedKind = fact.kind;
      setStatus(agent, "blocked", at, fact.what ?? fact.kind, fact.fidelity);
      return;
    case "agent_unblocked":
      setStatus(agent, agent.beforeBlock ?? "working", at, fact.source, fact.fidelity);
      agent.beforeBlock = undefined;
      return;
    case "agent_context_low":
      agent.contextThreshold = fact.threshold;
      agent.contextExact ||= fact.fidelity === "exact";
      return;
    case "agent_context_recovered":
      agent.contextThreshold = undefined;
      agent.contextExact ||= fact.fidelity === "exact";
      return;
    case "agent_status_reported":
      agent.reported = fact.text;
      return;
    case "agent_interrupting":
      agent.interrupt = { messageId: fact.messageId, until: at + INTERRUPT_MS };
      return;
    case "agent_releasing":
      agent.releasing = { how: fact.how, reason: fact.reason };
      agent.reason = fact.how === "release" ? "asked to leave" : "being killed";
      return;
    case "agent_exited":
      agent.lastExit = { reason: fact.reason, code: fact.code, signal: fact.signal, at };
      agent.pid = undefined;
      agent.startedAt = undefined;
      agent.hold = undefined;
      agent.failures = failuresAfter(agent, fact);
      forgetTurn(agent);
      setStatus(agent, "exited", at, fact.reason, "exact");
      if (fact.reason === "killed") agent.ended = "killed";
      return;
    case "agent_released":
      agent.ended = agent.releasing?.how === "kill" ? "killed" : "released";
      agent.restartAt = undefined;
      return;
    case "agent_restarting":
      agent.restartAt = fact.restartAt;
      agent.reason = `restarting, attempt ${fact.attempt}`;
      return;
    case "agent_restarted":
      return;
    case "agent_permanently_dead":
      agent.ended = "permanently_dead";
      agent.restartAt = undefined;
      setStatus(agent, "permanently_dead", at, fact.reason, "exact");
      return;
    case "agent_held":
      agent.hold = { leaseId: fact.leaseId, holder: fact.holder, expiresAt: fact.expiresAt };
      return;
    case "agent_unheld":
      agent.hold = undefined;
      return;
    default:
      evolveDelivery(agent, fact, at);
  }
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

function evolveDelivery(agent: Agent, fact: DeliveryFact, at: number): void {
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
      agent.injection ??= { id: fact.injection, epoch: fact.epoch, items: [], turnSeen: false };
      invariant(agent.injection.id === fact.injection, "D1: an attempt started while another was in flight");
      agent.mailbox.takeInFlight(delivery);
      agent.injection.items.push(delivery);
      delivery.attempts = fact.attempt;
      delivery.stalled = undefined;
      return;
    case "delivery_attempt_failed":
      leaveInjection(agent, delivery);
      agent.mailbox.putBack(delivery);
      agent.retryAt = fact.retryAt;
      return;
    case "delivery_handed_over": {
      const injected = agent.injection?.items.includes(delivery) === true;
      const owesTurn = injected && agent.traits?.boundary === "turn" && agent.injection?.turnSeen === false;
      leaveInjection(agent, delivery);
      delivery.attempts = Math.max(delivery.attempts, fact.attempt);
      delivery.handedOver = { at, epoch: fact.epoch, route: fact.route, evidence: fact.evidence };
      delivery.uncertain = false;
      delivery.possibleRepeat = fact.possibleRepeat;
      delivery.stalled = undefined;
      agent.mailbox.settle(delivery);
      if (owesTurn) agent.turnOwedUntil = at + TURN_OWED_MS;
      return;
    }
    case "delivery_seen":
      delivery.seenAt = at;
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

function agentRegistered(state: BrokerState, fact: FactOf<"agent_registered">, at: number): BrokerState {
  const known = state.agents.get(fact.agent);
  const agent = known ?? newAgent(fact.agent, fact.kind, at);
  agent.kind = fact.kind;
  agent.launch = fact.launch;
  agent.spawnedBy = fact.by;
  agent.ended = undefined;
  if (known === undefined) state.agents.set(agent.name, agent);
  state.touched.add(agent.name);
  return state;
}

function messageAccepted(state: BrokerState, fact: FactOf<"message_accepted">, noted: Noted): BrokerState {
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

function setStatus(
  agent: Agent,
  status: Agent["status"],
  at: number,
  reason: string,
  fidelity: Agent["fidelity"],
): void {
  agent.status = status;
  agent.since = at;
  agent.reason = reason;
  agent.fidelity = fidelity;
  if (status !== "blocked") agent.blockedKind = undefined;
}

/** Ends in quick succession count, whatever their cause, so that nothing is restarted for ever; being stopped does not. */
function failuresAfter(agent: Agent, exit: FactOf<"agent_exited">): number {
  if (exit.class === "stopped") return 0;
  const healthy = exit.uptimeSecs * 1_000 >= (agent.launch?.restart.healthyAfterMs ?? 0);
  return healthy ? 1 : agent.failures + 1;
}

function turnShown(agent: Agent): void {
  agent.turnOwedUntil = undefined;
  if (agent.injection !== undefined) agent.injection.turnSeen = true;
}

function forgetTurn(agent: Agent): void {
  agent.turnOwedUntil = undefined;
  agent.interrupt = undefined;
  agent.interruptFailedFor = undefined;
  agent.beforeBlock = undefined;
  agent.idleReportedFor = undefined;
}

function leaveInjection(agent: Agent, delivery: Delivery): void {
  const injection = agent.injection;
  if (injection === undefined) return;
  const index = injection.items.indexOf(delivery);
  if (index < 0) return;
  injection.items.splice(index, 1);
  if (injection.items.length === 0) agent.injection = undefined;
}
