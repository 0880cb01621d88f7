/**
 * Supervision of one attempt in a terminal: somebody does it, somebody answers for it, somebody approves it.
 *
 *   SU1  Nothing is looked at before those who worked have gone, so that what is checked stays as it is.
 *   SU2  The check comes before the review, and the review before the completion.
 *   SU3  An attempt ends once nobody of it is left; each is released once.
 *   SU4  Time that runs out while the owner has not decided is the owner's; afterwards it is the review's.
 *   SU5  Who stays idle is reminded, at most as often as the plan says, and then released, which is a failure.
 */
import { concludeAgent, exitFailure, judgedHere, mismatchFailure } from "./conclude.ts";
import type { Entry, Failure } from "./entries.ts";
import { answering, isThere } from "./parts.ts";
import { REVIEW_ASKS_MAX, reviewDeadline } from "./reviewing.ts";
import type { Attempt, Run, Step } from "./state.ts";
import { tailOf } from "./output.ts";

/** What is due in an attempt that nothing has ended from outside. */
export function supervise(run: Run, step: Step, attempt: Attempt, now: number): readonly Entry[] {
  const { verdict, decided } = attempt;
  if (decided === undefined) return whileWorking(step, attempt, now);
  if (verdict !== undefined && verdict.decision !== "COMPLETE")
    return [ending(step, attempt, decisionFailure(attempt))];
  if ([...attempt.parts.values()].some((it) => it.part !== "reviewer" && isThere(it))) return [];
  const check = verification(run, step, attempt, now);
  if (check !== undefined) return check;
  return review(step, attempt, now) ?? concludeAgent(step, attempt);
}

function whileWorking(step: Step, attempt: Attempt, now: number): readonly Entry[] {
  const { deadline, parts } = attempt;
  if (deadline !== undefined && deadline <= now) return [ending(step, attempt, outOfTime(step, attempt))];
  for (const part of parts.values()) {
    const { exit } = part;
    if (exit === undefined || (exit.code === 0 && exit.signal === null)) continue;
    return [ending(step, attempt, { ...exitFailure(exit, `the ${part.part} ${part.name}`), cause: "agent_failed" })];
  }
  return nudge(step, attempt, now);
}

function outOfTime(step: Step, attempt: Attempt): Failure {
  const ms = step.def.timeoutMs ?? 0;
  const who = answering(attempt)?.name ?? "";
  const owned = step.def.type === "agent" && step.def.owner !== undefined;
  return { cause: owned ? "owner_timeout" : "timeout", message: `${who} did not decide within ${ms} ms` };
}

function nudge(step: Step, attempt: Attempt, now: number): readonly Entry[] {
  const due = nudgeDue(step, attempt);
  const part = answering(attempt);
  if (due === undefined || due > now || part === undefined) return [];
  const about = { step: step.name, attempt: attempt.number, part: part.part, agent: part.name } as const;
  if (part.nudges >= (step.scope.plan.idleNudge?.maxNudges ?? 0)) return [{ type: "force_released", ...about }];
  return [{ type: "agent_nudged", ...about, nudge: part.nudges + 1 }];
}

/** When somebody who idles is to be reminded or, after the last reminder, released. */
export function nudgeDue(step: Step, attempt: Attempt): number | undefined {
  const config = step.scope.plan.idleNudge;
  const part = answering(attempt);
  if (config === undefined || part === undefined || attempt.decided !== undefined || attempt.ending !== undefined)
    return undefined;
  let since = 0;
  for (const it of attempt.parts.values()) {
    if (!isThere(it)) continue;
    if (it.state === "wanted" || it.idleSince === undefined) return undefined;
    since = Math.max(since, it.idleSince);
  }
  if (since === 0) return undefined;
  if (part.nudgedAt !== undefined && part.nudgedAt >= since) return part.nudgedAt + config.escalateAfterMs;
  return since + (part.nudges < config.maxNudges ? config.nudgeAfterMs : config.escalateAfterMs);
}

/** Nothing once the check has passed, or where there is none and somebody said that it is done. */
function verification(run: Run, step: Step, attempt: Attempt, now: number): readonly Entry[] | undefined {
  const { def } = step;
  const exit = attempt.parts.get("specialist")?.exit;
  if (def.verification === undefined) {
    const owned = def.type === "agent" && def.owner !== undefined;
    if (attempt.decided !== "exit" || !owned) return undefined;
    const who = answering(attempt)?.name ?? "";
    const message = `${who} ended without declaring STEP_COMPLETE:${step.name}`;
    return [ending(step, attempt, { cause: "missing_marker", message, outputTail: tailOf(exit?.output ?? "") })];
  }
  if (attempt.verified === undefined) {
    const here = exit === undefined ? undefined : judgedHere(run, step, exit);
    if (here !== undefined) {
      const why = here.detail === undefined ? {} : { detail: here.detail };
      return [{ type: "verified", step: step.name, attempt: attempt.number, check: 0, passed: here.passed, ...why }];
    }
    if (attempt.deadline === undefined || attempt.deadline > now) return [];
    return [ending(step, attempt, { cause: "timeout", message: "the check did not end in the step's time" })];
  }
  if (attempt.verified.passed) return undefined;
  return [ending(step, attempt, mismatchFailure(step, attempt.verified.detail, exit))];
}

/** Nothing once it is approved, or where nobody approves. */
function review(step: Step, attempt: Attempt, now: number): readonly Entry[] | undefined {
  const { def } = step;
  if (def.type !== "agent" || def.reviewer === undefined) return undefined;
  const { review: asked } = attempt;
  const about = { step: step.name, attempt: attempt.number } as const;
  if (asked === undefined) return [{ type: "review_requested", ...about, reviewer: def.reviewer, ask: 1 }];
  const output = tailOf(attempt.parts.get("specialist")?.exit?.output ?? "");
  if (asked.decision !== undefined) {
    const { decision, reason } = asked.decision;
    if (decision === "approved") return undefined;
    const why = reason === undefined ? {} : { reason };
    const message = `${asked.reviewer} rejected it${reason === undefined ? "" : `: ${reason}`}`;
    return [ending(step, attempt, { cause: "review_rejected", message, ...why, outputTail: output })];
  }
  const deadline = reviewDeadline(attempt);
  const late = deadline !== undefined && deadline <= now;
  if (!late && !asked.unclear) return [];
  if (!late && asked.asks < REVIEW_ASKS_MAX)
    return [{ type: "review_requested", ...about, reviewer: asked.reviewer, ask: asked.asks + 1 }];
  const why = late ? "in its time" : `though it was asked ${asked.asks} times`;
  const message = `${asked.reviewer} gave no decision that could be read ${why}`;
  return [ending(step, attempt, { cause: "review_missing", message, outputTail: output })];
}

function decisionFailure({ verdict, parts }: Attempt): Failure {
  const decision = verdict?.decision;
  const reason = verdict?.reason;
  return {
    cause: decision === "NEEDS_CLARIFICATION" ? "needs_clarification" : "owner_decision",
    message: `the owner decided ${decision ?? ""}${reason === undefined ? "" : `: ${reason}`}`,
    ...(reason === undefined ? {} : { reason }),
    ...(decision === "INCOMPLETE_FAIL" ? { final: true as const } : {}),
    outputTail: tailOf(parts.get("specialist")?.exit?.output ?? ""),
  };
}

function ending(step: Step, attempt: Attempt, failure: Failure): Entry {
  return { type: "attempt_ending", step: step.name, attempt: attempt.number, outcome: { how: "failed", failure } };
}
