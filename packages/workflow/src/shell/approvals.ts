/** Approvals: what of a run waits for a person's yes or no. */
import { askedOf, stepsAsked } from "../core/approvals.ts";
import { recover, type Recorded } from "../core/run.ts";

export interface WaitingApproval {
  readonly step: string;
  /** The answer is for this one: a later attempt asks anew. */
  readonly attempt: number;
}

/** Those of the run that these are all entries of, in the order of its plan. */
export function approvalsOf(recorded: Iterable<Recorded>): readonly WaitingApproval[] {
  const run = recover(recorded);
  return stepsAsked(run).flatMap((step) => {
    const asked = askedOf(run, step);
    return "code" in asked ? [] : [{ step, attempt: asked.attempt.number }];
  });
}
