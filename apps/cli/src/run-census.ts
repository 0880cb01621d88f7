/**
 * Run census: which runs of a project go on and who executes them, folded from the broker's events.
 *
 *   C1  What was heard outranks what was listed: a listing may be older than an event.
 *   C2  It holds the runs that go on, the leases that are held and, until all is listed, what was heard. Runs that only
 *       their script can execute do not go on here.
 */
import type { RelayEvent } from "@agent-relay/protocol";

/** Of a list of runs. */
export interface ListedRun {
  readonly runId: string;
  readonly status: unknown;
  readonly host?: unknown;
  readonly isExecuted: boolean;
}

export interface RunCensus {
  /** Answers what became of a run by it: it goes on from now on, or does not any more. */
  readonly hear: (event: RelayEvent) => "begun" | "ended" | undefined;
  readonly listed: (run: ListedRun) => void;
  /** No more is listed. */
  readonly allListed: () => void;
  /** Some run goes on, whoever executes it. */
  readonly isAnyGoingOn: () => boolean;
  /** Those that go on and that nobody executes. */
  readonly orphans: () => readonly string[];
  /** Somebody has the right to be the project's runner. */
  readonly hasRunner: () => boolean;
}

/** The right to be the runner of a project. */
export const runnerLease = "runner/project";
/** What the stream of a run is called, and its lease, is this and its id. */
export const runPrefix = "run/";
/** What those who watch runs have to hear. */
export const censusTypes = ["stream_appended", "lease_acquired", "lease_ended"];

export function runCensus(): RunCensus {
  const goingOn = new Set<string>();
  const executed = new Set<string>();
  /** Runs of which something was heard, and those of whose leases, until all are listed. */
  let heard: { readonly runs: Set<string>; readonly leases: Set<string> } | undefined = {
    runs: new Set(),
    leases: new Set(),
  };
  let runner = false;
  const note = (runId: string, { status, host }: Pick<ListedRun, "status" | "host">): "begun" | "ended" | undefined => {
    const went = goingOn.has(runId);
    const goes = status === "running" && host !== "script";
    if (goes) goingOn.add(runId);
    else goingOn.delete(runId);
    return went === goes ? undefined : goes ? "begun" : "ended";
  };
  return {
    hear: (event) => {
      switch (event.type) {
        case "stream_appended": {
          if (!event.stream.startsWith(runPrefix) || event.summary === undefined) return undefined;
          const runId = event.stream.slice(runPrefix.length);
          heard?.runs.add(runId);
          return note(runId, { status: event.summary["status"], host: event.summary["host"] });
        }
        case "lease_acquired":
        case "lease_ended": {
          const held = event.type === "lease_acquired";
          if (event.lease === runnerLease) runner = held;
          if (!event.lease.startsWith(runPrefix)) return undefined;
          const runId = event.lease.slice(runPrefix.length);
          heard?.leases.add(runId);
          if (held) executed.add(runId);
          else executed.delete(runId);
          return undefined;
        }
        default:
          return undefined;
      }
    },
    listed: ({ runId, isExecuted, ...run }) => {
      if (heard?.runs.has(runId) !== true) note(runId, run);
      if (isExecuted && heard?.leases.has(runId) !== true) executed.add(runId);
    },
    allListed: () => {
      heard = undefined;
    },
    isAnyGoingOn: () => goingOn.size > 0,
    orphans: () => [...goingOn].filter((runId) => !executed.has(runId)),
    hasRunner: () => runner,
  };
}
