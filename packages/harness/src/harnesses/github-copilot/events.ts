/**
 * The events of Copilot's sessions, which are the lines of `session-state/<id>/events.jsonl` in its home (1.0.102). Those of a
 * subagent carry `agentId`.
 */
import { oneLine } from "@agent-relay/protocol";
import type { AgentSignal } from "../../hook-report.ts";
import { promptCharactersMax, saidIn } from "../hook-events.ts";
import { count, isObject } from "../../json-values.ts";

type Json = Readonly<Record<string, unknown>>;

const whatCharactersMax = 500;

/** That a turn begins and ends is said by its hooks, which a record read late must not contradict. */
export function readCopilotRecord(line: Json): readonly AgentSignal[] {
  const data = isObject(line["data"]) ? line["data"] : {};
  const isOwn = line["agentId"] === undefined;
  switch (line["type"]) {
    case "session.usage_record":
      return [...tokens(data["usage"]), ...(isOwn ? contextUsed(data["usage"]) : [])];
    case "user.message":
      return isOwn ? prompted(data["content"]) : [];
    case "assistant.message":
      return isOwn ? answered(data) : [];
    case "permission.completed":
    case "user_input.completed":
    case "human_response.recorded":
      return [{ type: "unblocked" }];
    case "tool.execution_complete":
      return wasAsked(data["toolTelemetry"]) ? [{ type: "unblocked" }] : [];
    case "user_input.requested":
      return [{ type: "blocked", kind: "question", ...what(data["question"]) }];
    case "session.compaction_complete":
      return isOwn && data["success"] !== false ? [{ type: "compacted" }, ...contextLeft(data)] : [];
    case "abort":
      return isOwn ? [{ type: "turn_ended" }] : [];
    case "session.error":
      return isOwn ? [{ type: "turn_ended" }, ...failed(data)] : [];
    default:
      return [];
  }
}

/** A question that was declined says so here alone. */
function wasAsked(telemetry: unknown): boolean {
  const properties = isObject(telemetry) ? telemetry["properties"] : undefined;
  return isObject(properties) && typeof properties["elicitation_action"] === "string";
}

function contextUsed(usage: unknown): readonly AgentSignal[] {
  if (!isObject(usage)) return [];
  const used = count(usage["inputTokens"]) + count(usage["outputTokens"]);
  const limit = count(usage["maxPromptTokens"]);
  if (limit === 0 || used === 0) return [];
  return [{ type: "context", pctLeft: Math.max(0, Math.round(100 - (100 * used) / limit)) }];
}

function contextLeft(data: Json): readonly AgentSignal[] {
  const limit = count(data["tokenLimit"]);
  const left = Math.round(100 - (100 * count(data["postCompactionTokens"])) / limit);
  return limit > 0 && left >= 0 ? [{ type: "context", pctLeft: left }] : [];
}

/** A message that asks for tools is not the last of its turn. */
function answered({ content, toolRequests }: Json): readonly AgentSignal[] {
  return Array.isArray(toolRequests) && toolRequests.length > 0 ? [] : saidIn(content);
}

function prompted(content: unknown): readonly AgentSignal[] {
  return typeof content === "string" && content !== ""
    ? [{ type: "prompt", text: content.slice(0, promptCharactersMax) }]
    : [];
}

/** Nothing goes on until a person has seen to it. */
function failed(data: Json): readonly AgentSignal[] {
  const status = data["statusCode"];
  const kind =
    status === 401 || status === 403 || data["errorType"] === "authentication"
      ? "auth"
      : status === 402 || status === 429 || data["errorType"] === "quota" || data["errorType"] === "rate_limit"
        ? "quota"
        : undefined;
  return kind === undefined ? [] : [{ type: "blocked", kind, ...what(data["message"]) }];
}

function what(text: unknown): { readonly what?: string } {
  const short = typeof text === "string" ? oneLine(text, whatCharactersMax) : "";
  return short === "" ? {} : { what: short };
}

function tokens(usage: unknown): readonly AgentSignal[] {
  if (!isObject(usage)) return [];
  const inputTokens = count(usage["inputTokens"]);
  const outputTokens = count(usage["outputTokens"]);
  const { model } = usage;
  if (inputTokens + outputTokens === 0) return [];
  const named = typeof model === "string" && model !== "" ? { model: model.slice(0, 128) } : {};
  return [{ type: "tokens", inputTokens, cachedInputTokens: count(usage["cacheReadTokens"]), outputTokens, ...named }];
}
