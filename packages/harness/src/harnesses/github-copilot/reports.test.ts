import { describe, expect, it } from "vitest";
import { readCopilotRecord } from "./events.ts";
import { readCopilotReport } from "./reports.ts";

const home = "/home/me/.copilot";
const session = {
  type: "session",
  sessionId: "dbf87264-a667",
  record: `${home}/session-state/dbf87264-a667/events.jsonl`,
};
const report = (event: Record<string, unknown>) =>
  readCopilotReport({ home, report: { session_id: "dbf87264-a667", ...event } });

describe("what Copilot's hooks post", () => {
  it.each<[string, Record<string, unknown>, unknown]>([
    ["its first prompt begins the session", { hook_event_name: "SessionStart", initial_prompt: "x" }, [session]],
    [
      "a prompt",
      { hook_event_name: "UserPromptSubmit", prompt: "hello msg_1" },
      [session, { type: "turn_started" }, { type: "prompt", text: "hello msg_1" }],
    ],
    ["the end of a turn", { hook_event_name: "Stop", stop_reason: "end_turn" }, [session, { type: "turn_ended" }]],
    ["the end of a subagent", { hook_event_name: "Stop", agent_id: "a", session_id: "a" }, []],
    [
      "a dialog",
      { hook_event_name: "Notification", notification_type: "permission_prompt", message: "Run command:\ntouch made" },
      [session, { type: "blocked", kind: "permission", what: "Run command: touch made" }],
    ],
    [
      "a question",
      { hook_event_name: "Notification", notification_type: "elicitation_dialog", message: "Information requested" },
      [session, { type: "blocked", kind: "question", what: "Information requested" }],
    ],
    ["another notification", { hook_event_name: "Notification", notification_type: "agent_idle" }, [session]],
    ["an id that is a path", { hook_event_name: "Stop", session_id: "../../x" }, [{ type: "turn_ended" }]],
  ])("%s", (_what, event, expected) => {
    expect(report(event).signals).toEqual(expected);
  });

  it("says nothing of what it does not know", () => {
    for (const payload of [{}, { report: 7 }, { report: { hook_event_name: 7 } }, { home: 7, report: {} }])
      expect(readCopilotReport(payload).signals).toEqual([]);
  });
});

describe("the record of Copilot's session", () => {
  it.each<[string, Record<string, unknown>, readonly string[]]>([
    [
      "a refused key",
      { type: "session.error", data: { errorType: "authentication", message: "no" } },
      ["turn_ended", "blocked"],
    ],
    ["a quota", { type: "session.error", data: { statusCode: 429 } }, ["turn_ended", "blocked"]],
    ["another error", { type: "session.error", data: { statusCode: 400 } }, ["turn_ended"]],
    ["an interruption", { type: "abort", data: {} }, ["turn_ended"]],
    ["the interruption of a subagent", { type: "abort", agentId: "a", data: {} }, []],
    [
      "a compaction",
      {
        type: "session.compaction_complete",
        data: { success: true, tokenLimit: 128_000, postCompactionTokens: 12_673 },
      },
      ["compacted", "context"],
    ],
    ["a compaction that failed", { type: "session.compaction_complete", data: { success: false } }, []],
    ["an answer", { type: "assistant.message", data: { content: "slowly", toolRequests: [] } }, ["said"]],
    [
      "what it says before it uses a tool",
      { type: "assistant.message", data: { content: "I look.", toolRequests: [{ name: "bash" }] } },
      [],
    ],
    ["an answer without words", { type: "assistant.message", data: { content: "", toolRequests: [] } }, []],
    ["an answer of a subagent", { type: "assistant.message", agentId: "a", data: { content: "found" } }, []],
    ["a prompt of a subagent", { type: "user.message", agentId: "a", data: { content: "inside" } }, []],
  ])("%s", (_what, line, expected) => {
    expect(readCopilotRecord(line).map(({ type }) => type)).toEqual(expected);
  });

  it("has every answer's tokens, prompts taken in the middle of a turn, and the ends of dialogs", () => {
    const usage = { model: "m", inputTokens: 14_449, outputTokens: 10, cacheReadTokens: 7, maxPromptTokens: 128_000 };
    const lines = [
      { type: "session.usage_record", data: { usage } },
      { type: "user.message", data: { content: "steered msg_2", delivery: "steering" } },
      { type: "permission.requested", data: {} },
      { type: "permission.completed", data: { result: { kind: "approved" } } },
      { type: "assistant.turn_start", data: {} },
      { type: "human_response.recorded", data: {} },
      { type: "tool.execution_complete", data: { toolTelemetry: { properties: { elicitation_action: "decline" } } } },
      { type: "tool.execution_complete", data: { toolTelemetry: {} } },
      { type: "session.usage_record", agentId: "a", data: { usage: { ...usage, model: "n" } } },
      { type: "session.usage_record", data: {} },
    ];
    expect(lines.flatMap(readCopilotRecord)).toEqual([
      { type: "tokens", inputTokens: 14_449, cachedInputTokens: 7, outputTokens: 10, model: "m" },
      { type: "context", pctLeft: 89 },
      { type: "prompt", text: "steered msg_2" },
      { type: "unblocked" },
      { type: "unblocked" },
      { type: "unblocked" },
      { type: "tokens", inputTokens: 14_449, cachedInputTokens: 7, outputTokens: 10, model: "n" },
    ]);
  });
});
