import { describe, expect, it } from "vitest";
import { answerQwenReport, readQwenRecord, readQwenReport } from "./reports.ts";

const base = { session_id: "1111-2222", transcript_path: "/home/me/.qwen/projects/x/chats/1111-2222.jsonl" };
const session = { type: "session", sessionId: base.session_id, record: base.transcript_path };
const signals = (hook_event_name: unknown, more: Record<string, unknown> = {}) =>
  readQwenReport({ ...base, hook_event_name, ...more }).signals;

describe("what Qwen Code reports by its hooks", () => {
  it("a start names the session, and is not ready: its composer comes after it", () => {
    expect(readQwenReport({ ...base, hook_event_name: "SessionStart", source: "startup" })).toEqual({
      signals: [session],
      source: "hook:SessionStart",
    });
  });

  it("a prompt that it takes is shown as it was given; what tools have answered is none", () => {
    expect(signals("UserPromptSubmit", { prompt: "hello\nthere" })).toEqual([
      session,
      { type: "turn_started" },
      { type: "prompt", text: "hello\nthere" },
    ]);
    expect(signals("UserPromptSubmit", { prompt: "" })).toEqual([]);
    expect(signals("UserPromptSubmit", { prompt: 7 })).toEqual([]);
  });

  it("the end of a turn is told by its title alone; its hook tells what is left of the window", () => {
    expect(signals("Stop", { context_usage: 0.831, context_limit: 200_000 })).toEqual([
      { type: "context", pctLeft: 16 },
    ]);
    expect(signals("Stop", { context_usage: 1.4 })).toEqual([{ type: "context", pctLeft: 0 }]);
    expect(signals("Stop", { context_usage: "much" })).toEqual([]);
    expect(signals("Notification", { notification_type: "idle_prompt" })).toEqual([]);
  });

  it("its hook has what its model answered; without words there is none", () => {
    expect(signals("Stop", { last_assistant_message: "slowly", context_usage: 0.5 })).toEqual([
      { type: "said", text: "slowly" },
      { type: "context", pctLeft: 50 },
    ]);
    expect(signals("Stop", { last_assistant_message: "[no response text]" })).toEqual([]);
    expect(signals("Stop", { last_assistant_message: "x", agent_id: "a1" })).toEqual([]);
  });

  it("what it asks says which tool and with what; only a tool's use is a permission", () => {
    const blocked = (tool_name: string, tool_input: unknown) => signals("PermissionRequest", { tool_name, tool_input });
    expect(blocked("run_shell_command", { command: "touch x\n\u001b[2J" })).toEqual([
      { type: "blocked", kind: "permission", what: "run_shell_command(touch x )" },
    ]);
    expect(blocked("write_file", { file_path: "/w/a.txt", content: "x" })).toEqual([
      { type: "blocked", kind: "permission", what: "write_file(/w/a.txt)" },
    ]);
    expect(blocked("mcp__db__drop", {})).toEqual([{ type: "blocked", kind: "permission", what: "mcp__db__drop" }]);
    expect(blocked("ask_user_question", { questions: [{ question: "Which colour?" }] })).toEqual([
      { type: "blocked", kind: "question", what: "ask_user_question(Which colour?)" },
    ]);
    expect(blocked("exit_plan_mode", null)).toEqual([{ type: "blocked", kind: "question", what: "exit_plan_mode" }]);
    expect(signals("PermissionRequest")).toEqual([{ type: "blocked", kind: "permission" }]);
  });

  it("after a batch of tools no dialog is open, and the model takes more to read", () => {
    expect(signals("PostToolBatch")).toEqual([{ type: "unblocked" }, { type: "boundary" }]);
    expect(answerQwenReport({ hook_event_name: "PostToolBatch" }, "news")).toEqual({
      hookSpecificOutput: { hookEventName: "PostToolBatch", additionalContext: "news" },
    });
  });

  it("a failure that a person has to remove blocks; another is over with its turn", () => {
    expect(signals("StopFailure", { error: "authentication_failed", error_details: "401 bad key" })).toEqual([
      { type: "turn_ended" },
      { type: "blocked", kind: "auth", what: "401 bad key" },
    ]);
    expect(signals("StopFailure", { error: "rate_limit" })).toMatchObject([{}, { kind: "quota" }]);
    expect(signals("StopFailure", { error: "invalid_request" })).toEqual([]);
    expect(signals("StopFailure", { error: "constructor" })).toEqual([]);
  });

  it("a subagent's turns, starts and compactions are not its own; what it asks is asked all the same", () => {
    for (const event of ["SessionStart", "UserPromptSubmit", "Stop", "StopFailure", "PostToolBatch", "PostCompact"])
      expect(signals(event, { agent_id: "a1", prompt: "x", context_usage: 0.5, error: "rate_limit" })).toEqual([]);
    expect(signals("PostCompact", { trigger: "auto" })).toEqual([{ type: "compacted" }]);
    expect(signals("PermissionRequest", { agent_id: "a1", tool_name: "edit" })).toHaveLength(1);
  });

  it("what is not understood says nothing", () => {
    expect(signals("PreCompact", { trigger: "auto" })).toEqual([]);
    expect(readQwenReport({ hook_event_name: 7 }).signals).toEqual([]);
    expect(signals("SessionStart", { session_id: "" })).toEqual([]);
  });
});

describe("what Qwen Code writes down of its session", () => {
  const answer = (more: Record<string, unknown> = {}) =>
    readQwenRecord({
      type: "system",
      subtype: "ui_telemetry",
      systemPayload: {
        uiEvent: {
          "event.name": "qwen-code.api_response",
          model: "qwen3-coder",
          input_token_count: 21_393,
          output_token_count: 6,
          cached_content_token_count: 50,
          thoughts_token_count: 4,
          total_token_count: 21_399,
          ...more,
        },
      },
    });

  it("each answer of the model counts once", () => {
    const tokens = {
      type: "tokens",
      inputTokens: 21_393,
      cachedInputTokens: 50,
      outputTokens: 6,
      model: "qwen3-coder",
    };
    expect(answer()).toEqual([tokens]);
    // Where thoughts are not part of the output, they are part of the sum.
    expect(answer({ total_token_count: 21_403 })).toEqual([{ ...tokens, outputTokens: 10 }]);
    expect(answer({ "event.name": "qwen-code.tool_call" })).toEqual([]);
    expect(answer({ input_token_count: 0, output_token_count: 0, total_token_count: 0 })).toEqual([]);
    expect(readQwenRecord({ type: "assistant", usageMetadata: { promptTokenCount: 7 } })).toEqual([]);
    expect(readQwenRecord({ type: "system", subtype: "ui_telemetry", systemPayload: null })).toEqual([]);
  });

  it("mail that it has taken stands there, also behind what a tool has answered", () => {
    const mail = '<relay-message id="m1">hello</relay-message>';
    const line = (type: string, part: unknown) => readQwenRecord({ type, message: { role: "user", parts: [part] } });
    const prompt = (text: string) => [{ type: "prompt", text }];
    expect(line("user", { text: mail })).toEqual(prompt(mail));
    const output = `done\n\n${mail}`;
    expect(line("tool_result", { functionResponse: { name: "x", response: { output } } })).toEqual(prompt(output));
    expect(line("user", { text: "hello" })).toEqual([]);
    expect(line("assistant", { text: mail })).toEqual([]);
    expect(readQwenRecord({ type: "user", message: { parts: null } })).toEqual([]);
  });
});
