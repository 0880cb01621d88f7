import { expect, test } from "vitest";
import { purposeOf } from "./purpose.ts";
import type { Asked } from "./purpose.ts";

const asked = (fields: Partial<Asked>): Asked => ({
  system: "",
  newest: "",
  toolCount: 0,
  answerSchema: undefined,
  ...fields,
});

test.each<readonly [string, Partial<Asked>]>([
  ["turn", { newest: "give the document a title", toolCount: 12 }],
  ["title", { system: "You are a title generator. You output ONLY a thread title." }],
  ["title", { system: "Come up with a succinct title for a coding session." }],
  ["title", { newest: "Summarize the user's primary intent or goal in this conversation in ONE sentence" }],
  ["summary", { newest: "CRITICAL: Respond with TEXT ONLY. Do NOT call any tools.", toolCount: 20 }],
  ["summary", { newest: "You are performing a CONTEXT CHECKPOINT COMPACTION." }],
  ["summary", { newest: "Generate a new <state_snapshot> based on the provided history." }],
  [
    "summary",
    { system: "You are invoked to distill the entire history into a concise snapshot.", newest: "Critically evaluate" },
  ],
  ["summary", { system: "You are a context summarization agent." }],
  ["suggestion", { newest: "[SUGGESTION MODE: what would the user type next?]", toolCount: 20 }],
  ["memory", { system: "You are a memory extraction agent." }],
  ["memory", { newest: "Managed memory has TWO directories. Choose which one to write to.", toolCount: 9 }],
  ["form", { newest: "who speaks next?", answerSchema: { type: "object" } }],
])("a request for a %s is known: %o", (purpose, fields) => {
  expect(purposeOf(asked(fields))).toBe(purpose);
});

test("a long system prompt that speaks of titles is one for turns", () => {
  const system = `Generate a title when asked. ${"You write code. ".repeat(1_000)}`;
  expect(purposeOf(asked({ system, newest: "hello" }))).toBe("turn");
});
