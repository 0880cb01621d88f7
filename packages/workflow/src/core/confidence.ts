/**
 * Confidence: how strong the evidence is that a step is really done, between 0 and 1.
 *
 *   CF1  What is not completed has none. A check that passed counts most, a marker in a text least.
 *   CF2  An approval takes half of the doubt away. Each attempt that failed before takes a tenth of what is left.
 */
import type { CompletedBy } from "./entries.ts";
import type { StepTrajectory } from "./trajectory.ts";

const byEvidence: Readonly<Record<CompletedBy, number>> = {
  verification: 1,
  wait_over: 1,
  worktree: 1,
  children: 1,
  owner_decision: 0.8,
  process_exit: 0.8,
  marker: 0.5,
};

export function confidenceOf(step: Omit<StepTrajectory, "confidence">): number {
  const last = step.attempts.at(-1);
  if (step.status !== "completed" || last?.by === undefined) return 0;
  const evidence = byEvidence[last.by as CompletedBy];
  const isApproved = last.decisions.some((it) => it.who === "reviewer" && it.decision === "approved");
  const failures = step.attempts.filter((it) => it.outcome === "failed").length;
  return rounded((isApproved ? (1 + evidence) / 2 : evidence) * 0.9 ** failures);
}

/** The mean of its steps, without those that were done in another run. */
export function runConfidence(steps: readonly StepTrajectory[]): number {
  const own = steps.filter(({ takenFrom }) => takenFrom === undefined);
  if (own.length === 0) return 0;
  return rounded(own.reduce((sum, it) => sum + it.confidence, 0) / own.length);
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
