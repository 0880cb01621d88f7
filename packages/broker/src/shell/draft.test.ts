import fc from "fast-check";
import { expect, test } from "vitest";
import { noDraft, typed, unknownDraft } from "./draft.ts";

const after = (...chunks: readonly string[]): boolean => chunks.reduce(typed, noDraft).present;
const ESC = "\u001b";

test.each([
  ["a letter", ["h"]],
  ["a letter that is taken back and typed again", ["h", "\u007f", "h"]],
  ["a paste", [`${ESC}[200~hello${ESC}[201~`]],
  ["F4: a paste of several lines", [`${ESC}[200~one\rtwo\r${ESC}[201~`]],
  ["F4: a paste that has not ended yet", [`${ESC}[200~one`, "\r"]],
  ["text after a draft that was sent", ["one\r", "two"]],
  ["Alt and Enter, which begins a new line", ["a", `${ESC}\r`]],
  ["Enter after a backslash, which begins a new line", ["a\\", "\r"]],
  ["shift and Enter in the form of the kitty protocol", ["a", `${ESC}[13;2u`]],
  ["one Escape", ["a", ESC]],
  ["backspaces at a cursor that was moved", ["ab", `${ESC}[D`, "\u007f\u007f"]],
  ["a text whose newest word was deleted", ["one two", "\u0017"]],
])("F2: %s is a draft", (_name, chunks) => {
  expect(after(...chunks)).toBe(true);
});

test.each([
  ["nothing", []],
  ["arrows", [`${ESC}[A${ESC}[B${ESC}OC`]],
  ["focus reports", [`${ESC}[I`, `${ESC}[O`]],
  ["mouse reports", [`${ESC}[<0;10;20M${ESC}[<0;10;20m`, `${ESC}[M !!`]],
  ["answers of the terminal", [`${ESC}[?62;c`, `${ESC}]11;rgb:0000/0000/0000${ESC}\\`, `${ESC}P>|xterm${ESC}\\`]],
  ["Alt with a letter", [`${ESC}b`]],
  ["a released key of the kitty protocol", [`${ESC}[97;1:3u`]],
  ["Tab and Escape", ["\t", ESC]],
])("F2: %s is no draft", (_name, chunks) => {
  expect(after(...chunks)).toBe(false);
});

test.each([
  ["Enter", ["hello", "\r"]],
  ["Enter in the same chunk", ["hello\r"]],
  ["Ctrl-C", ["hello", "\u0003"]],
  ["Ctrl-D", ["hello", "\u0004"]],
  ["Ctrl-U", ["hello", "\u0015"]],
  ["Ctrl-C in the form of the kitty protocol", ["hello", `${ESC}[99;5u`]],
  ["Escape twice", ["hello", ESC, ESC]],
  ["Escape twice in one chunk", ["hello", `${ESC}${ESC}`]],
  ["as many backspaces as there are characters", ["hé👩‍👩‍👧", "\u007f\u007f", "\u007f"]],
  ["Enter after a paste", [`${ESC}[200~one\ntwo${ESC}[201~`, "\r"]],
  ["Ctrl-U after the cursor was moved", ["hello", `${ESC}[D`, "\u0015"]],
])("F3: %s ends a draft", (_name, chunks) => {
  expect(after(...chunks)).toBe(false);
});

test("F3: a draft begun before anyone watched ends by Enter, and not by a backspace", () => {
  expect(typed(unknownDraft, "\u007f").present).toBe(true);
  expect(typed(unknownDraft, "\r").present).toBe(false);
});

const pieces = fc.array(
  fc.constantFrom(
    "a",
    "é",
    "\r",
    "\u007f",
    "\u0003",
    `${ESC}[A`,
    `${ESC}[I`,
    `${ESC}[<35;10;2M`,
    `${ESC}[200~x\ry${ESC}[201~`,
    `${ESC}]11;rgb:1/2/3${ESC}\\`,
    `${ESC}[99;5u`,
  ),
  { maxLength: 12 },
);

test("F2: wherever the chunks are cut after an escape's first two characters, the draft is the same", () => {
  fc.assert(
    fc.property(pieces, fc.array(fc.nat(80), { maxLength: 5 }), (keys, cuts) => {
      const whole = keys.join("");
      const places = [...new Set(cuts.filter((it) => it < whole.length && whole[it - 1] !== ESC))].sort(
        (a, b) => a - b,
      );
      const chunks = [...places, whole.length].map((end, index) =>
        whole.slice(index === 0 ? 0 : places[index - 1], end),
      );
      expect(after(...chunks)).toBe(after(...keys));
    }),
  );
});

test("F5: a sequence that never ends is not kept", () => {
  expect(typed(noDraft, `${ESC}]${"x".repeat(100_000)}`).carry.length).toBeLessThan(300);
});
