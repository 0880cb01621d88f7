import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { beforeEach, expect, test } from "vitest";
import type { Action } from "../core/actions.ts";
import type { Entry } from "../core/entries.ts";
import type { DeterministicStep, Plan } from "../core/plan.ts";
import type { Recorded } from "../core/run.ts";
import type { Run } from "../core/state.ts";
import { command, planOf } from "../core/testing/world.ts";
import { groupOf, markedGroups } from "./process-identity.ts";
import { localPerformer } from "./local-performer.ts";
import type { RunLog } from "./run-log.ts";
import { startRunner, type Performer, type Runner } from "./runner.ts";
import { takenOver } from "./taken-over.ts";
import { directory as place } from "./testing/repository.ts";

interface TearableLog extends RunLog {
  readonly entries: Recorded[];
  readonly appends: number[];
  /** Refuses every further append, as a log does whose lease is another's. */
  torn: boolean;
  /** Called before entries are there. */
  beforeAppend: (entries: readonly Recorded[]) => void;
}

function tearableLog(): TearableLog {
  const log: TearableLog = {
    entries: [],
    appends: [],
    torn: false,
    beforeAppend: () => undefined,
    read: () => Promise.resolve([...log.entries]),
    append: (fresh) => {
      if (log.torn) return Promise.reject(new Error("another has it"));
      log.beforeAppend(fresh);
      log.entries.push(...fresh);
      log.appends.push(fresh.length);
      return Promise.resolve();
    },
  };
  return log;
}

const step = (name: string, text: string, more: Partial<DeterministicStep> = {}): DeterministicStep =>
  command(name, [], { command: text, retryDelayMs: 0, ...more });

/** How much later it is than on the clock of the system. */
let laterMs = 0;
beforeEach(() => void (laterMs = 0));

/** Ten minutes pass, which is more than any of these may have. */
async function outOfTime(runner: Runner): Promise<void> {
  laterMs += 600_000;
  await runner.command({ type: "tick" });
}

function run(log: RunLog, cwd: string, signal?: AbortSignal): Runner {
  return startRunner({
    log,
    clock: { now: () => Date.now() + laterMs },
    performer: (state, tell) => performer(state, cwd, tell),
    ...(signal === undefined ? {} : { signal }),
  });
}

function performer(run: Run, cwd: string, tell: Parameters<typeof localPerformer>[0]["tell"]): Performer {
  const local = localPerformer({
    cwd: () => cwd,
    env: { PATH: process.env["PATH"] },
    tell,
    taken: { ...takenOver(run), runId: () => cwd },
  });
  return {
    begin: (action: Action) => {
      if (action.do !== "start_command" && action.do !== "end_process" && action.do !== "verify")
        throw new Error(action.do);
      local.begin(action);
    },
    callOff: local.callOff,
    examine: (it) => (it.what === "process" ? local.examine(it) : Promise.resolve(undefined)),
    close: () => Promise.resolve(),
  };
}

const begin = (runner: Runner, plan: Plan, cwd: string) =>
  runner.command({ type: "start", runId: "run_1", plan, vars: {}, cwd });
const typesOf = (log: { readonly entries: readonly Recorded[] }, type: Entry["type"]): readonly Entry[] =>
  log.entries.map(({ entry }) => entry).filter((it) => it.type === type);

test("R4: a chain of commands hands outputs on, with one append for a step", async () => {
  const log = tearableLog();
  const cwd = place();
  const runner = run(log, cwd);
  const steps = [
    step("one", "printf 'it''s $HOME'"),
    step("two", 'printf "%s!" {{steps.one.output}}', { dependsOn: ["one"] }),
    step("three", "cat > out <<'END'\nend\nEND\n", { dependsOn: ["two"] }),
  ];
  await begin(runner, planOf(steps), cwd);
  const done = await runner.done;
  expect(done.status).toBe("completed");
  expect(typesOf(log, "step_completed")).toMatchObject([
    { step: "one", output: "its $HOME" },
    { step: "two" },
    { step: "three" },
  ]);
  // Each step is started with the end of the one before, and one that takes long says once that its process runs.
  expect(log.appends.length).toBeLessThanOrEqual(2 + 2 * steps.length);
});

test("a command that fails is tried again, then fails the run, and what depends on it is skipped", async () => {
  const log = tearableLog();
  const cwd = place();
  const runner = run(log, cwd);
  await begin(
    runner,
    planOf([step("one", "echo broken >&2; exit 3", { retries: 1 }), step("two", "true", { dependsOn: ["one"] })]),
    cwd,
  );
  expect((await runner.done).status).toBe("failed");
  expect(typesOf(log, "attempt_started")).toHaveLength(2);
  expect(typesOf(log, "step_failed")).toMatchObject([{ step: "one", failure: { cause: "exit_nonzero", exitCode: 3 } }]);
  expect(JSON.stringify(typesOf(log, "step_failed"))).toContain("broken");
  expect(typesOf(log, "step_skipped")).toMatchObject([{ step: "two" }]);
});

test("cancelling ends the whole group, and then the run", async () => {
  const log = tearableLog();
  const cwd = place();
  const runner = run(log, cwd);
  await begin(runner, planOf([step("one", "sleep 600 & sleep 600")]), cwd);
  await expect.poll(() => typesOf(log, "process_started").length).toBe(1);
  const started = typesOf(log, "process_started")[0];
  const pid = started?.type === "process_started" ? started.pid : 0;
  expect(await runner.command({ type: "cancel", by: "ada" })).toBeUndefined();
  expect((await runner.done).status).toBe("cancelled");
  expect(groupOf(pid)).toEqual([]);
});

test("R3: the next runner ends what was left, and goes on without doing again what is done", async () => {
  const log = tearableLog();
  const cwd = place();
  const first = run(log, cwd);
  const steps = [
    step("one", "echo once >> done"),
    step("two", "test -e go && exit 0; touch go; sleep 600", { dependsOn: ["one"] }),
  ];
  await begin(first, planOf(steps), cwd);
  await expect.poll(() => existsSync(path.join(cwd, "go"))).toBe(true);
  await expect.poll(() => typesOf(log, "process_started")).toMatchObject([{ step: "two" }]);
  const [started] = typesOf(log, "process_started");
  const pid = started?.type === "process_started" ? started.pid : 0;
  // As if it were dead: nothing that it still hears reaches the log.
  log.torn = true;
  const dead = first.done.catch((error: unknown) => error);
  const next = { ...tearableLog(), entries: [...log.entries] };
  const nextLog: RunLog = {
    read: () => Promise.resolve([...next.entries]),
    append: (fresh) => Promise.resolve(void next.entries.push(...fresh)),
  };
  const second = run(nextLog, cwd);
  expect((await second.done).status).toBe("completed");
  expect(String(await dead)).toMatch(/another has it/u);
  expect(groupOf(pid)).toEqual([]);
  expect(readFileSync(path.join(cwd, "done"), "utf8")).toBe("once\n");
  expect(typesOf(next, "attempt_interrupted")).toMatchObject([{ step: "two", attempt: 1 }]);
  expect(typesOf(next, "step_completed").map((it) => ("step" in it ? it.step : ""))).toEqual(["one", "two"]);
});

test("a runner that is told to stop leaves what runs running", async () => {
  const log = tearableLog();
  const cwd = place();
  const stop = new AbortController();
  const runner = run(log, cwd, stop.signal);
  await begin(runner, planOf([step("one", "sleep 600")]), cwd);
  await expect.poll(() => typesOf(log, "process_started").length).toBe(1);
  const started = typesOf(log, "process_started")[0];
  const pid = started?.type === "process_started" ? started.pid : 0;
  stop.abort();
  expect((await runner.done).status).toBe("running");
  expect(groupOf(pid)).not.toEqual([]);
  process.kill(-pid, "SIGKILL");
});

test("told to stop while it writes down or begins something, a runner begins nothing more and is done", async () => {
  const memory = tearableLog();
  const stop = new AbortController();
  const begun: string[] = [];
  const log: RunLog = {
    read: memory.read,
    append: async (entries, summary) => {
      await memory.append(entries, summary);
      stop.abort();
    },
  };
  const runner = startRunner({
    log,
    clock: { now: Date.now },
    signal: stop.signal,
    performer: () => ({
      begin: ({ key }) => void begun.push(key),
      callOff: () => undefined,
      examine: () => Promise.resolve(undefined),
      close: () => Promise.resolve(),
    }),
  });
  await begin(runner, planOf([step("one", "true")]), place());
  expect((await runner.done).status).toBe("running");
  expect(begun).toEqual([]);
});

test("P4: a runner that died before it wrote a command down leaves it to the next one, which ends it first", async () => {
  const log = tearableLog();
  const cwd = place();
  const one = step("one", "echo $$ >> pids; test -e again && exit 0; touch again; sleep 600 & sleep 600");
  const first = run(log, cwd);
  await begin(first, planOf([one]), cwd);
  await expect.poll(() => existsSync(path.join(cwd, "again"))).toBe(true);
  // As if it had died before it could write the number of the process down.
  log.torn = true;
  const dead = first.done.catch((error: unknown) => error);
  const entries = log.entries.filter(({ entry }) => entry.type !== "process_started");
  const next: RunLog = {
    read: () => Promise.resolve([...entries]),
    append: (fresh) => Promise.resolve(void entries.push(...fresh)),
  };
  expect((await run(next, cwd).done).status).toBe("completed");
  await dead;
  const pids = readFileSync(path.join(cwd, "pids"), "utf8").trim().split("\n").map(Number);
  expect(pids).toHaveLength(2);
  for (const pid of pids) expect(groupOf(pid)).toEqual([]);
});

test("P4: a check that a dead runner left behind is ended before it is begun anew", async () => {
  const log = tearableLog();
  const cwd = place();
  const value = "echo $$ >> pids; test -e again && exit 0; touch again; sleep 600 & sleep 600";
  const first = run(log, cwd);
  await begin(first, planOf([step("one", "true", { verification: { type: "custom", value } })]), cwd);
  await expect.poll(() => existsSync(path.join(cwd, "again"))).toBe(true);
  log.torn = true;
  const dead = first.done.catch((error: unknown) => error);
  const entries = [...log.entries];
  const next: RunLog = {
    read: () => Promise.resolve([...entries]),
    append: (fresh) => Promise.resolve(void entries.push(...fresh)),
  };
  expect((await run(next, cwd).done).status).toBe("completed");
  await dead;
  for (const pid of readFileSync(path.join(cwd, "pids"), "utf8").trim().split("\n").map(Number))
    expect(groupOf(pid)).toEqual([]);
});

/** Groups of which something is there, whoever started it. */
const groupsIn = (cwd: string): readonly number[] =>
  markedGroups("AGENT_RELAY_ATTEMPT").flatMap(({ leader, value }) => (value.startsWith(`${cwd}/`) ? [leader] : []));

/** Takes a moment to leave. */
const lingering = "trap 'sleep 0.2; exit 1' TERM; echo up >up; sleep 600 & wait";

const checked = (value: string): Pick<DeterministicStep, "verification"> => ({
  verification: { type: "custom", value },
});

test.each([
  ["cancelled", {}, {}, "run_cancelled"],
  ["out of time", {}, { timeoutMs: 300_000 }, "run_failed"],
  ["failed because a step is out of time", { timeoutMs: 300_000 }, {}, "run_failed"],
])("R2: a run that is %s says so when the check that ran is gone", async (_name, more, ofRun, type) => {
  const log = tearableLog();
  const cwd = place();
  const runner = run(log, cwd);
  const steps = [step("one", "true", { ...checked(lingering), ...more })];
  await begin(runner, planOf(steps, ofRun), cwd);
  await expect.poll(() => existsSync(path.join(cwd, "up"))).toBe(true);
  expect(groupsIn(cwd)).not.toEqual([]);
  let left: readonly number[] | undefined;
  log.beforeAppend = (entries) => {
    if (entries.some(({ entry }) => entry.type === type)) left = groupsIn(cwd);
  };
  if (type === "run_cancelled") await runner.command({ type: "cancel", by: "ada" });
  else await outOfTime(runner);
  await runner.done;
  expect([typesOf(log, type as Entry["type"]).length, left]).toEqual([1, []]);
});

test("R2: the next attempt begins when the check of the one before is gone", async () => {
  const log = tearableLog();
  const cwd = place();
  const runner = run(log, cwd);
  const check = `test -e up && exit 0; ${lingering}`;
  await begin(runner, planOf([step("one", "true", { ...checked(check), timeoutMs: 300_000, retries: 1 })]), cwd);
  const left: (readonly number[])[] = [];
  log.beforeAppend = (entries) => {
    if (entries.some(({ entry }) => entry.type === "attempt_failed")) left.push(groupsIn(cwd));
  };
  await expect.poll(() => existsSync(path.join(cwd, "up"))).toBe(true);
  await outOfTime(runner);
  expect((await runner.done).status).toBe("completed");
  expect(left).toEqual([[]]);
});

test("R2: a run that is cancelled while its command starts leaves nothing running", async () => {
  const log = tearableLog();
  const cwd = place();
  const runner = run(log, cwd);
  await begin(runner, planOf([step("one", "echo up >up; sleep 600 & sleep 600")]), cwd);
  // Before its start can have been answered.
  const cancelled = runner.command({ type: "cancel", by: "ada" });
  let left: readonly number[] | undefined;
  log.beforeAppend = (entries) => {
    if (entries.some(({ entry }) => entry.type === "run_cancelled")) left = groupsIn(cwd);
  };
  await cancelled;
  expect((await runner.done).status).toBe("cancelled");
  expect([left, groupsIn(cwd)]).toEqual([[], []]);
});

test.each([
  ["a timeout", { timeoutMs: 300_000 }, "failed"],
  ["a cancellation", {}, "cancelled"],
])(
  "%s ends the whole group, a child that ignores SIGTERM included",
  async (_name, more, status) => {
    const log = tearableLog();
    const cwd = place();
    const command = "sh -c 'trap \"\" TERM; echo up >up; while :; do sleep 1; done' & sleep 600";
    const runner = run(log, cwd);
    await begin(runner, planOf([step("one", command, more)]), cwd);
    await expect.poll(() => existsSync(path.join(cwd, "up"))).toBe(true);
    await expect.poll(() => typesOf(log, "process_started").length).toBe(1);
    if (status === "cancelled") await runner.command({ type: "cancel", by: "ada" });
    else await outOfTime(runner);
    expect((await runner.done).status).toBe(status);
    const started = typesOf(log, "process_started")[0];
    expect(groupOf(started?.type === "process_started" ? started.pid : 0)).toEqual([]);
  },
  20_000,
);

test("a step that prints fifty megabytes leaves a log that is no larger than for forty thousand characters", async () => {
  const log = tearableLog();
  const cwd = place();
  const runner = run(log, cwd);
  await begin(runner, planOf([step("one", "yes 0123456789abcdef | head -c 50000000")]), cwd);
  expect((await runner.done).status).toBe("completed");
  expect(JSON.stringify(log.entries).length).toBeLessThan(4 * 40_000);
  const output = typesOf(log, "step_completed").map((it) => ("output" in it ? it.output : ""))[0] ?? "";
  const [note, missing] = /\n\[… (\d+) characters left out …\]\n/u.exec(output) ?? ["", ""];
  expect(Number(missing) + output.length - note.length).toBe(50_000_000);
}, 60_000);

test("a step whose command does not exist fails, and says which", async () => {
  const log = tearableLog();
  const cwd = place();
  const runner = run(log, cwd);
  await begin(runner, planOf([step("one", "no-such-command --at-all")]), cwd);
  expect((await runner.done).status).toBe("failed");
  expect(typesOf(log, "step_failed")).toMatchObject([{ failure: { cause: "exit_nonzero", exitCode: 127 } }]);
  expect(JSON.stringify(typesOf(log, "step_failed"))).toContain("no-such-command");
});

test("a step in a directory that does not exist fails, and says that it could not be started", async () => {
  const log = tearableLog();
  const cwd = place();
  const runner = run(log, cwd);
  await begin(runner, planOf([step("one", "true", { cwd: "nowhere" })]), cwd);
  expect((await runner.done).status).toBe("failed");
  expect(typesOf(log, "step_failed")).toMatchObject([
    { failure: { cause: "spawn_failed", message: `expected the directory ${cwd}/nowhere, found none` } },
  ]);
});
