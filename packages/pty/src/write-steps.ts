import { faults } from "./faults.ts";
import type { TerminalId, WriteStep } from "@agent-relay/kernel";

/** Whether a program's input can be closed, and whether it is or will be. */
export type InputState = "endless" | "open" | "closed";

/** Refuses a write that the input will never take. Throws a `Fault`: `input_closed`, `invalid_request`. */
export function checkSteps(id: TerminalId, steps: readonly WriteStep[], input: InputState): void {
  if (input === "closed") throw faults.inputClosed(id);
  const end = steps.findIndex((step) => step.type === "end");
  if (end === -1) return;
  if (input === "endless") throw faults.noEnd(id);
  if (end < steps.length - 1) throw faults.endNotLast();
}

export function endsInput(steps: readonly WriteStep[]): boolean {
  return steps.at(-1)?.type === "end";
}
