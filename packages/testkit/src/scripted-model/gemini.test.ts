import { expect, test } from "vitest";
import type { Answer } from "./decide.ts";
import { gemini } from "./gemini.ts";
import type { Stamp } from "./wire.ts";

const stamp: Stamp = { key: "k1", model: "m", atMs: 0, usage: { inputTokens: 1_000, outputTokens: 7 } };
const call = { tool: { name: "run_shell_command", schema: {} }, input: { command: "ls" } };
const answer: Answer = { think: "hm", say: "I look", call, hangMs: 0, slowMs: 0 };
const url = (method: string): URL => new URL(`http://127.0.0.1/v1beta/models/gemini-2.5-flash:${method}`);
const usageMetadata = {
  promptTokenCount: 1_000,
  candidatesTokenCount: 7,
  totalTokenCount: 1_007,
  cachedContentTokenCount: 0,
};

test("the method in the address says whether to stream, and the model is read from it", () => {
  expect(gemini.read({}, url("generateContent"))).toMatchObject({ model: "gemini-2.5-flash", stream: false });
  expect(gemini.read({}, url("streamGenerateContent")).stream).toBe(true);
});

test("a stream has one candidate after another, and the last one the reason", () => {
  const data = gemini.frames(answer, stamp).map((frame) => frame.data);
  const candidate = (part: unknown, more = {}): unknown =>
    expect.objectContaining({
      candidates: [{ content: { role: "model", parts: [part] }, index: 0, ...more }],
      usageMetadata,
    });
  expect(data).toEqual([
    candidate({ text: "hm", thought: true }),
    candidate({ text: "I look" }),
    candidate({ functionCall: { id: "call_k1", name: "run_shell_command", args: { command: "ls" } } }),
    candidate({ text: "" }, { finishReason: "STOP" }),
  ]);
});

test("files that the program appends because of an @ are no prompt", () => {
  const parts = [
    { text: "@model.ts say hi" },
    { text: "\n--- Content from referenced files ---" },
    { text: "\nContent from @model.ts:\n" },
    { text: "@model say no" },
    { text: "\n--- End of content ---" },
  ];
  const contents = [{ role: "user", parts }];
  expect(gemini.read({ contents }, url("generateContent")).entries).toEqual([
    { kind: "user", text: "@model.ts say hi" },
  ]);
});

test("the schema of an answer is read, also when only JSON is asked for", () => {
  const schemaOf = (generationConfig: unknown): unknown =>
    gemini.read({ generationConfig }, url("generateContent")).answerSchema;
  expect(schemaOf({ responseJsonSchema: { type: "object", title: "x" } })).toEqual({ type: "object", title: "x" });
  expect(schemaOf({ responseMimeType: "application/json" })).toEqual({ type: "object" });
  expect(schemaOf({ temperature: 0 })).toBeUndefined();
});

test.each([
  [400, "INVALID_ARGUMENT"],
  [429, "RESOURCE_EXHAUSTED"],
  [503, "UNAVAILABLE"],
  [418, "UNKNOWN"],
])("a failure with status %i is %s", (code, status) => {
  expect(gemini.errorBody({ status: code, message: "no", isOverflow: false })).toEqual({
    error: { code, message: "no", status },
  });
});

test("a context that is full is reported in the words that Gemini CLI looks for", () => {
  expect(gemini.overflowMessage(210_000, 200_000)).toBe(
    "The input token count (210000) exceeds the maximum number of tokens allowed (200000).",
  );
});
