import { expect, test } from "vitest";
import type { Conversation, Entry } from "./conversation.ts";
import { summaryMark, turnOf } from "./turn.ts";
import type { Turn } from "./turn.ts";

const user = (text: string): Entry => ({ kind: "user", text });
const assistant = (text: string): Entry => ({ kind: "assistant", text });
const call = (id: string, name = "Bash", input: unknown = {}): Entry => ({ kind: "call", id, name, input });
const result = (callId: string, text = "ok"): Entry => ({ kind: "result", callId, text });
const notice = (text: string): Entry => ({ kind: "notice", text });
const conversation = (entries: readonly Entry[], more: Partial<Conversation> = {}): Conversation => ({
  api: "anthropic",
  model: "m",
  stream: true,
  system: "",
  tools: [],
  answerSchema: undefined,
  session: undefined,
  entries,
  ...more,
});
const turn = (...entries: readonly Entry[]): Turn => turnOf(conversation(entries));
const place = ({ texts, toolResults, isOver }: Turn): unknown => [texts, toolResults, isOver];

test("T1: the last prompt begins the turn, and results since then are counted", () => {
  const before = [user("old"), call("a"), result("a"), assistant("done")];
  expect(place(turn(...before, user("new"), call("b"), result("b"), call("c"), result("c", "seen")))).toEqual([
    ["new"],
    2,
    false,
  ]);
});

test("T1: what programs add begins no turn", () => {
  const added = user("<system-reminder>be brief</system-reminder>");
  expect(place(turn(user("go"), added, call("a"), result("a"), added))).toEqual([["go"], 1, false]);
});

test("T1: a turn that is over stays over when only the program speaks", () => {
  const report = user("<task-notification>finished</task-notification>");
  expect(place(turn(user("go"), call("a"), result("a"), assistant("done"), report))).toEqual([["go"], 1, true]);
});

test("T1: words before a call do not end the turn", () => {
  expect(turn(user("go"), assistant("I look"), call("a"), result("a")).isOver).toBe(false);
});

test("T2: a prompt in the middle of a turn continues it", () => {
  expect(place(turn(user("one"), call("a"), result("a"), user("two"), call("b"), result("b")))).toEqual([
    ["one", "two"],
    2,
    false,
  ]);
});

test("T2: so does one that the program hands on in its own words", () => {
  const handed = notice(
    "The user sent a new message while you were working:\ntwo\n\nThis is how Claude Code surfaces it.",
  );
  expect(place(turn(user("one"), call("a"), result("a"), handed))).toEqual([["one", "two"], 1, false]);
});

test("T2: a prompt right behind one that was never answered continues it", () => {
  expect(turn(user("zero"), assistant("done"), user("one"), user("two"), user("three")).texts).toEqual([
    "one",
    "two",
    "three",
  ]);
});

test.each([
  ["Claude Code's mark", [user("[Request interrupted by user]")]],
  ["Codex's mark", [user("<turn_aborted>\nby the user\n</turn_aborted>")]],
  ["a tool's last words", [call("b"), result("b", "Tool execution aborted")]],
  ["a summary", [user(`This is it. ${summaryMark}: 3 prompts so far.`)]],
])("T2: nothing is continued behind %s", (_, border) => {
  expect(place(turn(user("one"), call("a"), result("a"), ...border, user("two")))).toEqual([["two"], 0, false]);
  expect(turn(user("one"), ...border, user("two")).texts).toEqual(["two"]);
});

test("T2: Gemini CLI sends nothing in the middle of a turn, so there nothing is continued", () => {
  const entries = [user("one"), call("a"), result("a"), user("two")];
  expect(turnOf(conversation(entries, { api: "gemini" })).texts).toEqual(["two"]);
});

test("a summary in place of the prompt ends the turn, and what was set before it is forgotten", () => {
  const after = turn(user("@model usage 9"), user(`${summaryMark}: 1 prompts so far.`));
  expect([after.isOver, after.prompts]).toEqual([true, []]);
});

test("T3: a search for deferred tools is no result, and is known by what it looked for", () => {
  const query = { query: "select:mcp__relay__send_message" };
  const found = turn(user("go"), call("a", "ToolSearch", query), result("a", "found"), call("b"), result("b"));
  expect([found.toolResults, found.searches, found.lastResult]).toEqual([1, [JSON.stringify(query)], "ok"]);
});

test("tools are known by name from the program's own words", () => {
  expect(turn(user("go"), notice("deferred:\nWebFetch\nmcp__relay__send_message\n")).namedTools).toEqual([
    "mcp__relay__send_message",
  ]);
});

test("the same place in the same conversation has the same key, and no two places share one", () => {
  const start = [user("go")];
  const later = [...start, call("a"), result("a")];
  const keys = [start, later, [...later, call("b"), result("b")]].map((entries) => turn(...entries).key);
  const other = turnOf(conversation(start, { session: "another" })).key;
  expect(new Set([...keys, other]).size).toBe(4);
  expect(turn(...later).key).toBe(keys[1]);
});
