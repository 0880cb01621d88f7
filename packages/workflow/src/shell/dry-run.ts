/** The dry run where it would be a run: what a plan would do, and what of the world it would miss. */
import { access } from "node:fs/promises";
import path from "node:path";
import type { Plan, PlannedStep } from "../core/plan.ts";
import { stepsBefore } from "./earlier-outputs.ts";
import { describePlan, type PlanDescription, type PlanWarning } from "../definition/describe-plan.ts";

/**
 * `cwd`: where the run's relative paths would start. `startFrom`: the step to begin with. Rejects with a `RelayError`,
 * `invalid_request`, if the workflow has no such step.
 */
export async function dryRun(
  plan: Plan,
  cwd: string,
  { startFrom }: { readonly startFrom?: string | undefined } = {},
): Promise<PlanDescription> {
  const takenOver = startFrom === undefined ? [] : stepsBefore(plan, startFrom);
  const description = describePlan(takenOver.length === 0 ? plan : withoutSteps(plan, new Set(takenOver)));
  const missing: PlanWarning[] = [];
  for (const { what, directory, step } of directoriesOf(plan)) {
    // A place is filled in when the run gets there.
    if (directory.includes("{{") || (await isThere(path.resolve(cwd, directory)))) continue;
    const message = `${what} works in ${directory}, which is not there`;
    missing.push({ code: "CWD_MISSING", message, ...(step === undefined ? {} : { step }) });
  }
  const taken = takenOver.length === 0 ? {} : { takenOver };
  return { ...description, ...taken, warnings: [...description.warnings, ...missing] };
}

function withoutSteps(plan: Plan, without: ReadonlySet<string>): Plan {
  const stays = (name: string): boolean => !without.has(name);
  const steps = plan.steps.filter(({ name }) => stays(name));
  return { ...plan, steps: steps.map((step) => ({ ...step, dependsOn: step.dependsOn.filter(stays) })) };
}

interface Used {
  readonly what: string;
  readonly directory: string;
  readonly step?: string;
}

function directoriesOf(plan: Plan): readonly Used[] {
  const agents = Object.values(plan.agents).flatMap(({ name, cwd }) =>
    cwd === undefined ? [] : [{ what: `agent ${name}`, directory: cwd }],
  );
  return [...agents, ...plan.steps.flatMap((step) => ofStep(step))];
}

function ofStep(step: PlannedStep): readonly Used[] {
  switch (step.type) {
    case "deterministic":
      return step.cwd === undefined ? [] : [{ what: `step ${step.name}`, directory: step.cwd, step: step.name }];
    case "for_each":
      return ofStep(step.step);
    case "workflow":
      return step.plan.steps.flatMap((it) => ofStep(it));
    default:
      return [];
  }
}

const isThere = (place: string): Promise<boolean> =>
  access(place).then(
    () => true,
    () => false,
  );
