/** What Codex says beside its terminal: its hooks, its notify program, and the record ("rollout") of its session. */
import { oneLine } from "@agent-relay/protocol";
import type { AgentSignal, HookReport } from "../../hook-report.ts";
import { nothingReported, promptCharactersMax, saidIn, sessionNamed } from "../hook-events.ts";
import { blockOfCodexError } from "./errors.ts";
import { count, isObject } from "../../json-values.ts";

/** Codex repeats every prompt of its session to its notify program; the newest are those of this turn. */
const notifiedPromptsMax = 32;
const whatCharactersMax = 500;

type Json = Readonly<Record<string, unknown>>;

export function readCodexReport(payload: Json): HookReport {
  if (payload["type"] === "agent-turn-complete") return { signals: notified(payload), source: "notify" };
  const event = payload["hook_event_name"];
  if (typeof event !== "string") return nothingReported;
  // In a subagent it carries the child's id, and the child's record; what happens there is part of a turn, not a turn.
  if (typeof payload["agent_id"] === "string" && event !== "PermissionRequest") return nothingReported;
  return { signals: signalsOf(event, payload), source: `hook:${event}`.slice(0, 64) };
}

function signalsOf(event: string, payload: Json): readonly AgentSignal[] {
  switch (event) {
    // Comes with the first turn and not with the start (0.169.0).
    case "SessionStart":
      return [...sessionNamed(payload), { type: "ready" }];
    case "UserPromptSubmit": {
      const prompt = payload["prompt"];
      const said: readonly AgentSignal[] =
        typeof prompt === "string" ? [{ type: "prompt", text: prompt.slice(0, promptCharactersMax) }] : [];
      return [...sessionNamed(payload), { type: "turn_started" }, ...said];
    }
    case "Stop":
      return [...saidIn(payload["last_assistant_message"]), { type: "turn_ended" }];
    case "Interrupt":
      return [{ type: "turn_ended" }];
    case "PostCompact":
      return [{ type: "compacted" }];
    case "PermissionRequest": {
      const what = permissionAsked(payload);
      return [{ type: "blocked", kind: "permission", ...(what === "" ? {} : { what }) }];
    }
    default:
      return [];
  }
}

function permissionAsked(payload: Json): string {
  const tool = typeof payload["tool_name"] === "string" ? payload["tool_name"] : "";
  const input = payload["tool_input"];
  const command = isObject(input) ? (input["command"] ?? input) : input;
  const text = typeof command === "string" ? command : command === undefined ? "" : JSON.stringify(command);
  return oneLine([tool, text].filter((part) => part !== "").join(": "), whatCharactersMax);
}

/**
 * One line of the record. It has every answer's tokens, the prompts a second time, and why a turn failed, which its
 * status does not say. A subagent has a record of its own, so nothing here is a child's.
 */
export function readCodexRecord(line: Json): readonly AgentSignal[] {
  const payload = line["payload"];
  if (!isObject(payload)) return [];
  if (line["type"] === "token_usage_record") return tokens(payload["usage"]);
  if (line["type"] !== "event_msg") return [];
  switch (payload["type"]) {
    case "item_completed": {
      const item = payload["item"];
      return isObject(item) && item["type"] === "UserMessage" ? prompted(textOf(item["content"])) : [];
    }
    // So called before records were kept in pages.
    case "user_message":
      return prompted(typeof payload["message"] === "string" ? payload["message"] : "");
    case "task_complete": {
      const { error } = payload;
      if (!isObject(error)) return [];
      const kind = blockOfCodexError(error["codex_error_info"]);
      const message = typeof error["message"] === "string" ? oneLine(error["message"], whatCharactersMax) : "";
      if (kind === "context") return [{ type: "context", pctLeft: 0 }];
      return kind === undefined ? [] : [{ type: "blocked", kind, ...(message === "" ? {} : { what: message }) }];
    }
    default:
      return [];
  }
}

function prompted(text: string): readonly AgentSignal[] {
  return text === "" ? [] : [{ type: "prompt", text: text.slice(0, promptCharactersMax) }];
}

/** The text of a message of the user, in the record and from the app server alike. */
export function textOf(content: unknown): string {
  if (!Array.isArray(content)) return "";
  return content
    .flatMap((part) => (isObject(part) && typeof part["text"] === "string" ? [part["text"]] : []))
    .join("\n\n")
    .slice(0, promptCharactersMax);
}

function tokens(usage: unknown): readonly AgentSignal[] {
  if (!isObject(usage)) return [];
  const inputTokens = count(usage["input_tokens"]);
  const outputTokens = count(usage["output_tokens"]);
  const cachedInputTokens = count(usage["cached_input_tokens"]);
  return inputTokens + outputTokens === 0 ? [] : [{ type: "tokens", inputTokens, cachedInputTokens, outputTokens }];
}

function notified(payload: Json): readonly AgentSignal[] {
  const messages = payload["input-messages"];
  const prompts = Array.isArray(messages)
    ? messages.filter((message) => typeof message === "string").slice(-notifiedPromptsMax)
    : [];
  const said: readonly AgentSignal[] =
    prompts.length === 0 ? [] : [{ type: "prompt", text: prompts.join("\n\n").slice(-promptCharactersMax) }];
  return [...said, { type: "turn_ended" }];
}
