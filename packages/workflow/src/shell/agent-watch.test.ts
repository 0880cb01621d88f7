import { relayError } from "@agent-relay/protocol";
import type { Relay } from "@agent-relay/sdk";
import { expect, onTestFinished, test } from "vitest";
import type { Observation } from "../core/commands.ts";
import { watchAgent, type AgentWatch } from "./agent-watch.ts";
import { relayDouble, type RelayDouble } from "./testing/relay-double.ts";

const ada = "ada-1";

interface Watching {
  /** On its terminal before it is watched. */
  readonly shown?: string;
  /** What the broker answers otherwise. */
  readonly change?: (relay: Relay) => Partial<Relay>;
}

function watching({ shown, change = () => ({}) }: Watching = {}): RelayDouble & {
  readonly told: Observation[];
  readonly watch: AgentWatch;
} {
  const double = relayDouble();
  double.know(ada, {});
  if (shown !== undefined) double.show(ada, shown);
  const told: Observation[] = [];
  const watch = watchAgent(
    {
      do: "watch_agent",
      key: "one#1:specialist:watch",
      step: "one",
      attempt: 1,
      part: "specialist",
      name: ada,
      epoch: 1,
      from: "start",
      since: 0,
    },
    {
      relay: { ...double.relay, ...change(double.relay) },
      tell: (observation) => void told.push(observation),
      startedFrom: 0,
    },
  );
  onTestFinished(() => watch.stop());
  return Object.assign(double, { told, watch });
}

const exit = { type: "agent_exited", agent: ada, reason: "crash", code: 3, signal: null } as const;
const working = { type: "agent_working", agent: ada } as const;
const lost = { type: "agent_lost", agent: ada };

test("AW5: one whose program ended has ended, and is not lost", async () => {
  const { say, told, watch } = watching();
  say(exit);
  expect(await watch.done).toMatchObject({ code: 3, signal: null });
  expect(told).toEqual([]);
});

test("AW5: one that went with what it ran in is lost, and has not ended", async () => {
  const { say, told, watch } = watching();
  say({ ...exit, reason: "host_lost", code: null });
  expect(await watch.done).toBeUndefined();
  expect(told).toEqual([lost]);
});

test("AW5: the end of another life of it is not its own", async () => {
  const { say, told, watch } = watching();
  say({ ...exit, epoch: 2, reason: "host_lost" });
  say(exit);
  expect(await watch.done).toMatchObject({ code: 3 });
  expect(told).toEqual([]);
});

test("AW5: one that lives when its events break off is followed on from where they were", async () => {
  const { say, breakOff, askedFrom, told, watch } = watching();
  say(working);
  await expect.poll(() => told).toHaveLength(1);
  breakOff();
  await expect.poll(() => askedFrom).toEqual([0, 1]);
  say(working);
  await expect.poll(() => told).toHaveLength(2);
  say(exit);
  expect(await watch.done).toMatchObject({ code: 3 });
  expect(told.map(({ type }) => type)).toEqual(["agent_working", "agent_working"]);
});

test("AW5: one that ended while its events were broken off has ended", async () => {
  const { say, know, breakOff, told, watch } = watching();
  await Promise.resolve();
  breakOff();
  know(ada, { state: "ended", pid: null, lastExit: { reason: "crash", code: 3, signal: null, at: 1 } });
  say(exit);
  expect(await watch.done).toMatchObject({ code: 3 });
  expect(told).toEqual([]);
});

test.each([
  ["of which the broker knows nothing", undefined],
  ["of which nothing runs, and no end is known", { pid: null, lastExit: null }],
])("AW5: one %s when its events break off is lost", async (_name, view) => {
  const { know, forget, breakOff, askedFrom, told, watch } = watching();
  if (view === undefined) forget(ada);
  else know(ada, view);
  await expect.poll(() => askedFrom).toEqual([0]);
  breakOff();
  expect(await watch.done).toBeUndefined();
  expect(told).toEqual([lost]);
});

test("AW4: what was shown before the end counts, though its output stands still for seconds", async () => {
  const it = watching({ shown: "the first, " });
  await expect.poll(() => it.watch.shown()).toContain("the first");
  it.isShowing = false;
  it.show(ada, "the last words");
  it.say(exit);
  setTimeout(() => (it.isShowing = true), 2_600);
  await it.watch.done;
  expect(it.watch.shown()).toContain("the last words");
});

test("AW4: what of its output is kept for nobody is not waited for", async () => {
  const it = watching({ shown: "the first, " });
  await expect.poll(() => it.watch.shown()).toContain("the first");
  it.isForgetting = true;
  it.show(ada, "the middle, ");
  await it.watch.caughtUp();
  it.isForgetting = false;
  it.show(ada, "the last words");
  await it.watch.caughtUp();
  expect(it.watch.shown()).toBe("the first, the last words");
}, 20_000);

test("AW6: one whose turn has ended with nothing left to do idles", async () => {
  const { say, told } = watching();
  say({ type: "agent_said", agent: ada, text: "done" });
  say({ type: "agent_turn_ended", agent: ada });
  await expect.poll(() => told.map(({ type }) => type)).toEqual(["agent_idle"]);
});

test("AW6: one whose turn has ended with mail that waits for it does not idle, until that is a dead letter", async () => {
  const { know, say, told } = watching();
  know(ada, { pending: 1 });
  say({ type: "agent_said", agent: ada, text: "done" });
  say({ type: "agent_turn_ended", agent: ada });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(told).toEqual([]);
  know(ada, { pending: 0 });
  say({ type: "delivery_dead_lettered", agent: ada });
  await expect.poll(() => told.map(({ type }) => type)).toEqual(["agent_idle"]);
  say({ type: "delivery_dead_lettered", agent: ada });
  say(exit);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(told).toHaveLength(1);
});

test("AW6: one that works when its mail becomes a dead letter does not idle", async () => {
  const { say, told } = watching();
  say(working);
  say({ type: "delivery_dead_lettered", agent: ada });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(told.map(({ type }) => type)).toEqual(["agent_working"]);
});

test("AW6: one whose turn has ended while the broker was away for long idles", async () => {
  let asked = 0;
  const change = ({ agent }: Relay): Partial<Relay> => ({
    agent: (name) => ({
      ...agent(name),
      info: () =>
        (asked += 1) === 1 ? Promise.reject(relayError("broker_unreachable", "no broker answers")) : agent(name).info(),
    }),
  });
  const { say, told } = watching({ change });
  say({ type: "agent_said", agent: ada, text: "done" });
  say({ type: "agent_turn_ended", agent: ada });
  await expect.poll(() => told.map(({ type }) => type)).toEqual(["agent_idle"]);
});

test("one that nobody watches any more is not spoken of", async () => {
  const { forget, breakOff, askedFrom, told, watch } = watching();
  forget(ada);
  await expect.poll(() => askedFrom).toEqual([0]);
  breakOff();
  watch.stop();
  expect(await watch.done).toBeUndefined();
  expect(told).toEqual([]);
});
