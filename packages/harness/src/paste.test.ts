import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { leavePlan, pastePlan } from "./paste.ts";
import { harnesses } from "./table.ts";

/** Controls of both kinds, letters with and without accents, and characters of two units. */
const anyCharacter = fc
  .oneof(fc.nat(0x2ff), fc.constantFrom(0x2028, 0x202e, 0x212a, 0xfeff, 0x1f642))
  .map((code) => String.fromCodePoint(code));

const written = (steps: ReturnType<typeof pastePlan>) =>
  steps.flatMap((step) => (step.type === "data" ? [step.data] : []));

describe("pasting", () => {
  it("W1, W2: marked where the program wants it, submitted by itself after a pause", () => {
    expect(pastePlan({ harness: harnesses.codex, bracketedPaste: true, text: "one\ntwo\n" })).toEqual([
      { type: "data", data: "\u001b[200~one\ntwo\u001b[201~" },
      { type: "pause", ms: 150 },
      { type: "data", data: "\r" },
    ]);
  });

  it("W1, W3: without it there are no marks, and a line break does not submit", () => {
    expect(written(pastePlan({ harness: harnesses.grok, bracketedPaste: false, text: "one\n\ntwo\tthree" }))).toEqual([
      "one two three",
      "\r",
    ]);
  });

  it("the scripted agent needs no pause", () => {
    expect(pastePlan({ harness: harnesses.scripted, bracketedPaste: true, text: "x" })).toEqual([
      { type: "data", data: "\u001b[200~x\u001b[201~" },
      { type: "data", data: "\r" },
    ]);
  });

  it("W2: the words to leave are submitted by themselves, too; a key is pressed as it is", () => {
    expect(leavePlan(harnesses.codex)).toEqual([
      { type: "data", data: "/quit" },
      { type: "pause", ms: 150 },
      { type: "data", data: "\r" },
    ]);
    expect(leavePlan(harnesses.pi)).toEqual([{ type: "data", data: "\u0004" }]);
    expect(leavePlan(harnesses.generic)).toEqual([]);
  });

  it("nothing visible is nothing to paste", () => {
    expect(pastePlan({ harness: harnesses.codex, bracketedPaste: true, text: " \u001b[31m\n" })).toEqual([]);
  });

  it("W4: a plain reader gets lines that its terminal keeps whole", () => {
    const text = `${"word ".repeat(2_000)}${"é".repeat(5_000)}🙂`;
    const data = written(pastePlan({ harness: harnesses.generic, bracketedPaste: false, text }));
    const lines = data.filter((piece) => piece !== "\r");
    expect(data.length).toBe(lines.length * 2);
    for (const line of lines) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(4_000);
    expect(lines.join("").replaceAll(" ", "")).toBe(text.replaceAll(" ", ""));
  });

  it("W5: what the program would carry out inside a text gets a word joiner before it", () => {
    const text = "see @a.txt\n@everyone, write to me@here.org";
    const paste = (harness: (typeof harnesses)["qwen-code" | "codex"]) =>
      written(pastePlan({ harness, bracketedPaste: true, text }))[0];
    expect(paste(harnesses["qwen-code"])).toBe(
      "\u001b[200~see \u2060@a.txt\n\u2060@everyone, write to me@here.org\u001b[201~",
    );
    expect(paste(harnesses.codex)).toBe(`\u001b[200~${text}\u001b[201~`);
  });

  it("W3: whatever the text, one paste and one submit key for each line", () => {
    const nasty = fc
      .array(
        fc.oneof(
          fc.string({ unit: anyCharacter }),
          fc.constantFrom("\u001b[201~", "\r", "\n", "\u0003", "\u0004", "\u001b", "\u009b201~", "\u001b]7501;?\u0007"),
        ),
        { maxLength: 12 },
      )
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(
        nasty,
        fc.boolean(),
        fc.constantFrom(harnesses.codex, harnesses.generic, harnesses.scripted),
        (text, bracketedPaste, harness) => {
          const data = written(pastePlan({ harness, bracketedPaste, text }));
          const bad = bracketedPaste ? /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/ : /[\u0000-\u001f\u007f-\u009f]/;
          const texts = data
            .filter((_piece, index) => index % 2 === 0)
            .map((piece) => (bracketedPaste ? piece.slice("\u001b[200~".length, -"\u001b[201~".length) : piece));
          expect(texts.filter((piece) => bad.test(piece))).toEqual([]);
          expect(data.filter((piece, index) => index % 2 === 1 && piece !== "\r")).toEqual([]);
          expect(data.length % 2).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
  });
});
