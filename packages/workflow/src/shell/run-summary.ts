/** What a list of runs shows of each; it stands beside the run's newest entry. */
import type { Run, RunStatus } from "../core/state.ts";

export interface RunSummary {
  readonly [field: string]: unknown;
  /** The document that the workflow stands in, by name. */
  readonly document?: string;
  readonly workflow: string;
  readonly status: RunStatus;
  readonly cwd: string;
  /** Who may execute it: the project's runner, or only the script that began it. */
  readonly host: "project" | "script";
  readonly steps: number;
  readonly completed: number;
  readonly failed: number;
  readonly running: number;
  /** Of this go. */
  readonly startedAt: number;
  readonly updatedAt: number;
}

export function summaryOf(run: Run, now: number): RunSummary {
  const top = run.root?.steps ?? [];
  const document = run.plan?.document;
  return {
    ...(document === undefined ? {} : { document }),
    workflow: run.plan?.workflow ?? "",
    status: run.status,
    cwd: run.cwd,
    host: run.host,
    steps: top.length,
    completed: top.length - (run.root?.open ?? 0) - (run.root?.failed.size ?? 0),
    failed: run.root?.failed.size ?? 0,
    running: run.active.size,
    startedAt: run.startedAt,
    updatedAt: now,
  };
}
