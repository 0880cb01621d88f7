/** A workflow that cannot be run, with all that is wrong with it. */
import { formatProblem, type Problem } from "./problems.ts";

export class InvalidWorkflow extends Error {
  override readonly name = "InvalidWorkflow";
  readonly code = "invalid_workflow";
  /** In the order of the file, each with its place and, where there is one, with what to write instead. */
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join("\n"));
    this.problems = problems;
  }
}
