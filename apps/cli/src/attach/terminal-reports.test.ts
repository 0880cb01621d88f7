import { expect, test } from "vitest";
import { isTerminalReport } from "./terminal-reports.ts";

test.each([
  "\u001b[I",
  "\u001b[O",
  "\u001b[<35;10;20M",
  "\u001b[M abc".slice(0, 6),
  "\u001b[?62;22c",
  "\u001b[>1;95;0c",
  "\u001b[12;40R",
  "\u001b[?12;40R",
  "\u001b[0n",
  "\u001b[?2026;2$y",
  "\u001b[?0u",
  "\u001b]11;rgb:0000/0000/0000\u001b\\",
  "\u001b]10;rgb:ffff/ffff/ffff\u0007",
  "\u001bP>|xterm(390)\u001b\\",
  "\u001b[?62c\u001b[1;1R",
])("the terminal says this by itself: %j", (text) => {
  expect(isTerminalReport(Buffer.from(text))).toBe(true);
});

test.each([
  "a",
  "\r",
  "\u0003",
  "\u001b",
  "\u001b[A",
  "\u001b[1;5C",
  "\u001b[93;5u",
  "\u001bOP",
  "\u001b[200~x\u001b[201~",
  "\u001b[Iq",
])("a person typed this: %j", (text) => {
  expect(isTerminalReport(Buffer.from(text))).toBe(false);
});
