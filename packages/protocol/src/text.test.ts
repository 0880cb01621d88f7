import process from "node:process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { headAndTail, oneLine, stripControls, utf8Bytes } from "./text.ts";

/** Everything that a terminal could take as a command: C0 but tab and newline, DEL, C1, and what reorders text. */
// eslint-disable-next-line no-control-regex
const dangerous = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/u;

/** Text made mostly of what is dangerous, so that sequences meet and nest. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "\u001b",
        "\u001b[",
        "\u001b]",
        "\u001b\\",
        "\u001bP",
        "\u009b",
        "\u009d",
        "\u009c",
        "\u0090",
        "\u0007",
        "\r",
        "\r\n",
        "\u007f",
        "\u0003",
      ),
      fc.constantFrom(
        "\u001b[201~",
        "\u001b[31m",
        "\u001b]0;title\u0007",
        "\u001b]8;;http://x\u001b\\",
        "\u009b2J",
        "\u202e",
        "\ufeff",
      ),
      fc.string({ unit: "binary", maxLength: 8 }),
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(""));

test("T1: no control character but newline and tab survives, whatever the text", () => {
  fc.assert(
    fc.property(hostile, (text) => {
      expect(stripControls(text)).not.toMatch(dangerous);
    }),
    { numRuns: 2_000 },
  );
});

test("T1: a paste terminator cannot be put together out of the pieces around a sequence that is removed", () => {
  fc.assert(
    fc.property(hostile, hostile, (a, b) => {
      expect(stripControls(`${a}\u001b[31m${b}`)).not.toContain("\u001b");
    }),
  );
  expect(stripControls("\u001b\u001b[31m[201~rm -rf /")).not.toContain("\u001b");
});

test("T2: cleaning twice is cleaning once", () => {
  fc.assert(
    fc.property(hostile, (text) => {
      expect(stripControls(stripControls(text))).toBe(stripControls(text));
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  ["a colour", "\u001b[1;31mred\u001b[0m", "red"],
  ["a colour, 8-bit", "\u009b1;31mred\u009b0m", "red"],
  ["the end of a bracketed paste", "a\u001b[201~b", "ab"],
  ["the end of a bracketed paste, 8-bit", "a\u009b201~b", "ab"],
  ["a window title ended by BEL", "\u001b]0;evil\u0007text", "text"],
  ["a window title ended by ST", "\u001b]0;evil\u001b\\text", "text"],
  ["a clipboard write", "\u001b]52;c;ZXZpbA==\u0007text", "text"],
  ["a device control string", "\u001bP1$q\u001b\\text", "text"],
  ["a two-byte escape", "\u001bctext", "text"],
  ["a character set", "\u001b(0text", "text"],
  ["an interrupt", "a\u0003b\u0004c\u001a", "abc"],
  ["a carriage return", "first\rsecond\r\nthird", "first\nsecond\nthird"],
  ["text that runs backwards", "user\u202etxt.exe", "usertxt.exe"],
])("T1: %s goes", (_what, text, cleaned) => {
  expect(stripControls(text)).toBe(cleaned);
});

test.each([
  ["a string that nothing ends", "\u001b]0;the rest of the message", "0;the rest of the message"],
  ["a mis-decoded quotation mark", "he said â\u0080\u009dyesâ\u0080\u009d and left", "he said âyesâ and left"],
  ["a lone escape at the end", "text\u001b", "text"],
  ["a CSI that nothing ends", "\u009b12", "12"],
])("T3: the text after %s stays", (_what, text, cleaned) => {
  expect(stripControls(text)).toBe(cleaned);
});

test("T3: text without control characters comes back as it is", () => {
  const text = "Line one\n\tindented: 漢字, emoji 👩‍👩‍👧, combining é, [31m and 0;title without an escape.";
  expect(stripControls(text)).toBe(text);
});

test.each([
  ["8-bit string introducers", "\u009d"],
  ["7-bit string introducers", "\u001b]"],
  ["CSI introducers", "\u001b["],
  ["8-bit CSI introducers", "\u009b"],
  ["escapes with intermediates", "\u001b "],
  ["parameters", "\u001b[0;"],
])("T4: %s without an end cost time in proportion to their number", (_what, piece) => {
  // A quadratic pattern takes seconds of the processor for the larger text; how long the machine stands still is not its doing.
  const processorMs = (count: number): number => {
    const text = `${piece.repeat(count)}\u001b!`;
    const before = process.cpuUsage();
    stripControls(text);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  };
  processorMs(1_000);
  expect(processorMs(200_000)).toBeLessThan(1_000);
});

test("one line: white space is folded, the length is kept, and what was cut is marked", () => {
  expect(oneLine("  two\n\nlines\t here ", 40)).toBe("two lines here");
  expect(oneLine("abcdef", 6)).toBe("abcdef");
  expect(oneLine("abcdefg", 6)).toBe("abcde…");
  expect(oneLine("👩👩👩👩", 3)).toBe("👩👩…");
});

test("the size of a body is counted in bytes of UTF-8", () => {
  expect(utf8Bytes("aé漢👩")).toBe(1 + 2 + 3 + 4);
});

test("T5: a text that fits is not touched, and a longer one says how much of its middle is missing", () => {
  const text = "a".repeat(90) + "b".repeat(90);
  expect(headAndTail(text, 180)).toBe(text);
  expect(headAndTail(text, 100)).toBe(`${"a".repeat(20)}\n[… 140 characters left out …]\n${"b".repeat(20)}`);
  expect(headAndTail(text, 100, 1_000)).toContain("[… 1140 characters left out …]");
});

test("T5: whatever the text, it is no longer than asked, no character is halved, and nothing is lost uncounted", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", minLength: 100, maxLength: 300 }),
      fc.integer({ min: 80, max: 200 }),
      (text, length) => {
        const short = headAndTail(text, length);
        expect(short.length).toBeLessThanOrEqual(length);
        expect(/\p{Surrogate}/u.test(short)).toBe(/\p{Surrogate}/u.test(text));
        const [mark = "", missing] = /\n\[… (\d+) characters left out …\]\n/u.exec(short) ?? [];
        expect(short.length - mark.length + Number(missing ?? 0)).toBe(text.length);
      },
    ),
  );
});
