/** Verdicts: whose word counts, for what, and until when. Numbered in `decide.ts`. */
import { accept, reject, type Decision } from "@agent-relay/kernel";
import type { Observation, Refusal } from "./commands.ts";
import { reviewCompleted } from "./conclude.ts";
import type { Entry, Verdict } from "./entries.ts";
import { answering } from "./parts.ts";
import { endingOf, type Attempt, type PartState, type Reviewer, type Run, type Step } from "./state.ts";

type Given = Extract<Observation, { type: "verdict" }>;
type VerdictDecision = Decision<Entry, Refusal>;

export function decideVerdict(run: Run, command: Given): VerdictDecision {
  const found = run.agents.get(command.agent);
  if (found === undefined) return ignoreOrRefuse(command, { code: "not_part_of_run", agent: command.agent });
  if ("serving" in found) return byReviewer(run, found, command);
  const part = [...(found.attempt?.parts.values() ?? [])].find((it) => it.name === command.agent);
  if (found.attempt === undefined || part === undefined)
    return ignoreOrRefuse(command, { code: "not_part_of_run", agent: command.agent });
  return byPart(run, found, found.attempt, part, command);
}

function byPart(run: Run, step: Step, attempt: Attempt, part: PartState, command: Given): VerdictDecision {
  const { verdict, source } = command;
  const notYours: Refusal = { code: "not_yours", agent: part.name, step: command.step ?? step.name };
  if (!isAbout(step, command) || part !== answering(attempt) || verdict.kind !== "owner")
    return ignoreOrRefuse(command, notYours);
  const known = attempt.verdict;
  const same = known?.decision === verdict.decision;
  if (same && (known.source === "tool" || source === "marker")) return accept();
  if (known?.source === "tool" || attempt.decided !== undefined || endingOf(run, step) !== undefined)
    return ignoreOrRefuse(command, { code: "too_late", agent: part.name, step: step.name });
  const given: Verdict = { ...verdict, source };
  return accept({
    type: "verdict_given",
    step: step.name,
    attempt: attempt.number,
    part: part.part,
    by: part.name,
    ...given,
  });
}

function byReviewer(run: Run, reviewer: Reviewer, command: Given): VerdictDecision {
  const step = reviewer.serving[0];
  const attempt = step?.attempt;
  const { verdict, source } = command;
  if (step === undefined || attempt?.review === undefined || reviewer.isLeaving)
    return ignoreOrRefuse(command, { code: "too_late", agent: reviewer.name, step: command.step ?? "" });
  if (!isAbout(step, command) || verdict.kind !== "review")
    return ignoreOrRefuse(command, { code: "not_yours", agent: reviewer.name, step: command.step ?? step.name });
  if (attempt.review.decision !== undefined || endingOf(run, step) !== undefined)
    return ignoreOrRefuse(command, { code: "too_late", agent: reviewer.name, step: step.name });
  return accept(reviewCompleted(step, attempt, verdict, source));
}

/** By its path or by its own name. */
function isAbout(step: Step, { step: named }: Given): boolean {
  return named === undefined || named === step.name || named === step.def.name;
}

/** Who uses a tool is told; text that is no verdict is only text. */
function ignoreOrRefuse(command: Given, refusal: Refusal): VerdictDecision {
  return command.source === "tool" ? reject(refusal) : accept();
}
