/** Histories for tests of the core: facts as they would stand in the log, numbered and dated. */
import { LaunchSpec, type DeliveryTraits, type Fact, type LaunchInput, type Route } from "@agent-relay/protocol";
import { evolve } from "../core/evolve.ts";
import { settle } from "../core/broker.ts";
import { initialState, type BrokerState, type Noted } from "../core/state.ts";

export const t0 = 1_000_000;

export const turns: DeliveryTraits = {
  push: true,
  boundary: "turn",
  provesSeen: true,
  interruptible: true,
  route: "paste",
  steerable: false,
  resumable: false,
};
export const lines: DeliveryTraits = { ...turns, boundary: "anytime", provesSeen: false, interruptible: false };
export const fetches: DeliveryTraits = {
  ...turns,
  push: false,
  provesSeen: false,
  interruptible: false,
  route: "inbox",
};
/** A conversation: it takes mail in the turn that runs, and can be continued by the next incarnation. */
export const talks: DeliveryTraits = { ...turns, route: "structured", steerable: true, resumable: true };
/** In a terminal, with a conversation that can be continued. */
export const remembers: DeliveryTraits = { ...turns, resumable: true };

const exact = { source: "test", fidelity: "exact" } as const;

export function registered(agent: string, launch: LaunchInput = { cli: "program" }): Fact {
  return { type: "agent_registered", agent, kind: "program", launch: LaunchSpec.parse(launch), by: "operator" };
}

export function spawning(agent: string, epoch = 1, traits = turns, restarts = 0, resume?: string): Fact {
  const runtime = traits.route === "structured" ? "headless" : "pty";
  return {
    type: "agent_spawning",
    agent,
    epoch,
    runtime,
    traits,
    restarts,
    ...(resume === undefined ? {} : { resume }),
  };
}

export function spawned(agent: string, epoch = 1): Fact {
  return {
    type: "agent_spawned",
    agent,
    epoch,
    pid: 100 + epoch,
    cli: "program",
    runtime: "pty",
    cwd: "/",
    permissionMode: "ask",
  };
}

export function ready(agent: string, epoch = 1): Fact {
  return { type: "agent_ready", agent, epoch, ...exact };
}

export function working(agent: string, epoch = 1): Fact {
  return { type: "agent_working", agent, epoch, ...exact };
}

export function turnEnded(agent: string, epoch = 1): Fact {
  return { type: "agent_turn_ended", agent, epoch, ...exact };
}

export function blocked(agent: string, epoch = 1, more: Partial<Extract<Fact, { type: "agent_blocked" }>> = {}): Fact {
  return { type: "agent_blocked", agent, epoch, kind: "permission", ...exact, answerable: true, ...more };
}

export function sessionStarted(agent: string, sessionId: string, epoch = 1): Fact {
  return { type: "agent_session_started", agent, epoch, sessionId, source: "test" };
}

export function exited(
  agent: string,
  reason: Extract<Fact, { type: "agent_exited" }>["reason"],
  exitClass: Extract<Fact, { type: "agent_exited" }>["class"],
  epoch = 1,
): Fact {
  return {
    type: "agent_exited",
    agent,
    epoch,
    reason,
    class: exitClass,
    code: null,
    signal: null,
    uptimeSecs: 1,
    lastLines: [],
    undelivered: 0,
  };
}

/** An agent that runs and takes input. */
export function running(agent: string, traits = turns, launch: LaunchInput = { cli: "program" }): readonly Fact[] {
  return [registered(agent, launch), spawning(agent, 1, traits), spawned(agent), ready(agent)];
}

export function accepted(
  messageId: string,
  from: string,
  to: string,
  more: Partial<Extract<Fact, { type: "message_accepted" }>> = {},
): Fact {
  return {
    type: "message_accepted",
    messageId,
    from,
    to: { kind: "agent", name: to },
    body: `body of ${messageId}`,
    mode: "wait",
    threadId: messageId,
    recipients: [to],
    ...more,
  };
}

export function attempted(
  messageId: string,
  agent: string,
  more: {
    readonly epoch?: number;
    readonly attempt?: number;
    readonly injection?: string;
    readonly route?: Route;
  } = {},
): Fact {
  const { epoch = 1, attempt = 1, injection = `${messageId}.${agent}.${epoch}.${attempt}`, route = "paste" } = more;
  return {
    type: "delivery_attempt_started",
    messageId,
    agent,
    epoch,
    attempt,
    route,
    possibleRepeat: false,
    injection,
  };
}

export function handedOver(messageId: string, agent: string, route: "paste" | "inbox" = "paste", epoch = 1): Fact {
  const evidence = route === "paste" ? "paste_drained" : "inbox_read";
  return { type: "delivery_handed_over", messageId, agent, epoch, attempt: 1, route, evidence, possibleRepeat: false };
}

/** The facts as the log has them, all at `t0`. */
export function noted(...facts: readonly Fact[]): readonly Noted[] {
  return facts.map((fact, index) => ({ fact, at: t0, sequence: index + 1 }));
}

/** The state that the facts lead to, with nothing left to be planned. */
export function stateAfter(...facts: readonly Fact[]): BrokerState {
  const state = noted(...facts).reduce(evolve, initialState());
  state.touched.clear();
  return state;
}

/** What becomes due for an agent at an instant. */
export function dueFor(state: BrokerState, agent: string, at: number): readonly Fact[] {
  state.touched.add(agent);
  return settle([], state, at).map((it) => it.fact);
}
