import { describe, expect, it } from "vitest";
import { readClaudeRecord } from "./record.ts";
import { answerClaudeReport, readClaudeReport } from "./reports.ts";

const base = { session_id: "4e57f65b", transcript_path: "/home/me/.claude/projects/x/4e57f65b.jsonl" };
const session = { type: "session", sessionId: base.session_id, record: base.transcript_path };
const signals = (payload: Record<string, unknown>) => readClaudeReport(payload).signals;

describe("what Claude Code reports", () => {
  it("every report names the session and where it is recorded", () => {
    expect(readClaudeReport({ ...base, hook_event_name: "SessionEnd", reason: "other" })).toEqual({
      signals: [session],
      source: "hook:SessionEnd",
    });
    expect(signals({ ...base, context_window: { used_percentage: 1, remaining_percentage: 99 } })).toEqual([
      session,
      { type: "context", pctLeft: 99 },
    ]);
    expect(signals({ session_id: "a", transcript_path: 7, hook_event_name: "SessionEnd" })).toEqual([
      { type: "session", sessionId: "a" },
    ]);
  });

  it.each<[string, Record<string, unknown>, unknown]>([
    [
      "a permission request in one line",
      { hook_event_name: "PermissionRequest", tool_name: "Bash", tool_input: { command: "touch a\n&& rm b" } },
      [{ type: "blocked", kind: "permission", what: "Bash(touch a && rm b)" }],
    ],
    [
      "a permission request of a tool that we do not know",
      { hook_event_name: "PermissionRequest", tool_name: "mcp__x__y", tool_input: { n: 1 } },
      [{ type: "blocked", kind: "permission", what: 'mcp__x__y({"n":1})' }],
    ],
    [
      "a question, which yes does not answer",
      {
        hook_event_name: "PermissionRequest",
        tool_name: "AskUserQuestion",
        tool_input: { questions: [{ question: "Which one?" }] },
      },
      [{ type: "blocked", kind: "question", what: "Which one?" }],
    ],
    [
      "a plan, of which yes may allow more than the plan",
      { hook_event_name: "PermissionRequest", tool_name: "ExitPlanMode", tool_input: { plan: "do it" } },
      [{ type: "blocked", kind: "question", what: "approve its plan" }],
    ],
    [
      "the end of a batch of tools",
      { hook_event_name: "PostToolBatch", tool_calls: [] },
      [{ type: "unblocked" }, { type: "boundary" }],
    ],
    ["the same inside a subagent", { hook_event_name: "PostToolBatch", agent_id: "a1" }, []],
    [
      "an answer, before the end of its turn",
      { hook_event_name: "Stop", stop_hook_active: false, last_assistant_message: "All\ngreen.", background_tasks: [] },
      [{ type: "said", text: "All\ngreen." }, { type: "turn_ended" }],
    ],
    [
      "an answer after which a subagent goes on",
      {
        hook_event_name: "Stop",
        last_assistant_message: "It looks.",
        background_tasks: [{ type: "subagent", status: "running" }],
      },
      [{ type: "said", text: "It looks." }],
    ],
    ["no answer of a subagent", { hook_event_name: "Stop", agent_id: "a1", last_assistant_message: "found it" }, []],
    [
      "no answer in what it says of a failure",
      { hook_event_name: "StopFailure", error: "unknown", last_assistant_message: "API Error: 500" },
      [{ type: "turn_ended" }],
    ],
    ["a turn without words", { hook_event_name: "Stop", last_assistant_message: " \n" }, [{ type: "turn_ended" }]],
    [
      "a stop while a subagent runs",
      { hook_event_name: "Stop", background_tasks: [{ type: "subagent", status: "running" }] },
      [],
    ],
    [
      "a stop while a shell runs in the background",
      { hook_event_name: "Stop", background_tasks: [{ type: "shell", status: "running" }] },
      [{ type: "turn_ended" }],
    ],
    [
      "a failure to sign in",
      { hook_event_name: "StopFailure", error: "authentication_failed", last_assistant_message: "Please run /login" },
      [{ type: "turn_ended" }, { type: "blocked", kind: "auth", what: "Please run /login" }],
    ],
    [
      "an exhausted quota",
      { hook_event_name: "StopFailure", error: "rate_limit" },
      [{ type: "turn_ended" }, { type: "blocked", kind: "quota" }],
    ],
    ["any other failure", { hook_event_name: "StopFailure", error: "server_error" }, [{ type: "turn_ended" }]],
    [
      "a notification that it is idle",
      { hook_event_name: "Notification", notification_type: "idle_prompt" },
      [{ type: "turn_ended" }],
    ],
    [
      "a notification of what was requested before",
      { hook_event_name: "Notification", notification_type: "permission_prompt" },
      [],
    ],
    ["a compaction", { hook_event_name: "PostCompact", trigger: "auto" }, [{ type: "compacted" }]],
    ["something else", { hook_event_name: 7 }, []],
  ])("%s", (_what, payload, expected) => {
    expect(signals(payload)).toEqual(expected);
  });

  it("what is asked is bounded", () => {
    const [signal] = signals({
      hook_event_name: "PermissionRequest",
      tool_name: "Bash",
      tool_input: { command: "x".repeat(9_000) },
    });
    expect(JSON.stringify(signal).length).toBeLessThan(700);
  });
});

describe("Claude Code's transcript", () => {
  const line = (apiBlockIndex: number | undefined, message: object = {}) => ({
    type: "assistant",
    ...(apiBlockIndex === undefined ? {} : { apiBlockIndex }),
    message: {
      model: "claude-opus-5-5",
      usage: { input_tokens: 3, cache_read_input_tokens: 13_908, cache_creation_input_tokens: 10, output_tokens: 9 },
      ...message,
    },
  });

  it("counts an answer once, by its first block", () => {
    expect([line(0), line(1), line(2)].flatMap(readClaudeRecord)).toEqual([
      { type: "tokens", inputTokens: 13_921, cachedInputTokens: 13_908, outputTokens: 9, model: "claude-opus-5-5" },
    ]);
  });

  it("tells the prompts that carry messages, and nothing else under the user's name", () => {
    const text = '<relay-message id="msg_0000000001" from="ben">\nhi\n</relay-message>';
    const user = (content: unknown, more: object = {}) => ({
      type: "user",
      message: { role: "user", content },
      ...more,
    });
    expect(readClaudeRecord(user(text))).toEqual([{ type: "prompt", text }]);
    expect(readClaudeRecord(user([{ type: "text", text }]))).toEqual([{ type: "prompt", text }]);
    expect(readClaudeRecord(user([{ type: "tool_result", tool_use_id: "t1", content: text }]))).toEqual([]);
    expect(readClaudeRecord(user(text, { isSidechain: true }))).toEqual([]);
    expect(readClaudeRecord(user("typed by a person"))).toEqual([]);
  });

  it("counts nothing that it might count twice, and nothing that cost nothing", () => {
    expect(readClaudeRecord(line(undefined))).toEqual([]);
    expect(readClaudeRecord(line(0, { usage: { input_tokens: 0, output_tokens: 0 } }))).toEqual([]);
    expect(readClaudeRecord({ ...line(0), type: "user" })).toEqual([]);
    expect(readClaudeRecord({ type: "assistant", apiBlockIndex: 0, message: "?" })).toEqual([]);
  });
});

describe("mail in the answer to a hook", () => {
  it("the model gets it with the results of its tools", () => {
    expect(answerClaudeReport({ ...base, hook_event_name: "PostToolBatch" }, "mail")).toEqual({
      hookSpecificOutput: { hookEventName: "PostToolBatch", additionalContext: "mail" },
    });
  });

  it("the transcript proves that what was typed while it worked was given to the model", () => {
    const text = '<relay-message id="msg_1" from="ben">later</relay-message>';
    const queued = (prompt: unknown) => ({
      type: "attachment",
      isSidechain: false,
      attachment: { type: "queued_command", prompt },
    });
    expect(readClaudeRecord(queued(text))).toEqual([{ type: "prompt", text }]);
    expect(readClaudeRecord(queued([{ type: "text", text }]))).toEqual([{ type: "prompt", text }]);
    expect(readClaudeRecord(queued("a person's own words"))).toEqual([]);
    expect(readClaudeRecord({ ...queued(text), isSidechain: true })).toEqual([]);
  });

  it("the transcript proves that it was given; what other hooks gave is nobody's prompt", () => {
    const mail = '<relay-message id="msg_0123456789" from="ben">';
    const line = { type: "attachment", attachment: { type: "hook_additional_context", content: ["other", mail] } };
    expect(readClaudeRecord(line)).toEqual([{ type: "prompt", text: mail }]);
    expect(readClaudeRecord({ ...line, isSidechain: true })).toEqual([]);
    expect(readClaudeRecord({ ...line, attachment: { type: "hook_success", content: mail } })).toEqual([]);
    expect(readClaudeRecord({ ...line, attachment: { type: "hook_additional_context", content: mail } })).toEqual([]);
  });
});
