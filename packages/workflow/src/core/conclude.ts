/**
 * Conclude: what an attempt has come to, by the evidence.
 *
 * Precedence, the first that speaks decides. `due.ts` asks in this order; for an agent in a terminal `supervision.ts` asks
 * for 2 to 5, as its time comes.
 *
 *   1. an ending from outside: cancelled, out of time or budget, interrupted, force-released
 *   2. a program that failed: a status other than 0, a signal (where the step's check is `exit_code`, that check instead)
 *   3. an owner's decision other than COMPLETE, by a tool before one by a marker
 *   4. the step's check: what it refuses is not done, whoever says so; what it passes is done, though nobody says so
 *   5. the review: a rejection, or no decision
 *   6. the owner's COMPLETE by a tool; by a marker, which is recorded as such
 *   7. the end of the program with status 0, where nobody has to answer for the step
 *
 *   CE1  A self-report never outranks a check that ran.
 *   CE2  A step that somebody answers for and that has no check is not complete without a word of theirs.
 *   CE3  Idling is no evidence by itself.
 */
import { occursBesideEcho } from "./echo.ts";
import type { CompletedBy, Entry, Exit, Failure } from "./entries.ts";
import { headAndTail, outputList, tailOf } from "./output.ts";
import type { Verification } from "./plan.ts";
import { echoedTo } from "./prompts.ts";
import type { Attempt, Run, Step } from "./state.ts";
import { fill } from "./templates.ts";
import { valuesFor } from "./values.ts";

/** A command or a one-shot program has ended; nothing if its check has yet to run. */
export function concludeProcess(run: Run, step: Step, attempt: Attempt, exit: Exit): readonly Entry[] | undefined {
  const { def } = step;
  const { verification } = def;
  const passes = def.type === "deterministic" && !def.failOnError;
  const badly = exit.signal !== null || exit.code !== 0;
  if (badly && verification?.type !== "exit_code" && !(passes && exit.signal === null))
    return [failed(step, attempt, exitFailure(exit))];
  const verified = attempt.verified ?? judgedHere(run, step, exit);
  if (verification !== undefined && verified === undefined) return undefined;
  if (verified?.passed === false) {
    const mismatch = mismatchFailure(step, verified.detail, exit);
    return [...checkEntry(step, attempt, verified), failed(step, attempt, mismatch)];
  }
  const output = def.type === "deterministic" && !def.captureOutput ? "" : exit.output;
  const by: CompletedBy = verification === undefined ? "process_exit" : "verification";
  return [
    ...(verified === undefined ? [] : checkEntry(step, attempt, verified)),
    ...succeeded(step, attempt, output, by, exit.code),
  ];
}

/** An attempt of a hardened step that has passed everything. */
export function concludeAgent(step: Step, attempt: Attempt): readonly Entry[] {
  const { verdict, review, parts } = attempt;
  const exit = parts.get("specialist")?.exit;
  const by: CompletedBy =
    attempt.verified?.passed === true
      ? "verification"
      : verdict === undefined
        ? "process_exit"
        : verdict.source === "tool"
          ? "owner_decision"
          : "marker";
  const decision = review?.decision;
  const appended =
    decision === undefined
      ? ""
      : `\n\nReview by ${review?.reviewer ?? ""}: ${decision.decision}${decision.reason === undefined ? "" : `. ${decision.reason}`}`;
  return succeeded(step, attempt, headAndTail(exit?.output ?? "") + appended, by, null);
}

/** The steps inside have all ended. */
export function concludeContainer(step: Step, attempt: Attempt): readonly Entry[] {
  const { inside, def } = step;
  const [first] = inside?.failed ?? [];
  if (first !== undefined) {
    const message = `${first.name} failed: ${first.lastFailure?.message ?? "for a reason that is not known"}`;
    return [failed(step, attempt, { cause: "child_failed", message })];
  }
  const inner = (inside?.steps ?? []).filter((it) => it.repairOf === undefined);
  const output =
    def.type === "for_each" ? outputList(inner.map((it) => it.output ?? "")) : (inner.at(-1)?.output ?? "");
  return succeeded(step, attempt, output, "children", null);
}

export function succeeded(
  step: Step,
  attempt: Attempt,
  output: string,
  by: CompletedBy,
  exitCode: number | null,
): readonly Entry[] {
  const kept = headAndTail(output);
  const status = exitCode === null ? {} : { exitCode };
  return [
    { type: "attempt_succeeded", step: step.name, attempt: attempt.number, output: kept, by, ...status },
    { type: "step_completed", step: step.name, output: kept },
  ];
}

export function failed(step: Step, attempt: Attempt, failure: Failure): Entry {
  return { type: "attempt_failed", step: step.name, attempt: attempt.number, failure };
}

export function reviewCompleted(
  step: Step,
  attempt: Attempt,
  found: { readonly decision: "APPROVE" | "REJECT"; readonly reason?: string },
  source: "tool" | "marker",
): Entry {
  return {
    type: "review_completed",
    step: step.name,
    attempt: attempt.number,
    reviewer: attempt.review?.reviewer ?? "",
    decision: found.decision === "APPROVE" ? "approved" : "rejected",
    ...(found.reason === undefined ? {} : { reason: found.reason }),
    source,
  };
}

/** A check that needs nothing but what the program left; nothing for the others. */
export function judgedHere(
  run: Run,
  step: Step,
  exit: Exit,
): { readonly passed: boolean; readonly detail: string | undefined } | undefined {
  const { verification } = step.def;
  if (verification?.type !== "output_contains" && verification?.type !== "exit_code") return undefined;
  return judgeExit(
    verification.type === "exit_code"
      ? verification
      : { type: "output_contains", value: fill(verification.value, valuesFor(run, step)) },
    exit,
    echoedTo(run, step),
  );
}

/** Places are filled in already. */
function judgeExit(
  verification: Extract<Verification, { readonly type: "output_contains" | "exit_code" }>,
  exit: Exit,
  prompts: readonly string[],
): { readonly passed: boolean; readonly detail: string | undefined } {
  if (verification.type === "exit_code") {
    const passed = exit.signal === null && exit.code === verification.value;
    const found = exit.signal ?? String(exit.code);
    return { passed, detail: passed ? undefined : `expected status ${verification.value}, found ${found}` };
  }
  const passed = occursBesideEcho(exit.output, verification.value, prompts);
  const told = exit.output.includes(verification.value) ? ", found it in the echo of its prompt alone" : "";
  return { passed, detail: passed ? undefined : `expected ${JSON.stringify(verification.value)} in the output${told}` };
}

export function exitFailure(exit: Exit, who = "it"): Failure {
  const how = exit.signal === null ? `with status ${exit.code ?? "unknown"}` : `by ${exit.signal}`;
  return {
    cause: "exit_nonzero",
    message: `${who} ended ${how}`,
    ...(exit.code === null ? {} : { exitCode: exit.code }),
    ...(exit.signal === null ? {} : { signal: exit.signal }),
    outputTail: tailOf(exit.output),
  };
}

export function mismatchFailure(step: Step, detail: string | undefined, exit: Exit | undefined): Failure {
  const type = step.def.verification?.type ?? "check";
  return {
    cause: "verification_mismatch",
    message: `the check ${type} failed${detail === undefined ? "" : `: ${detail}`}`,
    ...(exit?.code === undefined || exit.code === null ? {} : { exitCode: exit.code }),
    ...(exit === undefined ? {} : { outputTail: tailOf(exit.output) }),
  };
}

function checkEntry(
  step: Step,
  attempt: Attempt,
  { passed, detail }: { readonly passed: boolean; readonly detail: string | undefined },
): readonly Entry[] {
  if (attempt.verified !== undefined) return [];
  const why = detail === undefined ? {} : { detail };
  return [{ type: "verified", step: step.name, attempt: attempt.number, check: 0, passed, ...why }];
}
