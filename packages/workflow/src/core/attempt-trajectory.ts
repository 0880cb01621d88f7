/**
 * The trajectory of one attempt, folded from the entries about it.
 *
 *   TR3  At most 50 notes are kept of an attempt, the newest, and the number of all.
 */
import type { Entry } from "./entries.ts";
import type { AttemptTrajectory, Note } from "./trajectory.ts";

const NOTES_MAX = 50;

/** As it is while it is folded. */
export type Mutable<Value> = {
  -readonly [Key in keyof Value]: Value[Key] extends readonly (infer Item)[] ? Item[] : Value[Key];
};
export type OpenAttempt = Mutable<AttemptTrajectory>;

export function addOfAttempt(attempt: OpenAttempt, entry: Entry, at: number): void {
  switch (entry.type) {
    case "owner_assigned":
      attempt.owner = entry.owner;
      attempt.specialist = entry.specialist;
      return;
    case "agent_started":
      attempt.agents.push({ part: entry.part, agent: entry.agent, at });
      return;
    case "verdict_given": {
      const { part, by, decision, source } = entry;
      attempt.decisions.push({ at, who: part, by, decision, ...reasonOf(entry.reason), source });
      return;
    }
    case "review_requested":
      attempt.reviewer = entry.reviewer;
      if (entry.ask > 1)
        note(attempt, { at, kind: "review_asked", by: entry.reviewer, text: "asked once more for a decision" });
      return;
    case "review_completed": {
      const { reviewer: by, decision, source } = entry;
      attempt.reviewer = by;
      attempt.decisions.push({ at, who: "reviewer", by, decision, ...reasonOf(entry.reason), source });
      return;
    }
    case "verified": {
      const detail = entry.detail === undefined ? {} : { detail: entry.detail };
      attempt.checks.push({ at, passed: entry.passed, idle: entry.idle === true, ...detail });
      return;
    }
    case "tokens_used":
      attempt.tokens += entry.tokens;
      return;
    case "evidence_noted":
      note(attempt, {
        at,
        kind: entry.evidence,
        ...(entry.by === undefined ? {} : { by: entry.by }),
        text: entry.text,
      });
      return;
    case "agent_nudged":
      attempt.nudges = entry.nudge;
      note(attempt, { at, kind: "nudge", by: entry.agent, text: `reminded for the ${ordinal(entry.nudge)} time` });
      return;
    case "force_released":
      note(attempt, { at, kind: "force_release", by: entry.agent, text: "released after the last reminder" });
      return;
    case "owner_timed_out":
      note(attempt, { at, kind: "owner_timeout", by: entry.owner, text: "did not decide in time" });
      return;
    case "attempt_succeeded":
      attempt.outcome = "succeeded";
      attempt.by = entry.by;
      attempt.endedAt = at;
      return;
    case "attempt_failed":
      attempt.outcome = "failed";
      attempt.failure = entry.failure;
      attempt.endedAt = at;
      return;
    case "attempt_interrupted":
      attempt.outcome = "interrupted";
      attempt.interruption = entry.reason;
      attempt.endedAt = at;
      return;
    default:
      // The others say how it went on inside; who, what and why are told by these.
      return;
  }
}

export function newAttempt(attempt: number, at: number): OpenAttempt {
  return {
    attempt,
    startedAt: at,
    outcome: "running",
    agents: [],
    decisions: [],
    checks: [],
    notes: [],
    notesInAll: 0,
    nudges: 0,
    tokens: 0,
  };
}

function note(attempt: OpenAttempt, one: Note): void {
  attempt.notes.push(one);
  attempt.notesInAll += 1;
  if (attempt.notes.length > NOTES_MAX) attempt.notes.shift();
}

function reasonOf(reason: string | undefined): { readonly reason?: string } {
  return reason === undefined ? {} : { reason };
}

function ordinal(count: number): string {
  return count === 1 ? "first" : count === 2 ? "second" : count === 3 ? "third" : `${count}th`;
}
