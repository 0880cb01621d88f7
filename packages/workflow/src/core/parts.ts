/** Parts of an attempt: who of it is there, and what the plan says of them. */
import type { PlannedAgent } from "./plan.ts";
import type { Attempt, PartState, Reviewer, Run, Step } from "./state.ts";

export function newPart(part: PartState["part"], how: PartState["how"], name: string): PartState {
  return {
    part,
    how,
    name,
    state: "wanted",
    called: part !== "owner",
    process: undefined,
    epoch: 0,
    idleSince: undefined,
    nudges: 0,
    nudgedAt: undefined,
    exit: undefined,
    tokens: 0,
  };
}

/** The agent of the plan behind a part of a step. */
export function plannedAgent(step: Step, part: PartState["part"]): PlannedAgent | undefined {
  const { def, scope } = step;
  if (def.type !== "agent") return undefined;
  const name = { specialist: def.agent, owner: def.owner, reviewer: def.reviewer }[part];
  return name === undefined ? undefined : scope.plan.agents[name];
}

/** Who answers for the attempt. */
export function answering(attempt: Attempt): PartState | undefined {
  return attempt.parts.get("owner") ?? attempt.parts.get("specialist");
}

/** Somebody was asked to start it, and it has not gone. */
export function isThere(part: PartState): boolean {
  return part.called && part.state !== "exited";
}

/** An agent in a terminal does the step. */
export function isInteractive(attempt: Attempt): boolean {
  return attempt.parts.get("specialist")?.how === "agent";
}

/** Whose tokens are counted under this name at the broker: a part of the attempt, or a reviewer of several. */
export function countedBy(run: Run, attempt: Attempt, name: string): PartState | Reviewer | undefined {
  const found = run.agents.get(name);
  if (found !== undefined && "serving" in found) return found;
  return [...attempt.parts.values()].find((it) => it.name === name);
}
