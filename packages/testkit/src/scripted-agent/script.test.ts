import { expect, test } from "vitest";
import { personas } from "./personas.ts";
import { parseScript, resolveScript, scriptDefaults } from "./script.ts";

function problemsOf(input: unknown): readonly string[] {
  try {
    resolveScript(input);
  } catch (error) {
    return (error as Error).message
      .split("\n")
      .slice(1)
      .map((line) => line.trim());
  }
  return [];
}

test("K1: an empty script is a whole one", () => {
  expect(parseScript("{}")).toEqual(scriptDefaults);
});

test("K1: what is written replaces its default and nothing else", () => {
  expect(resolveScript({ turnMs: 5 })).toEqual({ ...scriptDefaults, turnMs: 5 });
});

test.each(Object.entries(personas))("the persona %s is a valid script, as JSON too", (_, persona) => {
  expect(parseScript(JSON.stringify(persona))).toEqual({ ...scriptDefaults, ...persona });
});

test("K2: every mistake is named by its path", () => {
  const input = {
    mode: "tui",
    bootMs: -1,
    turnMs: 1.5,
    spinner: "yes",
    hooks: ["ready", "redy"],
    colour: "red",
    context: { left: 10, perTurn: 1, via: "screen" },
    rules: [{ on: "mesage", match: "(", do: [{ say: 1 }, { say: "a", busy: 1 }, {}, { reply: "ok" }] }, 7],
  };
  expect(problemsOf(input).map((line) => line.split(/[:;]/u)[0])).toEqual([
    "script.colour",
    "script.mode",
    "script.bootMs",
    "script.turnMs",
    "script.spinner",
    "script.hooks[1]",
    "script.context.onEmpty",
    "script.rules[0].on",
    "script.rules[0].do[0].say",
    "script.rules[0].do[1]",
    "script.rules[0].do[2]",
    "script.rules[0].match",
    "script.rules[1]",
    "script.rules[1].on",
    "script.rules[1].do",
  ]);
});

test("K2: a mistake says what was expected and what was found", () => {
  expect(problemsOf({ mode: "tui" })).toEqual([
    'script.mode: expected one of "composer", "line", "silent"; found "tui"',
  ]);
  expect(problemsOf({ rules: [{ on: "turn", do: [{ crash: "SIGFOO" }] }] })[0]).toMatch(
    /^script\.rules\[0\]\.do\[0\]\.crash: expected a number from 0 to 255, found "SIGFOO"; or expected one of "SIGKILL"/u,
  );
  expect(problemsOf({ rules: [{ on: "turn", do: [{ context: { left: 101 } }] }] })).toEqual([
    "script.rules[0].do[0].context.left: expected a number from 0 to 100, found 101",
  ]);
});

test("K2: what is not JSON, or not an object, is refused", () => {
  expect(() => parseScript("{mode}")).toThrow("the script is not JSON");
  expect(() => parseScript("[]")).toThrow("script: expected an object, found []");
});

test("an action may be written in its short and in its long form", () => {
  const rules = [
    {
      on: "message",
      do: [
        { status: "working" },
        { status: { state: "blocked", kind: "quota", message: "later" } },
        { context: 5 },
        { context: { left: 5, via: "hook" } },
      ],
    },
  ];
  expect(resolveScript({ rules }).rules).toEqual(rules);
});
