import { fakePtyHost } from "@agent-relay/pty/testing";
import { LaunchSpec, type Fact } from "@agent-relay/protocol";
import { sequentialIds, SimulatedClock } from "@agent-relay/testkit";
import { expect, test } from "vitest";
import type { BrokerCommand } from "../core/commands.ts";
import { newAgent, type Agent } from "../core/state.ts";
import { scriptedHarnesses } from "../testing/scripted-harnesses.ts";
import { openWorld, type World } from "../testing/world.ts";
import type { Harnesses } from "./harness-port.ts";
import { createIncarnations, type Incarnations } from "./incarnations.ts";
import type { TerminalLogs } from "./terminal-log.ts";
import { noLogs } from "../testing/no-logs.ts";
import { quiet } from "../testing/quiet.ts";

const exitsOf = (world: World): readonly string[] =>
  world.facts().flatMap((it) => (it.type === "agent_exited" ? [`${it.agent}@${it.epoch} ${it.reason}`] : []));
const typesOf = (world: World, agent: string): readonly Fact["type"][] =>
  world.facts().flatMap((it) => ("agent" in it && it.agent === agent ? [it.type] : []));
const statusOf = (world: World, agent: string): string | undefined => world.state().agents.get(agent)?.status;
const terminalsOf = (world: World): readonly string[] => [...world.host.terminals.keys()].sort();
const terminal = (id: string) => ({
  id,
  argv: ["turns"] as const,
  env: {},
  cwd: "/",
  stdio: "terminal" as const,
  cols: 80,
  rows: 24,
});

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

const draftsOf = (world: World): readonly Fact["type"][] =>
  world.facts().flatMap((it) => (it.type.startsWith("agent_draft_") ? [it.type] : []));

test("what a person has begun to type keeps mail away until it is sent", async () => {
  const world = await openWorld();
  await world.spawn("ada", { cli: "turns" });
  await world.types("ada", "hel");
  await world.types("ada", "lo");
  await world.send("c1", "operator", "ada", "mail");
  await world.settle();
  expect(world.arrivals).toEqual([]);
  await world.types("ada", "\r");
  await world.settle();
  expect(world.arrivals.map((it) => it.body)).toEqual(["mail"]);
  expect(draftsOf(world)).toEqual(["agent_draft_begun", "agent_draft_ended"]);
});

test("a draft that was begun under an earlier broker ends by Enter, and not by a key that proves nothing", async () => {
  const world = await openWorld();
  await world.spawn("ada", { cli: "turns" });
  await world.types("ada", "hello");
  await world.restart();
  await world.types("ada", "\u001b[D");
  await world.types("ada", "\u007f");
  expect(draftsOf(world)).toEqual(["agent_draft_begun"]);
  await world.types("ada", "\r");
  expect(draftsOf(world)).toEqual(["agent_draft_begun", "agent_draft_ended"]);
});

test("a draft that the core knows to be gone is not held against the next keys", async () => {
  const world = await openWorld();
  await world.spawn("ada", { cli: "turns" });
  await world.types("ada", "typed while it works, and sent by the program itself");
  await world.shows("ada", "<working>");
  await world.shows("ada", "<idle>");
  expect(draftsOf(world)).toEqual(["agent_draft_begun", "agent_draft_ended"]);
  await world.types("ada", "a");
  await world.types("ada", "\u007f");
  expect(draftsOf(world)).toEqual(["agent_draft_begun", "agent_draft_ended", "agent_draft_begun", "agent_draft_ended"]);
});

test("an answer is typed once, also when the broker dies before it could be typed", async () => {
  const world = await openWorld();
  await world.spawn("ada", { cli: "turns" });
  await world.shows("ada", "<blocked>");
  world.host.stopReading("ada@1");
  await world.ask("c1", (at) => ({ type: "agent.answer", name: "ada", verdict: "deny", by: "operator", at }));
  await world.settle();
  const block = world.state().agents.get("ada")?.block?.sequence;
  await world.restart();
  world.host.resumeReading("ada@1");
  await world.settle();
  expect(world.host.terminals.get("ada@1")?.written).toEqual([{ writeId: `answer.${block}`, text: "<deny>" }]);
  expect(statusOf(world, "ada")).toBe("idle");
});

test("a turn that only silence can end is ended by silence also when the broker died in it", async () => {
  const world = await openWorld();
  await world.spawn("ada", { cli: "quiet" });
  await world.pass(4_000);
  await world.send("c1", "operator", "ada", "one");
  await world.settle();
  expect(statusOf(world, "ada")).toBe("working");
  await world.restart();
  await world.pass(4_000);
  expect(statusOf(world, "ada")).toBe("idle");
});

/** Incarnations alone, over a host whose answers a test can change. */
function alone(
  change: (host: ReturnType<typeof fakePtyHost>) => object,
  harnesses: Partial<Harnesses> = {},
  known: Partial<Agent> = {},
  logs: Partial<TerminalLogs> = {},
  submit?: () => Promise<unknown>,
): {
  readonly host: ReturnType<typeof fakePtyHost>;
  readonly clock: SimulatedClock;
  readonly incarnations: Incarnations;
  readonly reports: BrokerCommand[];
} {
  const host = fakePtyHost();
  const clock = new SimulatedClock(0);
  const reports: BrokerCommand[] = [];
  const incarnations = createIncarnations({
    openHost: () => Promise.resolve({ ...host, ...change(host) }),
    harnesses: { ...scriptedHarnesses, ...harnesses },
    clock,
    ids: sequentialIds(),
    logger: quiet,
    logs: { ...noLogs, ...logs },
    renderInjection: () => "",
    agent: (name) => ({ ...newAgent(name, "program", 0), epoch: 1, status: "idle", ...known }),
    factsOf: () => [],
    submit: submit ?? ((command) => Promise.resolve(reports.push(command))),
  });
  return { host, clock, incarnations, reports };
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
  runtime: "pty",
  spawned: true,
  ready: true,
  working: false,
  sessionId: undefined,
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

test("I3: what was printed while no broker ran is news to who follows, as far as the log does not have it", async () => {
  const { host, incarnations } = alone(() => ({}), {}, {}, { end: () => Promise.resolve(4) });
  const told: unknown[] = [];
  incarnations.onNews((news) => {
    told.push(news.type === "output" ? [news.offset, Buffer.from(news.data).toString()] : news.type);
  });
  await host.spawn(terminal("ada@1"));
  host.emitOutput("ada@1", "old new");
  incarnations.perform(reattach);
  await settled();
  expect(told).toEqual([[4, "new"]]);
});

test("I3: what a program on pipes complained of while no broker ran is logged before what it complains of meanwhile", async () => {
  const logged: unknown[] = [];
  const { host, incarnations, reports } = alone(
    (it) => ({
      readErrors: async (id: string) => {
        it.emitErrors(id, "while it was read\n");
        const errors = await it.readErrors(id);
        it.emitErrors(id, "after\n");
        return errors;
      },
    }),
    { converse: () => ({ step: () => ({ observations: [], writes: [], outcomes: [] }) }) },
    {},
    {
      appendErrors: (_name, _epoch, offset, data) => void logged.push([offset, Buffer.from(data).toString()]),
    },
  );
  await host.spawn({ ...terminal("ada@1"), stdio: "pipes" });
  host.emitErrors("ada@1", "before\n");
  incarnations.perform({ ...reattach, runtime: "headless" });
  await settled();
  expect(logged).toEqual([
    [0, "before\nwhile it was read\n"],
    [25, "after\n"],
  ]);
  host.exit("ada@1", { code: 1 });
  await settled();
  expect(reports.at(-1)).toMatchObject({ lastLines: ["before", "while it was read", "after"] });
});

test("I4: who is still being started when the host dies is started in the next, and not reported as lost", async () => {
  let prepared = (): void => undefined;
  const { host, incarnations, reports } = alone(() => ({}), {
    prepare: async (of, launch, more) => {
      if (of.name === "ben") await new Promise<void>((resolve) => (prepared = resolve));
      return scriptedHarnesses.prepare(of, launch, more);
    },
  });
  incarnations.perform({ ...reattach, type: "spawn" });
  await settled();
  incarnations.perform({ ...reattach, type: "spawn", name: "ben" });
  await settled();
  host.crash();
  host.restart();
  prepared();
  await settled();
  expect(
    reports.flatMap((it) => ("name" in it && it.type !== "incarnation.observed" ? [`${it.name} ${it.type}`] : [])),
  ).toEqual(["ada incarnation.spawned", "ada incarnation.exited", "ben incarnation.spawned"]);
  expect([...host.terminals.keys()]).toEqual(["ben@1"]);
});

const logOf = (text: string): Partial<TerminalLogs> => ({
  read: (_name, _epoch, from) => Promise.resolve({ offset: from, data: Buffer.from(text).subarray(from) }),
});

test("what a program shows that is being started is read from its log: the host knows nothing of it yet", async () => {
  const { incarnations } = alone(
    () => ({}),
    {
      prepare: (of, launch, more) =>
        of.name === "ben" ? new Promise(() => undefined) : scriptedHarnesses.prepare(of, launch, more),
    },
    {},
    logOf(""),
  );
  incarnations.perform({ ...reattach, type: "spawn" });
  await settled();
  incarnations.perform({ ...reattach, type: "spawn", name: "ben" });
  await settled();
  expect(await incarnations.read("ben", 1, 0)).toMatchObject({ offset: 0, data: Buffer.from("") });
});

test("I3: the first who reads from a host what was printed before this broker is this broker", async () => {
  const readFrom: number[] = [];
  let open = (): void => undefined;
  const { host, incarnations } = alone(
    (it) => ({
      read: (id: string, from: number) => {
        readFrom.push(from);
        return it.read(id, from);
      },
    }),
    {},
    {},
    { ...logOf("old"), end: () => new Promise((resolve) => (open = () => resolve(3))) },
  );
  await host.spawn(terminal("ada@1"));
  host.emitOutput("ada@1", "old new");
  incarnations.perform(reattach);
  await settled();
  expect(Buffer.from((await incarnations.read("ada", 1, 1)).data).toString()).toBe("ld");
  open();
  await settled();
  await incarnations.read("ada", 1, 2);
  expect(readFrom).toEqual([0, 2]);
});

test("I4: what is being read when the host dies is read from the log", async () => {
  const { host, incarnations } = alone(
    (it) => ({
      read: async (id: string, from: number) => {
        await settled();
        return it.read(id, from);
      },
    }),
    {},
    {},
    logOf("shown"),
  );
  incarnations.perform({ ...reattach, type: "spawn" });
  await settled();
  const read = incarnations.read("ada", 1, 0);
  host.crash();
  expect(Buffer.from((await read).data).toString()).toBe("shown");
});

test("an incarnation is over from its end on, also while the log cannot take that", async () => {
  const { host, incarnations } = alone(
    () => ({}),
    {},
    {},
    {},
    () => Promise.reject(Object.assign(new Error("no room"), { code: "disk_full" })),
  );
  await host.spawn(terminal("ada@1"));
  incarnations.perform(reattach);
  await settled();
  expect(incarnations.isOver("ada", 1)).toBe(false);
  host.exit("ada@1", { code: 0 });
  await settled();
  expect(incarnations.isOver("ada", 1)).toBe(true);
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

test("I7: a host that does not answer costs a question half a second", async () => {
  const { host, incarnations, clock } = alone(() => ({ usage: () => new Promise(() => undefined) }));
  await host.spawn(terminal("ada@1"));
  incarnations.perform(reattach);
  await settled();
  const asked = incarnations.usage("ada", 1);
  await clock.advanceAsync(500);
  expect([await asked, clock.pending()]).toEqual([undefined, []]);
});

test("what was lent is used for one start, by whoever lent it first, and can be taken back", async () => {
  const envs: unknown[] = [];
  const { host, incarnations } = alone(() => ({}), {
    prepare: (of, launch, options) => {
      envs.push(options?.transientEnv);
      return scriptedHarnesses.prepare(of, launch);
    },
  });
  const spawn = (epoch: number) =>
    ({ type: "spawn", name: "ada", epoch, launch: reattach.launch, harness: "turns", runtime: "pty" }) as const;
  incarnations.lend("ada", 1, { A: "first" });
  incarnations.lend("ada", 1, { A: "second" })();
  incarnations.lend("ada", 2, { A: "taken back" })();
  for (const epoch of [1, 2]) {
    incarnations.perform(spawn(epoch));
    await settled();
  }
  host.exit("ada@1", { code: 0 });
  await settled();
  incarnations.perform(spawn(1));
  await settled();
  expect(envs).toEqual([{ A: "first" }, undefined, undefined]);
});

test("nothing is typed into a program on pipes, and it has no size", async () => {
  const { incarnations } = alone(() => ({}));
  incarnations.perform({
    type: "spawn",
    name: "ada",
    epoch: 1,
    launch: LaunchSpec.parse({ cli: "talks", runtime: "headless" }),
    harness: "talks",
    runtime: "headless",
  });
  await settled();
  await expect(incarnations.write("ada", 1, "x")).rejects.toMatchObject({ code: "not_supported" });
  await expect(incarnations.resize("ada", 1, 80, 24)).rejects.toMatchObject({ code: "not_supported" });
});

test("a version that was not tried is watched as such, also by the next broker", async () => {
  const tried: boolean[] = [];
  const { host, incarnations } = alone(
    () => ({}),
    {
      prepare: async (of, launch) => ({ ...(await scriptedHarnesses.prepare(of, launch)), versionTried: false }),
      watch: (of, options) => {
        tried.push(options.tried);
        return scriptedHarnesses.watch(of, options);
      },
    },
    { versionTried: false },
  );
  incarnations.perform({ ...reattach, type: "spawn", name: "ben" });
  await host.spawn(terminal("ada@1"));
  incarnations.perform(reattach);
  await settled();
  expect(tried).toEqual([false, false]);
});

test("nothing is typed into a dialog that the log could not take yet", async () => {
  const world = await openWorld();
  await world.spawn("ada", { cli: "turns" });
  world.log.failAppends({ code: "disk_full", times: 1 });
  await world.shows("ada", "<blocked rm>");
  await world.send("c1", "operator", "ada", "mail", { mode: "steer" });
  await world.pass(3_000);
  expect(world.misplaced).toEqual([]);
  await world.shows("ada", "<working><idle>");
  await world.pass(3_000);
  expect(world.arrivals.map((it) => `${it.body} ${it.markedAsRepeat ? "(repeat?)" : ""}`)).toEqual(["mail "]);
});

test("an answer on its way into a program that does not read is typed once, whatever becomes of the broker", async () => {
  const world = await openWorld();
  await world.spawn("ada", { cli: "turns" });
  await world.shows("ada", "<blocked rm>");
  world.host.stopReading("ada@1");
  await world.ask("c1", (at) => ({ type: "agent.answer", name: "ada", verdict: "deny", by: "operator", at }));
  await world.settle();
  await world.restart();
  await world.restart();
  world.host.resumeReading("ada@1");
  await world.settle();
  expect(world.answers).toEqual(["ada@1 <deny>"]);
  expect(world.state().agents.get("ada")?.status).toBe("idle");
});

test("L1: what a program prints before its start is recorded is told after it", async () => {
  const { incarnations, reports } = alone((it) => ({
    spawn: async (spec: Parameters<typeof it.spawn>[0]) => {
      const info = await it.spawn(spec);
      it.emitOutput(spec.id, "<ready><working>");
      await settled();
      return info;
    },
  }));
  incarnations.perform({ ...reattach, type: "spawn" });
  await settled();
  await settled();
  expect(reports.map((it) => (it.type === "incarnation.observed" ? it.observation.type : it.type))).toEqual([
    "incarnation.spawned",
    "ready",
    "working",
  ]);
});

test("C2: a program on pipes that was found again is told nothing until its past was heard", async () => {
  const inputs: string[] = [];
  const { host, incarnations } = alone(() => ({}), {
    converse: (_of, options) => ({
      step: (input) => {
        const past = input.type === "output" ? `${input.past} ${Buffer.from(input.data).toString()}` : "";
        inputs.push(`${input.type} ${past} ${options.known?.sessionId ?? "-"}`);
        return { observations: [], writes: [], outcomes: [] };
      },
    }),
  });
  await host.spawn({ ...terminal("ada@1"), stdio: "pipes" });
  host.emitOutput("ada@1", "old");
  incarnations.perform({ ...reattach, runtime: "headless", sessionId: "s1" });
  await settled();
  host.emitOutput("ada@1", "new");
  await settled();
  expect(inputs).toEqual(["output true old s1", "caught_up  s1", "output false new s1"]);
});

test("L2: what was printed and read as the past at once is heard once", async () => {
  const heard: string[] = [];
  const { host, incarnations } = alone(
    (it) => ({
      read: (id: string, from: number) => {
        it.emitOutput(id, " while it was read");
        return it.read(id, from);
      },
    }),
    {
      watch: (of, options) => ({
        ...scriptedHarnesses.watch(of, options),
        output: (data) => {
          heard.push(Buffer.from(data).toString());
          return [];
        },
      }),
    },
  );
  await host.spawn(terminal("ada@1"));
  host.emitOutput("ada@1", "before");
  incarnations.perform(reattach);
  await settled();
  host.emitOutput("ada@1", "after");
  await settled();
  expect(heard).toEqual(["before while it was read", "after"]);
});

test("a program that turned bracketed paste on long ago is pasted to by the next broker, too", async () => {
  const world = await openWorld();
  await world.spawn("ada", { cli: "turns" });
  await world.shows("ada", "\u001b[?2004h");
  await world.shows("ada", "x".repeat(1_200_000));
  await world.restart();
  await world.send("c1", "operator", "ada", "good morning");
  await world.settle();
  expect(world.host.terminals.get("ada@1")?.written.at(-1)?.text).toContain("<paste>");
});
