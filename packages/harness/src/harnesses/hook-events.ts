/** The hook events that Claude Code named first, and that Codex, Gemini CLI and Qwen Code took over. */
import type { AgentSignal, HookReport } from "../hook-report.ts";
import { isObject } from "../json-values.ts";

/** The most of a prompt that is looked at; a message body is at most a quarter of it. */
export const promptCharactersMax = 1_048_576;

export const nothingReported: HookReport = { signals: [], source: "hook" };

/** The session that every event names, and where it is recorded. */
export function sessionNamed({
  session_id: sessionId,
  transcript_path: record,
}: Readonly<Record<string, unknown>>): readonly AgentSignal[] {
  if (typeof sessionId !== "string" || sessionId === "" || sessionId.length > 256) return [];
  const isPath = typeof record === "string" && record !== "" && record.length <= 4_096;
  return [{ type: "session", sessionId, ...(isPath ? { record } : {}) }];
}

/** What some of them say where the model has said nothing. */
const noWords = "[no response text]";

/** What the model answered, of a report that has it. */
export function saidIn(text: unknown): readonly AgentSignal[] {
  return typeof text === "string" && text.trim() !== "" && text !== noWords ? [{ type: "said", text }] : [];
}

export function readHookEvent(payload: Readonly<Record<string, unknown>>): HookReport | undefined {
  const event = payload["hook_event_name"];
  if (typeof event !== "string") return undefined;
  return { signals: signalsOf(event, payload), source: `hook:${event}`.slice(0, 64) };
}

/** Gemini CLI has two names of its own. */
function signalsOf(event: string, payload: Readonly<Record<string, unknown>>): readonly AgentSignal[] {
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

function blocked(kind: "permission", payload: Readonly<Record<string, unknown>>): AgentSignal {
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
