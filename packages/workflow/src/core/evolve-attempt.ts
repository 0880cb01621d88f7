/** How an attempt begins and ends in the state of a run. */
import { rewind } from "./evolve-retry.ts";
import { partName } from "./names.ts";
import { newPart } from "./parts.ts";
import { leaveReview } from "./reviewing.ts";
import { makeUnready, openPlan, type Attempt, type PartState, type Run, type Step } from "./state.ts";

export function beginAttempt(run: Run, step: Step, number: number, at: number): void {
  const { def, scope } = step;
  step.attempts = number;
  step.status = "running";
  step.retryAt = undefined;
  run.delayed.delete(step);
  makeUnready(step);
  run.active.add(step);
  scope.active += 1;
  for (const slot of step.slots) slot.running += 1;
  step.attempt = {
    number,
    startedAt: at,
    deadline: def.timeoutMs === undefined ? undefined : at + def.timeoutMs,
    after: step.lastFailure,
    parts: new Map(partsOf(run, step).map((it) => [it.part, it])),
    ending: undefined,
    verdict: undefined,
    decided: undefined,
    idlePeriod: 0,
    checkedPeriod: 0,
    verified: undefined,
    review: undefined,
    changed: undefined,
    tokens: 0,
    agenda: undefined,
  } satisfies Attempt;
  const first = step.attempt.parts.get("specialist");
  if (first?.how === "agent") run.agents.set(first.name, step);
  if (step.inside !== undefined) {
    rewind(run, step.inside);
    run.live.add(step.inside);
  } else if (def.type === "workflow") step.inside = openPlan(run, def.plan, step);
  if (step.inside !== undefined && step.inside.open === 0) run.touched.add(step);
}

export function endAttempt(run: Run, step: Step, at: number): void {
  const { attempt, scope } = step;
  if (attempt === undefined) return;
  for (const part of attempt.parts.values()) if (part.name !== "") run.agents.delete(part.name);
  if (attempt.review !== undefined) leaveReview(run, step, at);
  step.attempt = undefined;
  run.active.delete(step);
  scope.active -= 1;
  for (const slot of step.slots) slot.running -= 1;
  if (step.inside !== undefined) run.live.delete(step.inside);
  if (scope.container !== undefined) run.touched.add(scope.container);
}

/** Those whom the plan has work on the step from its beginning; a reviewer comes later. */
function partsOf(run: Run, step: Step): readonly PartState[] {
  const { def } = step;
  switch (def.type) {
    case "deterministic":
      return [newPart("specialist", "command", "")];
    case "worktree":
      return [newPart("specialist", "worktree", "")];
    case "agent": {
      if (step.scope.plan.agents[def.agent]?.interactive !== true) return [newPart("specialist", "one_shot", "")];
      const role = def.owner === undefined || def.owner === def.agent ? "alone" : "worker";
      const specialist = newPart("specialist", "agent", partName(step.name, role, run.id));
      if (role === "alone") return [specialist];
      return [specialist, newPart("owner", "agent", partName(step.name, "owner", run.id))];
    }
    case "wait_for":
    case "workflow":
    case "for_each":
      return [];
  }
}
