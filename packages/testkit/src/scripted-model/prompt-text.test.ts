import { expect, test } from "vitest";
import { isInterruption, promptsHandedOn, promptsIn } from "./prompt-text.ts";

test.each([
  ["hello", ["hello"]],
  ["<system-reminder>\nremember\n</system-reminder>\nhello", ["hello"]],
  ["hello\n<system-reminder>be brief</system-reminder>", ["hello"]],
  ["<environment_context>\n  <cwd>/x</cwd>\n</environment_context>", []],
  ["<task-notification>\n<summary>@model say no</summary>\n</task-notification>", []],
  ["<b>bold</b> words", ["<b>bold</b> words"]],
  [
    '<pasted_content id="e3c7">\n@model say hi\n</pasted_content>',
    ['<pasted_content id="e3c7">\n@model say hi\n</pasted_content>'],
  ],
  ["# AGENTS.md instructions for /x\n\n<INSTRUCTIONS>\nbe kind\n</INSTRUCTIONS>", []],
  ["[Request interrupted by user for tool use]", []],
  ["Tool loaded.", []],
  ["   ", []],
])("P1, P3: of %j this is the prompt", (text, prompts) => {
  expect(promptsIn(text)).toEqual(prompts);
});

test("P1: envelopes stay whole, with what stands around them", () => {
  const prompt = '<relay-message id="msg_0000000001" from="ada">\nhello\n</relay-message>\nTo answer: send_message.';
  expect(promptsIn(prompt)).toEqual([prompt]);
});

test("P2: what the user has sent meanwhile is found in the words of Claude Code", () => {
  const tail = "\n\nThis is how Claude Code surfaces messages the user sends mid-turn.";
  const one = (text: string): string => `The user sent a new message while you were working:\n${text}${tail}`;
  expect(promptsHandedOn(`${one("first\n\nin two parts")}\n\n${one("second")}`)).toEqual([
    "first\n\nin two parts",
    "second",
  ]);
});

test("P2: what the user has sent meanwhile is found in a reminder of OpenCode", () => {
  const text = "The user sent the following message:\n@model say hi\n\nPlease address this message and continue.";
  expect(promptsIn(`<system-reminder>\n${text}\n</system-reminder>`)).toEqual(["@model say hi"]);
});

test("an interruption is told from a prompt that speaks of one", () => {
  expect(isInterruption("[Request interrupted by user]")).toBe(true);
  expect(isInterruption("<turn_aborted>\nThe user interrupted\n</turn_aborted>")).toBe(true);
  expect(isInterruption("what does [Request interrupted by user] mean?")).toBe(false);
});
