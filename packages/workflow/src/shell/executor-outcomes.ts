/** What functions of an executor answered, in full. */
import type { ScanFor } from "../core/actions.ts";
import type { Observation } from "../core/commands.ts";
import { readDeclaration } from "../core/markers.ts";
import type { AgentOutcome, CommandOutcome } from "./executor.ts";

export function commandOutcome(outcome: CommandOutcome): { readonly output: string; readonly exitCode: number } {
  if (typeof outcome === "string") return { output: outcome, exitCode: 0 };
  return { output: outcome.output ?? "", exitCode: outcome.exitCode ?? 0 };
}

export type Said = Exclude<AgentOutcome, string> & { readonly output: string };

export function agentOutcome(outcome: AgentOutcome): Said {
  return typeof outcome === "string" ? { output: outcome } : { ...outcome, output: outcome.output ?? "" };
}

type Given = Pick<Extract<Observation, { readonly type: "verdict" }>, "source" | "verdict">;

/** What was decided: as the outcome says; or as its text says; or, by who answers for a step, that it is done. */
export function verdictOf(scan: ScanFor, { decision, reason, output }: Said): Given | undefined {
  const why = reason === undefined ? {} : { reason };
  if (scan.kind === "review") {
    if (decision === "APPROVE" || decision === "REJECT")
      return { source: "tool", verdict: { kind: "review", decision, ...why } };
    const verdict = readDeclaration(scan, output);
    return verdict === undefined ? undefined : { source: "marker", verdict };
  }
  const owner = decision === "APPROVE" || decision === "REJECT" ? undefined : decision;
  return { source: "tool", verdict: { kind: "owner", decision: owner ?? "COMPLETE", ...why } };
}
