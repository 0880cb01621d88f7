/**
 * After a failure: whether a step is tried again, mended first, or has failed.
 *
 *   B1  A step is tried at most `1 + retries` times, those after an interruption not counted; with `maxIterations`, at
 *       most that often in all; and interruptions alone never go on for ever.
 *   B2  The wait before a retry doubles each time, up to five minutes.
 *   B3  What a retry cannot mend is not retried: an owner's INCOMPLETE_FAIL, a question to a person, an exhausted budget.
 */
import type { FailureCause } from "./entries.ts";
import type { Run, Step } from "./state.ts";

/** Longer waits are a matter for a person. */
const RETRY_DELAY_MAX_MS = 300_000;
/** A runner that dies this often during one step is most likely killed by it. */
const INTERRUPTIONS_MAX = 100;

const notRetried: ReadonlySet<FailureCause> = new Set([
  "needs_clarification",
  "budget",
  "denied",
  "interrupted_too_often",
]);

export function judge(run: Run, step: Step): "retry" | "repair" | "fail" {
  const attempts = step.attempts - step.attemptsBefore;
  if (step.def.maxIterations !== undefined && attempts >= step.def.maxIterations) return "fail";
  if (isStopped(run, step)) return "fail";
  if (step.interrupted || step.lastFailure === undefined)
    return step.interruptions < INTERRUPTIONS_MAX ? "retry" : "fail";
  const { cause, final } = step.lastFailure;
  if (notRetried.has(cause) || final === true) return "fail";
  if (step.tries <= step.def.retries) return "retry";
  const repair = step.scope.plan.repair;
  if (repair === undefined || step.repairOf !== undefined || step.inside !== undefined) return "fail";
  return step.repairs < repair.retries ? "repair" : "fail";
}

/** Before the attempt that follows the last failure. */
export function retryDelay(step: Step): number {
  return Math.min(step.def.retryDelayMs * 2 ** Math.min(step.tries - 1, 30), RETRY_DELAY_MAX_MS);
}

/** Nothing new starts beside it any more. */
export function isStopped(run: Run, step: Step): boolean {
  return step.scope.stoppedBy !== undefined || run.needsHuman !== undefined;
}
