import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contextLeft } from "./errors.ts";
import { readCodexRecord, readCodexReport } from "./reports.ts";

const common = { session_id: "01a1", transcript_path: "/home/me/.codex/sessions/rollout-01a1.jsonl", turn_id: "t" };
const session = { type: "session", sessionId: "01a1", record: common.transcript_path };

describe("what the hooks of Codex say", () => {
  it.each([
    ["the session, when its first turn begins", { hook_event_name: "SessionStart" }, [session, { type: "ready" }]],
    [
      "a prompt, as it enters a turn",
      { hook_event_name: "UserPromptSubmit", prompt: "hello" },
      [session, { type: "turn_started" }, { type: "prompt", text: "hello" }],
    ],
    ["the end of a turn", { hook_event_name: "Stop" }, [{ type: "turn_ended" }]],
    [
      "what its model answered, before that",
      { hook_event_name: "Stop", stop_hook_active: false, last_assistant_message: "slowly" },
      [{ type: "said", text: "slowly" }, { type: "turn_ended" }],
    ],
    ["a turn without words", { hook_event_name: "Stop", last_assistant_message: null }, [{ type: "turn_ended" }]],
    ["no answer of a subagent", { hook_event_name: "Stop", agent_id: "child", last_assistant_message: "x" }, []],
    ["an interrupt", { hook_event_name: "Interrupt" }, [{ type: "turn_ended" }]],
    ["a compaction", { hook_event_name: "PostCompact", trigger: "auto" }, [{ type: "compacted" }]],
    [
      "what a command's dialog is about",
      { hook_event_name: "PermissionRequest", tool_name: "Bash", tool_input: { command: "touch\nx" } },
      [{ type: "blocked", kind: "permission", what: "Bash: touch x" }],
    ],
    [
      "what a tool's dialog is about",
      { hook_event_name: "PermissionRequest", tool_name: "mcp__x__y", tool_input: { to: "bob" } },
      [{ type: "blocked", kind: "permission", what: 'mcp__x__y: {"to":"bob"}' }],
    ],
    ["nothing of the turn of a subagent", { hook_event_name: "Stop", agent_id: "child" }, []],
    ["neither its prompts nor its record", { hook_event_name: "UserPromptSubmit", prompt: "x", agent_id: "c" }, []],
    ["nothing about events that are not known", { hook_event_name: "PreModelRequest" }, []],
  ])("%s", (_what, payload, signals) => {
    expect(readCodexReport({ ...common, ...payload }).signals).toEqual(signals);
  });

  it("a session whose record is not known yet is a session all the same", () => {
    const { signals } = readCodexReport({ hook_event_name: "Stop" });
    expect(signals).toEqual([{ type: "turn_ended" }]);
    expect(
      readCodexReport({ hook_event_name: "SessionStart", session_id: "01a1", transcript_path: null }).signals,
    ).toEqual([{ type: "session", sessionId: "01a1" }, { type: "ready" }]);
  });
});

describe("the record of a session", () => {
  const event = (payload: object) => readCodexRecord({ type: "event_msg", payload });

  it("counts each answer once, by the line that comes once for each", () => {
    const usage = { input_tokens: 13165, cached_input_tokens: 100, output_tokens: 8, total_tokens: 13173 };
    expect(readCodexRecord({ type: "token_usage_record", payload: { thread_id: "01a1", usage } })).toEqual([
      { type: "tokens", inputTokens: 13165, cachedInputTokens: 100, outputTokens: 8 },
    ]);
    expect(event({ type: "token_count", info: { last_token_usage: usage } })).toEqual([]);
  });

  it("repeats the prompts, in the forms of this version and of older ones", () => {
    const content = [{ type: "text", text: "one" }, { type: "image" }, { type: "text", text: "two" }];
    expect(event({ type: "item_completed", item: { type: "UserMessage", content } })).toEqual([
      { type: "prompt", text: "one\n\ntwo" },
    ]);
    expect(event({ type: "user_message", message: "one" })).toEqual([{ type: "prompt", text: "one" }]);
    expect(event({ type: "item_completed", item: { type: "AgentMessage", content } })).toEqual([]);
  });

  it.each([
    ["usage_limit_exceeded", [{ type: "blocked", kind: "quota", what: "no" }]],
    [{ http_connection_failed: { http_status_code: 401 } }, [{ type: "blocked", kind: "auth", what: "no" }]],
    ["unauthorized", [{ type: "blocked", kind: "auth", what: "no" }]],
    ["context_window_exceeded", [{ type: "context", pctLeft: 0 }]],
    ["internal_server_error", []],
    [{ http_connection_failed: { http_status_code: 503 } }, []],
    [null, []],
  ])("a turn that failed with %j", (info, signals) => {
    expect(event({ type: "task_complete", error: { message: "no", codex_error_info: info } })).toEqual(signals);
  });

  it("is read without a throw, whatever stands in it", () => {
    const keys = fc.constantFrom("type", "payload", "item", "usage", "error", "content", "hook_event_name", "x");
    const values = fc.constantFrom(
      "event_msg",
      "item_completed",
      "UserMessage",
      "task_complete",
      "UserPromptSubmit",
      7,
      null,
    );
    const { any } = fc.letrec((tie) => ({
      any: fc.oneof({ maxDepth: 4 }, values, fc.array(tie("any")), fc.dictionary(keys, tie("any"))),
    }));
    fc.assert(
      fc.property(fc.dictionary(keys, any), (line) => {
        readCodexRecord(line);
        readCodexReport(line);
      }),
    );
  });
});

describe("the context window", () => {
  it.each([
    [13_173, 95_000, 99],
    [13_525, 95_000, 98],
    [90_016, 95_000, 6],
    [7_507, 95_000, 100],
    [99_005, 95_000, 0],
    [0, 95_000, undefined],
    [1, 0, undefined],
  ])("%d tokens of %d are the percentage that its title shows", (used, window, left) => {
    expect(contextLeft(used, window)).toBe(left);
  });
});
