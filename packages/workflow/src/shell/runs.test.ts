import { relayError } from "@agent-relay/protocol";
import { expect, test, vi } from "vitest";
import { command, planOf } from "../core/testing/world.ts";
import { leaseOfRun } from "./broker-run-log.ts";
import type { Executor } from "./executor.ts";
import { executorPerformer } from "./executor-performer.ts";
import { memoryLog } from "./memory-log.ts";
import { openRuns, type Runs } from "./runs.ts";

/** Runs and who may execute them, on a clock that stands still. */
function open() {
  const log = memoryLog(() => 1);
  const runs = openRuns(log, () => 1);
  return { log, runs, begun: () => runs.create(planOf([command("one")]), { vars: {}, cwd: "/", host: "script" }) };
}
const types = async (runs: Runs, runId: string): Promise<readonly string[]> =>
  (await runs.read(runId)).map(({ entry }) => entry.type);
const execute = (runs: Runs, runId: string, executor: Executor, signal?: AbortSignal): Promise<string> =>
  runs.execute(runId, { performer: executorPerformer(executor), ...(signal === undefined ? {} : { signal }) });

test("U4: a run of which nothing runs and that nobody executes is cancelled by its log alone", async () => {
  const { runs, begun } = open();
  const runId = await begun();
  expect(await runs.cancelUnexecuted(runId, "ada", "enough")).toBeUndefined();
  expect(await types(runs, runId)).toEqual(["run_started", "cancel_requested", "run_cancelled"]);
  expect((await runs.list()).runs).toMatchObject([{ runId, status: "cancelled", executedBy: undefined }]);
  expect(await runs.cancelUnexecuted(runId, "ada")).toEqual({ code: "run_finished", status: "cancelled" });
});

test("U4: of one that was left with something under way, whoever goes on ends that and begins nothing", async () => {
  const { runs, begun } = open();
  const runId = await begun();
  const stop = new AbortController();
  const ran = vi.fn(() => new Promise<string>(() => undefined));
  const left = execute(runs, runId, { command: ran }, stop.signal);
  await expect.poll(() => ran).toHaveBeenCalledTimes(1);
  stop.abort();
  await left;
  await runs.cancelUnexecuted(runId, "ada");
  expect((await types(runs, runId)).at(-1)).toBe("cancel_requested");
  expect(await execute(runs, runId, { command: ran })).toBe("cancelled");
  expect(ran).toHaveBeenCalledTimes(1);
});

test("U4: one that somebody executes is theirs to cancel", async () => {
  const { log, runs, begun } = open();
  const runId = await begun();
  await log.leases.acquire(leaseOfRun(runId), { holder: "script 7" });
  await expect(runs.cancelUnexecuted(runId, "ada")).rejects.toMatchObject({ code: "lease_taken" });
  expect(await types(runs, runId)).toEqual(["run_started"]);
});

test("U3: what is asked of a run is heard also after the broker had been away for so long that it was followed no more", async () => {
  const { log, runs, begun } = open();
  const runId = await begun();
  let follows = 0;
  const away: AsyncIterable<never> = {
    [Symbol.asyncIterator]: () => ({
      next: () => Promise.reject(relayError("broker_unreachable", "no broker answers")),
    }),
  };
  const executing = openRuns(
    {
      ...log,
      streams: {
        ...log.streams,
        follow: (...asked) => ((follows += 1) === 1 ? away : log.streams.follow(...asked)),
      },
    },
    () => 1,
  );
  const ended = execute(executing, runId, { command: () => new Promise(() => undefined) });
  await vi.waitFor(() => expect(follows).toBe(1));
  await runs.cancel(runId, "ada");
  expect(await ended).toBe("cancelled");
});

test("a step of a run that goes on is not tried again, whoever executes it", async () => {
  const { log, runs, begun } = open();
  const runId = await begun();
  expect(await runs.retry(runId, "one", "ada")).toEqual({ code: "run_going_on" });
  await log.leases.acquire(leaseOfRun(runId), { holder: "script 7" });
  expect(await runs.retry(runId, "one", "ada")).toEqual({ code: "run_going_on" });
});

test("U1: one whose beginning was cut, because it came in parts, is no run and on no list", async () => {
  const log = memoryLog();
  const runs = openRuns({
    ...log,
    streams: {
      ...log.streams,
      append: (name, given) =>
        given.expectedRevision > 0 ? Promise.reject(new Error("killed")) : log.streams.append(name, given),
    },
  });
  const names = Array.from({ length: 60 }, (_, index) => `s${index}`);
  const steps = names.map((step) => ({ step, output: "x".repeat(32_768) }));
  const plan = planOf(names.map((name) => command(name)));
  await expect(runs.create(plan, { vars: {}, cwd: "/", earlier: { runId: "before", steps } })).rejects.toThrow(
    "killed",
  );
  expect((await runs.list()).runs).toEqual([]);
});
