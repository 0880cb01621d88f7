/**
 * The runner: executes every run of the project that is not finished and that nobody executes.
 *
 *   N1  One at a time does it for a project: whoever holds its lease. Another one leaves at once.
 *   N2  It leaves by itself when there has been nothing to execute for a while, and when the broker was shut down and no other
 *       comes; what it had running ends with it, and what goes on of it is for the next.
 *   N3  Told to end, it gives back what it holds, so that the next one need not wait for that; for a broker that does not
 *       answer it waits a moment.
 *   N4  A run that cannot be executed is tried again after a pause, and says why.
 */
import { setTimeout as pause } from "node:timers/promises";
import { isRelayError, type Relay } from "@agent-relay/sdk";
import { openRuns, runPerformer, type RunStatus, type Runs } from "@agent-relay/workflow";
import type { ActionResult, Context } from "../context.ts";
import { withRelay } from "../relay-connection.ts";
import { censusTypes, runCensus, runnerLease, type RunCensus } from "../run-census.ts";

const LOOK_MS = 200;
const IDLE_MS = 60_000;
/** A broker that was shut down to be replaced is back by then. */
const NEXT_BROKER_MS = 5_000;
const AGAIN_MS = 5_000;
/** Commands that ignore SIGTERM take seven seconds to end. */
const GIVE_BACK_MS = 8_000;

interface RunnerOptions {
  /** How long after the death of a runner another may take over. */
  readonly lease?: number;
}

export async function run(context: Context, { lease: leaseMs }: RunnerOptions): ActionResult {
  const { output, signal, now } = context;
  const execute = async (relay: Relay): Promise<void> => {
    const ttl = leaseMs === undefined ? {} : { ttlMs: leaseMs };
    const lease = await relay.leases
      .acquire(runnerLease, { holder: `runner ${process.pid}`, ...ttl })
      .catch((error: unknown) => {
        if (isRelayError(error, "lease_taken")) return undefined;
        throw error;
      });
    if (lease === undefined) return;
    const leave = new AbortController();
    const stop = AbortSignal.any([signal, lease.lost, leave.signal]);
    const census = runCensus();
    const listening = listen(relay, census, stop, () => leave.abort()).catch(() => leave.abort());
    const runs = openRuns(relay);
    await list(runs, census);
    const executing = new Map<string, Promise<RunStatus | undefined>>();
    const notBefore = new Map<string, number>();
    let idleSince = now();
    while (!stop.aborted && now() - idleSince < IDLE_MS) {
      for (const runId of census.orphans()) {
        if (executing.has(runId) || (notBefore.get(runId) ?? 0) > now()) continue;
        output.streamed({ at: now(), executes: runId });
        const done = runs
          .execute(runId, {
            performer: runPerformer(relay, { env: context.environment }),
            holder: `runner ${process.pid}`,
            ...(leaseMs === undefined ? {} : { leaseMs }),
            signal: stop,
          })
          .catch((error: unknown) => {
            output.streamed({ at: now(), failed: runId, error: String(error) });
            notBefore.set(runId, now() + AGAIN_MS);
            return undefined;
          });
        executing.set(runId, done);
        void done.then((status) => {
          executing.delete(runId);
          if (status !== undefined) output.streamed({ at: now(), executed: runId, status });
        });
      }
      if (executing.size > 0) idleSince = now();
      await pause(LOOK_MS, undefined, { signal: stop }).catch(() => undefined);
    }
    // Nothing more is answered by a broker that is gone.
    if (leave.signal.aborted) await relay.close();
    await Promise.all(executing.values());
    if (!leave.signal.aborted) await lease.release().catch(() => undefined);
    leave.abort();
    await listening;
  };
  const within = (relay: Relay): Promise<void> => closedLater(relay, signal, () => execute(relay));
  await withRelay(context, within, { outlivesInterrupt: true });
  return undefined;
}

/** Does work over a connection that is closed some time after the signal. */
async function closedLater(relay: Relay, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  let enough: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    enough = setTimeout(() => void relay.close(), GIVE_BACK_MS);
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  try {
    await work();
  } finally {
    signal.removeEventListener("abort", onAbort);
    clearTimeout(enough);
  }
}

async function list(runs: Runs, census: RunCensus): Promise<void> {
  for (let after: number | undefined; ;) {
    const page = await runs.list({ limit: 500, ...(after === undefined ? {} : { after }) });
    for (const { runId, status, host, executedBy } of page.runs)
      census.listed({ runId, status, host, isExecuted: executedBy !== undefined });
    if (page.next === null) break;
    after = page.next;
  }
  census.allListed();
}

async function listen(relay: Relay, census: RunCensus, signal: AbortSignal, leave: () => void): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  try {
    const types = [...censusTypes, "broker_stopped", "broker_started"];
    for await (const event of relay.events({ filter: { types }, signal })) {
      census.hear(event);
      if (event.type === "broker_stopped") timer = setTimeout(leave, NEXT_BROKER_MS);
      else if (event.type === "broker_started") clearTimeout(timer);
    }
  } finally {
    clearTimeout(timer);
  }
}
