import { relayError } from "@agent-relay/protocol";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import type { Action } from "../core/actions.ts";
import type { Observation } from "../core/commands.ts";
import { agentPerformer, type AgentPerformer } from "./agent-performer.ts";
import { relayDouble, type RelayDouble } from "./testing/relay-double.ts";

type Start = Extract<Action, { do: "start_agent" }>;

const ada = "ada-1";
const start: Start = {
  do: "start_agent",
  key: "one#1:owner",
  step: "one",
  attempt: 1,
  part: "owner",
  name: ada,
  agent: { name: "ada", cli: "claude", role: "", interactive: true, channels: [], permissionMode: "auto" },
  prompt: "Do it.",
  commandId: "run/one#1:owner",
};
const release = { do: "release_agent", key: "end", name: ada, reason: "it is done" } as const;
const watch = {
  do: "watch_agent",
  key: "one#1:owner:watch",
  step: "one",
  attempt: 1,
  part: "owner",
  name: ada,
  epoch: 1,
  from: "start",
  since: 0,
} as const;
const exited = { type: "agent_exited", agent: ada, code: null, signal: null, output: "" };

function performing(
  taken: readonly string[] = [],
): RelayDouble & { readonly told: Observation[]; readonly agents: AgentPerformer } {
  const double = relayDouble();
  const told: Observation[] = [];
  const agents = agentPerformer({
    relay: double.relay,
    cwd: () => "/",
    env: {},
    teamOf: (agent) => `${agent}-team`,
    tell: (observation) => void told.push(observation),
    taken: { agents: new Set(taken) },
  });
  onTestFinished(() => agents.close());
  return Object.assign(double, { told, agents });
}

afterEach(() => {
  vi.useRealTimers();
});

test("A1: what one is to be told it is told, also if the broker is away for long", async () => {
  const double = performing();
  const sent: unknown[] = [];
  double.onSend = (message) => {
    sent.push(message);
    return sent.length === 1
      ? Promise.reject(relayError("broker_unreachable", "no broker answers"))
      : Promise.reject(relayError("unknown_agent", "nobody has the name"));
  };
  double.agents.begin({ ...start, do: "tell_agent", key: "tell", text: "Go on.", commandId: "run/tell" });
  await expect.poll(() => sent, { timeout: 2_000 }).toHaveLength(2);
  expect(sent[1]).toMatchObject({ to: ada, body: "Go on.", commandId: "run/tell" });
  // What is refused is not asked for again.
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(sent).toHaveLength(2);
});

test("A1: one that takes input has started", async () => {
  const { agents, told, spawned } = performing();
  agents.begin(start);
  await expect.poll(() => told).toEqual([{ type: "agent_started", agent: ada, epoch: 1 }]);
  expect(spawned).toMatchObject([{ name: ada, commandId: start.commandId }]);
});

test("A2: one that never gets ready is released, and then told as failed", async () => {
  const double = performing();
  const { agents, told, released } = double;
  double.onReady = () => Promise.reject(relayError("timeout", "it was not ready in time"));
  let atRelease: readonly Observation[] | undefined;
  double.onRelease = async () => void (atRelease = [...told]);
  agents.begin(start);
  await expect
    .poll(() => told)
    .toEqual([{ type: "agent_failed", agent: ada, message: expect.stringContaining("it was not ready in time") }]);
  expect([released, atRelease]).toEqual([[[ada, "it did not become ready for its step"]], []]);
});

test("A2: one that does not start in time may still do so, and is released before it is told as failed", async () => {
  const double = performing();
  const { agents, told, released } = double;
  double.onSpawn = async () => {
    double.know(ada, { state: "starting" });
    throw relayError("timeout", "it was expected to start");
  };
  agents.begin(start);
  await expect.poll(() => told).toMatchObject([{ type: "agent_failed", agent: ada }]);
  expect(released).toHaveLength(1);
});

test("A2: one that cannot be recorded for want of room is started once there is some, by the same command", async () => {
  const double = performing();
  const { agents, told, spawned } = double;
  double.onSpawn = async () => {
    if (spawned.length === 1) throw relayError("disk_full", "there is no room");
  };
  agents.begin(start);
  await expect.poll(() => told).toEqual([{ type: "agent_started", agent: ada, epoch: 1 }]);
  expect(spawned.map((it) => it.commandId)).toEqual([start.commandId, start.commandId]);
});

test("A2: what is to be told for which there is no room is told once there is some", async () => {
  const double = performing();
  const { agents, sent } = double;
  double.onSend = async () => {
    if (sent.length === 1) throw relayError("disk_full", "there is no room");
  };
  const { key, step, attempt } = start;
  agents.begin({ do: "tell_agent", key, step, attempt, name: ada, text: "Well?", commandId: "run/one#1:ask" });
  await expect.poll(() => sent).toHaveLength(2);
  expect(sent[1]).toEqual({ to: ada, body: "Well?", commandId: "run/one#1:ask" });
});

test("A2: one whose name somebody else has is left alone", async () => {
  const double = performing();
  const { agents, told, released } = double;
  double.onSpawn = () => Promise.reject(relayError("name_taken", "another has the name"));
  agents.begin(start);
  await expect.poll(() => told).toMatchObject([{ type: "agent_failed", agent: ada }]);
  expect(released).toEqual([]);
});

test.each(["onSpawn", "onReady"] as const)(
  "A2: one that is under way when the runner stops is left to the next: %s",
  async (at) => {
    const double = performing();
    const { agents, told, released } = double;
    let fail: ((error: Error) => void) | undefined;
    double[at] = () => new Promise((_resolve, reject) => (fail = reject));
    agents.begin(start);
    await expect.poll(() => fail).toBeDefined();
    const closed = agents.close();
    fail?.(relayError("cancelled", "nobody waits"));
    await closed;
    expect([told, released]).toEqual([[], []]);
  },
);

test("A2: one that is released has ended, once", async () => {
  const { agents, told, know, say } = performing();
  know(ada, {});
  agents.begin(watch);
  agents.begin(release);
  say({ type: "agent_exited", agent: ada, reason: "released", code: 0, signal: null });
  await expect.poll(() => told).toHaveLength(1);
  await new Promise(setImmediate);
  expect(told).toMatchObject([{ type: "agent_exited", agent: ada }]);
});

test("A2: one whose release is refused while it lives has not ended; it is asked again", async () => {
  const double = performing();
  const { agents, told, know, released } = double;
  know(ada, {});
  const refusals = [relayError("timeout", "its group is there still"), relayError("timeout", "and still")];
  double.onRelease = async () => {
    const refusal = refusals.shift();
    if (refusal !== undefined) throw refusal;
  };
  vi.useFakeTimers();
  agents.begin(release);
  await vi.advanceTimersByTimeAsync(1);
  expect([told, released.length]).toEqual([[], 1]);
  await vi.advanceTimersByTimeAsync(500);
  expect([told, released.length]).toEqual([[], 2]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect([told, released.length]).toEqual([[exited], 3]);
});

test.each([
  ["has ended already", { state: "ended", lastExit: { reason: "crash", code: 3, signal: null, at: 1 } } as const, 3],
  ["is not known", undefined, null],
])("A2: one that %s has nobody to be released", async (_name, view, code) => {
  const double = performing();
  const { agents, told, know, released } = double;
  if (view !== undefined) know(ada, view);
  double.onRelease = () => Promise.reject(relayError("agent_ended", "it has ended"));
  agents.begin(release);
  await expect.poll(() => told).toEqual([{ ...exited, code }]);
  expect(released).toHaveLength(1);
});

test("A2: a reason that is longer than the broker takes is shortened", async () => {
  const { agents, told, know, released } = performing();
  know(ada, {});
  agents.begin({ ...release, reason: "because ".repeat(200) });
  await expect.poll(() => told).toEqual([exited]);
  expect(released[0]?.[1]).toHaveLength(500);
});

test("A5: one that is released while it is looked at where it is to work is not spawned", async () => {
  const { agents, told, spawned } = performing();
  agents.begin({ ...start, part: "specialist" });
  agents.begin(release);
  await expect.poll(() => told).toEqual([exited]);
  await new Promise(setImmediate);
  expect(spawned).toEqual([]);
});

test("A5: one that is released while the broker spawns it is released once it is there", async () => {
  const double = performing();
  const { agents, told, released, spawned } = double;
  let there = (): void => undefined;
  double.onSpawn = () => new Promise((resolve) => (there = resolve));
  agents.begin(start);
  await expect.poll(() => spawned).toHaveLength(1);
  agents.begin(release);
  await new Promise(setImmediate);
  expect([told, released]).toEqual([[], []]);
  there();
  await expect.poll(() => told).toEqual([exited]);
  expect(released).toHaveLength(1);
});

const said = { type: "agent_said", agent: ada, text: "I have seen it" } as const;
const verdict = {
  type: "agent_verdict_submitted",
  agent: ada,
  step: "one",
  at: 1,
  verdict: { kind: "owner", decision: "COMPLETE" },
} as const;

test("A6: what an owner says in the turn in which it has decided is heard, and nothing else, until it has left", async () => {
  const double = performing();
  const { agents, told, know, say } = double;
  let leave = (): void => undefined;
  double.onRelease = () => new Promise((resolve) => (leave = resolve));
  know(ada, {});
  agents.begin({ ...watch, monitoring: true });
  say(verdict);
  await expect.poll(() => told.map(({ type }) => type)).toEqual(["verdict"]);
  agents.begin(release);
  say(said);
  say(verdict);
  say({ type: "agent_tokens_used", agent: ada, inputTokens: 1, outputTokens: 2 });
  say({ type: "agent_exited", agent: ada, reason: "released", code: 0, signal: null });
  await expect
    .poll(() => told.slice(1))
    .toMatchObject([
      { type: "evidence", text: "I have seen it" },
      { type: "tokens", tokens: 3 },
    ]);
  leave();
  await expect.poll(() => told.slice(3)).toMatchObject([{ type: "agent_exited", code: null }]);
});

test("A6: what it says after it has decided belongs to what it gave, also if that comes after its release", async () => {
  const double = performing();
  const { agents, told, know, say } = double;
  know(ada, {});
  agents.begin(watch);
  say(verdict);
  await expect.poll(() => told.map(({ type }) => type)).toEqual(["verdict"]);
  agents.begin(release);
  await new Promise(setImmediate);
  say(said);
  say({ type: "agent_exited", agent: ada, reason: "released", code: 0, signal: null });
  await expect.poll(() => told.slice(1)).toEqual([{ ...exited, output: said.text }]);
});

test("A6: what it gave before this runner came is known when it leaves", async () => {
  const { agents, told, know, say } = performing();
  know(ada, {});
  say(said);
  say(verdict);
  agents.begin(watch);
  agents.begin(release);
  say({ type: "agent_exited", agent: ada, reason: "released", code: 0, signal: null });
  await expect.poll(() => told.at(-1)).toEqual({ ...exited, output: said.text });
});

const gone = { type: "agent_exited", agent: ada, reason: "crash", code: 3, signal: null } as const;
const leave = { ...release, key: "leave", turnUntil: Date.now() + 60_000 } as const;

test("A7: one that has decided is asked to leave when its turn is over and what it said in it is known", async () => {
  const { agents, told, know, say, released } = performing();
  know(ada, { state: "working" });
  agents.begin(watch);
  say({ type: "agent_working", agent: ada });
  say(verdict);
  await expect.poll(() => told.map(({ type }) => type)).toEqual(["agent_working", "verdict"]);
  agents.begin(leave);
  await new Promise(setImmediate);
  expect(released).toEqual([]);
  know(ada, { state: "idle" });
  say({ type: "agent_turn_ended", agent: ada });
  await new Promise(setImmediate);
  expect(released).toEqual([]);
  say(said);
  await expect.poll(() => released).toEqual([[ada, release.reason]]);
  say({ type: "agent_exited", agent: ada, reason: "released", code: 0, signal: null });
  await expect.poll(() => told.at(-1)).toEqual({ ...exited, output: said.text });
});

test("A6: what one gave that was lost while no runner ran is known all the same", async () => {
  const double = performing();
  const { agents, told, know, say } = double;
  double.onRelease = () => Promise.reject(relayError("agent_ended", "it has ended"));
  know(ada, { state: "ended", pid: null, lastExit: { reason: "host_lost", code: null, signal: null, at: 1 } });
  say(said);
  say(verdict);
  say({ type: "agent_exited", agent: ada, reason: "host_lost", code: null, signal: null });
  agents.begin(watch);
  agents.begin(leave);
  await expect.poll(() => told).toEqual([{ ...exited, output: said.text }]);
});

test("A7: one that idles leaves at once", async () => {
  const { agents, know, released } = performing();
  know(ada, {});
  agents.begin(watch);
  agents.begin(leave);
  await expect.poll(() => released).toHaveLength(1);
});

test("A7: a turn that does not end is waited for until the instant that is given", async () => {
  const { agents, know, released } = performing();
  know(ada, { state: "working" });
  vi.useFakeTimers();
  agents.begin(watch);
  agents.begin({ ...leave, turnUntil: Date.now() + 30_000 });
  await vi.advanceTimersByTimeAsync(29_000);
  expect(released).toEqual([]);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(released).toHaveLength(1);
});

test("A7: one that ends instead has ended", async () => {
  const { agents, told, know, say } = performing();
  know(ada, { state: "working" });
  agents.begin(watch);
  agents.begin(leave);
  await new Promise(setImmediate);
  know(ada, { state: "ended", lastExit: { reason: "crash", code: 3, signal: null, at: 1 } });
  say({ type: "agent_exited", agent: ada, reason: "crash", code: 3, signal: null });
  await expect.poll(() => told).toMatchObject([{ type: "agent_exited", agent: ada }]);
});

test("A7: while its turn is waited for, it can be told to leave at once, and leaves once", async () => {
  const { agents, told, know, released } = performing();
  know(ada, { state: "working" });
  agents.begin(watch);
  agents.begin(leave);
  await new Promise(setImmediate);
  agents.callOff(leave.key);
  agents.begin(release);
  vi.useFakeTimers();
  await vi.advanceTimersByTimeAsync(60_000);
  expect([released, told]).toEqual([[[ada, release.reason]], [exited]]);
});

test("A7: the next runner goes on from one whose turn is waited for", async () => {
  const { agents, told, know, released } = performing();
  know(ada, { state: "working" });
  agents.begin(watch);
  agents.begin(leave);
  await new Promise(setImmediate);
  await agents.close();
  expect([released, told]).toEqual([[], []]);
});

/** It has gone, its attempt is over, and the next one has begun: the same name, another life. */
function beginsAgain(agents: AgentPerformer, off: readonly string[] = [watch.key, release.key]): void {
  for (const key of off) agents.callOff(key);
  agents.begin({ ...start, key: "one#2:owner", attempt: 2, commandId: "run/one#2:owner" });
}
const secondWatch = { ...watch, key: "one#2:owner:watch", attempt: 2, epoch: 2 } as const;

test("A8: what was to be done about one life ends nobody in the next", async () => {
  const { agents, told, know, say, released, spawned } = performing();
  know(ada, {});
  agents.begin(watch);
  say({ type: "agent_exited", agent: ada, reason: "crash", code: 3, signal: null });
  await expect.poll(() => told).toMatchObject([{ type: "agent_exited", code: 3 }]);
  // Its time had run out before that was heard.
  agents.begin(release);
  beginsAgain(agents);
  await expect.poll(() => spawned).toHaveLength(1);
  await expect.poll(() => told.slice(1)).toMatchObject([{ type: "agent_started" }]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect([told.length, released]).toEqual([2, []]);
});

test.each([
  ["fails", (_ready: () => void, fail: (error: Error) => void) => fail(relayError("agent_not_running", "it ended"))],
  ["is answered", (ready: () => void) => ready()],
])("A8: that the wait for one life %s late says nothing of the next", async (_name, settle) => {
  const double = performing();
  const { agents, told, released, spawned } = double;
  let late = (): void => undefined;
  let ready = (): void => undefined;
  double.onReady = () => {
    double.onReady = () => new Promise((resolve) => (ready = resolve));
    return new Promise((resolve, reject) => (late = () => settle(resolve, reject)));
  };
  agents.begin(start);
  await expect.poll(() => spawned).toHaveLength(1);
  agents.begin(release);
  await expect.poll(() => told).toEqual([exited]);
  beginsAgain(agents);
  await expect.poll(() => spawned).toHaveLength(2);
  await new Promise(setImmediate);
  late();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect([told, released.length]).toEqual([[exited], 1]);
  ready();
  await expect.poll(() => told.at(-1)).toMatchObject({ type: "agent_started" });
});

test("A8: what one life gave is not what the next has given", async () => {
  const { agents, told, know, say, spawned } = performing();
  know(ada, {});
  agents.begin(watch);
  say(said);
  say({ type: "agent_exited", agent: ada, reason: "host_lost", code: null, signal: null });
  await expect.poll(() => told).toEqual([{ type: "agent_lost", agent: ada }]);
  expect(agents.shown(ada)).toBe(said.text);
  beginsAgain(agents);
  await expect.poll(() => spawned).toHaveLength(1);
  know(ada, { epoch: 2 });
  agents.begin(secondWatch);
  expect(agents.shown(ada)).toBe("");
  say({ type: "agent_exited", agent: ada, epoch: 2, reason: "exited", code: 0, signal: null });
  await expect.poll(() => told.at(-1)).toEqual({ ...exited, code: 0 });
});

test.each([
  ["was lost", async ({ say }: RelayDouble) => say({ ...gone, reason: "host_lost" })],
  ["left", async ({ say }: RelayDouble) => say(gone)],
])("A8: of one that %s nothing more is told when it is released afterwards", async (_name, ends) => {
  const double = performing();
  const { agents, told, know, released } = double;
  know(ada, {});
  agents.begin(watch);
  await ends(double);
  await expect.poll(() => told).toHaveLength(1);
  agents.begin(release);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect([told.length, released]).toEqual([1, []]);
});

test("A8: one that was found lost is not released, and has no other end", async () => {
  const { agents, told, released } = performing([ada]);
  expect(await agents.examine({ what: "agent", agent: ada, epoch: 1 })).toEqual({ type: "agent_lost", agent: ada });
  agents.begin(release);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect([told, released]).toEqual([[], []]);
});

test("A8: one that is released while it fails to start has one end", async () => {
  const double = performing();
  const { agents, told, released } = double;
  double.onReady = () => Promise.reject(relayError("timeout", "it was not ready in time"));
  const leaves: (() => void)[] = [];
  double.onRelease = () => new Promise((resolve) => leaves.push(resolve));
  agents.begin(start);
  await expect.poll(() => released).toHaveLength(1);
  agents.begin(release);
  await expect.poll(() => released).toHaveLength(2);
  for (const leave of leaves) leave();
  await expect.poll(() => told).toEqual([exited]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(told).toHaveLength(1);
});

test("A8: one that could not be started has one end", async () => {
  const double = performing();
  const { agents, told } = double;
  double.onSpawn = () => Promise.reject(relayError("spawn_failed", "no such program"));
  agents.begin(start);
  await expect.poll(() => told).toMatchObject([{ type: "agent_failed" }]);
  agents.begin(release);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(told).toHaveLength(1);
});

test("A4: a life that this runner began is heard from its beginning, though it found the one before", async () => {
  const { agents, told, know, say, askedFrom, spawned } = performing([ada]);
  know(ada, {});
  agents.begin(watch);
  say(gone);
  await expect.poll(() => told).toHaveLength(1);
  beginsAgain(agents);
  await expect.poll(() => spawned).toHaveLength(1);
  agents.begin({ ...secondWatch, monitoring: true });
  expect(askedFrom).toEqual([0, 1]);
});

test("A6: of one that is known by its terminal counts what that showed when it was asked to leave, all of it", async () => {
  const double = performing();
  const { agents, told, know, say, show } = double;
  know(ada, {});
  show(ada, "the first half\r\n");
  agents.begin(watch);
  await expect.poll(() => agents.shown(ada)).toBe("the first half");
  double.isShowing = false;
  show(ada, "and the last\r\n");
  double.onRelease = async () => {
    show(ada, "\u001b[3J\u001b[2J\u001b[Hbye\r\n");
    say({ ...gone, reason: "released" });
  };
  agents.begin(leave);
  setTimeout(() => (double.isShowing = true), 50);
  await expect.poll(() => told.at(-1)).toMatchObject({ type: "agent_exited", output: "the first half\nand the last" });
});

test("A7: one whose turn has just ended is asked to leave when what it said in it is known", async () => {
  const { agents, told, know, say, released } = performing();
  know(ada, {});
  agents.begin(watch);
  say({ type: "agent_working", agent: ada });
  say(verdict);
  say({ type: "agent_turn_ended", agent: ada });
  await expect.poll(() => told.map(({ type }) => type)).toEqual(["agent_working", "verdict"]);
  await new Promise(setImmediate);
  agents.begin(leave);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(released).toEqual([]);
  say(said);
  await expect.poll(() => released).toHaveLength(1);
});

test("A6: what a reviewer says after it has decided is not heard: it may be about another step", async () => {
  const { agents, told, know, say } = performing();
  know(ada, {});
  const reviewing = { ...watch, part: "reviewer", key: "review", monitoring: true } as const;
  agents.begin(reviewing);
  say(verdict);
  await expect.poll(() => told.map(({ type }) => type)).toEqual(["verdict"]);
  agents.callOff(reviewing.key);
  say(said);
  await new Promise(setImmediate);
  expect(told).toHaveLength(1);
});
