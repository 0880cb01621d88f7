/** How a run has ended. */
import type { Recorded } from "@agent-relay/workflow";

const ends = ["run_completed", "run_failed", "run_cancelled", "run_needs_human"] as const;

export type RunEnd = (typeof ends)[number];

/** By its newest entry: one that had ended may have gone on since. */
export function endOf(newest: Recorded | undefined): RunEnd | undefined {
  return ends.find((it) => it === newest?.entry.type);
}
