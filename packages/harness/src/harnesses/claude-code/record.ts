/**
 * Claude Code's transcript, `<config>/projects/<directory>/<session>.jsonl`: one line for each block of an answer, each
 * with the usage of the whole answer (2.1.329). A subagent writes another file beside it, which is not read.
 */
import type { AgentSignal } from "../../hook-report.ts";
import { isRecord, usageOf } from "./usage.ts";

/** Only the first block of an answer counts. 2.1.197 does not number them, so of its transcripts nothing is counted. */
export function readClaudeRecord(line: Readonly<Record<string, unknown>>): readonly AgentSignal[] {
  const message = line["message"];
  if (line["type"] !== "assistant" || line["apiBlockIndex"] !== 0 || !isRecord(message)) return [];
  const usage = usageOf(message["usage"]);
  if (usage === undefined || (usage.inputTokens === 0 && usage.outputTokens === 0)) return [];
  const model = message["model"];
  return [{ type: "tokens", ...usage, ...(typeof model === "string" ? { model: model.slice(0, 128) } : {}) }];
}
