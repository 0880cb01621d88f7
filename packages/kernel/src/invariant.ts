/** Thrown when the program is wrong, not the world. Nothing below an isolation border catches it. */
export class InvariantViolation extends Error {
  override readonly name = "InvariantViolation";
}

/** States what must hold at this point. The statement opens with the promise's number in its module's header. */
export function invariant(condition: boolean, statement: string): asserts condition {
  if (!condition) throw new InvariantViolation(statement);
}

/** Marks a branch that the types already exclude. */
export function unreachable(value: never): never {
  throw new InvariantViolation(`unreachable: ${JSON.stringify(value)}`);
}
