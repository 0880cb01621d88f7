import type { TerminalSpec, WriteStep } from "@agent-relay/kernel";

/** The first rung of the ladder, if there is one. Closing an input with no time to see it would only blur the ending. */
export function politeRequest(
  stdio: TerminalSpec["stdio"],
  ladder: { readonly polite?: readonly WriteStep[] | undefined; readonly politeMs: number },
): readonly WriteStep[] {
  if (ladder.polite !== undefined) return ladder.polite;
  return stdio === "pipes" && ladder.politeMs > 0 ? [{ type: "end" }] : [];
}
