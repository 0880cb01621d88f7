import { describe, expect, it } from "vitest";
import { blockOfGeminiError, geminiContext } from "./errors.ts";
import { readGeminiRecord, readGeminiReport } from "./reports.ts";

const base = { session_id: "1111-2222", transcript_path: "/home/me/.gemini/tmp/x/chats/session-1.jsonl" };
const session = { type: "session", sessionId: base.session_id, record: base.transcript_path };
const signals = (payload: Record<string, unknown>) => readGeminiReport(payload).signals;
const notified = (details: unknown) =>
  signals({ ...base, hook_event_name: "Notification", notification_type: "ToolPermission", details });

describe("what Gemini CLI reports by its hooks", () => {
  it("a start is ready and names the session; one that is continued is not ready yet", () => {
    const start = { ...base, hook_event_name: "SessionStart" };
    expect(readGeminiReport({ ...start, source: "startup" })).toEqual({
      signals: [session, { type: "ready" }],
      source: "hook:SessionStart",
    });
    expect(signals({ ...start, source: "resume" })).toEqual([session]);
  });

  it("a prompt that it takes is shown as it was given", () => {
    expect(signals({ ...base, hook_event_name: "BeforeAgent", prompt: "hello\nthere" })).toEqual([
      session,
      { type: "turn_started" },
      { type: "prompt", text: "hello\nthere" },
    ]);
    expect(signals({ ...base, hook_event_name: "AfterAgent", prompt: "hello" })).toEqual([{ type: "turn_ended" }]);
  });

  it("its own account of the answer is not believed: of a streamed one it has words twice (0.61.0)", () => {
    const after = {
      ...base,
      hook_event_name: "AfterAgent",
      prompt_response: "slowly l o w l y ",
      stop_hook_active: false,
    };
    expect(signals(after)).toEqual([{ type: "turn_ended" }]);
  });

  it("what has 'allow once' as its first choice is a permission, and anything else a question", () => {
    const blocked = (kind: string, what: string) => [{ type: "blocked", kind, what }];
    expect(notified({ type: "exec", title: "Confirm", command: "touch x\n\u001b[2J" })).toEqual(
      blocked("permission", "run touch x"),
    );
    expect(notified({ type: "edit", filePath: "/w/a.txt" })).toEqual(blocked("permission", "write /w/a.txt"));
    expect(notified({ type: "mcp", serverName: "db", toolName: "drop" })).toEqual(blocked("permission", "db drop"));
    expect(notified({ type: "info", prompt: "https://x" })).toEqual(blocked("permission", "https://x"));
    expect(notified({ type: "ask_user", title: "Ask User" })).toEqual(blocked("question", "Ask User"));
    expect(notified({ type: "exit_plan_mode" })).toEqual([{ type: "blocked", kind: "question" }]);
    expect(notified(null)).toEqual([{ type: "blocked", kind: "question" }]);
  });

  it("what is not understood says nothing", () => {
    expect(signals({ ...base, hook_event_name: "PreCompress", trigger: "auto" })).toEqual([]);
    expect(signals({ hook_event_name: 7 })).toEqual([]);
    expect(signals({ hook_event_name: "SessionStart", session_id: "" })).toEqual([{ type: "ready" }]);
  });
});

describe("what Gemini CLI writes down of its session", () => {
  const answer = {
    id: "a",
    type: "gemini",
    content: "hi",
    tokens: { input: 12_850, output: 6, cached: 50, thoughts: 4, tool: 0, total: 12_860 },
    model: "gemini-2.5-flash",
  };

  it("an answer counts once, though it is written again with what its tools answered", () => {
    expect(readGeminiRecord(answer)).toEqual([
      { type: "said", text: "hi" },
      { type: "tokens", inputTokens: 12_850, cachedInputTokens: 50, outputTokens: 10, model: "gemini-2.5-flash" },
      { type: "context", pctLeft: 98 },
    ]);
    expect(readGeminiRecord({ ...answer, toolCalls: [] })).toEqual([]);
    expect(readGeminiRecord({ ...answer, tokens: null })).toEqual([]);
    expect(readGeminiRecord({ ...answer, content: "" }).map(({ type }) => type)).toEqual(["tokens", "context"]);
  });

  it("compression re-arms what counts on the window, and a record that goes on is ready", () => {
    expect(readGeminiRecord({ type: "info", content: "Context compressed from 57% to 3%." })).toEqual([
      { type: "compacted" },
      { type: "context", pctLeft: 97 },
    ]);
    expect(readGeminiRecord({ type: "info", content: "Request cancelled." })).toEqual([]);
    expect(readGeminiRecord({ $set: { sessionId: "1111-2222" } })).toEqual([{ type: "ready" }]);
    expect(readGeminiRecord({ $set: { lastUpdated: "now" } })).toEqual([]);
    expect(readGeminiRecord({ $set: { messages: [], sessionId: "x" } })).toEqual([]);
  });

  it("an error that a person has to remove ends the turn and blocks; a full window has nothing left", () => {
    const error = (code: number, message: string) => ({
      type: "error",
      content: `[API Error: {"error":{"code":${code},"message":"${message}"}}]`,
    });
    expect(readGeminiRecord(error(401, "no auth"))).toMatchObject([{ type: "turn_ended" }, { kind: "auth" }]);
    expect(readGeminiRecord(error(429, "slow down"))).toMatchObject([{ type: "turn_ended" }, { kind: "quota" }]);
    expect(readGeminiRecord(error(400, "bad request"))).toEqual([]);
    expect(
      readGeminiRecord(error(400, "The input token count (210000) exceeds the maximum number of tokens allowed (2).")),
    ).toEqual([{ type: "context", pctLeft: 0 }]);
  });

  it("prompts are not read: after a refusal the whole past is written once more", () => {
    expect(readGeminiRecord({ type: "user", content: [{ text: "hello" }] })).toEqual([]);
  });

  it("a window is known for Gemini's models alone, and an error by its code", () => {
    expect(geminiContext("gemini-2.5-pro", 524_288)).toBe(50);
    expect(geminiContext("gemini-2.5-pro", 9_999_999)).toBe(0);
    expect(geminiContext("gemma-4", 5)).toBeUndefined();
    expect(blockOfGeminiError('{"error":{"code":403}}')).toBe("auth");
    expect(blockOfGeminiError('{"error":{"code":500,"message":"a 429 once"}}')).toBeUndefined();
  });
});
