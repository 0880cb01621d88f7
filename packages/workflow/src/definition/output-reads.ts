/** Which text reads the output of which step. */
import type { PlannedStep } from "../core/plan.ts";
import { isUpstream } from "./graph.ts";
import { suggestion } from "./near.ts";
import { quoted, type DocumentPath, type Origin, type Problems } from "./problems.ts";

export interface OutputRead {
  readonly step: string;
  /** The step that the text belongs to; empty for what runs before all of them. */
  readonly by: string;
  readonly origin: Origin;
  readonly path: DocumentPath;
}

/** Told when all steps are known: a step is read only by those that come after it, on whatever way. */
export function checkReads(reads: readonly OutputRead[], steps: readonly PlannedStep[], problems: Problems): void {
  const byName = new Map(steps.map((step) => [step.name, step]));
  // Behind a barrier for any of several, nobody knows which of them has come.
  const certain = new Map(
    steps.map((step) => [
      step.name,
      step.type === "deterministic" && step.barrier === "any" ? { ...step, dependsOn: [] } : step,
    ]),
  );
  for (const { step, by, origin, path } of reads) {
    if (!byName.has(step))
      problems.add(origin, path, {
        code: "unresolved",
        message: `expected the output of a step of this workflow, found "{{steps.${step}.output}}"`,
        hint: suggestion(step, byName.keys()),
      });
    else if (!isUpstream(step, by, certain))
      problems.add(origin, path, {
        code: "unresolved",
        message: `the output of step ${quoted(step)} is not known when ${by === "" ? "the checks before the start run" : `step ${quoted(by)} starts`}`,
        hint: by === "" || by === step ? undefined : `add ${quoted(step)} to its \`dependsOn\``,
      });
  }
}
