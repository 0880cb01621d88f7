/** How what a run wants is done: made by `runPerformer` or from an executor, given to `Runs.execute`, and opaque between. */
import type { Observation } from "../core/commands.ts";
import type { Run } from "../core/state.ts";
import type { Performer } from "./runner.ts";

type Make = (run: Run, tell: (observation: Observation) => void) => Performer;

let hidden: { readonly wrap: (make: Make) => RunPerformer; readonly open: (it: RunPerformer) => Make };

/** Who does what runs want; made by `runPerformer`. */
export class RunPerformer {
  readonly #make: Make;

  private constructor(make: Make) {
    this.#make = make;
  }

  static {
    hidden = { wrap: (make) => new RunPerformer(make), open: (it) => it.#make };
  }
}

export const performing = (make: Make): RunPerformer => hidden.wrap(make);

/** What it is inside, for whoever runs it. */
export const makerOf = (performer: RunPerformer): Make => hidden.open(performer);
