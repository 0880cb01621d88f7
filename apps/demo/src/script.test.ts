import type { Reply, Turn } from "@agent-relay/testkit";
import { expect, test } from "vitest";
import { askToAsk, remember, scriptedModelRule, task, whichWord, whoIsHere } from "./script.ts";

const envelope = (body: string, from = "operator", to = "claude", id = "m1"): string =>
  `<relay-message id="${id}" from="${from}" to="${to}">\n${body}\n</relay-message>`;

/** What the scripted model calls for a prompt that comes at the end of a conversation. */
function calls(text: string, before: readonly string[] = []): readonly unknown[] {
  const { reply } = scriptedModelRule(() => {});
  if (typeof reply !== "function") throw new Error("the rule answers by the turn");
  const replies = reply({ text, prompts: [...before, text] } as unknown as Turn) as readonly Reply[];
  return replies.flatMap(({ call }) => (call?.kind === "tool" ? [call.input] : []));
}

test("everybody answers who is here, once", () => {
  expect(calls(envelope(whoIsHere, "operator", "#team"))).toEqual([
    { reply_to: "m1", text: "here, with the scripted model" },
  ]);
});

test("a chain goes from the one who is to ask, to the one who answers, and on to the channel", () => {
  const [question] = calls(envelope(askToAsk("codex"))) as readonly { readonly to: string; readonly text: string }[];
  expect(question?.to).toBe("codex");
  expect(calls(envelope(question?.text ?? "", "claude", "codex"))).toEqual([{ reply_to: "m1", text: "two hours" }]);
  expect(calls(envelope("two hours", "codex"))).toEqual([{ to: "#team", text: "starting now: codex says two hours" }]);
});

test("L1: a task and the answers of others get no answer", () => {
  const prompt = [task(1), "ada is here", "noted", "starting now: codex says two hours"].map((it) => envelope(it));
  expect(calls(prompt.join("\n\n"))).toEqual([]);
});

test("L2: the word comes out of the conversation, the newest one", () => {
  const before = [envelope(remember("heron")), envelope(remember("pebble"))];
  expect(calls(envelope(whichWord), before)).toEqual([{ reply_to: "m1", text: "pebble" }]);
});

test("L2: in a new conversation no word is known", () => {
  expect(calls(envelope(whichWord))).toEqual([{ reply_to: "m1", text: "I was told none" }]);
});

test("what reaches the model is taken down, also when nothing is answered", () => {
  const taken: string[] = [];
  const { reply } = scriptedModelRule(({ text }) => taken.push(text));
  if (typeof reply === "function") reply({ text: "hello", prompts: ["hello"] } as unknown as Turn);
  expect(taken).toEqual(["hello"]);
});
