/** Approvals: what of a run waits for a person's yes or no. */
import { recover, type Recorded } from "../core/run.ts";
import { endingOf } from "../core/state.ts";

export interface WaitingApproval {
  readonly step: string;
  /** The answer is for this one: a later attempt asks anew. */
  readonly attempt: number;
}

/** Those of the run that these are all entries of, in the order in which they began to wait. */
export function approvalsOf(recorded: Iterable<Recorded>): readonly WaitingApproval[] {
  const run = recover(recorded);
  return [...run.active].flatMap((step) => {
    const { name, def, attempt } = step;
    const isAsked = def.type === "wait_for" && def.until.what === "approval";
    if (!isAsked || attempt === undefined || endingOf(run, step) !== undefined) return [];
    return [{ step: name, attempt: attempt.number }];
  });
}
