import { mkdtempSync, readFileSync, rmSync, existsSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { expect, onTestFinished, test } from "vitest";
import type { Action } from "../core/actions.ts";
import type { Entry } from "../core/entries.ts";
import type { DeterministicStep, Plan } from "../core/plan.ts";
import { attemptKey } from "../core/names.ts";
import type { Recorded } from "../core/run.ts";
import type { Run } from "../core/state.ts";
import { groupOf } from "./process-identity.ts";
import { localPerformer } from "./local-performer.ts";
import type { RunLog } from "./run-log.ts";
import { startRunner, type Performer, type Runner } from "./runner.ts";

/** What the log would be; `torn` refuses every further append, as a log does whose lease is another's. */
function memoryLog(): RunLog & { readonly entries: Recorded[]; readonly appends: number[]; torn: boolean } {
  const entries: Recorded[] = [];
  const appends: number[] = [];
  const log = {
    entries,
    appends,
    torn: false,
    read: () => Promise.resolve([...entries]),
    append: (fresh: readonly Recorded[]) => {
      if (log.torn) return Promise.reject(new Error("another has it"));
      entries.push(...fresh);
      appends.push(fresh.length);
      return Promise.resolve();
    },
  };
  return log;
}

const step = (name: string, command: string, more: Partial<DeterministicStep> = {}): DeterministicStep => ({
  type: "deterministic",
  name,
  command,
  dependsOn: [],
  retries: 0,
  retryDelayMs: 0,
  failOnError: true,
  captureOutput: true,
  ...more,
});

const planOf = (steps: readonly DeterministicStep[], more: Partial<Plan> = {}): Plan => ({
  workflow: "main",
  pattern: "dag",
  strategy: "fail-fast",
  maxConcurrency: 4,
  agents: {},
  steps,
  onExhaustion: "fail",
  ...more,
});

function place(): string {
  const cwd = mkdtempSync(path.join(tmpdir(), "runner-"));
  onTestFinished(() => rmSync(cwd, { recursive: true }));
  return cwd;
}

function run(log: RunLog, cwd: string, signal?: AbortSignal): Runner {
  return startRunner({
    log,
    clock: { now: Date.now },
    performer: (state, tell) => performer(state, cwd, tell),
    ...(signal === undefined ? {} : { signal }),
  });
}

function performer(run: Run, cwd: string, tell: Parameters<typeof localPerformer>[0]["tell"]): Performer {
  const attempts = [...run.active].map(({ name, attempt }) => attemptKey(name, attempt?.number ?? 0));
  const local = localPerformer({
    cwd: () => cwd,
    env: { PATH: process.env["PATH"] },
    tell,
    taken: { runId: () => run.id, attempts },
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
  const log = memoryLog();
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
  const log = memoryLog();
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
  const log = memoryLog();
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
  const log = memoryLog();
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
  const next = { ...memoryLog(), entries: [...log.entries] };
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
  const log = memoryLog();
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
  const memory = memoryLog();
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

test("P3: a runner that died before it wrote a command down leaves it to the next one, which ends it first", async () => {
  const log = memoryLog();
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

test("P3: a check that a dead runner left behind is ended before it is begun anew", async () => {
  const log = memoryLog();
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

test.each([
  ["a timeout", { timeoutMs: 1_500 }, "failed"],
  ["a cancellation", {}, "cancelled"],
])(
  "%s ends the whole group, a child that ignores SIGTERM included",
  async (_name, more, status) => {
    const log = memoryLog();
    const cwd = place();
    const command = "sh -c 'trap \"\" TERM; echo up >up; while :; do sleep 1; done' & sleep 600";
    const runner = run(log, cwd);
    await begin(runner, planOf([step("one", command, more)]), cwd);
    await expect.poll(() => existsSync(path.join(cwd, "up"))).toBe(true);
    await expect.poll(() => typesOf(log, "process_started").length).toBe(1);
    if (status === "cancelled") await runner.command({ type: "cancel", by: "ada" });
    expect((await runner.done).status).toBe(status);
    const started = typesOf(log, "process_started")[0];
    expect(groupOf(started?.type === "process_started" ? started.pid : 0)).toEqual([]);
  },
  20_000,
);

test("a step that prints fifty megabytes leaves a log that is no larger than for forty thousand characters", async () => {
  const log = memoryLog();
  const cwd = place();
  const runner = run(log, cwd);
  await begin(runner, planOf([step("one", "yes 0123456789abcdef | head -c 50000000")]), cwd);
  expect((await runner.done).status).toBe("completed");
  expect(JSON.stringify(log.entries).length).toBeLessThan(4 * 40_000);
}, 60_000);

test("a step whose command does not exist fails, and says which", async () => {
  const log = memoryLog();
  const cwd = place();
  const runner = run(log, cwd);
  await begin(runner, planOf([step("one", "no-such-command --at-all")]), cwd);
  expect((await runner.done).status).toBe("failed");
  expect(typesOf(log, "step_failed")).toMatchObject([{ failure: { cause: "exit_nonzero", exitCode: 127 } }]);
  expect(JSON.stringify(typesOf(log, "step_failed"))).toContain("no-such-command");
});

test("a step in a directory that does not exist fails, and says that it could not be started", async () => {
  const log = memoryLog();
  const cwd = place();
  const runner = run(log, cwd);
  await begin(runner, planOf([step("one", "true", { cwd: "nowhere" })]), cwd);
  expect((await runner.done).status).toBe("failed");
  expect(typesOf(log, "step_failed")).toMatchObject([
    { failure: { cause: "spawn_failed", message: `expected the directory ${cwd}/nowhere, found none` } },
  ]);
});
