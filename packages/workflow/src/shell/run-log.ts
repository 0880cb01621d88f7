/** Run log: where the entries of one run stand. */
import type { Recorded } from "../core/run.ts";
import type { RunSummary } from "./run-summary.ts";

export interface RunLog {
  /** All entries, in order. */
  readonly read: () => Promise<readonly Recorded[]>;
  /**
   * Durable when it resolves. If it does not, a beginning of them may be there: wherever they are cut, the rest is decided
   * again. Rejects if somebody else has appended since, or the right to append is lost;
   * whoever gets that stops, because another runner goes on.
   */
  readonly append: (entries: readonly Recorded[], summary: RunSummary) => Promise<void>;
}
