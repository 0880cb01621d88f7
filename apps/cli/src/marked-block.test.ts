import fc from "fast-check";
import { expect, test } from "vitest";
import { withBlock, withoutBlock, type BlockChange } from "./marked-block.ts";

const marks = { start: "# start", end: "# end" };
const textOf = (change: BlockChange): string | undefined => ("text" in change ? change.text : undefined);
const put = (file: string, body = "ours"): string => textOf(withBlock(file, body, marks)) ?? file;
const take = (file: string): string => textOf(withoutBlock(file, marks)) ?? file;

test("a block goes to the end of a file, apart from what is there", () => {
  expect(put("theirs\n")).toBe("theirs\n\n# start\nours\n# end\n");
});

test("M1: line endings are those of the file", () => {
  expect(put("theirs\r\n", "a\nb")).toBe("theirs\r\n\r\n# start\r\na\r\nb\r\n# end\r\n");
});

test("M2: putting it in twice is putting it in once", () => {
  expect(withBlock(put("theirs\n"), "ours", marks)).toEqual({ action: "none" });
});

test("M2: an older block is replaced where it stands", () => {
  expect(put("a\n# start\nold\n# end\nb\n", "new")).toBe("a\n# start\nnew\n# end\nb\n");
});

test("M3: taking it out gives back what was there", () => {
  const line = fc.constantFrom("a", "", "  b", "工作");
  fc.assert(
    fc.property(fc.array(line, { maxLength: 6 }), fc.constantFrom("\n", "\r\n"), (lines, eol) => {
      const file = lines.map((it) => it + eol).join("");
      expect(take(put(file))).toBe(file);
    }),
  );
});

test("what was written below the block stays", () => {
  expect(take(`${put("a\n")}below\n`)).toBe("a\nbelow\n");
});

test.each(["# start\n", "# end\n", "# end\n# start\n", "# start\n# end\n# start\n# end\n"])(
  "M4: %j is left to a person",
  (file) => {
    expect([withBlock(file, "ours", marks).action, withoutBlock(file, marks).action]).toEqual(["damaged", "damaged"]);
  },
);
