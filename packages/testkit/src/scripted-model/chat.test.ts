import { expect, test } from "vitest";
import { chat } from "./chat.ts";
import type { Answer } from "./decide.ts";
import type { Stamp } from "./wire.ts";

const stamp: Stamp = { key: "k1", model: "m", atMs: 5_000, usage: { inputTokens: 1_000, outputTokens: 7 } };
const call = { tool: { name: "bash", schema: {} }, input: { command: "ls" } };
const answer: Answer = { think: "hm", say: "I look", call, hangMs: 0, slowMs: 0 };
const url = new URL("http://127.0.0.1/v1/chat/completions");
const written = { id: "call_k1", type: "function", function: { name: "bash", arguments: '{"command":"ls"}' } };

test("a stream opens with the role, closes with the reason and the usage, and ends with its mark", () => {
  const data = chat.frames(answer, stamp).map((frame) => frame.data as Record<string, unknown>);
  expect(data.flatMap(({ choices }) => choices)).toEqual([
    { index: 0, delta: { role: "assistant", content: "" }, finish_reason: null },
    { index: 0, delta: { reasoning_content: "hm" }, finish_reason: null },
    { index: 0, delta: { content: "I look" }, finish_reason: null },
    { index: 0, delta: { tool_calls: [{ index: 0, ...written }] }, finish_reason: null },
    { index: 0, delta: {}, finish_reason: "tool_calls" },
  ]);
  expect(data.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 1_000, total_tokens: 1_007 } });
  expect(chat.streamEnd).toBe("[DONE]");
});

test("an answer in one piece has the call beside the text", () => {
  expect(chat.whole(answer, stamp)).toMatchObject({
    object: "chat.completion",
    created: 5,
    choices: [{ message: { content: "I look", tool_calls: [written] }, finish_reason: "tool_calls" }],
  });
  expect(chat.whole({ ...answer, say: undefined }, stamp)).toMatchObject({ choices: [{ message: { content: null } }] });
});

test("the schema of an answer is read", () => {
  const format = { type: "json_schema", json_schema: { name: "x", schema: { type: "object" } } };
  expect(chat.read({ response_format: format }, url).answerSchema).toEqual({ type: "object" });
});

test("a context that is full has the code that programs look for", () => {
  const message = chat.overflowMessage(210_000, 200_000);
  expect(message).toContain("maximum context length is 200000 tokens");
  expect(chat.errorBody({ status: 400, message, isOverflow: true })).toEqual({
    error: { message, type: "invalid_request_error", param: "input", code: "context_length_exceeded" },
  });
});
