/** What entries make of an attempt: how it begins, goes on and ends in the state of a run. */
import { invariant, unreachable } from "@agent-relay/kernel";
import type { Entry, Exit, OfPart } from "./entries.ts";
import { rewind } from "./evolve-retry.ts";
import { partName } from "./names.ts";
import { openItems, openPlan } from "./opening.ts";
import { headAndTail } from "./output.ts";
import { answering, countedBy, newPart } from "./parts.ts";
import { makeUnready } from "./readiness.ts";
import { leaveReview, requestReview } from "./reviewing.ts";
import { lookAtEverything, type Attempt, type PartState, type Run, type Step } from "./state.ts";

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
    decidedAt: undefined,
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

type OfAttempt = Exclude<
  Extract<Entry, { readonly attempt: number }>,
  { type: "attempt_started" | "attempt_succeeded" | "attempt_failed" | "attempt_interrupted" }
>;

export function evolveAttempt(run: Run, step: Step, attempt: Attempt, entry: OfAttempt, at: number): void {
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
      decideByMarker(attempt, entry, at);
      return;
    }
    case "part_exited":
      exited(run, step, attempt, entry, at);
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
      if (entry.source === "tool") decideBy(attempt, "tool", at);
      else decideByMarker(attempt, entry, at);
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
        decideBy(attempt, "idle", at);
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

/** What decided first stays so. */
function decideBy(attempt: Attempt, how: NonNullable<Attempt["decided"]>, at: number): void {
  attempt.decided ??= how;
  attempt.decidedAt ??= at;
}

/** The owner's or lone specialist's word counts once it has stopped: text that it printed on the way is not yet its last. */
function decideByMarker(attempt: Attempt, { part: who }: OfPart, at: number): void {
  const part = attempt.parts.get(who);
  if (attempt.verdict?.source !== "marker" || part === undefined || part !== answering(attempt)) return;
  if (part.idleSince !== undefined || part.state === "exited") decideBy(attempt, "marker", at);
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

function exited(run: Run, step: Step, attempt: Attempt, exit: OfPart & Exit, at: number): void {
  const part = attempt.parts.get(exit.part);
  if (part === undefined) return;
  const { code, signal, output, neverStarted } = exit;
  part.state = "exited";
  part.idleSince = undefined;
  part.exit = { code, signal, output: headAndTail(output), ...(neverStarted === true ? { neverStarted } : {}) };
  if (part.name !== "") run.agents.delete(part.name);
  if (part.part === "reviewer") {
    if (attempt.review !== undefined && neverStarted !== true) attempt.review.unclear = true;
    return;
  }
  // Of one that failed, its end outranks its word.
  if (code === 0 && signal === null) decideByMarker(attempt, exit, at);
  if (part.how !== "agent") return;
  if (part === answering(attempt) && code === 0 && signal === null) decideBy(attempt, "exit", at);
  const owner = attempt.parts.get("owner");
  if (owner === undefined || owner.called || code !== 0 || attempt.ending !== undefined) return;
  // It was done before anybody heard that it had begun.
  owner.called = true;
  run.agents.set(owner.name, step);
}

function partOf(attempt: Attempt, { part }: Pick<OfPart, "part">): PartState {
  const found = attempt.parts.get(part);
  invariant(found !== undefined, `the attempt has no ${part}`);
  return found;
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
