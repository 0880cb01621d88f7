import { fakePtyHost } from "@agent-relay/pty/testing";
import { LaunchSpec, type Fact } from "@agent-relay/protocol";
import { sequentialIds, SimulatedClock } from "@agent-relay/testkit";
import { expect, test } from "vitest";
import type { BrokerCommand } from "../core/commands.ts";
import { scriptedHarnesses } from "../testing/scripted-harnesses.ts";
import { openWorld, type World } from "../testing/world.ts";
import { createIncarnations, type Incarnations } from "./incarnations.ts";

const exitsOf = (world: World): readonly string[] =>
  world.facts().flatMap((it) => (it.type === "agent_exited" ? [`${it.agent}@${it.epoch} ${it.reason}`] : []));
const typesOf = (world: World, agent: string): readonly Fact["type"][] =>
  world.facts().flatMap((it) => ("agent" in it && it.agent === agent ? [it.type] : []));
const statusOf = (world: World, agent: string): string | undefined => world.state().agents.get(agent)?.status;
const terminalsOf = (world: World): readonly string[] => [...world.host.terminals.keys()].sort();
const terminal = (id: string) => ({ id, argv: ["turns"] as const, env: {}, cwd: "/", cols: 80, rows: 24 });

test("I4: when the host dies every agent has exited with it, and then policy decides", async () => {
  const world = await openWorld();
  await world.spawn("ada", { cli: "turns", restart: { when: "never" } });
  await world.spawn("ben", { cli: "turns", restart: { when: "on-crash", delayMs: 1_000 } });
  await world.crashHost();
  expect(exitsOf(world)).toEqual(["ada@1 host_lost", "ben@1 host_lost"]);
  await world.pass(2_000);
  expect([statusOf(world, "ada"), statusOf(world, "ben")]).toEqual(["exited", "idle"]);
  expect(terminalsOf(world)).toEqual(["ben@2"]);
});

test("I4: a host that cannot be reached after a restart is the end of who was in it", async () => {
  const world = await openWorld();
  await world.spawn("ada", { cli: "turns", restart: { when: "never" } });
  await world.spawn("ben", { cli: "turns", restart: { when: "on-crash", delayMs: 1_000 } });
  await world.send("c1", "operator", "ada", "one");
  world.loseHosts(100);
  await world.restart();
  expect(exitsOf(world)).toEqual(["ada@1 host_lost", "ben@1 host_lost"]);
  world.loseHosts(0);
  await world.pass(2_000);
  // It lived after all, but was reported as gone: one agent, one process.
  expect(terminalsOf(world)).toEqual(["ben@2"]);
});

test("I5: terminals that no live incarnation claims are ended and forgotten at the start", async () => {
  const world = await openWorld();
  await world.spawn("ada", { cli: "turns" });
  await world.host.spawn(terminal("ghost@1"));
  await world.host.spawn(terminal("ada@7"));
  await world.host.spawn(terminal("not one of ours"));
  await world.restart();
  expect(terminalsOf(world)).toEqual(["ada@1"]);
  expect(exitsOf(world)).toEqual([]);
});

test("I5: an end that was recorded but not forgotten is forgotten at the next start", async () => {
  const world = await openWorld();
  await world.spawn("ada", { cli: "turns" });
  await world.exits("ada", { code: 0 });
  await world.host.spawn(terminal("ada@1"));
  world.host.exit("ada@1", { code: 0 });
  await world.restart();
  expect(terminalsOf(world)).toEqual([]);
  expect(exitsOf(world)).toEqual(["ada@1 clean"]);
});

test("an exit while no broker ran is recorded by the next one", async () => {
  const world = await openWorld();
  await world.spawn("ada", { cli: "turns", restart: { when: "never" } });
  world.host.severClients();
  world.host.exit("ada@1", { code: 1 });
  await world.restart();
  expect(exitsOf(world)).toEqual(["ada@1 crash"]);
  expect(terminalsOf(world)).toEqual([]);
});

test("a release does not wait for an injection that hangs, and the message becomes a dead letter", async () => {
  const world = await openWorld();
  await world.spawn("ada", { cli: "turns" });
  world.host.stopReading("ada@1");
  await world.send("c1", "operator", "ada", "never read");
  await world.settle();
  await world.ask("c2", (at) => ({ type: "agent.end", name: "ada", how: "kill", by: "operator", at }));
  await world.pass(1_000);
  expect(typesOf(world, "ada").slice(-6)).toEqual([
    "delivery_attempt_started",
    "agent_releasing",
    "delivery_uncertain",
    "agent_exited",
    "agent_released",
    "delivery_dead_lettered",
  ]);
});

test("W1: an end that could not be recorded is recorded once the disk has room, and its terminal is kept until then", async () => {
  const world = await openWorld();
  await world.spawn("ada", { cli: "turns", restart: { when: "never" } });
  world.log.failAppends({ code: "disk_full", times: 3 });
  await world.exits("ada", { signal: "SIGKILL" });
  expect([exitsOf(world), terminalsOf(world)]).toEqual([[], ["ada@1"]]);
  await world.pass(10_000);
  expect([exitsOf(world), terminalsOf(world)]).toEqual([["ada@1 signal"], []]);
});

test("W1: what a program showed while the disk was full arrives in order", async () => {
  const world = await openWorld();
  await world.spawn("ada", { cli: "turns" });
  world.log.failAppends({ code: "disk_full", times: 1 });
  await world.shows("ada", "<working>");
  await world.shows("ada", "<idle>");
  await world.pass(3_000);
  expect(typesOf(world, "ada").slice(-2)).toEqual(["agent_working", "agent_turn_ended"]);
});

test("a program that cannot be started has exited with a startup failure that says why", async () => {
  const world = await openWorld();
  world.host.failSpawns(() => "no more processes");
  await world.spawn("ada", { cli: "turns" });
  expect(world.facts().find((it) => it.type === "agent_exited")).toMatchObject({
    reason: "startup_failure",
    lastLines: ["no more processes"],
  });
});

/** Incarnations alone, over a host whose answers a test can change. */
function alone(change: (host: ReturnType<typeof fakePtyHost>) => object): {
  readonly host: ReturnType<typeof fakePtyHost>;
  readonly incarnations: Incarnations;
  readonly reports: BrokerCommand[];
} {
  const host = fakePtyHost();
  const reports: BrokerCommand[] = [];
  const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
  const incarnations = createIncarnations({
    openHost: () => Promise.resolve({ ...host, ...change(host) }),
    harnesses: scriptedHarnesses,
    clock: new SimulatedClock(0),
    ids: sequentialIds(),
    logger: quiet,
    logs: {
      end: () => Promise.resolve(0),
      append: () => undefined,
      finish: () => undefined,
      close: () => Promise.resolve(),
      read: (_name, _epoch, from) => Promise.resolve({ offset: from, data: new Uint8Array() }),
      newestEpoch: () => Promise.resolve(undefined),
    },
    renderInjection: () => "",
    isLive: () => true,
    submit: (command) => Promise.resolve(reports.push(command)),
  });
  return { host, incarnations, reports };
}

const settled = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });
const reattach = {
  type: "reattach",
  name: "ada",
  epoch: 1,
  launch: LaunchSpec.parse({ cli: "turns" }),
  harness: "turns",
  spawned: true,
  ready: true,
} as const;

test("I3: an end that comes right behind the host's list is not missed", async () => {
  const { host, incarnations, reports } = alone((it) => ({
    list: async () => {
      const list = await it.list();
      it.exit("ada@1", { code: 0 });
      return list;
    },
  }));
  await host.spawn(terminal("ada@1"));
  incarnations.perform(reattach);
  await settled();
  expect(reports.map((it) => it.type)).toEqual(["incarnation.exited"]);
});

test("I3: what is printed while the past is read is taken in once, after it", async () => {
  const { host, incarnations, reports } = alone((it) => ({
    read: async (id: string, from: number) => {
      const past = await it.read(id, from);
      it.emitOutput(id, "<idle>");
      return past;
    },
  }));
  await host.spawn(terminal("ada@1"));
  host.emitOutput("ada@1", "<ready><working>");
  incarnations.perform(reattach);
  await settled();
  expect(reports.map((it) => (it.type === "incarnation.observed" ? it.observation.type : it.type))).toEqual([
    "working",
    "turn_ended",
  ]);
});

test("I6: a hook that is posted before its incarnation is found again waits for that, and is not refused", async () => {
  const { host, incarnations } = alone(() => ({}));
  await host.spawn(terminal("ada@1"));
  const early = incarnations.signal("ada", 1, { type: "turn_started" }, "hook");
  const stranger = incarnations.signal("ben", 1, { type: "turn_started" }, "hook");
  const outcomes = Promise.allSettled([early, stranger]);
  await settled();
  incarnations.perform(reattach);
  incarnations.recovered();
  const late = incarnations.signal("ada", 1, { type: "turn_ended" }, "hook");
  expect(await outcomes).toMatchObject([
    { status: "fulfilled" },
    { status: "rejected", reason: { code: "agent_not_running" } },
  ]);
  await expect(late).resolves.toBeDefined();
});
