import { expect, test } from "vitest";
import type { Answer } from "./decide.ts";
import { responses } from "./responses.ts";
import type { Stamp } from "./wire.ts";

const stamp: Stamp = { key: "k1", model: "m", atMs: 5_000, usage: { inputTokens: 1_000, outputTokens: 7 } };
const answer: Answer = { think: undefined, say: "I look", call: undefined, hangMs: 0, slowMs: 0 };
const url = new URL("http://127.0.0.1/v1/responses");
const events = (given: Answer): readonly Record<string, unknown>[] =>
  responses.frames(given, stamp).map(({ data }) => data as Record<string, unknown>);

test("a stream has the events of the API, in their order and numbered", () => {
  const found = events({ ...answer, think: "hm" });
  expect(found.map(({ type }) => type)).toEqual([
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.reasoning_summary_part.added",
    "response.reasoning_summary_text.delta",
    "response.reasoning_summary_text.done",
    "response.reasoning_summary_part.done",
    "response.output_item.done",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
  ]);
  expect(found.map((event) => event["sequence_number"])).toEqual(found.map((_, index) => index));
});

test("the completed response repeats its items and tells the usage", () => {
  const usage = expect.objectContaining({ input_tokens: 1_000, output_tokens: 7, total_tokens: 1_007 }) as unknown;
  const content = [{ type: "output_text", text: "I look", annotations: [] }];
  const output = [{ type: "message", id: "msg_k1", role: "assistant", status: "completed", content }];
  expect(events(answer).at(-1)?.["response"]).toMatchObject({
    id: "resp_k1",
    created_at: 5,
    status: "completed",
    output,
    usage,
  });
});

test("a call names the namespace in which its tool was offered", () => {
  const tools = [{ type: "namespace", name: "mcp__relay", tools: [{ type: "function", name: "send_message" }] }];
  const [tool] = responses.read({ tools }, url).tools;
  expect(tool).toEqual({ name: "send_message", namespace: "mcp__relay", schema: {} });
  const done = events({ ...answer, say: undefined, call: { tool: tool!, input: { text: "hi" } } });
  expect(done.find(({ type }) => type === "response.output_item.done")?.["item"]).toEqual({
    type: "function_call",
    id: "fc_k1",
    status: "completed",
    call_id: "call_k1",
    name: "send_message",
    namespace: "mcp__relay",
    arguments: '{"text":"hi"}',
  });
});

test("a tool that takes free text gets its input as it is", () => {
  const [tool] = responses.read({ tools: [{ type: "custom", name: "apply_patch" }] }, url).tools;
  const call = { tool: tool!, input: { input: "*** Begin Patch" } };
  expect(responses.whole({ ...answer, say: undefined, call }, stamp)).toMatchObject({
    output: [{ type: "custom_tool_call", name: "apply_patch", input: "*** Begin Patch" }],
  });
});

test("tools that are delivered within the input are offered as well", () => {
  const input = [{ type: "additional_tools", tools: [{ type: "function", name: "late" }] }];
  expect(responses.read({ input }, url).tools).toEqual([{ name: "late", schema: {} }]);
});

test("what one agent tells another is a prompt, and so is an input that is only a text", () => {
  const input = [{ type: "agent_message", content: [{ type: "input_text", text: "go" }] }];
  expect(responses.read({ input }, url).entries).toEqual([{ kind: "user", text: "go" }]);
  expect(responses.read({ input: "go" }, url).entries).toEqual([{ kind: "user", text: "go" }]);
});

test("a context that is full is reported within the stream, other failures before it", () => {
  const refusal = { status: 400, message: "too long", isOverflow: true };
  expect(responses.errorFrames?.(refusal, stamp)?.at(-1)).toMatchObject({
    event: "response.failed",
    data: { response: { status: "failed", error: { code: "context_length_exceeded", message: "too long" } } },
  });
  expect(responses.errorFrames?.({ ...refusal, isOverflow: false }, stamp)).toBeUndefined();
});

test.each([
  [401, "invalid_request_error", "invalid_api_key"],
  [429, "requests", "rate_limit_exceeded"],
  [500, "server_error", "server_error"],
])("a failure with status %i has type %s and code %s", (status, type, code) => {
  expect(responses.errorBody({ status, message: "no", isOverflow: false })).toEqual({
    error: { message: "no", type, param: null, code },
  });
});
