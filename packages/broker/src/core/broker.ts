/** The broker's whole judgement: one decider out of its parts, and what each fact's stream is called. */
import { accept, unreachable, type Decider, type Decision } from "@agent-relay/kernel";
import type { Fact } from "@agent-relay/protocol";
import { createChannel, joinChannel, leaveChannel } from "./channels.ts";
import type { BrokerCommand, Refusal } from "./commands.ts";
import * as directory from "./directory.ts";
import { evolve } from "./evolve.ts";
import { serve } from "./hook-mail.ts";
import { drained, failed } from "./injections.ts";
import { acquireLease, expireLeases, releaseLease, renewLease } from "./leases.ts";
import * as messages from "./messages.ts";
import { observed } from "./observing.ts";
import { plan } from "./plan.ts";
import { initialState, type BrokerState, type Noted } from "./state.ts";
import { appendToStream } from "./streams.ts";

/** Judges one command by itself; what follows from it for others comes from `plan`. */
export function judge(command: BrokerCommand, state: BrokerState): Decision<Fact, Refusal> {
  switch (command.type) {
    case "agent.spawn":
      return directory.spawn(command, state);
    case "agent.register":
      return directory.register(command, state);
    case "agent.end":
      return directory.end(command, state);
    case "agent.hold":
      return directory.hold(command, state);
    case "agent.unhold":
      return directory.unhold(command, state);
    case "agent.answer":
      return directory.answer(command, state);
    case "verdict.submit":
      return directory.submitVerdict(command, state);
    case "agent.report":
      return directory.report(command, state);
    case "message.send":
      return messages.send(command, state);
    case "inbox.take":
      return messages.takeInbox(command, state);
    case "inbox.ack":
      return messages.acknowledge(command, state);
    case "message.react":
      return messages.react(command);
    case "read.mark":
      return messages.markRead(command);
    case "deadletter.redeliver":
      return messages.redeliver(command, state);
    case "channel.create":
      return createChannel(command, state);
    case "channel.join":
      return joinChannel(command, state);
    case "channel.leave":
      return leaveChannel(command, state);
    case "stream.append":
      return appendToStream(command, state);
    case "lease.acquire":
      return acquireLease(command, state);
    case "lease.renew":
      return renewLease(command, state);
    case "lease.release":
      return releaseLease(command, state);
    case "leases.tick":
      return accept(...expireLeases(state, command.at));
    case "incarnation.spawned":
      return directory.spawned(command, state);
    case "incarnation.exited":
      return directory.exited(command, state);
    case "incarnation.observed":
      return observed(command, state);
    case "injection.drained":
      return drained(command, state);
    case "injection.failed":
      return failed(command, state);
    case "mail.serve":
      return serve(command, state);
    case "agent.tick":
      state.touched.add(command.name);
      return accept();
    case "broker.started":
      return accept({ type: "broker_started", pid: command.pid, version: command.version });
    case "broker.stopped":
      return accept({ type: "broker_stopped", pid: command.pid });
    default:
      return unreachable(command);
  }
}

/**
 * Folds a fact and then whatever is due because of it, until nothing is: the closure of one command.
 *
 * The returned facts are in order, the given ones first. Each has been folded into `state` already.
 */
export function settle(facts: readonly Fact[], state: BrokerState, at: number): readonly Noted[] {
  const noted: Noted[] = [];
  let next: readonly Fact[] = facts;
  do {
    for (const fact of next) {
      const one: Noted = { fact, at, sequence: state.head + 1 };
      evolve(state, one);
      noted.push(one);
    }
    next = plan(state, at);
  } while (next.length > 0);
  return noted;
}

/** The decider for tests and replay: `decide` judges, `evolve` folds. */
export const brokerDecider: Decider<BrokerCommand, Noted, BrokerState, Refusal> = {
  initial: initialState,
  decide: (command, state) => {
    const decision = judge(command, state);
    if (!decision.accepted) return decision;
    return accept(
      ...decision.events.map((fact, index): Noted => ({ fact, at: command.at, sequence: state.head + 1 + index })),
    );
  },
  evolve,
};

/** The aggregate that a fact belongs to. */
export function streamOf(fact: Fact): string {
  if (fact.type === "stream_appended") return fact.stream;
  if ("lease" in fact) return `lease/${fact.lease}`;
  if ("messageId" in fact && fact.type !== "agent_interrupting") return `message/${fact.messageId}`;
  if ("agent" in fact) return `agent/${fact.agent}`;
  if ("channel" in fact) return `channel/${fact.channel}`;
  if (fact.type === "read_marked") return `reader/${fact.reader}`;
  return "broker";
}
