/**
 * Evolve: what each entry makes of a run. It folds in place.
 *
 *   V1  The cost of an entry depends on the steps that hang on the one that it is about, never on how many have ended.
 *       A retry that somebody asks for looks at every step once.
 *   V2  A step that is completed begins no attempt; numbers of attempts grow by one.
 *   V3  At most 32 KiB of output is kept for a step that somebody names, and nothing for the others.
 */
import { invariant } from "@agent-relay/kernel";
import { isStopped, judge, retryDelay } from "./after-failure.ts";
import type { Entry } from "./entries.ts";
import { beginAttempt, endAttempt, evolveAttempt } from "./evolve-attempt.ts";
import { reopen } from "./evolve-retry.ts";
import { noteEnd, noteFailure } from "./notices.ts";
import { addStep, openPlan } from "./opening.ts";
import { headAndTail } from "./output.ts";
import { makeReady, makeUnready, takesAny } from "./readiness.ts";
import { repairStep } from "./repair.ts";
import { evolveReviewer } from "./reviewing.ts";
import { hasEnded, lookAtEverything, type Attempt, type Run, type Step } from "./state.ts";

export function evolve(run: Run, entry: Entry, at: number): Run {
  const step = "step" in entry ? run.steps.get(entry.step) : undefined;
  if ("step" in entry) {
    invariant(step !== undefined, `there is no step ${entry.step}`);
    run.touched.add(step);
  }
  if (step?.attempt !== undefined) step.attempt.agenda = undefined;
  switch (entry.type) {
    case "run_started":
      run.id = entry.runId;
      run.plan = entry.plan;
      run.vars = entry.vars;
      run.cwd = entry.cwd;
      run.host = entry.host ?? "project";
      run.startedAt = at;
      run.status = "running";
      run.root = openPlan(run, entry.plan, undefined);
      return run;
    case "cancel_requested":
      run.cancel = { by: entry.by, reason: entry.reason };
      lookAtEverything(run);
      return run;
    case "run_halted":
      run.halt = entry.failure;
      lookAtEverything(run);
      return run;
    case "run_completed":
      run.status = "completed";
      noteEnd(run, "is completed.");
      return run;
    case "run_failed":
      run.status = "failed";
      noteEnd(run, `has failed: ${entry.reason}`);
      return run;
    case "run_cancelled":
      run.status = "cancelled";
      noteEnd(run, `was cancelled by ${entry.by}.`);
      return run;
    case "run_needs_human":
      run.status = "needs_human";
      noteEnd(run, `needs a person: ${entry.step}: ${entry.reason}`);
      return run;
    case "reviewer_started":
    case "reviewer_exited":
      evolveReviewer(run, entry);
      return run;
    default:
      invariant(step !== undefined, "every other entry is about a step");
      evolveStep(run, step, entry, at);
      return run;
  }
}

type OfStep = Extract<Entry, { readonly step: string }>;

function evolveStep(run: Run, step: Step, entry: Exclude<OfStep, { type: "run_needs_human" }>, at: number): void {
  switch (entry.type) {
    case "step_completed":
      finish(run, step, "completed");
      step.output = step.keepsOutput ? headAndTail(entry.output) : undefined;
      step.lastFailure = undefined;
      for (const dependent of step.dependents) {
        if (dependent.missing === 0) continue;
        dependent.missing = takesAny(dependent) ? 0 : dependent.missing - 1;
        if (dependent.missing === 0 && dependent.status === "pending") makeReady(dependent);
      }
      repaired(run, step, true);
      return;
    case "step_failed":
      finish(run, step, "failed");
      step.lastFailure = entry.failure;
      noteFailure(run, step);
      if (step.repairOf === undefined) step.scope.failed.add(step);
      if (step.repairOf === undefined) skipAfter(run, step);
      repaired(run, step, false);
      return;
    case "step_skipped":
      finish(run, step, "skipped");
      repaired(run, step, false);
      for (const dependent of step.dependents) run.toSkip.push({ step: dependent, because: step.name });
      return;
    case "step_retried":
      reopen(run, step, at);
      return;
    case "repair_requested": {
      step.status = "repairing";
      step.repairs = entry.repair;
      const def = repairStep(step, entry.agent);
      const name = `${step.name}~repair-${step.attempts}`;
      const repair = addStep(run, step.scope, def, name, { item: step.item, keeps: false, repairOf: step });
      makeReady(repair);
      return;
    }
    case "attempt_started":
      invariant(
        step.status === "pending" && step.attempt === undefined,
        `V2: ${step.name} began while it was ${step.status}`,
      );
      invariant(
        entry.attempt === step.attempts + 1,
        `V2: attempt ${entry.attempt} of ${step.name} after ${step.attempts}`,
      );
      beginAttempt(run, step, entry.attempt, at);
      return;
    case "attempt_succeeded":
      endAttempt(run, step, at);
      step.status = "running";
      step.output = headAndTail(entry.output);
      return;
    case "attempt_failed":
      endAttempt(run, step, at);
      step.lastFailure = entry.failure;
      if (entry.failure.cause === "cancelled" || run.halt !== undefined) {
        // Nobody's fault: it runs again when the run does.
        comeAgain(step);
        return;
      }
      step.tries += 1;
      step.interrupted = false;
      step.status = "broken";
      if (judge(run, step) === "retry") {
        step.status = "pending";
        step.retryAt = at + retryDelay(step);
        run.delayed.add(step);
      }
      return;
    case "attempt_interrupted":
      endAttempt(run, step, at);
      step.interruptions += 1;
      step.interrupted = true;
      step.status = "broken";
      if (judge(run, step) === "retry") comeAgain(step);
      return;
    default:
      evolveAttempt(run, step, attemptOf(step, entry.attempt), entry, at);
  }
}

function attemptOf(step: Step, number: number): Attempt {
  const attempt = step.attempt;
  invariant(attempt?.number === number, `V2: attempt ${number} of ${step.name} is not under way`);
  return attempt;
}

function finish(run: Run, step: Step, status: "completed" | "failed" | "skipped"): void {
  invariant(!hasEnded(step), `V2: ${step.name} ended twice`);
  step.status = status;
  step.retryAt = undefined;
  run.delayed.delete(step);
  makeUnready(step);
  step.scope.open -= 1;
  if (step.scope.container !== undefined) run.touched.add(step.scope.container);
}

/** What it held up may not run now; under `fail-fast` nothing else may either. */
function skipAfter(run: Run, step: Step): void {
  const { scope } = step;
  for (const dependent of step.dependents) run.toSkip.push({ step: dependent, because: step.name });
  if (scope.plan.onExhaustion === "needs-human" || step.lastFailure?.cause === "needs_clarification")
    needHuman(run, step);
  if (scope.plan.strategy !== "fail-fast" || scope.stoppedBy !== undefined) return;
  scope.stoppedBy = step.name;
  run.stopped.add(scope);
}

function needHuman(run: Run, step: Step): void {
  run.needsHuman ??= { step: step.name, reason: step.lastFailure?.message ?? "" };
  lookAtEverything(run);
}

/** The step that was mended is tried once more; one that could not be mended has failed. */
function repaired(run: Run, repair: Step, well: boolean): void {
  const step = repair.repairOf;
  if (step === undefined) return;
  run.touched.add(step);
  if (well && !isStopped(run, step)) comeAgain(step);
  else step.status = "broken";
}

function comeAgain(step: Step): void {
  step.status = "pending";
  makeReady(step);
}
