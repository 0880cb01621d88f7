/** What `opencode run --format json` writes: the parts of the answers of its own session, not of its subagents (1.18.33). */
import { oneLine } from "@agent-relay/protocol";
import type { AgentSignal } from "../../hook-report.ts";
import { count, isObject } from "../../json-values.ts";

type Json = Readonly<Record<string, unknown>>;

export function readOpencodeLine(line: Json): readonly AgentSignal[] {
  const { sessionID, part } = line;
  if (typeof sessionID !== "string" || sessionID === "" || sessionID.length > 256) return [];
  const session: AgentSignal = { type: "session", sessionId: sessionID };
  switch (line["type"]) {
    case "step_finish": {
      const ended: readonly AgentSignal[] =
        isObject(part) && part["reason"] !== "tool-calls" ? [{ type: "turn_ended" }] : [];
      return [session, ...(isObject(part) ? tokens(part["tokens"]) : []), ...ended];
    }
    case "error":
      return [session, { type: "turn_ended" }, ...(isObject(line["error"]) ? failed(line["error"]) : [])];
    case "step_start":
    case "text":
    case "reasoning":
    case "tool_use":
      return [session, { type: "turn_started" }];
    default:
      return [];
  }
}

function tokens(used: unknown): readonly AgentSignal[] {
  if (!isObject(used)) return [];
  const cache = isObject(used["cache"]) ? used["cache"] : {};
  const cachedInputTokens = count(cache["read"]);
  const inputTokens = count(used["input"]) + cachedInputTokens + count(cache["write"]);
  const total = count(used["total"]);
  const outputTokens = total > 0 ? Math.max(0, total - inputTokens) : count(used["output"]) + count(used["reasoning"]);
  return inputTokens + outputTokens === 0 ? [] : [{ type: "tokens", inputTokens, cachedInputTokens, outputTokens }];
}

function failed(error: Json): readonly AgentSignal[] {
  const { name } = error;
  const data = isObject(error["data"]) ? error["data"] : {};
  const status = data["statusCode"];
  if (name === "ContextOverflowError") return [{ type: "context", pctLeft: 0 }];
  const kind =
    name === "ProviderAuthError" || status === 401 || status === 403
      ? "auth"
      : status === 402 || status === 429
        ? "quota"
        : undefined;
  const message = typeof data["message"] === "string" ? oneLine(data["message"], 500) : "";
  return kind === undefined ? [] : [{ type: "blocked", kind, ...(message === "" ? {} : { what: message }) }];
}
