/**
 * Run census: which runs of a project go on and who executes them, folded from the broker's events.
 *
 *   C1  What was heard outranks what was listed: a listing may be older than an event.
 *   C2  It holds the runs that go on and nothing of the others. Those that only their script can execute are not of it.
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
  readonly hear: (event: RelayEvent) => void;
  readonly listed: (run: ListedRun) => void;
  /** Those that go on and that nobody executes. */
  readonly orphans: () => readonly string[];
  /** Somebody has the right to be the project's runner. */
  readonly hasRunner: () => boolean;
}

/** The right to be the runner of a project. */
export const runnerLease = "runner/project";
const prefix = "run/";
/** What those who watch runs have to hear. */
export const censusTypes = ["stream_appended", "lease_acquired", "lease_ended"];

export function runCensus(): RunCensus {
  const goingOn = new Set<string>();
  const executed = new Set<string>();
  const heard = new Set<string>();
  let runner = false;
  const note = (runId: string, { status, host }: Pick<ListedRun, "status" | "host">): void => {
    if (status === "running" && host !== "script") goingOn.add(runId);
    else goingOn.delete(runId);
  };
  return {
    hear: (event) => {
      switch (event.type) {
        case "stream_appended": {
          if (!event.stream.startsWith(prefix) || event.summary === undefined) return;
          const runId = event.stream.slice(prefix.length);
          heard.add(runId);
          note(runId, { status: event.summary["status"], host: event.summary["host"] });
          return;
        }
        case "lease_acquired":
        case "lease_ended": {
          const held = event.type === "lease_acquired";
          if (event.lease === runnerLease) runner = held;
          if (!event.lease.startsWith(prefix)) return;
          const runId = event.lease.slice(prefix.length);
          heard.add(runId);
          if (held) executed.add(runId);
          else executed.delete(runId);
          return;
        }
        default:
          return;
      }
    },
    listed: ({ runId, isExecuted, ...run }) => {
      if (heard.has(runId)) return;
      note(runId, run);
      if (isExecuted) executed.add(runId);
    },
    orphans: () => [...goingOn].filter((runId) => !executed.has(runId)),
    hasRunner: () => runner,
  };
}
