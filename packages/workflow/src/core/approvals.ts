/** Approvals: the steps about which a run asks a person, and what a person may answer. */
import type { Refusal } from "./commands.ts";
import type { PlannedStep, StepName } from "./plan.ts";
import { endingOf, type Attempt, type Run, type Step, type StepStatus } from "./state.ts";

export interface Asked {
  readonly step: Step;
  readonly attempt: Attempt;
}

/** The step, if a person is asked about it now; else why none is. */
export function askedOf(run: Run, name: StepName): Asked | Refusal {
  const step = run.steps.get(name);
  if (step === undefined) return { code: "unknown_step", step: name };
  if (!asksPerson(step.def)) return { code: "not_waiting", step: name, found: kinds[step.def.type] };
  if (step.attempt === undefined)
    return { code: "not_waiting", step: name, found: isNew(step) ? "has not begun" : standings[step.status] };
  if (endingOf(run, step) !== undefined) return { code: "not_waiting", step: name, found: "is ending" };
  return { step, attempt: step.attempt };
}

/** All of them, in the order of the plan. */
export function stepsAsked(run: Run): readonly StepName[] {
  return [...run.active]
    .filter((step) => asksPerson(step.def) && endingOf(run, step) === undefined)
    .sort((a, b) => a.order - b.order)
    .map(({ name }) => name);
}

export const asksPerson = (def: PlannedStep): boolean => def.type === "wait_for" && def.until.what === "approval";

const kinds = {
  deterministic: "is a command",
  agent: "is a step of an agent",
  worktree: "makes a worktree",
  wait_for: "waits for something else",
  workflow: "is a workflow",
  for_each: "is a list of steps",
} as const satisfies Record<PlannedStep["type"], string>;

const standings = {
  pending: "is not under way",
  running: "is not under way",
  broken: "has failed",
  repairing: "has failed",
  completed: "is completed",
  failed: "has failed",
  skipped: "was skipped",
} as const satisfies Record<StepStatus, string>;

const isNew = (step: Step): boolean => step.status === "pending" && step.attempts === 0;
