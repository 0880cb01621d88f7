import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { noJsonLines, takeJsonLines } from "./json-lines.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function all(chunks: readonly Uint8Array[], bytesMax?: number): readonly unknown[] {
  let lines = noJsonLines;
  return chunks.flatMap((chunk) => {
    const step = takeJsonLines(lines, chunk, bytesMax);
    lines = step.lines;
    return step.objects;
  });
}

describe("JSON lines", () => {
  it("says each object once its line has ended", () => {
    expect(all([bytes('{"a":1}\n{"b"'), bytes(':"é"}\n{"c":3}')])).toEqual([{ a: 1 }, { b: "é" }]);
  });

  it("J2: what is no object says nothing, and a line that is too long is passed over", () => {
    expect(all([bytes('[1]\nnull\n{"a":\n\n {"b":1}\r\n')])).toEqual([{ b: 1 }]);
    const long = `{"a":"${"x".repeat(50)}"}\n`;
    expect(all([bytes(`${long}{"b":1}\n`)], 40)).toEqual([{ b: 1 }]);
    expect(all([bytes(long.slice(0, 45)), bytes(long.slice(45)), bytes('{"b":1}\n')], 40)).toEqual([{ b: 1 }]);
  });

  it("J1: the cuts do not matter", () => {
    const text = bytes('{"a":"ü€😀"}\n\u0000nonsense\n{"b":[1,2]}\n{"long":"xxxxxxxxxxxxxxxxxxxxxxxx"}\n{"c":null}\n');
    const whole = all([text], 30);
    fc.assert(
      fc.property(fc.array(fc.nat(text.length)), (cuts) => {
        const at = [0, ...cuts.toSorted((one, other) => one - other), text.length];
        const chunks = at.slice(1).map((end, index) => text.subarray(at[index] ?? 0, end));
        expect(all(chunks, 30)).toEqual(whole);
      }),
    );
  });

  it("J1: the caller's memory may change afterwards", () => {
    const chunk = bytes('{"a":');
    const { lines } = takeJsonLines(noJsonLines, chunk);
    chunk.fill(0);
    expect(takeJsonLines(lines, bytes("1}\n")).objects).toEqual([{ a: 1 }]);
  });

  it("J3: a line without an end takes no more than its bound", () => {
    let { lines } = takeJsonLines(noJsonLines, bytes("{"), 100);
    for (let count = 0; count < 50; count += 1) lines = takeJsonLines(lines, bytes("x".repeat(10)), 100).lines;
    expect(lines.begun).toBeUndefined();
    expect(takeJsonLines(lines, bytes('\n{"a":1}\n'), 100).objects).toEqual([{ a: 1 }]);
  });
});
