import { expect, test } from "vitest";
import { draftLengthMax, editDraft, emptyDraft } from "./composer.ts";
import type { ComposerOptions } from "./composer.ts";
import type { Key } from "./keys.ts";

const options: ComposerOptions = { prompt: "> ", echo: true, pastePlaceholder: false, submitGraceMs: 0 };
const text = (typed: string): Key => ({ type: "text", text: typed });
const paste = (pasted: string): readonly Key[] => [{ type: "pasted", text: pasted }, { type: "paste-ended" }];

function compose(
  keys: readonly Key[],
  more: Partial<ComposerOptions> = {},
  gapMs = 0,
): { readonly draft: string; readonly shown: string; readonly submitted: readonly string[] } {
  let draft = emptyDraft;
  let shown = "";
  const submitted: string[] = [];
  for (const [index, key] of keys.entries()) {
    const step = editDraft(draft, key, index * gapMs, { ...options, ...more });
    draft = step.draft;
    shown += step.shown;
    if (step.submitted !== undefined) submitted.push(step.submitted);
  }
  return { draft: draft.text, shown, submitted };
}

test("M1: Enter submits the draft and empties it", () => {
  expect(compose([text("hello"), { type: "enter" }])).toEqual({ draft: "", shown: "hello\n", submitted: ["hello"] });
});

test("M1: an empty draft is not submitted", () => {
  expect(compose([{ type: "enter" }, text("  "), { type: "enter" }]).submitted).toEqual([]);
});

test("M2: the line ends of a paste become newlines, however it was cut", () => {
  expect(
    compose([{ type: "pasted", text: "a\r" }, { type: "pasted", text: "\nb\rc" }, { type: "paste-ended" }]).draft,
  ).toBe("a\nb\nc");
});

test("a paste joins the draft", () => {
  expect(compose([text("draft "), ...paste("message"), { type: "enter" }]).submitted).toEqual(["draft message"]);
});

test("M3: the draft is bounded", () => {
  const huge = "x".repeat(draftLengthMax);
  expect(compose([text("a"), ...paste(`${huge}y`), text("z")]).draft).toHaveLength(draftLengthMax);
});

test("backspace takes a whole character, and nothing from an empty draft", () => {
  expect(compose([text("a😀"), { type: "backspace" }]).draft).toBe("a");
  expect(compose([{ type: "backspace" }])).toEqual({ draft: "", shown: "", submitted: [] });
});

test("Ctrl-U clears the draft and draws the prompt anew", () => {
  expect(compose([text("abc"), { type: "clear" }])).toEqual({ draft: "", shown: "abc\r\u001b[K> ", submitted: [] });
});

test("nothing is shown without echo", () => {
  const keys: readonly Key[] = [text("abc"), { type: "backspace" }, ...paste("x"), { type: "enter" }];
  expect(compose(keys, { echo: false })).toEqual({ draft: "", shown: "", submitted: ["abx"] });
});

test("a paste of several lines can be shown as a placeholder, and is counted", () => {
  const { shown, draft } = compose([...paste("a\nb\nc"), ...paste("one line"), ...paste("d\ne")], {
    pastePlaceholder: true,
  });
  expect(shown).toBe("[Pasted text #1 +2 lines]one line[Pasted text #2 +1 lines]");
  expect(draft).toBe("a\nb\ncone lined\ne");
});

test("an Enter within the grace of the last text is a newline, and submits after it", () => {
  const keys: readonly Key[] = [text("a"), { type: "enter" }];
  expect(compose(keys, { submitGraceMs: 30 }, 10)).toMatchObject({ draft: "a\n", submitted: [] });
  expect(compose(keys, { submitGraceMs: 30 }, 40)).toMatchObject({ draft: "", submitted: ["a"] });
});
