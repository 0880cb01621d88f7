import fc from "fast-check";
import { expect, test } from "vitest";
import { screenFilter, type AttachMode } from "./screen-filter.ts";

const through = (text: string, mode: AttachMode = "drive"): string =>
  Buffer.from(screenFilter(mode).push(Buffer.from(text))).toString("utf8");

test("what draws passes as it is", () => {
  const drawing =
    "\u001b[2J\u001b[1;1H\u001b[38;5;12mblue 工作\u001b[0m\u001b[?25l\u001b[3A\u001b[K\u001b7\u001b8\u001b(0q\u001b(B\r\n";
  expect(through(drawing)).toBe(drawing);
});

test.each([
  ["device attributes", "\u001b[c\u001b[>c\u001b[=c\u001bZ"],
  ["cursor position", "\u001b[6n\u001b[?6n\u001b[5n"],
  ["mode and version queries", "\u001b[?2026$p\u001b[>q\u001b[?u\u001bP+q544e\u001b\\\u001bP$qm\u001b\\"],
  ["colour queries", "\u001b]10;?\u0007\u001b]11;?\u001b\\\u001b]4;1;?\u0007"],
  ["the answerback", "\u0005"],
])("S1: %s would be answered by the terminal, and does not pass", (_, query) => {
  expect(through(`a${query}b`)).toBe("ab");
});

test.each([
  ["the clipboard", "\u001b]52;c;ZXZpbA==\u0007"],
  ["titles", "\u001b]0;evil\u0007\u001b]2;evil\u001b\\\u001b[22;0t"],
  ["the window", "\u001b[8;1;1t\u001b[?3h"],
  ["the printer", "\u001b[5i"],
  ["files and notifications", "\u001b]1337;File=:AAAA\u0007\u001b]9;hello\u0007\u001b]777;notify;a;b\u0007"],
  [
    "pictures and programs of the terminal",
    "\u001b_Ga=T;AAAA\u001b\\\u001b^x\u001b\\\u001bXx\u001b\\\u001bPq#0\u001b\\",
  ],
  ["controls in their 8-bit form", "\u009b31m\u009d52;c;eA\u009c".replace(/(31m|52;c;eA)/g, "")],
])("S2: %s cannot be reached", (_, sequence) => {
  expect(through(`a${sequence}b`)).toBe("ab");
});

test("S3: keyboard protocols do not pass, so the detach key stays one byte", () => {
  expect(through("a\u001b[>1u\u001b[=5;1u\u001b[<u\u001b[>4;2mb")).toBe("ab");
});

test("S3: mouse and paste modes pass in drive alone", () => {
  const modes = "\u001b[?1000;1006h\u001b[?2004h";
  expect([through(modes, "drive"), through(modes, "view")]).toEqual([modes, ""]);
});

test("S4: the program's alternate screen becomes a cleared one", () => {
  expect(through("\u001b[?1049h\u001b[?1049l\u001bc")).toBe(
    "\u001b[2J\u001b[H\u001b[2J\u001b[H\u001b[0m\u001b[r\u001b[2J\u001b[H",
  );
});

test("a link passes, and nothing hides in it", () => {
  expect(through("\u001b]8;;http://x\u0007l\u001b]8;;\u0007")).toBe("\u001b]8;;http://x\u001b\\l\u001b]8;;\u001b\\");
});

test("a string that was broken off by another sequence does not swallow it", () => {
  expect(through("\u001b]0;half\u001b[31mred")).toBe("\u001b[31mred");
});

test("S5: it does not matter where the output was cut", () => {
  const piece = fc.constantFrom(
    "工",
    "a",
    "\u001b",
    "[",
    "]",
    "0;x",
    "\u0007",
    "\\",
    "?1049h",
    "31m",
    "6n",
    "\u001b]52;c;eA\u0007",
    "\u009b",
    "P",
    "\u0018",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), fc.array(fc.nat(80), { maxLength: 6 }), (pieces, cuts) => {
      const data = Buffer.from(pieces.join(""));
      const filter = screenFilter("drive");
      const parts: Uint8Array[] = [];
      let from = 0;
      for (const cut of [...cuts.filter((it) => it <= data.length).sort((a, b) => a - b), data.length]) {
        parts.push(filter.push(data.subarray(from, cut)));
        from = cut;
      }
      expect(Buffer.concat(parts)).toEqual(Buffer.from(screenFilter("drive").push(data)));
    }),
  );
});

test("S1, S2: whatever an agent prints, only known sequences pass", () => {
  const bytes = fc.array(fc.oneof(fc.constantFrom(0x1b, 0x5b, 0x5d, 0x3f, 0x3b, 0x07, 0x63, 0x6e), fc.nat(255)), {
    maxLength: 300,
  });
  fc.assert(
    fc.property(bytes, (data) => {
      const out = Buffer.from(screenFilter("view").push(Uint8Array.from(data))).toString("latin1");
      // eslint-disable-next-line no-control-regex
      return !/\u001b\[[\d;?>=<]*[cnt]|\u001b[Z_^XP]|\u001b\](?!8;)/.test(out);
    }),
  );
});
