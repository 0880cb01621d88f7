import { expect, test } from "vitest";
import { decide } from "./decide.ts";
import type { Answer, Decision, ModelRule } from "./decide.ts";
import type { OfferedTool } from "./tools.ts";
import { summaryMark } from "./turn.ts";
import type { Turn } from "./turn.ts";

const tool = (name: string): OfferedTool => ({ name, schema: {} });
const turn = (fields: Partial<Turn> = {}): Turn => {
  const texts = fields.texts ?? [fields.text ?? "hello"];
  return {
    api: "anthropic",
    model: "m",
    purpose: "turn",
    system: "",
    texts,
    text: texts.join("\n\n"),
    isOver: false,
    toolResults: 0,
    lastResult: undefined,
    searches: [],
    tools: [tool("Bash"), tool("mcp__relay__send_message")],
    namedTools: [],
    answerSchema: undefined,
    prompts: texts,
    key: "key",
    ...fields,
  };
};
const decided = (fields: Partial<Turn>, rules: readonly ModelRule[] = [], failedBefore = 0): Decision =>
  decide(turn(fields), { rules, failedBefore });
const answered = (fields: Partial<Turn>, rules?: readonly ModelRule[]): Answer => {
  const decision = decided(fields, rules);
  if (decision.kind === "failure") throw new Error("it failed");
  return decision.answer;
};
const envelope = (body: string): string =>
  `<relay-message id="msg_0000000001" from="ada" to="bob">\n${body}\n</relay-message>`;

test("M1: the same turn gets the same answer", () => {
  const fields = { text: "@model shell ls", tools: [tool("Bash")] };
  expect(decided(fields)).toEqual(decided(fields));
});

test.each([
  ["title", "Scripted title"],
  ["summary", `${summaryMark}: 1 prompts so far.`],
  ["suggestion", "continue"],
  ["memory", "Nothing to remember."],
] as const)("M2: a %s is answered as such, whatever the conversation says", (purpose, text) => {
  const answer = answered({ purpose, text: "@model shell rm -rf build" });
  expect(answer.call).toBeUndefined();
  expect(answer.say).toContain(text);
});

test("M2: a form is filled in", () => {
  const properties = { next_speaker: { enum: ["user", "model"] } };
  expect(answered({ purpose: "form", answerSchema: { type: "object", properties } }).say).toBe(
    '{"next_speaker":"user"}',
  );
});

test("M2: a title is JSON if JSON is asked for", () => {
  expect(JSON.parse(answered({ purpose: "title", system: "Answer in JSON." }).say ?? "")).toMatchObject({
    title: "Scripted title",
  });
});

test("M3: a prompt without directives is echoed in one short line", () => {
  expect(answered({ text: "two\nlines" }).say).toBe("You said: two lines");
  expect(answered({ text: "x".repeat(500) }).say).toHaveLength("You said: ".length + 200);
});

test("M3: an echo has the words of a message and not its envelope", () => {
  expect(answered({ text: `${envelope("one")}\n${envelope("two")}` }).say).toBe("You said: one | two");
});

test("M3: the first rule that fits decides, each of its replies after one result more", () => {
  const rules: readonly ModelRule[] = [
    { when: ({ text }) => text === "nothing", reply: { say: "never" } },
    {
      when: /deploy/gu,
      reply: [{ call: { kind: "tool", tool: "Bash", input: { command: "deploy" } } }, { say: "it is out" }],
    },
    { when: /./u, reply: ({ text }) => ({ say: text.toUpperCase() }) },
  ];
  const text = "deploy\n@model say no";
  expect(answered({ text }, rules).call?.input).toEqual({ command: "deploy" });
  expect(answered({ text }, rules).call?.input).toEqual({ command: "deploy" });
  expect(answered({ text, toolResults: 1 }, rules).say).toBe("it is out");
  expect(answered({ text: "other" }, rules).say).toBe("OTHER");
});

test("directives are carried out one call at a time, and the last words tell of the last result", () => {
  const text = "@model say look\n@model shell ls\n@model send ada hi";
  expect(answered({ text })).toMatchObject({ say: "look", call: { tool: { name: "Bash" }, input: { command: "ls" } } });
  expect(answered({ text, toolResults: 1 }).call).toMatchObject({
    tool: { name: "mcp__relay__send_message" },
    input: { to: "ada", text: "hi" },
  });
  expect(answered({ text, toolResults: 2, lastResult: "Accepted\nas msg_1" })).toMatchObject({
    say: "Done after 2 tool results: Accepted as msg_1",
    call: undefined,
  });
});

test("a failure is repeated as often as it asks to be, and then the request is answered", () => {
  const text = "@model fail 529 x2\n@model say fine";
  expect(decided({ text }, [], 0)).toMatchObject({ kind: "failure", failure: { status: 529 } });
  expect(decided({ text }, [], 1).kind).toBe("failure");
  expect(decided({ text }, [], 2)).toMatchObject({ kind: "answer", answer: { say: "fine" } });
  expect(decided({ text: "@model fail 400" }, [], 99).kind).toBe("failure");
});

test("pauses come with the answer, and a slow call has words to stream", () => {
  expect(answered({ text: "@model hang 2\n@model slow 0.5\n@model shell ls" })).toMatchObject({
    hangMs: 2_000,
    slowMs: 500,
    say: "Working on it.",
  });
});

test("M4: prompts are carried out one behind the other, from where the turn has come to", () => {
  const texts = ["@model shell one\n@model say one is done", "@model shell two"];
  expect(answered({ texts, toolResults: 1 })).toMatchObject({
    say: "one is done",
    call: { input: { command: "two" } },
  });
});

test("M4: a prompt behind which another came has had its failures and pauses", () => {
  const texts = ["@model fail 400\n@model hang 60\n@model slow 60\n@model say one", "two"];
  expect(answered({ texts })).toMatchObject({ say: "one\nYou said: two", hangMs: 0, slowMs: 0 });
  expect(answered({ texts: ["@model fail 400\n@model shell one", "two"] }).call?.input).toEqual({ command: "one" });
});

test("M5: a turn that is over is not begun again", () => {
  expect(answered({ text: "@model shell ls", isOver: true })).toMatchObject({ say: "Noted.", call: undefined });
});

test("M5: a subagent that must complete its task does", () => {
  const complete = {
    name: "complete_task",
    schema: { properties: { result: { type: "string" } }, required: ["result"] },
  };
  expect(answered({ text: "@model say found it", tools: [complete] }).call?.input).toEqual({ result: "found it" });
});

test("M6: a deferred tool is looked for by its full name, once, and then called", () => {
  const text = "@model send ada hi";
  const deferred = { text, tools: [tool("ToolSearch")], namedTools: ["mcp__relay__send_message"] };
  const search = answered(deferred).call;
  expect(search).toMatchObject({ tool: { name: "ToolSearch" }, input: { query: "select:mcp__relay__send_message" } });
  const searches = [JSON.stringify(search?.input)];
  expect(answered({ ...deferred, searches }).call?.tool.name).toBe("mcp__relay__send_message");
  expect(answered({ text, tools: [tool("tool_search")] }).call?.input).toEqual({ query: "send_message" });
});

test("M6: a tool that is nowhere is said to be missing, with what there is", () => {
  const answer = answered({ text: "@model call Fly {}" });
  expect(answer).toMatchObject({
    say: 'I am offered no tool "Fly", but Bash, mcp__relay__send_message.',
    call: undefined,
  });
});
