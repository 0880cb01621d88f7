/**
 * Run handle: a run that a script has begun or gone on with, while it goes on.
 *
 *   H1  Every listener hears every event once, in order, from the run's beginning or from where it was gone on with, also
 *       when another executes it meanwhile; a result comes after all of them have heard the end.
 *   H2  A listener that throws is told of and goes on hearing; the run knows nothing of it.
 *   H3  Whatever becomes of this script, the run is in its log: where a broker keeps it, the project's runner goes on.
 *   H4  While another executes the run, each of its entries is read once here, however long that takes.
 */
import { setTimeout as pause } from "node:timers/promises";
import { relayError } from "@agent-relay/protocol";
import { isRelayError } from "@agent-relay/sdk";
import type { Recorded } from "../core/run.ts";
import { eventsOf, type RunEvent } from "../core/run-events.ts";
import { mayPass } from "./ask-again.ts";
import { pauseUnless } from "./pause.ts";
import type { RunPerformer } from "./performing.ts";
import { resultOf, type RunResult } from "./run-result.ts";
import type { Runs } from "./runs.ts";

/** What became true of a run, and when: `at` in milliseconds since the Unix epoch. */
export type WorkflowEvent = RunEvent & { readonly runId: string; readonly at: number };

/** It may be asynchronous; nobody waits for it. */
export type WorkflowListener = (event: WorkflowEvent) => void | Promise<void>;

export interface RunHandle {
  readonly runId: string;
  /** Hears everything. The function that is answered ends that. */
  readonly on: (listener: WorkflowListener) => () => void;
  /** The same as an iterable that ends with the run. Each iteration begins at the beginning. */
  readonly events: () => AsyncIterable<WorkflowEvent>;
  /** When it has ended. Rejects where the broker is gone for good, or after `detach`. */
  readonly result: () => Promise<RunResult>;
  /** Ends everything that runs of it; the result comes when all of it has ended. */
  readonly cancel: (reason?: string) => Promise<void>;
  /** Answers a step that waits for a person. Rejects with `invalid_request` where it does not. */
  readonly approve: (step: string) => Promise<void>;
  readonly deny: (step: string) => Promise<void>;
  /** Leaves it as it is, for whoever goes on with it. */
  readonly detach: () => Promise<void>;
}

const TRY_AGAIN_MS = 500;
const elsewhere = ["lease_taken", "lease_lost", "wrong_revision"] as const;

export function handleRun(options: {
  readonly runs: Runs;
  readonly runId: string;
  readonly performer: RunPerformer;
  /** Who asks and executes, for people. */
  readonly by: string;
  /** As many of its first entries as nobody is told of. */
  readonly after: number;
  /** Aborting it cancels the run. */
  readonly signal?: AbortSignal | undefined;
  readonly onListenerError: (error: unknown, event: WorkflowEvent) => void;
  /** How long, in milliseconds, until it is tried again to execute what another executes; 500 if absent. */
  readonly tryAgainMs?: number;
  /** When nothing more is wanted of it. */
  readonly close: () => Promise<void>;
}): RunHandle {
  const { runs, runId, performer, by, after, signal, onListenerError, tryAgainMs = TRY_AGAIN_MS } = options;
  const stop = new AbortController();
  const deaf = new AbortController();
  const listening = new Set<Promise<void>>();
  /** All of it, once it has ended. */
  let whole: readonly Recorded[] | undefined;

  const cancel = async (reason?: string): Promise<void> => runs.cancel(runId, by, reason);
  const onAbort = (): void => void cancel(reasonOf(signal)).catch(() => undefined);
  if (signal?.aborted === true) onAbort();
  else signal?.addEventListener("abort", onAbort, { once: true });

  const finished = (async (): Promise<RunResult> => {
    try {
      whole = await carry();
      deaf.abort();
      await Promise.all(listening);
      return resultOf(whole);
    } finally {
      signal?.removeEventListener("abort", onAbort);
      deaf.abort();
      await Promise.allSettled(listening);
      await options.close();
    }
  })();
  // Whoever wants to know asks for it.
  finished.catch(() => undefined);

  /** Executes it, or waits while another does. Resolves with everything of it. */
  async function carry(): Promise<readonly Recorded[]> {
    const recorded: Recorded[] = [];
    for (;;) {
      try {
        await runs.execute(runId, { performer, holder: by, signal: stop.signal });
      } catch (error) {
        // Another has it; what that one leaves is taken up here.
        if (!elsewhere.some((code) => isRelayError(error, code))) throw error;
      }
      if (stop.signal.aborted) throw relayError("cancelled", `this script does not look after ${runId} any more`);
      // Only what is new: a long run that another executes is looked at many times.
      recorded.push(...(await runs.read(runId, { after: recorded.length })));
      if (isEnd(recorded.at(-1))) return recorded;
      await pause(tryAgainMs, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  }

  const events = (): AsyncIterable<WorkflowEvent> => ({
    async *[Symbol.asyncIterator]() {
      let position = after;
      const told = ({ entry, at }: Recorded): readonly WorkflowEvent[] => {
        position += 1;
        return eventsOf(entry).map((event) => ({ ...event, runId, at }));
      };
      for (let isFollowed = true; isFollowed && !deaf.signal.aborted;) {
        isFollowed = false;
        try {
          for await (const recorded of runs.follow(runId, { after: position, signal: deaf.signal }))
            yield* told(recorded);
        } catch (error) {
          // A broker that was away for long: whoever executes the run says whether it is gone for good.
          if (!mayPass(error)) throw error;
          await pauseUnless(deaf.signal, tryAgainMs);
          isFollowed = true;
        }
      }
      // It has ended, or nobody looks after it here any more.
      for (const recorded of whole?.slice(position) ?? []) yield* told(recorded);
    },
  });

  const tell = async (listener: WorkflowListener, off: AbortSignal): Promise<void> => {
    for await (const event of events()) {
      if (off.aborted) return;
      try {
        Promise.resolve(listener(event)).catch((error: unknown) => complain(error, event));
      } catch (error) {
        complain(error, event);
      }
    }
  };

  const complain = (error: unknown, event: WorkflowEvent): void => {
    try {
      onListenerError(error, event);
    } catch {
      // It was told of; whoever should have heard it could not.
    }
  };

  return {
    runId,
    on: (listener) => {
      const off = new AbortController();
      const told = tell(listener, off.signal).catch(() => undefined);
      listening.add(told);
      void told.then(() => listening.delete(told));
      return () => off.abort();
    },
    events,
    result: () => finished,
    cancel,
    approve: (step) => runs.answer(runId, { step, by, approved: true }),
    deny: (step) => runs.answer(runId, { step, by, approved: false }),
    detach: async () => {
      stop.abort();
      await finished.catch(() => undefined);
    },
  };
}

function isEnd(recorded: Recorded | undefined): boolean {
  switch (recorded?.entry.type) {
    case "run_completed":
    case "run_failed":
    case "run_cancelled":
    case "run_needs_human":
      return true;
    default:
      return false;
  }
}

function reasonOf(signal: AbortSignal | undefined): string {
  const reason: unknown = signal?.reason;
  return reason instanceof Error && reason.message !== "" ? reason.message : "the script asked to stop";
}
