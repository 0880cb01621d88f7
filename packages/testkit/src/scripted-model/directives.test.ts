import { expect, test } from "vitest";
import { directiveForms, scriptOf, usageIn } from "./directives.ts";

const envelope = (id: string, body: string, from = "ada"): string =>
  `<relay-message id="${id}" from="${from}" to="bob" at="2026-11-21T10:00:00.000Z">\n${body}\n</relay-message>\nTo answer: send_message with reply_to "${id}".`;
const sent = (input: Record<string, string>): unknown => ({ kind: "tool", tool: "send_message", input });

test("G1: a prompt without directives has no script", () => {
  expect(scriptOf("please fix the parser\nmail me@model say no")).toBeUndefined();
});

test("G1: a directive may stand between other lines, be indented, and begin with a percent sign", () => {
  expect(scriptOf('please:\n  @model say one\nand\n%model say "two\\nlines"')).toEqual([{ say: "one\ntwo\nlines" }]);
});

test("G1: in a prompt with envelopes only their bodies are read", () => {
  expect(scriptOf(`@model say outside\n${envelope("msg_0000000001", "@model say inside")}`)).toEqual([
    { say: "inside" },
  ]);
});

test("G2: a script is cut behind every call, and everything before a call belongs to its request", () => {
  const prompt = [
    "@model think hm",
    "@model hang 1",
    '@model call Bash {"command": "ls {}"}',
    "@model slow 2.5",
    "@model say and now",
    "@model loop 2 wait",
    "@model fail 529 x3 busy today",
    "@model shell echo hi",
    "@model subagent @model say deeper",
    "@model say the end",
  ];
  const wait = { kind: "tool", tool: "wait", input: {} };
  expect(scriptOf(prompt.join("\n"))).toEqual([
    { think: "hm", hangSeconds: 1, call: { kind: "tool", tool: "Bash", input: { command: "ls {}" } } },
    { slowSeconds: 2.5, say: "and now", call: wait },
    { call: wait },
    { fail: { status: 529, times: 3, message: "busy today" }, call: { kind: "shell", command: "echo hi" } },
    { call: { kind: "subagent", prompt: "@model say deeper" } },
    { say: "the end" },
  ]);
});

test.each([
  ["@model dance", 'Unknown directive "dance"; known are say, think, call, '],
  ["@model toString x", 'Unknown directive "toString"; known are '],
  ["@model say", 'Expected "@model say <text>", found "@model say".'],
  ["@model call Bash {oops}", 'Expected "@model call <tool> {json}", found "@model call Bash {oops}".'],
  ["@model call Bash [1]", 'Expected "@model call <tool> {json}"'],
  ["@model loop x Bash", 'Expected "@model loop <n> <tool> {json}"'],
  ["@model loop 10001 Bash", 'Expected "@model loop <n> <tool> {json}"'],
  ["@model slow soon", 'Expected "@model slow <seconds>"'],
  ["@model fail 200", 'Expected "@model fail <status> [x<times>] [message]"'],
  ["@model usage many", 'Expected "@model usage <tokens>"'],
  ["@model send ada", 'Expected "@model send <to> <text>"'],
])("G3: %s is answered with what is wrong with it, and nothing else is done", (prompt, problem) => {
  const script = scriptOf(`@model shell rm -rf build\n${prompt}`);
  expect(script).toEqual([{ say: expect.stringContaining(problem) as string }]);
});

test("G4: one reply answers every message of the prompt", () => {
  const prompt = [
    envelope("msg_0000000001", "hello"),
    envelope("msg_0000000002", "@model reply hi {{from}}, {{id}}", "carl"),
  ];
  expect(scriptOf(prompt.join("\n\n"))).toEqual([
    { call: sent({ reply_to: "msg_0000000001", text: "hi ada, msg_0000000001" }) },
    { call: sent({ reply_to: "msg_0000000002", text: "hi carl, msg_0000000002" }) },
    {},
  ]);
});

test("G4: a message with a reply of its own is answered with that alone", () => {
  const prompt = [
    envelope("msg_0000000001", "@model reply first"),
    envelope("msg_0000000002", "@model reply second"),
    envelope("msg_0000000003", "no directive"),
  ];
  expect(scriptOf(prompt.join("\n"))?.map(({ call }) => call)).toEqual([
    sent({ reply_to: "msg_0000000001", text: "first" }),
    sent({ reply_to: "msg_0000000003", text: "first" }),
    sent({ reply_to: "msg_0000000002", text: "second" }),
    undefined,
  ]);
});

test("G4: without a message there is nobody to answer, so the text is said", () => {
  expect(scriptOf("@model reply hello")).toEqual([{ say: "hello" }]);
});

test("a message is sent to an agent or a channel", () => {
  expect(scriptOf("@model send #general good morning")).toEqual([
    { call: sent({ to: "#general", text: "good morning" }) },
    {},
  ]);
});

test("the newest usage holds, in envelopes too, until zero makes it automatic again", () => {
  expect(usageIn(["hello"])).toBeUndefined();
  expect(usageIn(["@model usage 150_000", envelope("msg_0000000001", "@model usage 1000"), "hello"])).toBe(1_000);
  expect(usageIn(["@model usage 1000", "@model usage 0"])).toBeUndefined();
});

test("each directive can be read in the form in which it is documented", () => {
  const filled = directiveForms.map((form) =>
    form
      .replaceAll(/ \[.*?\]/gu, "")
      .replaceAll("{json}", "{}")
      .replaceAll(/<(?:n|seconds|tokens)>/gu, "3")
      .replaceAll("<status>", "500")
      .replaceAll(/<[\w ]+>/gu, "word"),
  );
  const said = filled.map((form) => scriptOf(`@model ${form}`)?.[0]?.say ?? "");
  expect(said.filter((text) => text.startsWith("Expected") || text.startsWith("Unknown"))).toEqual([]);
});
