/** Readiness: what a step waits for, and that it waits no more. */
import type { Step } from "./state.ts";

/** How many of its dependencies have to be completed yet: of a barrier for any of them, one or none. */
export function missingOf(step: Step): number {
  const left = step.dependencies.filter((it) => it.status !== "completed").length;
  if (!takesAny(step)) return left;
  return left < step.dependencies.length ? 0 : Math.min(1, left);
}

/** Because of this dependency, which has not come to completion, the step cannot run. */
export function isHeldUpBy(step: Step, dependency: Step): boolean {
  const isLost = (it: Step): boolean => it === dependency || it.status === "failed" || it.status === "skipped";
  return !takesAny(step) || step.dependencies.every(isLost);
}

export function takesAny(step: Step): boolean {
  return step.def.type === "deterministic" && step.def.barrier === "any";
}

/** Nothing that it depends on holds it up. */
export function makeReady(step: Step): void {
  (step.slots.length === 0 ? step.scope.readyAside : step.scope.ready).add(step);
}

export function makeUnready(step: Step): void {
  (step.slots.length === 0 ? step.scope.readyAside : step.scope.ready).remove(step);
}
