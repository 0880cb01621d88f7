/**
 * Notices: what is posted to the plan's `notifyChannel`: a step that has failed for good, and how the run ended.
 *
 *   NO1  Each has a key of its own, so that whoever posts it again posts it once.
 *   NO2  The newest 20 are kept: of a list of which everything fails nobody reads more.
 */
import { defuse } from "./markers.ts";
import { headAndTail } from "./output.ts";
import type { Run, Step } from "./state.ts";

export interface Notice {
  readonly key: string;
  readonly channel: string;
  readonly text: string;
}

export const NOTICES_MAX = 20;
const TEXT_MAX = 1_000;

export function noteFailure(run: Run, step: Step): void {
  const channel = step.scope.plan.notifyChannel;
  if (channel === undefined || step.repairOf !== undefined) return;
  const why = step.lastFailure?.message ?? "for a reason that is not known";
  add(run, { key: `${step.name}#${step.attempts}:notice`, channel, text: `The step ${step.name} has failed: ${why}` });
}

/** Keyed by the go that ended: a run that is retried ends again. */
export function noteEnd(run: Run, how: string): void {
  const channel = run.plan?.notifyChannel;
  if (channel === undefined) return;
  add(run, {
    key: `end@${run.startedAt}:notice`,
    channel,
    text: `The run ${run.id} of ${run.plan?.workflow ?? ""} ${how}`,
  });
}

function add(run: Run, notice: Notice): void {
  run.notices.push({ ...notice, text: headAndTail(defuse(notice.text), TEXT_MAX) });
  if (run.notices.length > NOTICES_MAX) run.notices.shift();
}
