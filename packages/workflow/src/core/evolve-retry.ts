/** What somebody asks for anew: the step, and all that depends on it. What came before it stays as it is. */
import { isHeldUpBy, makeReady, makeUnready, missingOf } from "./readiness.ts";
import type { Run, Scope, Step } from "./state.ts";

/** Of a run that has ended. Whatever was skipped waits again, because its reason may be gone. */
export function reopen(run: Run, target: Step, at: number): void {
  run.status = "running";
  run.startedAt = at;
  run.openedAt = at;
  run.tokens = 0;
  run.cancel = undefined;
  run.halt = undefined;
  run.needsHuman = undefined;
  for (const scope of run.scopes)
    for (const step of scope.steps)
      if (step.status === "skipped" && step.repairOf === undefined) step.status = "pending";
  if (target.status === "completed") forgetInside(run, target);
  for (let step: Step | undefined = target; step !== undefined; step = step.scope.container)
    againWithDependents(run, step);
  run.toSkip.length = 0;
  run.stopped.clear();
  run.delayed.clear();
  for (const scope of run.scopes) recount(run, scope);
  run.touched.clear();
}

/** The next attempt of what holds others: those that completed stay so. */
export function rewind(run: Run, scope: Scope): void {
  for (const step of scope.steps) if (step.status !== "completed") again(step);
  recount(run, scope);
}

function againWithDependents(run: Run, target: Step): void {
  const waiting = [target];
  const seen = new Set(waiting);
  for (let step = waiting.pop(); step !== undefined; step = waiting.pop()) {
    again(step);
    // What it works on may be different now.
    if (step !== target) forgetInside(run, step);
    for (const dependent of step.dependents)
      if (!seen.has(dependent)) {
        seen.add(dependent);
        waiting.push(dependent);
      }
  }
}

/** It begins with nothing inside it, as the first time. */
function forgetInside(run: Run, step: Step): void {
  const { inside } = step;
  if (inside === undefined) return;
  run.scopes.delete(inside);
  run.live.delete(inside);
  step.inside = undefined;
  for (const inner of inside.steps) forgetInside(run, inner);
}

function again(step: Step): void {
  step.status = "pending";
  step.tries = 0;
  step.interruptions = 0;
  step.interrupted = false;
  step.repairs = 0;
  step.attemptsBefore = step.attempts;
  step.retryAt = undefined;
  step.output = undefined;
}

/** Finds again what is kept beside the steps, from the steps alone. */
function recount(run: Run, scope: Scope): void {
  scope.stoppedBy = undefined;
  scope.failed.clear();
  scope.open = 0;
  for (const step of scope.steps) {
    makeUnready(step);
    if (step.repairOf !== undefined && step.status !== "completed") step.status = "skipped";
    if (step.status === "pending" || step.status === "running") scope.open += 1;
    if (step.status === "failed" && step.repairOf === undefined) scope.failed.add(step);
    step.missing = missingOf(step);
    if (step.status !== "pending") continue;
    if (step.missing === 0) makeReady(step);
    const obstacle = step.dependencies.find((it) => it.status === "failed");
    if (obstacle !== undefined && isHeldUpBy(step, obstacle)) run.toSkip.push({ step, because: obstacle.name });
  }
}
