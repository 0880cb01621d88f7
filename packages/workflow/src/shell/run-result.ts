/** What came of a run, for whoever began it: folded from its entries. */
import type { FailureCause } from "../core/entries.ts";
import type { Recorded } from "../core/run.ts";
import { trajectoryOf, type StepTrajectory, type Trajectory } from "../core/trajectory.ts";

export interface StepResult {
  readonly status: StepTrajectory["status"];
  /** Of a step that is completed. */
  readonly output?: string;
  /** All that there were, those after an interruption included. */
  readonly attempts: number;
  /** Why it failed, in one line, and of what kind that is. */
  readonly error?: string;
  readonly cause?: FailureCause;
  readonly exitCode?: number;
}

export interface RunResult {
  readonly runId: string;
  readonly workflow: string;
  readonly status: Trajectory["status"];
  /** Why it is not completed, in one line. */
  readonly error?: string;
  /** By name; a step inside another by its path, as in `deploy[2]` or `release/build`. */
  readonly steps: Readonly<Record<string, StepResult>>;
  /** Outputs of the steps that are completed, by name. */
  readonly outputs: Readonly<Record<string, string>>;
  /** Who was what, what was decided and why. */
  readonly trajectory: Trajectory;
}

export function resultOf(recorded: readonly Recorded[]): RunResult {
  const trajectory = trajectoryOf(recorded);
  const outputs = new Map<string, string>();
  const failures = new Map<string, Pick<StepResult, "error" | "cause" | "exitCode">>();
  for (const { entry } of recorded) {
    if (entry.type === "step_completed") outputs.set(entry.step, entry.output);
    else if (entry.type === "step_failed") {
      const { message: error, cause, exitCode } = entry.failure;
      failures.set(entry.step, { error, cause, ...(exitCode === undefined ? {} : { exitCode }) });
    }
  }
  const steps = trajectory.steps.map(({ step, status, attempts }): [string, StepResult] => {
    const output = outputs.get(step);
    const more =
      status === "completed" && output !== undefined ? { output } : status === "failed" ? failures.get(step) : {};
    return [step, { status, attempts: attempts.length, ...more }];
  });
  const completed = steps.flatMap(([name, { output }]) => (output === undefined ? [] : [[name, output] as const]));
  const { runId, workflow, status, reason } = trajectory;
  return {
    runId,
    workflow,
    status,
    ...(reason === undefined ? {} : { error: reason }),
    steps: Object.fromEntries(steps),
    outputs: Object.fromEntries(completed),
    trajectory,
  };
}
