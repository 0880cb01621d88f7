/**
 * Reviewing: reviewers that serve several steps, one at a time, and are released when the last of them is done.
 *
 *   RV1  A reviewer in a terminal looks at one step at a time, in the order in which they asked, so that a decision in its text
 *        belongs to one step.
 *   RV2  It is released when nobody waits for it any more, once for each of its lives, and never earlier. A step that was
 *        under way when it decided about another may still ask for it. Who asks while it is released asks its next life.
 *   RV3  A review has what is left of its step's time; where the step has none, 600 s from its turn.
 *   RV4  Without a decision that can be read it is asked once more; then the review has failed.
 */
import type { Entry } from "./entries.ts";
import { attemptKey, reviewerName } from "./names.ts";
import { newPart, plannedAgent } from "./parts.ts";
import { endingOf, type Attempt, type Reviewer, type Run, type Step } from "./state.ts";

/** A careful reader with a long diff is done by then. */
const REVIEW_TIMEOUT_MS = 600_000;
export const REVIEW_ASKS_MAX = 2;

/** When the review has lasted too long. */
export function reviewDeadline(attempt: Attempt): number | undefined {
  const { review, deadline } = attempt;
  if (review === undefined) return undefined;
  return deadline ?? (review.turnAt === undefined ? undefined : review.turnAt + REVIEW_TIMEOUT_MS);
}

function reviewerOf(run: Run, step: Step): Reviewer | undefined {
  const name = step.attempt?.review?.reviewer;
  return name === undefined ? undefined : run.reviewers.get(reviewerKey(step, name));
}

type Requested = Extract<Entry, { readonly type: "review_requested" }>;
type OfReviewer = Extract<Entry, { readonly type: "reviewer_started" | "reviewer_exited" }>;

/** Folds the request in. */
export function requestReview(run: Run, step: Step, attempt: Attempt, entry: Requested, at: number): void {
  const interactive = plannedAgent(step, "reviewer")?.interactive === true;
  const known = run.reviewers.get(reviewerKey(step, entry.reviewer));
  if (known !== undefined && isNeeded(known) && known.serving.length === 0 && !isKept(run, known))
    known.isLeaving = true;
  if (attempt.review === undefined) {
    attempt.review = {
      reviewer: entry.reviewer,
      asks: entry.ask,
      turnAt: interactive ? undefined : at,
      unclear: false,
      decision: undefined,
    };
  } else {
    attempt.review.asks = entry.ask;
    attempt.review.unclear = false;
  }
  if (!interactive) {
    attempt.parts.set("reviewer", newPart("reviewer", "one_shot", ""));
    return;
  }
  const reviewer = reviewerFor(run, step, entry.reviewer);
  if (!reviewer.serving.includes(step)) reviewer.serving.push(step);
  if (
    reviewer.state === "wanted" &&
    reviewer.promptFor?.startsWith(`${attemptKey(step.name, attempt.number)}:`) === true
  )
    reviewer.promptFor = askKey(step, attempt);
  takeTurn(run, reviewer, at);
}

/** The step needs its reviewer no longer. */
export function leaveReview(run: Run, step: Step, at: number): void {
  const reviewer = reviewerOf(run, step);
  const index = reviewer?.serving.indexOf(step) ?? -1;
  if (reviewer === undefined || index < 0) return;
  reviewer.serving.splice(index, 1);
  reviewer.decidedAt = at;
  takeTurn(run, reviewer, at);
}

export function evolveReviewer(run: Run, entry: OfReviewer): void {
  const reviewer = [...run.reviewers.values()].find((it) => it.name === entry.agent);
  if (reviewer === undefined) return;
  const first = reviewer.serving[0];
  if (first?.attempt !== undefined) {
    run.touched.add(first);
    first.attempt.agenda = undefined;
  }
  if (entry.type === "reviewer_started") {
    reviewer.state = "running";
    reviewer.epoch = entry.epoch;
    reviewer.tokens = 0;
    return;
  }
  reviewer.life += 1;
  const hadAQuestion = reviewer.state === "running" && !reviewer.isLeaving;
  reviewer.isLeaving = false;
  reviewer.state = reviewer.serving.length > 0 ? "wanted" : "exited";
  if (reviewer.state === "exited") run.agents.delete(reviewer.name);
  if (first?.attempt !== undefined) reviewer.promptFor = askKey(first, first.attempt);
  // It went without a word, unless it could not be heard because the runner was gone.
  if (hadAQuestion && first?.attempt?.review !== undefined && entry.neverStarted !== true)
    first.attempt.review.unclear = true;
}

/** Names the question that the reviewer is asked now. */
export function askKey(step: Step, attempt: Attempt): string {
  return attemptKey(step.name, attempt.number, `review${attempt.review?.asks ?? 1}`);
}

/** It runs, and nobody asks for it now; but a step that it was there for already may do so. */
export function isKept(run: Run, reviewer: Reviewer): boolean {
  const { state, serving, decidedAt, isLeaving } = reviewer;
  if (state !== "running" || isLeaving || serving.length > 0 || decidedAt === undefined) return false;
  return [...run.active].some(
    (step) =>
      step.attempt !== undefined &&
      step.attempt.review === undefined &&
      step.attempt.startedAt < decidedAt &&
      isPlannedFor(step, reviewer) &&
      endingOf(run, step) === undefined,
  );
}

/** It is wanted, or it runs. */
export function isNeeded(reviewer: Reviewer): boolean {
  return reviewer.state !== "exited";
}

function takeTurn(run: Run, reviewer: Reviewer, at: number): void {
  const first = reviewer.serving[0];
  if (first?.attempt?.review === undefined) return;
  first.attempt.review.turnAt ??= at;
  first.attempt.agenda = undefined;
  run.touched.add(first);
  if (reviewer.state !== "exited") return;
  reviewer.state = "wanted";
  reviewer.promptFor = askKey(first, first.attempt);
  run.agents.set(reviewer.name, reviewer);
}

function reviewerFor(run: Run, step: Step, reviewer: string): Reviewer {
  const key = reviewerKey(step, reviewer);
  const known = run.reviewers.get(key);
  if (known !== undefined) return known;
  const { plan, prefix } = step.scope;
  const isStepsName = plan.steps.some((it) => it.name === reviewer);
  const name = reviewerName(reviewer, prefix, run.id, isStepsName);
  const made: Reviewer = {
    reviewer,
    name,
    scope: step.scope,
    serving: [],
    state: "exited",
    epoch: 0,
    tokens: 0,
    life: 1,
    promptFor: undefined,
    decidedAt: undefined,
    isLeaving: false,
  };
  run.reviewers.set(key, made);
  return made;
}

function isPlannedFor({ def, scope }: Step, reviewer: Reviewer): boolean {
  return def.type === "agent" && def.reviewer === reviewer.reviewer && scope === reviewer.scope;
}

/** Workflows inside others have agents of their own. */
function reviewerKey(step: Step, reviewer: string): string {
  return step.scope.prefix + reviewer;
}
