import fc from "fast-check";
import { expect, test } from "vitest";
import { cutToWidth, displayWidth, padToWidth } from "./display-width.ts";

test.each([
  ["ada", 3],
  ["", 0],
  ["工作", 4],
  ["ｆｕｌｌ", 8],
  ["한글", 4],
  ["👩‍👩‍👧‍👦", 2],
  ["🇩🇪", 2],
  ["⚠️", 2],
  ["e\u0301", 1],
  ["\u200b", 0],
  ["ß→…", 3],
])("W1: %j takes %i columns", (text, width) => {
  expect(displayWidth(text)).toBe(width);
});

test("W2: a wide character that does not fit is left out whole", () => {
  expect(cutToWidth("a工作", 3)).toBe("a…");
});

test("W2: what fits is not touched", () => {
  expect(cutToWidth("工作", 4)).toBe("工作");
});

test("W2: no cut text is wider than asked for", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme", maxLength: 30 }),
      fc.integer({ min: 0, max: 20 }),
      (text, width) => displayWidth(cutToWidth(text, width)) <= width,
    ),
  );
});

test("padding counts columns, not characters", () => {
  expect(padToWidth("工", 4, "right")).toBe("  工");
});
