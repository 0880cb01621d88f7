/**
 * Due: the entries that follow from what a run is and what time it is, whatever led here.
 *
 *   U1  A step starts when each of its dependencies is completed; one that failed or was skipped never counts.
 *   U2  Never more attempts than `maxConcurrency`, of the run, of a workflow inside it, and of a list.
 *   U3  Nothing starts in a run that is cancelled, out of time or tokens, or in need of a person; under `fail-fast`, nor
 *       beside a step that has failed. What runs there may end by itself.
 *   U4  A run is over when nothing of it runs: completed only if each step is.
 *   U5  What is due is found again from the state alone: a lost hint costs time, never work.
 *   U6  Looking costs as much as has changed, plus what waits for a retry, plus the workflows and lists under way.
 */
import { judge } from "./after-failure.ts";
import { concludeContainer, concludeProcess, failed } from "./conclude.ts";
import type { Entry, Failure } from "./entries.ts";
import { parseItems } from "./items.ts";
import { tailOf } from "./output.ts";
import { isInteractive, isThere, plannedAgent } from "./parts.ts";
import { isHeldUpBy, makeReady } from "./readiness.ts";
import { isNeeded } from "./reviewing.ts";
import { endingOf, isContainer, type Attempt, type Run, type Scope, type Step } from "./state.ts";
import { supervise } from "./supervision.ts";
import { fill } from "./templates.ts";
import { valuesFor } from "./values.ts";

/** Asked again, with what it answered folded in, until it answers nothing. */
export function due(run: Run, now: number): readonly Entry[] {
  if (run.status !== "running") return [];
  const halt = haltDue(run, now);
  if (halt !== undefined) return [halt];
  const entries: Entry[] = [];
  const touched = [...run.touched];
  run.touched.clear();
  for (const step of touched) entries.push(...stepDue(run, step, now));
  entries.push(...skips(run));
  if (entries.length > 0) return entries;
  endDelays(run, now);
  return startDue(run) ?? endDue(run) ?? [];
}

/** The one place that says which step may start. Nothing, if none may. */
export function startable(run: Run): Step | undefined {
  if (run.status !== "running" || run.cancel !== undefined || run.halt !== undefined || run.needsHuman !== undefined)
    return undefined;
  for (const scope of run.live) {
    const step = mayGoOn(run, scope) ? firstWithRoom(scope) : undefined;
    if (step !== undefined) return step;
  }
  return undefined;
}

/** Whose wait for a retry is over stands in the queue like any other. */
function endDelays(run: Run, now: number): void {
  for (const step of run.delayed) {
    if (step.retryAt === undefined || step.retryAt > now) continue;
    run.delayed.delete(step);
    makeReady(step);
  }
}

function mayGoOn(run: Run, scope: Scope): boolean {
  if (scope.stoppedBy !== undefined) return false;
  return scope.container === undefined || endingOf(run, scope.container) === undefined;
}

/** What holds others or waits may pass one that works and has no room. */
function firstWithRoom(scope: Scope): Step | undefined {
  const step = scope.ready.first();
  const hasRoom = step?.slots.every((it) => it.running < it.maxConcurrency) === true;
  return hasRoom ? step : scope.readyAside.first();
}

function startDue(run: Run): readonly Entry[] | undefined {
  const step = startable(run);
  if (step === undefined) return undefined;
  const attempt = step.attempts + 1;
  const { lastFailure: after, def } = step;
  const about = { step: step.name, attempt } as const;
  const before =
    after === undefined || step.tries === 0 ? {} : { after: { cause: after.cause, message: after.message } };
  const started: Entry = { type: "attempt_started", ...about, ...before };
  if (def.type !== "agent" || def.owner === undefined || plannedAgent(step, "specialist")?.interactive !== true)
    return [started];
  return [started, { type: "owner_assigned", ...about, owner: def.owner, specialist: def.agent }];
}

function stepDue(run: Run, step: Step, now: number): readonly Entry[] {
  const { attempt } = step;
  if (attempt !== undefined) return attemptDue(run, step, attempt, now);
  // Only a log that was cut between the two shows it like this.
  if (step.status === "running") return [{ type: "step_completed", step: step.name, output: step.output ?? "" }];
  if (step.status !== "broken" || run.cancel !== undefined || run.halt !== undefined) return [];
  switch (judge(run, step)) {
    case "retry":
      return [];
    case "repair": {
      const agent = step.scope.plan.repair?.agent ?? "";
      return [{ type: "repair_requested", step: step.name, repair: step.repairs + 1, agent }];
    }
    case "fail":
      return [{ type: "step_failed", step: step.name, failure: finalFailure(run, step) }];
  }
}

function finalFailure(run: Run, step: Step): Failure {
  if (!step.interrupted && step.lastFailure !== undefined) return step.lastFailure;
  const why = step.scope.stoppedBy ?? run.needsHuman?.step;
  if (why === undefined) return { cause: "interrupted_too_often", message: `interrupted ${step.interruptions} times` };
  return { cause: "cancelled", message: `interrupted, and not begun again because ${why} had failed` };
}

function attemptDue(run: Run, step: Step, attempt: Attempt, now: number): readonly Entry[] {
  if (endingOf(run, step) !== undefined) return ended(run, step, attempt);
  const over = overBudget(step, attempt) ?? overTime(step, attempt, now);
  if (over !== undefined)
    return [
      { type: "attempt_ending", step: step.name, attempt: attempt.number, outcome: { how: "failed", failure: over } },
    ];
  if (isContainer(step.def)) return containerDue(run, step, attempt);
  if (isInteractive(attempt)) return supervise(run, step, attempt, now);
  const exit = attempt.parts.get("specialist")?.exit;
  return exit === undefined ? [] : (concludeProcess(run, step, attempt, exit) ?? []);
}

/** Everything of it has gone: now it has come to what it was to come to. */
function ended(run: Run, step: Step, attempt: Attempt): readonly Entry[] {
  const ending = endingOf(run, step);
  if (ending === undefined || [...attempt.parts.values()].some(isThere)) return [];
  if (step.inside !== undefined && step.inside.active > 0) return [];
  const about = { step: step.name, attempt: attempt.number } as const;
  if (ending.how === "interrupted") return [{ type: "attempt_interrupted", ...about, reason: ending.reason }];
  const output = attempt.parts.get("specialist")?.exit?.output;
  const tail = output === undefined || ending.failure.outputTail !== undefined ? {} : { outputTail: tailOf(output) };
  const entries: Entry[] = [];
  if (ending.failure.cause === "owner_timeout" && step.def.type === "agent")
    entries.push({ type: "owner_timed_out", ...about, owner: step.def.owner ?? step.def.agent });
  return [...entries, failed(step, attempt, { ...ending.failure, ...tail })];
}

function overBudget(step: Step, attempt: Attempt): { readonly cause: "budget"; readonly message: string } | undefined {
  const max = plannedAgent(step, "specialist")?.maxTokens;
  if (max === undefined || attempt.tokens <= max) return undefined;
  return { cause: "budget", message: `the step used ${attempt.tokens} tokens, of ${max} that it may` };
}

/** Of an agent in a terminal it matters whose time it was: `supervise` says. */
function overTime(
  step: Step,
  attempt: Attempt,
  now: number,
): { readonly cause: "timeout"; readonly message: string } | undefined {
  if (isInteractive(attempt) || attempt.deadline === undefined || attempt.deadline > now) return undefined;
  return { cause: "timeout", message: `${step.name} was not done within ${step.def.timeoutMs ?? 0} ms` };
}

function containerDue(run: Run, step: Step, attempt: Attempt): readonly Entry[] {
  if (step.def.type === "for_each" && step.inside === undefined) {
    const items = parseItems(fill(step.def.items, valuesFor(run, step)));
    const about = { step: step.name, attempt: attempt.number } as const;
    if (items.ok) return [{ type: "items_found", ...about, items: items.items }];
    return [failed(step, attempt, { cause: "bad_items", message: items.message, final: true })];
  }
  if (step.inside === undefined || step.inside.active > 0) return [];
  if (step.inside.open === 0) return concludeContainer(step, attempt);
  if (run.needsHuman === undefined) return [];
  // It goes on when somebody has helped.
  return [failed(step, attempt, { cause: "cancelled", message: `${run.needsHuman.step} needs a person` })];
}

function skips(run: Run): readonly Entry[] {
  const entries: Entry[] = [];
  const seen = new Set<Step>();
  const skip = (step: Step, because: string): void => {
    if (step.status !== "pending" || seen.has(step)) return;
    seen.add(step);
    const failure = run.delayed.has(step) ? step.lastFailure : undefined;
    if (failure === undefined) entries.push({ type: "step_skipped", step: step.name, because });
    else entries.push({ type: "step_failed", step: step.name, failure });
  };
  for (const { step, because } of run.toSkip) {
    const dependency = step.dependencies.find((it) => it.name === because);
    if (dependency === undefined || isHeldUpBy(step, dependency)) skip(step, because);
  }
  run.toSkip.length = 0;
  if (run.needsHuman === undefined)
    for (const scope of run.stopped) for (const step of scope.steps) skip(step, scope.stoppedBy ?? "");
  run.stopped.clear();
  return entries;
}

function haltDue(run: Run, now: number): Entry | undefined {
  if (run.halt !== undefined || run.cancel !== undefined || run.plan === undefined) return undefined;
  const { timeoutMs, tokenBudget } = run.plan;
  if (timeoutMs !== undefined && run.startedAt + timeoutMs <= now)
    return {
      type: "run_halted",
      failure: { cause: "timeout", message: `the run was not done within ${timeoutMs} ms` },
    };
  if (tokenBudget === undefined || run.tokens <= tokenBudget) return undefined;
  const message = `the run used ${run.tokens} tokens, of ${tokenBudget} that it may`;
  return { type: "run_halted", failure: { cause: "budget", message } };
}

function endDue(run: Run): readonly Entry[] | undefined {
  if (run.active.size > 0 || [...run.reviewers.values()].some(isNeeded)) return undefined;
  if (run.cancel !== undefined) return [{ type: "run_cancelled", by: run.cancel.by }];
  if (run.halt !== undefined) return [{ type: "run_failed", reason: run.halt.message }];
  if (run.needsHuman !== undefined) return [{ type: "run_needs_human", ...run.needsHuman }];
  if (run.root === undefined || run.root.open > 0) return undefined;
  const [first] = run.root.failed;
  if (first === undefined) return [{ type: "run_completed" }];
  const reason = `${first.name} failed: ${first.lastFailure?.message ?? "for a reason that is not known"}`;
  return [{ type: "run_failed", reason }];
}
