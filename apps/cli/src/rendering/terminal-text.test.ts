import fc from "fast-check";
import { expect, test } from "vitest";
import { plainTerminalText, terminalText } from "./terminal-text.ts";

const screen =
  "\u001b[?1049h\u001b]0;title\u0007\u001b[31mred\u001b[0m\u001b[5Cfar 工作\r\n\u001b]8;;http://x\u001b\\link\u001b]8;;\u001b\\\u001b(B done\r\n";
const inPieces = (data: Uint8Array, cuts: readonly number[]): string => {
  const text = terminalText();
  let out = "";
  let from = 0;
  for (const to of [...cuts].sort((a, b) => a - b)) {
    out += text.push(data.subarray(from, to));
    from = Math.max(from, to);
  }
  return out + text.push(data.subarray(from)) + text.end();
};

test("the words of a screen are left, with the spaces that the cursor made", () => {
  expect(plainTerminalText(Buffer.from(screen))).toBe("red     far 工作\nlink done\n");
});

test("X1: it does not matter where the output was cut", () => {
  const data = Buffer.from(screen);
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: data.length }), { maxLength: 12 }),
      (cuts) => inPieces(data, cuts) === plainTerminalText(data),
    ),
  );
});

test("X1: no control character comes through, whatever the output is", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 5 }),
      (data, cuts) => {
        // eslint-disable-next-line no-control-regex
        return !/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(
          inPieces(
            data,
            cuts.filter((cut) => cut <= data.length),
          ),
        );
      },
    ),
  );
});

test("X2: a string that never ends is not kept for ever", () => {
  const text = terminalText();
  expect(
    text.push(Buffer.from(`\u001b]52;c;${"A".repeat(200_000)}`)) + text.push(Buffer.from("after")) + text.end(),
  ).toBe("after");
});
