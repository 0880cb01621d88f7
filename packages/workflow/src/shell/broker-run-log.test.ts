import { limits, relayError } from "@agent-relay/protocol";
import { expect, test } from "vitest";
import type { Entry } from "../core/entries.ts";
import { recover, type Recorded } from "../core/run.ts";
import { command, planOf } from "../core/testing/world.ts";
import { brokerRunLog, leaseOfRun, readRun, streamOfRun } from "./broker-run-log.ts";
import type { RunLog } from "./run-log.ts";
import { summaryOf } from "./run-summary.ts";
import { openRuns } from "./runs.ts";
import { startRunner, type Performer } from "./runner.ts";
import { streamBroker, type StreamBroker } from "./testing/stream-broker.ts";

const runId = "run_01test0000abcd1234";
const stream = streamOfRun(runId);
const summary = summaryOf(recover([]), 1);

/** Of whoever comes next: the one before has lost the lease. */
async function logOf(broker: StreamBroker): Promise<RunLog> {
  await broker.take(leaseOfRun(runId));
  const log = brokerRunLog(broker.relay, runId, await broker.relay.leases.acquire(leaseOfRun(runId)));
  await log.read().catch(() => undefined);
  return log;
}

const completed = (index: number, output = "ok"): Recorded => ({
  at: index,
  entry: { type: "step_completed", step: `s${index}`, output },
});
const many = (count: number, output?: string): readonly Recorded[] =>
  Array.from({ length: count }, (_, index) => completed(index, output));

test("B2: more entries than one append may have come in parts, in order, and the summary with the last", async () => {
  const broker = streamBroker();
  const entries = many(1_200);
  await (await logOf(broker)).append(entries, summary);
  expect(broker.appends.map((it) => it.entries.length)).toEqual([500, 500, 200]);
  expect(broker.appends.map((it) => it.summary)).toEqual([undefined, undefined, summary]);
  expect(await readRun(broker.relay, runId)).toEqual(entries);
});

test.each([
  ["long outputs", "x".repeat(32_768)],
  ["outputs whose every character needs six in JSON", "\u0000".repeat(32_768)],
  ["outputs whose every character needs four bytes", "🙂".repeat(16_384)],
])("B2: %s come in as many parts as their bytes need, each within a frame", async (_name, output) => {
  const broker = streamBroker();
  const entries = many(60, output);
  await (await logOf(broker)).append(entries, summary);
  expect(broker.appends.length).toBeGreaterThan(1);
  // Not in many more than it must be either.
  const bytes = Buffer.byteLength(JSON.stringify(entries.map(({ entry }) => entry)));
  expect(broker.appends.length).toBeLessThanOrEqual(Math.ceil(bytes / (limits.frameBytesMax / 2)));
  expect(await readRun(broker.relay, runId)).toEqual(entries);
});

test("B2: an append that is cut shows no end in a list that its entries do not have", async () => {
  const broker = streamBroker();
  const log = await logOf(broker);
  broker.beforeAppend = () => {
    if (broker.appends.length === 1) throw new Error("the runner is gone");
  };
  await expect(log.append(many(700), { ...summary, status: "completed" })).rejects.toThrow("the runner is gone");
  expect(await broker.look(stream)).toEqual({ revision: 500, summary: null });
});

test("B2: a wave that ends at once and is cut between two parts is gone on with, and nothing is done twice", async () => {
  const broker = streamBroker();
  const steps = Array.from({ length: 40 }, (_, index) => command(`s${index}`));
  const plan = planOf(
    [
      ...steps,
      command(
        "last",
        steps.map((it) => it.name),
      ),
    ],
    { maxConcurrency: 40 },
  );
  const begun: string[] = [];
  const execute = async (): Promise<string> => {
    const runner = startRunner({
      log: await logOf(broker),
      clock: { now: () => 1_000 },
      performer: (run, tell): Performer => ({
        begin: (action) => {
          if (action.do !== "start_command") return;
          const { step, attempt, part } = action;
          begun.push(step);
          // All that began together end together.
          const exited = { type: "process_exited", step, attempt, part, code: 0, signal: null } as const;
          setImmediate(() => tell({ ...exited, output: "x".repeat(32_768) }));
        },
        callOff: () => undefined,
        examine: async (it) =>
          it.what === "process" && run.status === "running" ? { ...it, type: "process_lost" } : undefined,
        close: () => Promise.resolve(),
      }),
    });
    return (await runner.done).status;
  };
  const at = 1;
  const entry: Entry = { type: "run_started", runId, plan, vars: {}, cwd: "/" };
  await (await logOf(broker)).append([{ entry, at }], summary);
  broker.appends.length = 0;
  broker.beforeAppend = () => {
    // The second part of the append in which the wave ends.
    if (broker.appends.length === 2) throw new Error("the runner is gone");
  };
  await expect(execute()).rejects.toThrow("the runner is gone");
  const before = await readRun(broker.relay, runId);
  const done = before.flatMap((it) => (it.entry.type === "step_completed" ? [it.entry.step] : []));
  expect(done.length).toBeGreaterThan(0);
  expect(done.length).toBeLessThan(40);
  begun.length = 0;
  broker.beforeAppend = () => undefined;
  expect(await execute()).toBe("completed");
  expect(begun.filter((it) => done.includes(it))).toEqual([]);
  expect(begun).toHaveLength(41 - done.length);
});

test.each(["disk_full", "log_unwritable"] as const)(
  "B5: while the broker can record nothing (%s) an append waits, and what was recorded of it stays so",
  async (code) => {
    const broker = streamBroker();
    const lease = await broker.relay.leases.acquire(leaseOfRun(runId));
    const log = brokerRunLog(broker.relay, runId, lease, new AbortController().signal);
    let refused = 0;
    broker.beforeAppend = () => {
      if (broker.appends.length === 1 && refused++ < 2) throw relayError(code, "there is no room");
    };
    await log.append(many(700), summary);
    expect([refused, await readRun(broker.relay, runId)]).toEqual([3, many(700)]);
  },
);

test("B5: whoever waits for room can be told to stop; without a signal nobody waits", async () => {
  const broker = streamBroker();
  const lease = await broker.relay.leases.acquire(leaseOfRun(runId));
  const stop = new AbortController();
  broker.beforeAppend = () => {
    throw relayError("disk_full", "there is no room");
  };
  const appended = brokerRunLog(broker.relay, runId, lease, stop.signal).append(many(1), summary);
  stop.abort();
  await expect(appended).rejects.toMatchObject({ code: "cancelled", cause: { code: "disk_full" } });
  await expect(brokerRunLog(broker.relay, runId, lease).append(many(1), summary)).rejects.toMatchObject({
    code: "disk_full",
  });
});

test("B1: another who has appended meanwhile stops this runner, with the reason in words", async () => {
  const broker = streamBroker();
  const log = await logOf(broker);
  await (await logOf(broker)).append(many(1), summary);
  await expect(log.append(many(1), summary)).rejects.toMatchObject({
    code: "lease_lost",
    message: expect.stringContaining(`this runner stops: it does not hold the run ${runId} any more`),
  });
  await broker.take(leaseOfRun(runId));
  const late = brokerRunLog(broker.relay, runId, await broker.relay.leases.acquire(leaseOfRun(runId)));
  await expect(late.append(many(1), summary)).rejects.toMatchObject({
    code: "wrong_revision",
    message: `this runner stops: another has appended to the run ${runId} meanwhile`,
    hint: `agent-relay runs watch ${runId}`,
  });
});

test("B1: the lease that is lost between two parts stops the runner after the first", async () => {
  const broker = streamBroker();
  const log = await logOf(broker);
  broker.beforeAppend = () => {
    if (broker.appends.length === 1) void broker.take(leaseOfRun(runId));
  };
  await expect(log.append(many(700), summary)).rejects.toMatchObject({ code: "lease_lost" });
  expect(await broker.look(stream)).toMatchObject({ revision: 500 });
});

test("what the broker says for other reasons is passed on as it is", async () => {
  const broker = streamBroker();
  const log = await logOf(broker);
  const error = relayError("entry_too_large", "too large");
  broker.beforeAppend = () => {
    throw error;
  };
  await expect(log.append(many(1), summary)).rejects.toBe(error);
});

test("B4: to ask something of a run costs the same after five thousand entries as after one", async () => {
  const broker = streamBroker();
  const runs = openRuns(broker.relay, () => 1);
  const readBy = async (): Promise<number> => {
    broker.reads = 0;
    await runs.cancel(runId, "ada");
    return broker.reads;
  };
  await (await logOf(broker)).append(many(1), summary);
  const first = await readBy();
  await (await logOf(broker)).append(many(5_000), summary);
  expect(await readBy()).toBe(first);
  await expect(runs.cancel("nobody", "ada")).rejects.toThrow("expected the id of a run, found 'nobody'");
});
