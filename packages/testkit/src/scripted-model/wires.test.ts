/** What all four APIs have in common, said once for each of them. */
import { expect, test } from "vitest";
import { anthropic } from "./anthropic.ts";
import { chat } from "./chat.ts";
import type { Conversation, Entry } from "./conversation.ts";
import type { Answer } from "./decide.ts";
import { gemini } from "./gemini.ts";
import type { Json } from "./json.ts";
import { responses } from "./responses.ts";
import { chunksOf } from "./wire.ts";
import type { Stamp, Wire } from "./wire.ts";

const stamp: Stamp = { key: "k1", model: "m", atMs: 5_000, usage: { inputTokens: 1_000, outputTokens: 7 } };
const words = "a text that is longer than one piece of a stream";
const answer: Answer = {
  think: "hm",
  say: words,
  call: { tool: { name: "Bash", schema: {} }, input: { command: "ls" } },
  hangMs: 0,
  slowMs: 0,
};
const url = new URL("http://127.0.0.1/v1beta/models/m:streamGenerateContent?alt=sse");
const schema = { type: "object", properties: { command: { type: "string" } } };

/** The same short conversation as each API writes it. */
const requests: Readonly<Record<string, readonly [Wire, Json]>> = {
  anthropic: [
    anthropic,
    {
      model: "m",
      stream: true,
      system: [{ type: "text", text: "be kind" }],
      tools: [{ name: "Bash", input_schema: schema }],
      messages: [
        { role: "user", content: "list" },
        {
          role: "assistant",
          content: [
            { type: "text", text: "I look" },
            { type: "tool_use", id: "Bash", name: "Bash", input: { command: "ls" } },
          ],
        },
        {
          role: "user",
          content: [{ type: "tool_result", tool_use_id: "Bash", content: [{ type: "text", text: "a.ts" }] }],
        },
      ],
    },
  ],
  responses: [
    responses,
    {
      model: "m",
      stream: true,
      instructions: "be kind",
      tools: [{ type: "function", name: "Bash", parameters: schema }, { type: "web_search" }],
      input: [
        { type: "message", role: "developer", content: [{ type: "input_text", text: "rules" }] },
        { type: "message", role: "user", content: [{ type: "input_text", text: "list" }] },
        { type: "message", role: "assistant", content: [{ type: "output_text", text: "I look" }] },
        { type: "function_call", call_id: "Bash", name: "Bash", arguments: '{"command":"ls"}' },
        { type: "function_call_output", call_id: "Bash", output: "a.ts" },
      ],
    },
  ],
  chat: [
    chat,
    {
      model: "m",
      stream: true,
      tools: [{ type: "function", function: { name: "Bash", parameters: schema } }],
      messages: [
        { role: "system", content: "be kind" },
        { role: "user", content: [{ type: "text", text: "list" }] },
        {
          role: "assistant",
          content: "I look",
          tool_calls: [{ id: "Bash", type: "function", function: { name: "Bash", arguments: '{"command":"ls"}' } }],
        },
        { role: "tool", tool_call_id: "Bash", content: "a.ts" },
      ],
    },
  ],
  gemini: [
    gemini,
    {
      systemInstruction: { parts: [{ text: "be kind" }] },
      tools: [{ functionDeclarations: [{ name: "Bash", parametersJsonSchema: schema }] }],
      contents: [
        { role: "user", parts: [{ text: "list" }] },
        {
          role: "model",
          parts: [
            { text: "hm", thought: true },
            { text: "I look" },
            { functionCall: { name: "Bash", args: { command: "ls" } } },
          ],
        },
        { role: "user", parts: [{ functionResponse: { name: "Bash", response: { output: "a.ts" } } }] },
      ],
    },
  ],
};
const entries: readonly Entry[] = [
  { kind: "user", text: "list" },
  { kind: "assistant", text: "I look" },
  { kind: "call", id: "Bash", name: "Bash", input: { command: "ls" } },
  { kind: "result", callId: "Bash", text: "a.ts" },
];

test.each(Object.entries(requests))("%s: a request is read into the same conversation", (api, [wire, body]) => {
  expect(wire.read(body, url)).toEqual({
    api,
    model: "m",
    stream: true,
    system: "be kind",
    tools: [{ name: "Bash", schema }],
    entries,
    answerSchema: undefined,
    session: undefined,
  } as Conversation);
});

test.each(Object.entries(requests))("%s: a body that is none of its own is an empty conversation", (_, [wire]) => {
  const body = { messages: "no", input: 7, contents: [null], tools: {}, system: 3 };
  expect(wire.read(body, url)).toMatchObject({ entries: [], tools: [], system: "" });
});

test.each(Object.entries(requests))("%s: the pieces of a stream put together are the answer", (_, [wire]) => {
  const frames = wire.frames(answer, stamp);
  const spoken = frames.filter(({ isSpoken }) => isSpoken === true);
  expect(spoken.length).toBeGreaterThan(1);
  expect(spoken.map(({ data }) => spokenIn(data)).join("")).toBe(words);
});

test.each(Object.entries(requests))("%s: an answer in one piece is JSON with text, call and usage", (_, [wire]) => {
  const json = JSON.stringify(wire.whole(answer, stamp));
  for (const part of [words, "Bash", "command", "hm"]) expect(json).toContain(part);
  expect(json).toMatch(/"(?:input_tokens|prompt_tokens|promptTokenCount)":1000|"cache_read_input_tokens":997/u);
});

test.each(Object.entries(requests))("%s: without a call the turn ends", (_, [wire]) => {
  const json = JSON.stringify(wire.frames({ ...answer, call: undefined }, stamp));
  expect(json).toMatch(/"end_turn"|"response.completed"|"finish_reason":"stop"|"finishReason":"STOP"/u);
  expect(json).not.toMatch(/"tool_use"|"function_call"|"tool_calls"|"functionCall"/u);
});

test("a slow text has more pieces, none of them empty, and none breaks a character", () => {
  const text = "smile 😀 ".repeat(20);
  expect(chunksOf(text, 0).join("")).toBe(text);
  expect(chunksOf(text, 10_000).length).toBeGreaterThan(chunksOf(text, 0).length);
  expect(chunksOf("hi", 60_000)).toEqual(["h", "i"]);
  expect(chunksOf("😀", 60_000)).toEqual(["😀"]);
  expect(chunksOf("", 1_000)).toEqual([]);
});

function spokenIn(data: unknown): unknown {
  const { delta, choices, candidates } = data as {
    delta?: string | { text: string };
    choices?: readonly [{ delta: { content: string } }];
    candidates?: readonly [{ content: { parts: readonly [{ text: string }] } }];
  };
  if (typeof delta === "string") return delta;
  return delta?.text ?? choices?.[0].delta.content ?? candidates?.[0].content.parts[0].text;
}
