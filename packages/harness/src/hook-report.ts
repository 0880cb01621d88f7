/**
 * Hook reports: what a program posts to the relay in its own words, as signals of the protocol.
 *
 *   R1  Total: a report that is not understood is no signal, never an error.
 *   R2  Stateless: each report stands for itself.
 *
 * Reports come as the program's own JSON, or as `{ "signal": …, "source": … }` from a program that speaks the protocol.
 */
import { methods, type ParsedParams } from "@agent-relay/protocol";

export type AgentSignal = ParsedParams<"agent.signal">["signal"];

export interface HookReport {
  readonly signals: readonly AgentSignal[];
  /** Who says so, for `agent_*` events. */
  readonly source: string;
}

/** The most of a prompt that is looked at; a message body is at most a quarter of it. */
const promptCharactersMax = 1_048_576;
/** Codex repeats every prompt of its session; the newest are those of this turn. */
const notifiedPromptsMax = 32;

export function translateHook(payload: unknown): HookReport {
  if (!isObject(payload)) return { signals: [], source: "hook" };
  if ("signal" in payload) return own(payload);
  if (payload["type"] === "agent-turn-complete") return { signals: codexNotification(payload), source: "notify" };
  if (isObject(payload["context_window"]))
    return { signals: statusLine(payload["context_window"]), source: "status-line" };
  const event = payload["hook_event_name"];
  if (typeof event !== "string") return { signals: [], source: "hook" };
  return { signals: hookEvent(event, payload), source: `hook:${event}`.slice(0, 64) };
}

function own(payload: Record<string, unknown>): HookReport {
  const parsed = methods["agent.signal"].params.safeParse(payload);
  return parsed.success
    ? { signals: [parsed.data.signal], source: parsed.data.source }
    : { signals: [], source: "hook" };
}

/** Events of Claude Code; Codex, Gemini CLI and Qwen Code use the same shape, Gemini CLI with two names of its own. */
function hookEvent(event: string, payload: Record<string, unknown>): readonly AgentSignal[] {
  // What happens inside a subagent is part of a turn, not a turn.
  const inSubagent = typeof payload["agent_id"] === "string";
  switch (event) {
    case "SessionStart":
      return payload["source"] === "compact" || inSubagent ? [] : [{ type: "ready" }];
    case "UserPromptSubmit":
    case "BeforeAgent": {
      const prompt = payload["prompt"];
      if (typeof prompt !== "string") return [{ type: "turn_started" }];
      const said: AgentSignal = { type: "prompt", text: prompt.slice(0, promptCharactersMax) };
      return inSubagent ? [said] : [{ type: "turn_started" }, said];
    }
    case "Stop":
    case "StopFailure":
    case "AfterAgent":
      return inSubagent || tasksRun(payload["background_tasks"]) ? [] : [{ type: "turn_ended" }];
    case "PermissionRequest":
      return [blocked("permission", payload)];
    case "Notification": {
      const kind = payload["notification_type"];
      return kind === "permission_prompt" || kind === "ToolPermission" ? [blocked("permission", payload)] : [];
    }
    default:
      return [];
  }
}

function blocked(kind: "permission", payload: Record<string, unknown>): AgentSignal {
  const tool = payload["tool_name"];
  return typeof tool === "string" && tool !== ""
    ? { type: "blocked", kind, what: tool.slice(0, 2_000) }
    : { type: "blocked", kind };
}

/** Claude Code's Stop hook runs although subagents go on in the background. */
function tasksRun(tasks: unknown): boolean {
  return (
    Array.isArray(tasks) &&
    tasks.some((task) => isObject(task) && (task["status"] === undefined || task["status"] === "running"))
  );
}

function statusLine(window: Record<string, unknown>): readonly AgentSignal[] {
  const used = window["used_percentage"];
  const left = window["remaining_percentage"];
  const pctLeft = typeof left === "number" ? left : typeof used === "number" ? 100 - used : undefined;
  return pctLeft !== undefined && pctLeft >= 0 && pctLeft <= 100 ? [{ type: "context", pctLeft }] : [];
}

function codexNotification(payload: Record<string, unknown>): readonly AgentSignal[] {
  const messages = payload["input-messages"];
  const prompts = Array.isArray(messages)
    ? messages.filter((message) => typeof message === "string").slice(-notifiedPromptsMax)
    : [];
  const said: AgentSignal[] =
    prompts.length === 0 ? [] : [{ type: "prompt", text: prompts.join("\n\n").slice(-promptCharactersMax) }];
  return [...said, { type: "turn_ended" }];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
