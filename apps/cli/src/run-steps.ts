/** Names of the steps of a run. */
import type { Recorded } from "@agent-relay/workflow";

/** Those of its plan, and of what is inside them those that have begun. */
export function stepsOf(recorded: readonly Recorded[]): readonly string[] {
  const names = recorded.flatMap(({ entry }) => {
    if (entry.type === "run_started") return entry.plan.steps.map(({ name }) => name);
    return entry.type === "attempt_started" ? [entry.step] : [];
  });
  return [...new Set(names)];
}
