/**
 * Runs: those of a broker, as scripts and the command line see them.
 *
 *   U1  A run is there before anything of it is done, and goes on wherever its entries end, whoever executes it.
 *   U2  One executes a run at a time: whoever holds its lease.
 *   U3  What a person asks of a run is kept in a stream of its own, so that it reaches whoever executes it, now or later.
 *   U4  A run that nobody executes can be cancelled all the same: nothing of it is begun any more, whoever goes on with it.
 */
import { randomBytes } from "node:crypto";
import { relayError, type RelayError, type StreamEntry } from "@agent-relay/protocol";
import { isRelayError, type HeldLease, type Relay } from "@agent-relay/sdk";
import { askedOf, stepsAsked } from "../core/approvals.ts";
import type { Refusal, RunCommand } from "../core/commands.ts";
import type { Entry } from "../core/entries.ts";
import { decide } from "../core/decide.ts";
import type { Plan } from "../core/plan.ts";
import { advance, recover, type Recorded } from "../core/run.ts";
import { isFinished, type Run, type RunStatus } from "../core/state.ts";
import type { EarlierOutputs } from "./earlier-outputs.ts";
import { brokerRunLog, leaseLost, leaseOfRun, readRun, recordedOf, requireRun, streamOfRun } from "./broker-run-log.ts";
import type { RunLog } from "./run-log.ts";
import { summaryOf, type RunSummary } from "./run-summary.ts";
import { mayPass } from "./ask-again.ts";
import { pauseUnless } from "./pause.ts";
import { makerOf, type RunPerformer } from "./performing.ts";
import { startRunner, type Runner } from "./runner.ts";

export interface RunListing extends RunSummary {
  readonly runId: string;
  /** Who executes it; nobody if absent. */
  readonly executedBy: string | undefined;
}

export interface ExecuteOptions {
  /** Does what the run wants. */
  readonly performer: RunPerformer;
  /** Who says that it executes it. */
  readonly holder?: string;
  /** How long after its death another may take over, in milliseconds; 10,000 if absent. */
  readonly leaseMs?: number;
  /** Stops executing and leaves everything as it is, for the next. */
  readonly signal?: AbortSignal;
}

export interface Runs {
  /** Resolves with the run's id when it is in the log. */
  readonly create: (
    plan: Plan,
    more: {
      readonly vars: Readonly<Record<string, string>>;
      readonly cwd: string;
      /** `script`: the project's runner leaves it alone, because only the script can do what it wants. */
      readonly host?: "project" | "script";
      /** Steps that are not done again, because an earlier run has done them. */
      readonly earlier?: EarlierOutputs | undefined;
    },
  ) => Promise<string>;
  /**
   * Until it has ended, or the signal tells it to stop. Rejects with `lease_taken` if another executes it, and with
   * `lease_lost` or `wrong_revision` if another has taken it over.
   */
  readonly execute: (runId: string, options: ExecuteOptions) => Promise<RunStatus>;
  /** The newest first. */
  readonly list: (options?: { readonly limit?: number; readonly after?: number }) => Promise<{
    readonly runs: readonly RunListing[];
    readonly next: number | null;
  }>;
  /** What has become true of it after its first entries, as many as said. */
  readonly read: (runId: string, options?: { readonly after?: number }) => Promise<readonly Recorded[]>;
  /** The same, and what will become true. */
  readonly follow: (
    runId: string,
    options?: { readonly after?: number; readonly signal?: AbortSignal },
  ) => AsyncIterable<Recorded>;
  /** For whoever executes it, now or later. */
  readonly cancel: (runId: string, by: string, reason?: string) => Promise<void>;
  /**
   * Of a run that nobody executes, by its log alone. It ends at once if nothing of it runs, and else when whoever executes
   * it next has ended that. Answers why not, if it is refused, and rejects with `lease_taken` if somebody executes it.
   */
  readonly cancelUnexecuted: (runId: string, by: string, reason?: string) => Promise<Refusal | undefined>;
  /**
   * Answers a step that asks for approval, in the attempt that is given or in the one under way. Rejects with
   * `invalid_request`, saying why, where no person is asked about it.
   */
  readonly answer: (
    runId: string,
    approval: { readonly step: string; readonly attempt?: number; readonly by: string; readonly approved: boolean },
  ) => Promise<void>;
  /** Of a run that has ended. Answers why not, if it is refused. */
  readonly retry: (runId: string, step: string, by: string) => Promise<Refusal | undefined>;
  /**
   * Whatever has failed is tried again, or, of a run that was stopped, it goes on; one that goes on stays as it is. What is
   * to be done is done by whoever executes it. Answers why not, if it is refused: of a run that is completed nothing is left.
   */
  readonly resume: (runId: string, by: string) => Promise<Refusal | undefined>;
}

/** A broker that was away for long is back, or is not: asking says so. */
const ASKS_AGAIN_MS = 500;

const asksOf = (runId: string): string => `asks/${runId}`;

export function openRuns(relay: Pick<Relay, "streams" | "leases">, now: () => number = Date.now): Runs {
  const withLease = async <Result>(
    runId: string,
    { holder, leaseMs }: Pick<ExecuteOptions, "holder" | "leaseMs">,
    use: (lease: HeldLease) => Promise<Result>,
  ): Promise<Result> => {
    const lease = await relay.leases.acquire(leaseOfRun(runId), {
      ...(holder === undefined ? {} : { holder }),
      ...(leaseMs === undefined ? {} : { ttlMs: leaseMs }),
    });
    try {
      return await use(lease);
    } finally {
      await lease.release().catch(() => undefined);
    }
  };

  /** Opens steps of a run that has ended. */
  const again = (runId: string, by: string, which: (run: Run) => readonly string[]): Promise<Refusal | undefined> =>
    withLease(runId, {}, async (lease) => {
      const log: RunLog = brokerRunLog(relay, runId, lease);
      const before = await log.read();
      const run = recover(before);
      const at = now();
      const entries: Recorded[] = [];
      for (const step of which(run)) {
        const decision = decide(run, { type: "retry", step, by });
        if (!decision.accepted) return decision.rejection;
        entries.push(...decision.events.map((entry) => ({ entry, at })));
      }
      // What follows from it is for whoever executes it.
      if (entries.length > 0) await log.append(entries, summaryOf(recover([...before, ...entries]), at));
      return undefined;
    });

  const cancelUnexecuted: Runs["cancelUnexecuted"] = (runId, by, reason) =>
    withLease(runId, { holder: by }, async (lease) => {
      const log: RunLog = brokerRunLog(relay, runId, lease);
      const run = recover(await log.read());
      const at = now();
      const decision = advance(run, { type: "cancel", by, ...(reason === undefined ? {} : { reason }) }, at);
      if (!decision.accepted) return decision.rejection;
      const entries = decision.events.map((entry) => ({ entry, at }));
      if (entries.length > 0) await log.append(entries, summaryOf(run, at));
      return undefined;
    });

  const ask = async (runId: string, kind: string, data: Readonly<Record<string, unknown>>): Promise<void> => {
    await requireRun(relay, runId);
    for (;;) {
      const { revision } = await relay.streams.read(asksOf(runId), { after: 1_000_000_000, limit: 1 });
      try {
        await relay.streams.append(asksOf(runId), { expectedRevision: revision, entries: [{ kind, data }] });
        return;
      } catch (error) {
        if (!isRelayError(error, "wrong_revision")) throw error;
      }
    }
  };

  return {
    create: async (plan, { vars, cwd, host = "project", earlier }) => {
      const runId = `${now().toString(36)}${randomBytes(5).toString("hex")}`;
      const at = now();
      const entry: Entry = {
        type: "run_started",
        runId,
        plan,
        vars,
        cwd,
        ...(host === "script" ? { host } : {}),
      };
      const taken = earlier?.steps.map(({ step, output }): Entry => ({
        type: "step_completed",
        step,
        output,
        takenFrom: earlier.runId,
      }));
      const entries = [entry, ...(taken ?? [])].map((it): Recorded => ({ entry: it, at }));
      // What follows from it is for whoever executes it.
      await brokerRunLog(relay, runId).append(entries, summaryOf(recover(entries), at));
      return runId;
    },
    execute: (runId, options) =>
      withLease(runId, options, async (lease) => {
        const stop = new AbortController();
        const onLost = (): void => stop.abort(lease.lost.reason);
        lease.lost.addEventListener("abort", onLost, { once: true });
        const onAbort = (): void => stop.abort(options.signal?.reason);
        options.signal?.addEventListener("abort", onAbort, { once: true });
        if (options.signal?.aborted === true) onAbort();
        const runner = startRunner({
          log: brokerRunLog(relay, runId, lease, stop.signal),
          clock: { now },
          performer: makerOf(options.performer),
          signal: stop.signal,
        });
        const asked = passOn(
          (after) => relay.streams.follow(asksOf(runId), { after, signal: stop.signal }),
          runner,
          stop.signal,
        );
        try {
          const { status } = await runner.done;
          if (lease.lost.aborted && status === "running") throw leaseLost(runId, lease.lost.reason);
          return status;
        } catch (error) {
          // An append that was given up says only that it was given up; whoever goes on finds out whether it is there.
          if (!isRelayError(error, "cancelled")) throw error;
          if (lease.lost.aborted) throw leaseLost(runId, lease.lost.reason);
          if (options.signal?.aborted === true) return "running";
          throw error;
        } finally {
          stop.abort();
          await asked;
          options.signal?.removeEventListener("abort", onAbort);
        }
      }),
    list: async ({ limit = 50, after } = {}) => {
      const page = await relay.streams.list({ prefix: "run/", limit, ...(after === undefined ? {} : { after }) });
      // Whoever began one without a summary died before all of its beginning was there.
      const runs = page.streams.flatMap(({ stream, summary, lease }): readonly RunListing[] =>
        summary === null
          ? []
          : [{ ...(summary as RunSummary), runId: stream.slice("run/".length), executedBy: lease?.holder }],
      );
      return { runs, next: page.next };
    },
    read: (runId, { after = 0 } = {}) => readRun(relay, runId, after),
    follow: (runId, { after = 0, signal } = {}) => ({
      async *[Symbol.asyncIterator]() {
        await requireRun(relay, runId);
        const entries = relay.streams.follow(streamOfRun(runId), {
          after,
          ...(signal === undefined ? {} : { signal }),
        });
        for await (const { data } of entries) yield recordedOf(data);
      },
    }),
    cancel: (runId, by, reason) => ask(runId, "cancel", { by, ...(reason === undefined ? {} : { reason }) }),
    cancelUnexecuted,
    answer: async (runId, { step, attempt, by, approved }) => {
      const run = recover(await readRun(relay, runId));
      const asked = askedOf(run, step);
      if ("code" in asked)
        throw notAsked(
          run,
          step,
          asked.code === "not_waiting" ? asked.found : "is no step of the run, or has not begun",
        );
      const { number } = asked.attempt;
      if (attempt !== undefined && attempt !== number)
        throw notAsked(run, step, `is in attempt ${number}, and not in attempt ${attempt}`);
      await ask(runId, "answer", { step, attempt: number, by, approved });
    },
    retry: async (runId, step, by) => {
      // Whoever executes it has its lease: that it goes on says more than that the lease is taken.
      if (!isFinished(recover(await readRun(relay, runId)))) return { code: "run_going_on" };
      return again(runId, by, () => [step]);
    },
    resume: async (runId, by) => {
      const before = recover(await readRun(relay, runId));
      if (!isFinished(before)) return undefined;
      if (before.status === "completed") return { code: "run_finished", status: before.status };
      return again(runId, by, (run) => unfinishedOf(run));
    },
  };
}

function notAsked(run: Run, step: string, found: string): RelayError {
  const asked = stepsAsked(run);
  return relayError("invalid_request", `expected a step that waits for a person, found '${step}', which ${found}`, {
    hint: asked.length === 0 ? `agent-relay runs show ${run.id}` : `those that wait are ${asked.join(", ")}`,
  });
}

/** The steps by which a run goes on: those that failed for good, or of one that was stopped the first that has not ended. */
function unfinishedOf(run: Run): readonly string[] {
  const failed = [...(run.root?.failed ?? [])].map(({ name }) => name);
  if (failed.length > 0) return failed;
  return (run.root?.steps ?? [])
    .filter(({ status, repairOf }) => status !== "completed" && repairOf === undefined)
    .map(({ name }) => name)
    .slice(0, 1);
}

/** What people have asked, in order, each as a command. Heard twice it changes nothing. */
async function passOn(
  asks: (after: number) => AsyncIterable<StreamEntry>,
  runner: Runner,
  signal: AbortSignal,
): Promise<void> {
  let after = 0;
  while (!signal.aborted) {
    try {
      for await (const { revision, kind, data, at } of asks(after)) {
        const command = commandOf(kind, data, at);
        if (command !== undefined) await runner.command(command);
        after = revision;
      }
      return;
    } catch (error) {
      // The runner has stopped, or the broker is gone for good; `done` says which.
      if (!mayPass(error)) return;
      await pauseUnless(signal, ASKS_AGAIN_MS);
    }
  }
}

function commandOf(kind: string, data: Readonly<Record<string, unknown>>, askedAt: number): RunCommand | undefined {
  const by = typeof data["by"] === "string" ? data["by"] : "somebody";
  if (kind === "cancel") {
    return { type: "cancel", by, askedAt, ...(typeof data["reason"] === "string" ? { reason: data["reason"] } : {}) };
  }
  const { step, attempt, approved } = data;
  if (kind !== "answer" || typeof step !== "string" || typeof attempt !== "number") return undefined;
  return { type: "answer", step, attempt, approved: approved === true, by };
}
