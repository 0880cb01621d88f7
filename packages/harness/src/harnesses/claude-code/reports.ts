/**
 * What Claude Code's hooks and its status line post (2.1.329; 2.1.197 the same, unless said otherwise).
 *
 * Hooks inside a subagent carry `agent_id`, and the id and the transcript of the session that it belongs to.
 */
import type { AgentSignal, HookReport } from "../../hook-report.ts";
import { nothingReported, readHookEvent, saidIn, sessionNamed } from "../hook-events.ts";
import { asked, isQuestion } from "./short-form.ts";
import { isObject } from "../../json-values.ts";

export function readClaudeReport(payload: Readonly<Record<string, unknown>>): HookReport {
  const session = sessionNamed(payload);
  const window = payload["context_window"];
  if (isObject(window)) return { signals: [...session, ...statusLine(window)], source: "status-line" };
  const report = readHookEvent(payload);
  if (report === undefined) return nothingReported;
  return { signals: [...session, ...(ownSignals(payload) ?? report.signals)], source: report.source };
}

/** Seen in 2.1.329: the model gets it as `PostToolBatch hook additional context: …` with the results of its tools. */
export function answerClaudeReport(
  payload: Readonly<Record<string, unknown>>,
  text: string,
): Readonly<Record<string, unknown>> {
  return { hookSpecificOutput: { hookEventName: payload["hook_event_name"], additionalContext: text } };
}

/** Events that mean more, or less, than in the programs that took them over. */
function ownSignals(payload: Readonly<Record<string, unknown>>): readonly AgentSignal[] | undefined {
  const inSubagent = typeof payload["agent_id"] === "string";
  switch (payload["hook_event_name"]) {
    case "PermissionRequest": {
      const tool = payload["tool_name"];
      if (typeof tool !== "string" || tool === "") return [{ type: "blocked", kind: "permission" }];
      const kind = isQuestion(tool) ? "question" : "permission";
      return [{ type: "blocked", kind, what: asked(tool, payload["tool_input"]).slice(0, 2_000) }];
    }
    // All tools of one answer have ended, so no dialog of theirs is open any more. The model goes on with the answer.
    case "PostToolBatch":
      return inSubagent ? [] : [{ type: "unblocked" }, { type: "boundary" }];
    case "Stop":
      // Before a turn that a subagent in the background will begin it has answered, too.
      if (inSubagent) return [];
      return [
        ...saidIn(payload["last_assistant_message"]),
        ...(agentsRun(payload["background_tasks"]) ? [] : [{ type: "turn_ended" } as const]),
      ];
    case "StopFailure":
      return inSubagent ? [] : failed(payload);
    case "Notification":
      // A minute after it fell idle. An interrupted turn of 2.1.197 ends in no other word than this.
      if (payload["notification_type"] === "idle_prompt") return [{ type: "turn_ended" }];
      // PermissionRequest said it six seconds before, and which of the two kinds it is.
      return payload["notification_type"] === "permission_prompt" ? [] : undefined;
    case "PostCompact":
      return [{ type: "compacted" }];
    default:
      return undefined;
  }
}

/** Errors after which nothing goes on until a person has seen to it. */
const failures: Readonly<Record<string, "auth" | "quota">> = {
  authentication_failed: "auth",
  oauth_org_not_allowed: "auth",
  account_on_hold: "auth",
  verification_required: "auth",
  cloud_credential_error: "auth",
  billing_error: "quota",
  rate_limit: "quota",
};

function failed({ error, last_assistant_message: message }: Readonly<Record<string, unknown>>): readonly AgentSignal[] {
  const kind = typeof error === "string" && Object.hasOwn(failures, error) ? failures[error] : undefined;
  if (kind === undefined) return [{ type: "turn_ended" }];
  const what = typeof message === "string" && message !== "" ? { what: message.slice(0, 500) } : {};
  return [{ type: "turn_ended" }, { type: "blocked", kind, ...what }];
}

/** The turn goes on when a subagent in the background ends. A shell that runs there, such as a server, may never end. */
function agentsRun(tasks: unknown): boolean {
  return (
    Array.isArray(tasks) &&
    tasks.some(
      (task) =>
        isObject(task) && task["type"] !== "shell" && (task["status"] === undefined || task["status"] === "running"),
    )
  );
}

function statusLine(window: Readonly<Record<string, unknown>>): readonly AgentSignal[] {
  const used = window["used_percentage"];
  const left = window["remaining_percentage"];
  const pctLeft = typeof left === "number" ? left : typeof used === "number" ? 100 - used : undefined;
  return pctLeft !== undefined && pctLeft >= 0 && pctLeft <= 100 ? [{ type: "context", pctLeft }] : [];
}
