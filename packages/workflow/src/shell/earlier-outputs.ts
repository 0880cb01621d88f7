/**
 * Earlier outputs: what steps came to in an earlier run, so that another can begin in the middle of its workflow.
 *
 *   EO1  All that the first step builds upon, directly or not, is taken over, and nothing else.
 *   EO2  It is taken from one run, in which each of these steps is completed; without a run that is named, from the newest
 *        of the same workflow that has them all.
 *   EO3  Of a step that was done again, what it came to last counts.
 */
import { relayError } from "@agent-relay/protocol";
import type { Plan, StepName } from "../core/plan.ts";
import { recover, type Recorded } from "../core/run.ts";
import type { Run } from "../core/state.ts";
import { suggestion } from "../definition/near.ts";
import type { Runs } from "./runs.ts";

export interface EarlierOutputs {
  readonly runId: string;
  /** Each after those that it builds upon. */
  readonly steps: readonly { readonly step: StepName; readonly output: string }[];
}

/** How far back a run is looked for that was not named. */
const lookedAtMax = 50;

/**
 * The steps that this one builds upon, each after those that it builds upon itself. Throws a `RelayError`,
 * `invalid_request`, if the workflow has no such step.
 */
export function stepsBefore(plan: Plan, first: StepName): readonly StepName[] {
  const steps = new Map(plan.steps.map((it) => [it.name, it]));
  if (!steps.has(first)) {
    const hint = suggestion(first, steps.keys());
    throw relayError(
      "invalid_request",
      `expected a step of ${plan.workflow} to begin with, found '${first}', which is none`,
      hint === undefined ? {} : { hint },
    );
  }
  const found = new Set<StepName>();
  // Without recursion: a chain may have thousands of steps.
  const open = [{ name: first, next: 0 }];
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const dependency = steps.get(top.name)?.dependsOn[top.next];
    top.next += 1;
    if (dependency === undefined) {
      open.pop();
      if (top.name !== first) found.add(top.name);
    } else if (!found.has(dependency)) open.push({ name: dependency, next: 0 });
  }
  return [...found];
}

/**
 * What there is to begin with at this step; nothing if it builds upon no other. Rejects with a `RelayError`,
 * `invalid_request`, if the workflow has no such step or no earlier run has what it needs.
 */
export async function earlierOutputs(
  runs: Pick<Runs, "read" | "list">,
  plan: Plan,
  { startFrom, previousRun }: { readonly startFrom: StepName; readonly previousRun?: string | undefined },
): Promise<EarlierOutputs | undefined> {
  const needed = stepsBefore(plan, startFrom);
  if (needed.length === 0) return undefined;
  if (previousRun !== undefined) {
    const recorded = await runs.read(previousRun);
    const run = recover(recorded);
    if (run.plan?.workflow !== plan.workflow)
      throw relayError(
        "invalid_request",
        `expected an earlier run of ${plan.workflow}, found ${previousRun}, which is one of ${run.plan?.workflow ?? "nothing"}`,
        { hint: "agent-relay runs list" },
      );
    const { completed, missing } = completedOf(run, recorded, needed);
    if (missing.length === 0) return { runId: previousRun, steps: completed };
    throw relayError(
      "invalid_request",
      `to begin with '${startFrom}', the run ${previousRun} would have to have completed ${listed(missing)}`,
      { hint: `agent-relay runs show ${previousRun}` },
    );
  }
  const { runs: newest } = await runs.list({ limit: lookedAtMax });
  for (const { runId, workflow } of newest) {
    if (workflow !== plan.workflow) continue;
    const recorded = await runs.read(runId);
    const run = recover(recorded);
    if (run.plan?.document !== plan.document) continue;
    const { completed, missing } = completedOf(run, recorded, needed);
    if (missing.length === 0) return { runId, steps: completed };
  }
  throw relayError(
    "invalid_request",
    `to begin with '${startFrom}', an earlier run of ${plan.workflow} would have to have completed ${listed(needed)}; none has`,
    { hint: "run the workflow from its beginning: agent-relay run flow.yaml" },
  );
}

function completedOf(
  { steps }: Run,
  recorded: readonly Recorded[],
  needed: readonly StepName[],
): { readonly completed: EarlierOutputs["steps"]; readonly missing: readonly StepName[] } {
  const outputs = new Map<StepName, string>();
  for (const { entry } of recorded) if (entry.type === "step_completed") outputs.set(entry.step, entry.output);
  const missing = needed.filter((name) => steps.get(name)?.status !== "completed");
  return { completed: needed.map((step) => ({ step, output: outputs.get(step) ?? "" })), missing };
}

const shownMax = 5;

function listed(names: readonly StepName[]): string {
  const shown = names.slice(0, shownMax).map((it) => `'${it}'`);
  return names.length > shownMax ? `${shown.join(", ")} and ${names.length - shownMax} more` : shown.join(", ");
}
