import { expect, test } from "vitest";
import type { Action } from "./actions.ts";
import { fillIn, fillInAll, receivedIn, ruleBook } from "./rules.ts";
import type { PlannedAction } from "./rules.ts";
import type { Rule } from "./script.ts";

const say = (line: string): readonly Action[] => [{ say: line }];
const told = (planned: readonly PlannedAction[]): readonly string[] =>
  planned.map(({ action, situation }) => fillIn("say" in action ? action.say : "?", situation));

function play(rules: readonly Rule[], ...prompts: readonly string[]): readonly (readonly string[])[] {
  const book = ruleBook(rules);
  return prompts.map((prompt, index) => told(book.onPrompt(prompt, receivedIn(prompt), index + 1)));
}

const from = (sender: string, body: string, id = "msg_1"): string =>
  `<relay-message id="${id}" from="${sender}" to="bob">\n${body}\n</relay-message>`;

test("of the rules for a message, the first that fits acts", () => {
  const rules: readonly Rule[] = [
    { on: "message", match: "^ping", do: say("pong") },
    { on: "message", do: say("other") },
  ];
  expect(play(rules, "ping 1", "say ping")).toEqual([["pong"], ["other"]]);
});

test("a rule for messages acts once for each message in the prompt, and for a plain prompt", () => {
  const rules: readonly Rule[] = [{ on: "message", do: say("{{from}}:{{body}}") }];
  expect(play(rules, `${from("ada", "a")}\n${from("eve", "b", "msg_2")}`, "typed")).toEqual([
    ["ada:a", "eve:b"],
    [":typed"],
  ]);
});

test("a rule can ask for a sender, a turn and a number of times", () => {
  const rules: readonly Rule[] = [
    { on: "message", from: "ada", do: say("for ada") },
    { on: "message", times: 1, do: say("once") },
    { on: "turn", turn: 3, do: say("third") },
  ];
  expect(play(rules, from("ada", "x"), from("eve", "x"), from("eve", "x"))).toEqual([["for ada"], ["once"], ["third"]]);
});

test("rules for messages come first, then the prompt's, then every rule for turns", () => {
  const rules: readonly Rule[] = [
    { on: "turn", do: say("turn {{turn}}") },
    { on: "turn", do: say("again") },
    { on: "prompt", match: "relay-message", do: say("prompt") },
    { on: "message", do: say("message") },
  ];
  expect(play(rules, from("ada", "x"))).toEqual([["message", "prompt", "turn 1", "again"]]);
});

test("an expression sees the body alone, over all its lines, and its groups can be used", () => {
  const rules: readonly Rule[] = [
    { on: "message", match: "add (\\d+).and (\\d+)( please)?$", do: say("{{1}}+{{2}}{{3}}.") },
  ];
  expect(play(rules, from("add 1 and 2", "add 3\nand 4"))).toEqual([["3+4."]]);
});

test("rules on boot and on ready act then, and at no prompt", () => {
  const book = ruleBook([
    { on: "boot", do: say("booting") },
    { on: "ready", do: say("ready {{from}}") },
  ]);
  expect([told(book.onBoot()), told(book.onReady()), told(book.onPrompt("x", receivedIn("x"), 1))]).toEqual([
    ["booting"],
    ["ready "],
    [],
  ]);
});

test("no rule for messages acts when every message is to be skipped", () => {
  const book = ruleBook([
    { on: "message", do: say("x") },
    { on: "prompt", do: say("prompt") },
  ]);
  expect(told(book.onPrompt(from("ada", "x"), [], 1))).toEqual(["prompt"]);
});

test("what is not a variable stays as it is, and a filled-in text is not filled in again", () => {
  const [{ situation } = { situation: undefined }] = ruleBook([{ on: "prompt", do: say("") }]).onPrompt(
    "{{from}}",
    receivedIn("{{from}}"),
    1,
  );
  expect(situation && fillIn("{{body}} {{nonsense}} {{constructor}}", situation)).toBe(
    "{{from}} {{nonsense}} {{constructor}}",
  );
});

test("the arguments of a tool are filled in wherever they hold text", () => {
  const [planned] = ruleBook([{ on: "message", do: say("") }]).onPrompt("", receivedIn(from("ada", "x")), 1);
  expect(
    planned && fillInAll({ ids: ["{{id}}"], deep: { to: "{{from}}" }, n: 1, none: null }, planned.situation),
  ).toEqual({
    ids: ["msg_1"],
    deep: { to: "ada" },
    n: 1,
    none: null,
  });
});
