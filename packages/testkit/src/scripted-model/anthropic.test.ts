import { expect, test } from "vitest";
import { anthropic } from "./anthropic.ts";
import type { Answer } from "./decide.ts";
import type { Stamp } from "./wire.ts";

const stamp: Stamp = { key: "k1", model: "m", atMs: 0, usage: { inputTokens: 1_000, outputTokens: 7 } };
const answer: Answer = {
  think: "hm",
  say: "I look",
  call: { tool: { name: "Bash", schema: {} }, input: { command: "ls" } },
  hangMs: 0,
  slowMs: 0,
};
const url = new URL("http://127.0.0.1/v1/messages");

test("a stream has the events of the API, in their order", () => {
  const frames = anthropic.frames(answer, stamp);
  expect(frames.map(({ event }) => event)).toEqual([
    "message_start",
    "ping",
    ...["content_block_start", "content_block_delta", "content_block_delta", "content_block_stop"],
    ...["content_block_start", "content_block_delta", "content_block_stop"],
    ...["content_block_start", "content_block_delta", "content_block_stop"],
    "message_delta",
    "message_stop",
  ]);
  expect(frames.every(({ event, data }) => (data as { type: string }).type === event)).toBe(true);
});

test("a call comes as JSON in pieces behind an empty input, and stops for the tool", () => {
  const frames = anthropic.frames({ ...answer, think: undefined, say: undefined }, stamp).map(({ data }) => data);
  const block = { type: "tool_use", id: "toolu_k1", name: "Bash", input: {} };
  expect(frames.slice(2)).toEqual([
    { type: "content_block_start", index: 0, content_block: block },
    { type: "content_block_delta", index: 0, delta: { type: "input_json_delta", partial_json: '{"command":"ls"}' } },
    { type: "content_block_stop", index: 0 },
    expect.objectContaining({ delta: { stop_reason: "tool_use", stop_sequence: null } }),
    { type: "message_stop" },
  ]);
});

test("the three figures of the input add up to what was to be reported", () => {
  const { usage } = anthropic.whole(answer, stamp) as { usage: Record<string, number> };
  const parts = ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"];
  expect(parts.reduce((sum, part) => sum + (usage[part] ?? NaN), 0)).toBe(1_000);
});

test("the program's own words between messages are notices", () => {
  const messages = [
    { role: "user", content: "go" },
    { role: "system", content: [{ type: "text", text: "deferred tools: WebFetch" }] },
  ];
  expect(anthropic.read({ messages }, url).entries).toEqual([
    { kind: "user", text: "go" },
    { kind: "notice", text: "deferred tools: WebFetch" },
  ]);
});

test("the schema of an answer and the session are read", () => {
  const format = { type: "json_schema", schema: { type: "object" } };
  const body = { output_config: { effort: "medium", format }, metadata: { user_id: "u1" } };
  expect(anthropic.read(body, url)).toMatchObject({ answerSchema: { type: "object" }, session: "u1", stream: false });
});

test("a context that is full is reported in the words that Claude Code looks for", () => {
  const message = anthropic.overflowMessage(210_000, 200_000);
  expect(anthropic.errorBody({ status: 400, message, isOverflow: true })).toEqual({
    type: "error",
    error: { type: "invalid_request_error", message: "prompt is too long: 210000 tokens > 200000 maximum" },
  });
});

test.each([
  [401, "authentication_error"],
  [429, "rate_limit_error"],
  [500, "api_error"],
  [529, "overloaded_error"],
])("a failure with status %i is a %s", (status, type) => {
  expect(anthropic.errorBody({ status, message: "no", isOverflow: false })).toEqual({
    type: "error",
    error: { type, message: "no" },
  });
});
