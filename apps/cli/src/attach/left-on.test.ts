import { expect, test } from "vitest";
import { leftOn } from "./left-on.ts";

const after = (...pieces: string[]): string => {
  const it = leftOn();
  for (const piece of pieces) it.push(Buffer.from(piece));
  return it.undo();
};

test("N1 a program that put everything right leaves nothing to undo", () => {
  const on = "\u001b[?1049h\u001b[?25l\u001b[?2004h\u001b[>1u\u001b[?1000;1006h\u001b=\u001b[>4;2m\u001b[3 q";
  const off = "\u001b[0 q\u001b[>4;0m\u001b>\u001b[?1000;1006l\u001b[<u\u001b[?2004l\u001b[?25h\u001b[?1049l";
  expect([after("hello\r\n"), after(on + off)]).toEqual(["", ""]);
});

test.each([
  ["the alternate screen", "\u001b[?1049h", "\u001b[?1049l\u001b[0m"],
  ["the cursor hidden", "\u001b[?25l", "\u001b[?25h\u001b[0m"],
  ["no wrapping", "\u001b[?7l", "\u001b[?7h\u001b[0m"],
  ["pastes marked", "\u001b[?2004h", "\u001b[?2004l\u001b[0m"],
  ["mouse reports", "\u001b[?1002;1006h", "\u001b[?1002l\u001b[?1006l\u001b[0m"],
  ["two keyboard protocols", "\u001b[>1u\u001b[>5u", "\u001b[<2u\u001b[0m"],
  ["other keys", "\u001b[>4;1m", "\u001b[>4;0m\u001b[0m"],
  ["the keypad", "\u001b=", "\u001b>\u001b[0m"],
  ["a cursor's shape", "\u001b[5 q", "\u001b[0 q\u001b[0m"],
])("what a program that crashed left on is turned off: %s", (_, written, undone) => {
  expect(after(written)).toBe(undone);
});

test("a full reset turns everything off", () => {
  expect(after("\u001b[?1049h\u001b[?25l\u001bc")).toBe("");
});

test("what stands in a title is no sequence", () => {
  expect(after("\u001b]0;[?1049h\u0007\u001b]2;x\u001b\\")).toBe("");
});

test("N2 pieces may end anywhere", () => {
  const written = "a\u001b[?2004h\u001b]0;t\u001b\\b\u001b[>1u\u001b[?25l";
  expect(after(...written)).toBe(after(written));
});

test.each([
  ["done\r\n", true],
  ["half a line", false],
  ["\u001b]0;title\u0007half a line", false],
  ["done\r\n\u001b[0m\u001b[?25h\u001b]0;title\u0007", true],
])("it is known whether %j ends its line", (written, expected) => {
  const it = leftOn();
  it.push(Buffer.from(written));
  expect(it.isAtLineStart()).toBe(expected);
});
