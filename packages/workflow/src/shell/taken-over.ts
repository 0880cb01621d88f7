/** What a run had under way when this runner took it: an earlier one may have begun it, and not lived to write down how it went. */
import { attemptKey } from "../core/names.ts";
import type { Run } from "../core/state.ts";

export interface TakenOver {
  /** Not known before the run has begun. */
  readonly runId: () => string;
  /** Keys of attempts whose commands and checks may still run. */
  readonly attempts: readonly string[];
  /** Names of agents that may have been asked for, and may have done something since. */
  readonly agents: ReadonlySet<string>;
}

export function takenOver(run: Run): TakenOver {
  const underWay = [...run.active].flatMap(({ name, attempt }) => (attempt === undefined ? [] : [{ name, attempt }]));
  return {
    runId: () => run.id,
    attempts: underWay.map(({ name, attempt }) => attemptKey(name, attempt.number)),
    agents: new Set([
      ...underWay.flatMap(({ attempt }) => [...attempt.parts.values()].map((part) => part.name)),
      ...[...run.reviewers.values()].map((reviewer) => reviewer.name),
    ]),
  };
}
