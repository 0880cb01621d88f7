/**
 * What the hooks of our plugin post for Copilot (1.0.102): the event as it came, and the home in which it is recorded.
 *
 * SessionStart comes with the first prompt, so it says nothing of being ready. A message that is taken into the running
 * turn has no hook; the record has it.
 */
import { oneLine } from "@agent-relay/protocol";
import type { AgentSignal, HookReport } from "../../hook-report.ts";
import { nothingReported, readHookEvent } from "../hook-events.ts";
import { isObject } from "../../json-values.ts";

type Json = Readonly<Record<string, unknown>>;

/** Its dialogs, as its notifications call them. */
const asked: Readonly<Record<string, "permission" | "question">> = {
  permission_prompt: "permission",
  elicitation_dialog: "question",
};

export function readCopilotReport(payload: Json): HookReport {
  const { home, report: event } = payload;
  const report = isObject(event) ? readHookEvent(event) : undefined;
  if (!isObject(event) || report === undefined) return nothingReported;
  return { signals: [...sessionOf(event, home), ...signalsOf(event, report)], source: report.source };
}

function signalsOf(event: Json, { signals }: HookReport): readonly AgentSignal[] {
  switch (event["hook_event_name"]) {
    case "SessionStart":
      return [];
    case "Notification": {
      const kind = asked[String(event["notification_type"])];
      if (kind === undefined) return [];
      const { message } = event;
      const what = typeof message === "string" ? oneLine(message, 500) : "";
      return [{ type: "blocked", kind, ...(what === "" ? {} : { what }) }];
    }
    default:
      return signals;
  }
}

/** A subagent's id is not that of a session that could be continued. */
function sessionOf(event: Json, home: unknown): readonly AgentSignal[] {
  const sessionId = event["session_id"];
  if (event["agent_id"] !== undefined || typeof sessionId !== "string" || !/^[\w-]{1,200}$/u.test(sessionId)) return [];
  const record = typeof home === "string" && home !== "" ? `${home}/session-state/${sessionId}/events.jsonl` : "";
  return [{ type: "session", sessionId, ...(record === "" || record.length > 4_096 ? {} : { record }) }];
}
