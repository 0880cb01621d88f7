/**
 * Evolve: what each entry makes of a run. It folds in place.
 *
 *   V1  The cost of an entry depends on the steps that hang on the one that it is about, never on how many have ended.
 *       A retry that somebody asks for looks at every step once.
 *   V2  A step that is completed begins no attempt; numbers of attempts grow by one.
 *   V3  At most 32 KiB of output is kept for a step that somebody names, and nothing for the others.
 */
import { invariant, unreachable } from "@agent-relay/kernel";
import { isStopped, judge, retryDelay } from "./after-failure.ts";
import type { Entry, Exit, OfPart } from "./entries.ts";
import { beginAttempt, endAttempt } from "./evolve-attempt.ts";
import { reopen } from "./evolve-retry.ts";
import { noteEnd, noteFailure } from "./notices.ts";
import { headAndTail } from "./output.ts";
import { answering, countedBy } from "./parts.ts";
import {
  addStep,
  hasEnded,
  makeReady,
  makeUnready,
  openItems,
  openPlan,
  takesAny,
  type Attempt,
  type PartState,
  type Run,
  type Step,
} from "./state.ts";
import { repairStep } from "./repair.ts";
import { evolveReviewer, leaveReview, requestReview } from "./reviewing.ts";

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

type OfAttempt = Exclude<
  Extract<Entry, { readonly attempt: number }>,
  { type: "attempt_started" | "attempt_succeeded" | "attempt_failed" | "attempt_interrupted" }
>;

function evolveAttempt(run: Run, step: Step, attempt: Attempt, entry: OfAttempt, at: number): void {
  switch (entry.type) {
    case "owner_assigned":
    case "owner_timed_out":
      return;
    case "evidence_noted":
      if (entry.evidence === "file_changed") attempt.changed = entry.text;
      return;
    case "process_started": {
      const part = partOf(attempt, entry);
      part.state = "running";
      part.process = { pid: entry.pid, startTicks: entry.startTicks };
      return;
    }
    case "agent_started": {
      const part = partOf(attempt, entry);
      part.state = "running";
      part.epoch = entry.epoch;
      const owner = attempt.parts.get("owner");
      if (entry.part !== "specialist" || owner === undefined) return;
      owner.called = true;
      run.agents.set(owner.name, step);
      return;
    }
    case "agent_working":
      if (entry.part === "reviewer") return;
      partOf(attempt, entry).idleSince = undefined;
      return;
    case "agent_idle": {
      if (entry.part === "reviewer") {
        if (attempt.review !== undefined) attempt.review.unclear = true;
        return;
      }
      partOf(attempt, entry).idleSince = at;
      if (everybodyIdles(attempt)) attempt.idlePeriod += 1;
      decideByMarker(attempt, entry);
      return;
    }
    case "part_exited":
      exited(run, attempt, entry, entry);
      return;
    case "agent_nudged": {
      const part = partOf(attempt, entry);
      part.nudges = entry.nudge;
      part.nudgedAt = at;
      return;
    }
    case "force_released":
      attempt.ending ??= {
        how: "failed",
        failure: { cause: "force_released", message: `${entry.agent} stayed idle after every nudge and was released` },
      };
      return;
    case "verdict_given":
      if (entry.kind !== "owner") return;
      attempt.verdict = { decision: entry.decision, reason: entry.reason, source: entry.source };
      if (entry.source === "tool") attempt.decided ??= "tool";
      else decideByMarker(attempt, entry);
      return;
    case "review_requested":
      requestReview(run, step, attempt, entry, at);
      return;
    case "review_completed":
      leaveReview(run, step, at);
      if (attempt.review !== undefined)
        attempt.review.decision = { decision: entry.decision, reason: entry.reason, source: entry.source };
      return;
    case "verified":
      if (entry.idle === true) {
        attempt.checkedPeriod = Math.max(attempt.checkedPeriod, entry.check);
        if (!entry.passed) return;
        attempt.decided ??= "idle";
      }
      attempt.verified = { passed: entry.passed, detail: entry.detail };
      return;
    case "tokens_used": {
      const counted = entry.by === undefined ? undefined : countedBy(run, attempt, entry.by);
      if (counted !== undefined) counted.tokens += entry.tokens;
      attempt.tokens += entry.tokens;
      run.tokens += entry.tokens;
      return;
    }
    case "attempt_ending":
      attempt.ending ??= entry.outcome;
      if (step.inside !== undefined) lookAtEverything(run);
      return;
    case "items_found":
      invariant(step.def.type === "for_each", "items are found for a list");
      step.inside = openItems(run, step, step.def, entry.items);
      return;
    default:
      unreachable(entry);
  }
}

/** The owner's or lone specialist's word counts once it has stopped: text that it printed on the way is not yet its last. */
function decideByMarker(attempt: Attempt, { part: who }: OfPart): void {
  const part = attempt.parts.get(who);
  if (attempt.verdict?.source !== "marker" || part === undefined || part !== answering(attempt)) return;
  if (part.idleSince !== undefined || part.state === "exited") attempt.decided ??= "marker";
}

function everybodyIdles(attempt: Attempt): boolean {
  let idle = 0;
  for (const part of attempt.parts.values()) {
    if (part.how !== "agent" || (part.state === "wanted" && part.called)) return false;
    if (part.state === "running" && part.idleSince === undefined) return false;
    if (part.state === "running") idle += 1;
  }
  return idle > 0;
}

function exited(run: Run, attempt: Attempt, about: OfPart, exit: Exit): void {
  const part = attempt.parts.get(about.part);
  if (part === undefined) return;
  const { code, signal, output, neverStarted } = exit;
  part.state = "exited";
  part.idleSince = undefined;
  part.exit = { code, signal, output: headAndTail(output), ...(neverStarted === true ? { neverStarted } : {}) };
  if (part.name !== "") run.agents.delete(part.name);
  if (about.part === "reviewer") {
    if (attempt.review !== undefined && neverStarted !== true) attempt.review.unclear = true;
    return;
  }
  // Of one that failed, its end outranks its word.
  if (code === 0 && signal === null) decideByMarker(attempt, about);
  if (part.how !== "agent") return;
  if (part === answering(attempt) && code === 0 && signal === null) attempt.decided ??= "exit";
  const owner = attempt.parts.get("owner");
  if (owner === undefined || owner.called || code !== 0 || attempt.ending !== undefined) return;
  // It was done before anybody heard that it had begun.
  owner.called = true;
  const step = run.steps.get(about.step);
  if (step !== undefined) run.agents.set(owner.name, step);
}

function partOf(attempt: Attempt, { part }: Pick<OfPart, "part">): PartState {
  const found = attempt.parts.get(part);
  invariant(found !== undefined, `the attempt has no ${part}`);
  return found;
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

function lookAtEverything(run: Run): void {
  for (const step of run.active) {
    run.touched.add(step);
    if (step.attempt !== undefined) step.attempt.agenda = undefined;
  }
}
