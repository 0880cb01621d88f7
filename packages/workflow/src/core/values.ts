/** What the places in a step's templates mean to a run now. */
import type { Run, Step } from "./state.ts";
import { outputNamed, type Lookup } from "./templates.ts";

/** Outputs of steps beside it, the item that it is about, and what the user gave. */
export function valuesFor(run: Run, step: Step): Lookup {
  return (name) => {
    if (name === "item") return step.item?.item;
    if (name === "index") return step.item === undefined ? undefined : String(step.item.index);
    const output = outputNamed(name);
    if (output === undefined) return run.vars[name.replace(/^vars\./u, "")];
    const named = run.steps.get(step.scope.prefix + output);
    return named?.status === "completed" ? (named.output ?? "") : undefined;
  };
}
