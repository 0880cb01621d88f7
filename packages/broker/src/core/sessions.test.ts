import { LaunchSpec, type Fact } from "@agent-relay/protocol";
import { expect, test } from "vitest";
import {
  accepted,
  attempted,
  blocked,
  dueFor,
  exited,
  handedOver,
  ready,
  remembers,
  running,
  sessionStarted,
  spawned,
  spawning,
  stateAfter,
  t0,
  talks,
  turnEnded,
  turns,
  working,
} from "../testing/stories.ts";
import { judge, settle } from "./broker.ts";
import type { BrokerCommand, Observation } from "./commands.ts";
import { react, recover } from "./effects.ts";
import type { BrokerState } from "./state.ts";

const restarting = (epoch = 1): Fact => ({
  type: "agent_restarting",
  agent: "ada",
  epoch,
  attempt: epoch,
  delayMs: 1_000,
  restartAt: t0 + 1_000,
});
const crashed = (epoch = 1): readonly Fact[] => [exited("ada", "crash", "crash", epoch), restarting(epoch)];
const began = (sessionId: string, epoch = 1): Fact => sessionStarted("ada", sessionId, epoch);
const life = (...facts: readonly Fact[]): readonly Fact[] => [...running("ada", remembers), ...facts];

/** The conversation that the next incarnation continues. */
function resumed(...history: readonly Fact[]): string | undefined {
  const [next] = dueFor(stateAfter(...history), "ada", t0 + 1_000);
  if (next?.type !== "agent_spawning") throw new Error(`expected a restart, found ${next?.type ?? "nothing"}`);
  return next.resume;
}

test("a restart continues the conversation that was cut off", () => {
  expect(resumed(...life(began("one"), working("ada"), ...crashed()))).toBe("one");
  expect(resumed(...life(working("ada"), began("one"), turnEnded("ada"), ...crashed()))).toBe("one");
});

test("a conversation without a turn is not continued: there is nothing in it", () => {
  expect(resumed(...life(began("one"), ...crashed()))).toBeUndefined();
  expect(resumed(...life(working("ada"), ...crashed()))).toBeUndefined();
});

test("a program that cannot continue a conversation starts a new one", () => {
  expect(resumed(...running("ada", turns), began("one"), working("ada"), ...crashed())).toBeUndefined();
});

test("the conversation goes on over many lives, also if the last one had no turn", () => {
  const second = [spawning("ada", 2, remembers, 1, "one"), spawned("ada", 2), ready("ada", 2)];
  const history = [...life(began("one"), working("ada"), ...crashed()), ...second];
  expect(resumed(...history, ...crashed(2))).toBe("one");
  expect(resumed(...history, began("one", 2), ...crashed(2))).toBe("one");
});

test("a program that goes on under a new id is continued under it from its first turn on", () => {
  const second = [spawning("ada", 2, remembers, 1, "one"), spawned("ada", 2), ready("ada", 2), began("two", 2)];
  const history = [...life(began("one"), working("ada"), ...crashed()), ...second];
  expect(resumed(...history, ...crashed(2))).toBe("one");
  expect(resumed(...history, working("ada", 2), ...crashed(2))).toBe("two");
});

test("a conversation that was given up for a new one does not come back", () => {
  const cleared = life(began("one"), working("ada"), turnEnded("ada"), began("two"));
  expect(resumed(...cleared, ...crashed())).toBeUndefined();
  expect(resumed(...cleared, working("ada"), ...crashed())).toBe("two");
});

test("a conversation that could not be continued is given up", () => {
  const second = [spawning("ada", 2, remembers, 1, "one"), exited("ada", "startup_failure", "crash", 2), restarting(2)];
  expect(resumed(...life(began("one"), working("ada"), ...crashed()), ...second)).toBeUndefined();
});

test("a start that failed for its own reasons costs nothing: there was no conversation to continue", () => {
  expect(
    resumed(...running("ada", remembers).slice(0, 2), exited("ada", "startup_failure", "crash"), restarting(1)),
  ).toBeUndefined();
});

test("a program that fails to start after all, but not for its conversation's sake, goes on with it", () => {
  const failed = [exited("ada", "startup_failure", "crash"), restarting()];
  expect(resumed(...life(began("one"), working("ada"), ...failed))).toBe("one");
});

test("a conversation whose context is exhausted is never continued", () => {
  expect(
    resumed(...life(began("one"), working("ada"), exited("ada", "context_exhausted", "crash"), restarting())),
  ).toBeUndefined();
});

test("a new spawn by somebody is a new conversation", () => {
  const state = stateAfter(...life(began("one"), working("ada"), exited("ada", "clean", "normal")));
  const decision = judge(
    {
      type: "agent.spawn",
      name: "ada",
      launch: LaunchSpec.parse({ cli: "program" }),
      harness: undefined,
      runtime: "pty",
      traits: remembers,
      by: "operator",
      taskMessageId: "msg_task000000",
      at: t0,
    },
    state,
  );
  const spawn = decision.accepted ? decision.events.find((it) => it.type === "agent_spawning") : undefined;
  expect(spawn).toMatchObject({ epoch: 2 });
  expect(spawn).not.toHaveProperty("resume");
  if (decision.accepted) settle([...decision.events, ...crashed(2)], state, t0);
  expect(dueFor(state, "ada", t0 + 1_000)[0]).not.toHaveProperty("resume");
});

test("the runtime and the conversation of a restart reach whoever starts the program", () => {
  const state = stateAfter(...running("ada", talks), began("one"), working("ada"), ...crashed());
  state.touched.add("ada");
  const facts = settle([], state, t0 + 1_000);
  expect(react(facts, state)).toMatchObject([{ type: "spawn", epoch: 2, runtime: "headless", resume: "one" }]);
  expect(recover(state)[1]).toMatchObject({ type: "reattach", runtime: "headless", resume: "one", sessionId: "one" });
});

test("after a restart of the broker it is known whether a turn runs, whose end nobody else may tell", () => {
  expect(recover(stateAfter(...life(working("ada"))))[1]).toMatchObject({ working: true, ready: true });
  expect(recover(stateAfter(...life(working("ada"), turnEnded("ada"))))[1]).toMatchObject({ working: false });
});

function exitOf(...history: readonly Fact[]): Fact | undefined {
  const command: BrokerCommand = {
    type: "incarnation.exited",
    name: "ada",
    epoch: 1,
    reason: "crash",
    code: 1,
    signal: null,
    lastLines: [],
    chance: 0,
    at: t0 + 5_000,
  };
  const decision = judge(command, stateAfter(...history));
  return decision.accepted ? decision.events.find((it) => it.type === "agent_exited") : undefined;
}

const m = (index: number): string => `msg_${String(index).padStart(10, "0")}`;
const delivered = (index: number): readonly Fact[] => [
  accepted(m(index), "ben", "ada"),
  attempted(m(index), "ada"),
  handedOver(m(index), "ada"),
];

test("an exit tells what was cut off: the status, since when, and the messages of the turn", () => {
  expect(exitOf(...life(...delivered(1), working("ada")))).toMatchObject({
    doing: { status: "working", since: t0, messageIds: [m(1)] },
  });
  expect(exitOf(...life(...delivered(1), working("ada"), blocked("ada")))).toMatchObject({
    doing: { status: "blocked", messageIds: [m(1)] },
  });
});

test("an exit between turns tells of no message, nor does a turn of the messages of one before", () => {
  const turn = [...delivered(1), working("ada"), turnEnded("ada")];
  expect(exitOf(...life(...turn))).toMatchObject({ doing: { status: "idle", messageIds: [] } });
  expect(exitOf(...life(...turn, working("ada")))).toMatchObject({ doing: { messageIds: [] } });
  expect(exitOf(...life(...turn, ...delivered(2), working("ada")))).toMatchObject({ doing: { messageIds: [m(2)] } });
});

test("a message that had gone in without showing a turn is not told as the turn's", () => {
  expect(exitOf(...life(...delivered(1)))).toMatchObject({ doing: { status: "idle", messageIds: [] } });
});

test("a message whose turn was over before its write was confirmed belongs to no later turn", () => {
  const [sent, begun, confirmed] = delivered(1);
  const history = [sent, begun, working("ada"), turnEnded("ada"), confirmed].flatMap((it) => it ?? []);
  expect(exitOf(...life(...history, working("ada")))).toMatchObject({ doing: { messageIds: [] } });
});

test("an exit before readiness tells that it was starting", () => {
  expect(exitOf(...running("ada").slice(0, 3))).toMatchObject({ doing: { status: "starting", messageIds: [] } });
});

test("at most the newest sixty-four messages of a turn are told", () => {
  const many = Array.from({ length: 70 }, (_, index) => delivered(index)).flat();
  const exit = exitOf(...running("ada", talks), working("ada"), ...many);
  expect(exit?.type === "agent_exited" && exit.doing?.messageIds).toEqual(
    Array.from({ length: 64 }, (_, index) => m(index + 6)),
  );
});

function observe(state: BrokerState, observation: Observation): readonly Fact[] {
  const decision = judge({ type: "incarnation.observed", name: "ada", epoch: 1, observation, at: t0 }, state);
  if (!decision.accepted) throw new Error("refused");
  settle(decision.events, state, t0);
  return decision.events;
}
const exact = { source: "hook", fidelity: "exact" } as const;

test("O1: a conversation is told once for each id", () => {
  const state = stateAfter(...life());
  const seen = ["one", "one", "two", "one"].flatMap((sessionId) =>
    observe(state, { type: "session", sessionId, ...exact }),
  );
  expect(seen.map((it) => it.type === "agent_session_started" && it.sessionId)).toEqual(["one", "two", "one"]);
});

test("tokens are told as they were counted, and nothing used is nothing told", () => {
  const state = stateAfter(...life());
  const used = {
    type: "tokens",
    inputTokens: 10,
    cachedInputTokens: 8,
    outputTokens: 2,
    model: "opus",
    ...exact,
  } as const;
  expect(observe(state, used)).toEqual([
    {
      type: "agent_tokens_used",
      agent: "ada",
      epoch: 1,
      inputTokens: 10,
      cachedInputTokens: 8,
      outputTokens: 2,
      model: "opus",
      source: "hook",
    },
  ]);
  expect(observe(state, { ...used, inputTokens: 0, cachedInputTokens: 0, outputTokens: 0 })).toEqual([]);
});

test("the version of a program is told with its start, and forgotten with its end", () => {
  const state = stateAfter(...running("ada").slice(0, 2));
  const decision = judge(
    {
      type: "incarnation.spawned",
      name: "ada",
      epoch: 1,
      pid: 7,
      startedAt: t0,
      cwd: "/",
      originActor: undefined,
      permissionMode: "ask",
      version: "2.1.329",
      versionTried: false,
      at: t0,
    },
    state,
  );
  if (!decision.accepted) throw new Error("refused");
  expect(decision.events[0]).toMatchObject({ type: "agent_spawned", version: "2.1.329", versionTried: false });
  settle([...decision.events], state, t0);
  expect(state.agents.get("ada")).toMatchObject({ version: "2.1.329", versionTried: false });
  settle([exited("ada", "crash", "crash"), spawning("ada", 2)], state, t0);
  expect(state.agents.get("ada")).toMatchObject({ version: undefined, versionTried: undefined });
});
