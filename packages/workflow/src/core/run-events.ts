/**
 * Run events: what subscribers are told of a run, one or more for an entry.
 *
 *   RE1  They follow from the entries alone, in their order, so whoever reads the log again is told the same.
 *   RE2  `step:started` comes before `step:owner-assigned`, and `step:review-completed` before `step:completed`.
 */
import type { Entry, Failure } from "./entries.ts";
import type { StepName } from "./plan.ts";

export type RunEvent =
  | { readonly type: "run:started"; readonly runId: string; readonly workflow: string }
  | { readonly type: "run:completed" }
  | { readonly type: "run:failed"; readonly error: string }
  | { readonly type: "run:cancelled"; readonly by: string }
  | { readonly type: "run:needs-human"; readonly step: StepName; readonly reason: string }
  | { readonly type: "step:started"; readonly step: StepName; readonly attempt: number }
  | {
      readonly type: "step:owner-assigned";
      readonly step: StepName;
      readonly attempt: number;
      readonly ownerName: string;
      readonly specialistName: string;
    }
  | { readonly type: "step:nudged"; readonly step: StepName; readonly agent: string; readonly nudgeCount: number }
  | { readonly type: "step:force-released"; readonly step: StepName; readonly agent: string }
  | { readonly type: "step:owner-timeout"; readonly step: StepName; readonly ownerName: string }
  | {
      readonly type: "step:review-completed";
      readonly step: StepName;
      readonly reviewerName: string;
      readonly decision: "approved" | "rejected";
      readonly reason?: string;
    }
  | {
      readonly type: "step:retrying";
      readonly step: StepName;
      readonly attempt: number;
      readonly cause: Failure["cause"];
      readonly error: string;
    }
  /** `takenFrom`: the earlier run in which it was done. */
  | {
      readonly type: "step:completed";
      readonly step: StepName;
      readonly output: string;
      readonly takenFrom?: string;
    }
  | {
      readonly type: "step:failed";
      readonly step: StepName;
      readonly error: string;
      readonly cause: Failure["cause"];
      readonly exitCode?: number;
      readonly exitSignal?: string;
      /** The end of what it printed. */
      readonly outputTail?: string;
    }
  | { readonly type: "step:skipped"; readonly step: StepName; readonly because: StepName };

export type RunEventType = RunEvent["type"];

export function eventsOf(entry: Entry): readonly RunEvent[] {
  switch (entry.type) {
    case "run_started":
      return [{ type: "run:started", runId: entry.runId, workflow: entry.plan.workflow }];
    case "run_completed":
      return [{ type: "run:completed" }];
    case "run_failed":
      return [{ type: "run:failed", error: entry.reason }];
    case "run_cancelled":
      return [{ type: "run:cancelled", by: entry.by }];
    case "run_needs_human":
      return [{ type: "run:needs-human", step: entry.step, reason: entry.reason }];
    case "attempt_started": {
      const { step, attempt, after } = entry;
      const started: RunEvent = { type: "step:started", step, attempt };
      if (after === undefined) return [started];
      return [{ type: "step:retrying", step, attempt, cause: after.cause, error: after.message }, started];
    }
    case "owner_assigned": {
      const { step, attempt, owner: ownerName, specialist: specialistName } = entry;
      return [{ type: "step:owner-assigned", step, attempt, ownerName, specialistName }];
    }
    case "agent_nudged":
      return [{ type: "step:nudged", step: entry.step, agent: entry.agent, nudgeCount: entry.nudge }];
    case "force_released":
      return [{ type: "step:force-released", step: entry.step, agent: entry.agent }];
    case "owner_timed_out":
      return [{ type: "step:owner-timeout", step: entry.step, ownerName: entry.owner }];
    case "review_completed": {
      const { step, reviewer: reviewerName, decision, reason } = entry;
      const why = reason === undefined ? {} : { reason };
      return [{ type: "step:review-completed", step, reviewerName, decision, ...why }];
    }
    case "step_completed": {
      const { step, output, takenFrom } = entry;
      return [{ type: "step:completed", step, output, ...(takenFrom === undefined ? {} : { takenFrom }) }];
    }
    case "step_failed": {
      const { message: error, cause, exitCode, signal, outputTail } = entry.failure;
      const code = exitCode === undefined ? {} : { exitCode };
      const exitSignal = signal === undefined ? {} : { exitSignal: signal };
      const printed = outputTail === undefined ? {} : { outputTail };
      return [{ type: "step:failed", step: entry.step, error, cause, ...code, ...exitSignal, ...printed }];
    }
    case "step_skipped":
      return [{ type: "step:skipped", step: entry.step, because: entry.because }];
    default:
      return [];
  }
}
