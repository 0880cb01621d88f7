import { relayError } from "@agent-relay/protocol";
import { expect, test, vi } from "vitest";
import type { Entry } from "../core/entries.ts";
import { recover, type Recorded } from "../core/run.ts";
import { command, planOf } from "../core/testing/world.ts";
import { brokerRunLog, leaseOfRun } from "./broker-run-log.ts";
import { executorPerformer } from "./executor-performer.ts";
import { handleRun } from "./run-handle.ts";
import { summaryOf } from "./run-summary.ts";
import { openRuns, type Runs } from "./runs.ts";
import { streamBroker } from "./testing/stream-broker.ts";

const summary = summaryOf(recover([]), 1);

test("H4: of a run that another executes each entry is read once, however often it is looked at", async () => {
  const broker = streamBroker();
  const runs = openRuns(broker.relay, () => 1);
  const runId = await runs.create(planOf([command("one")]), { vars: {}, cwd: "/" });
  const log = brokerRunLog(broker.relay, runId, await broker.relay.leases.acquire(leaseOfRun(runId)));
  await log.read();
  let looks = 0;
  const handle = handleRun({
    runs: {
      ...runs,
      execute: async (id) => {
        looks += 1;
        throw relayError("lease_taken", `${id} is executed by another`);
      },
    },
    runId,
    performer: executorPerformer({}),
    by: "test",
    after: 0,
    onListenerError: () => undefined,
    tryAgainMs: 1,
    close: () => Promise.resolve(),
  });
  broker.reads = 0;
  let appended = 1;
  const append = async (...entries: readonly Entry[]): Promise<void> => {
    appended += entries.length;
    await log.append(
      entries.map((entry) => ({ entry, at: 1 })),
      summary,
    );
    const before = looks;
    await vi.waitFor(() => expect(looks).toBeGreaterThan(before + 3), { interval: 1, timeout: 30_000 });
  };
  const noted: Entry = { type: "evidence_noted", step: "one", attempt: 1, evidence: "monitoring", text: "at work" };
  await append({ type: "attempt_started", step: "one", attempt: 1 });
  for (let count = 0; count < 5; count += 1) await append(...Array.from({ length: 200 }, () => noted));
  await log.append([{ entry: { type: "run_cancelled", by: "ada" }, at: 1 }], summary);
  expect(await handle.result()).toMatchObject({ status: "cancelled" });
  expect(broker.reads).toBe(appended + 1);
});

test("H1: a listener hears everything, also if the broker is away for so long that it is followed no more", async () => {
  const { relay } = streamBroker();
  const runs = openRuns(relay, () => 1);
  const runId = await runs.create(planOf([command("one")]), { vars: {}, cwd: "/", host: "script" });
  let follows = 0;
  const away = async function* (entries: AsyncIterable<Recorded>): AsyncGenerator<Recorded> {
    for await (const recorded of entries) {
      yield recorded;
      throw relayError("broker_unreachable", "no broker answers");
    }
  };
  const followed: Runs = {
    ...runs,
    follow: (...asked) => {
      follows += 1;
      return follows === 1 ? away(runs.follow(...asked)) : runs.follow(...asked);
    },
  };
  const handle = handleRun({
    runs: followed,
    runId,
    performer: executorPerformer({ command: () => "done" }),
    by: "test",
    after: 0,
    onListenerError: () => undefined,
    tryAgainMs: 1,
    close: () => Promise.resolve(),
  });
  const heard: string[] = [];
  handle.on(({ type }) => void heard.push(type));
  expect(await handle.result()).toMatchObject({ status: "completed" });
  expect(heard.filter((type) => type.startsWith("run:"))).toEqual(["run:started", "run:completed"]);
});
