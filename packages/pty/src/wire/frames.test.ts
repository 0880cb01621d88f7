import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeControl, encodeOutput, encodeRead, FRAME_BYTES_MAX, frameReader } from "./frames.ts";
import type { Frame } from "./frames.ts";

function readAll(chunks: readonly Uint8Array[]): readonly Frame[] {
  const reader = frameReader();
  const frames: Frame[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) frames.push(frame);
  }
  return frames;
}

const sample = Buffer.concat([
  encodeControl({ op: "list", n: 7, text: "grüße" }),
  encodeOutput("output", "ada@1", 2 ** 40, Buffer.from("hello")),
  encodeOutput("stdout", "ada@2", 1, Buffer.from("{}")),
  encodeOutput("stderr", "ada@2", 2, Buffer.from("oh")),
  encodeRead(9, 5, Buffer.alloc(0)),
  encodeRead(10, 0, Buffer.from("x")),
]);

test("frames of every kind come out as they went in", () => {
  expect(readAll([sample])).toEqual([
    { kind: "control", json: '{"op":"list","n":7,"text":"grüße"}' },
    { kind: "output", id: "ada@1", offset: 2 ** 40, data: Buffer.from("hello") },
    { kind: "stdout", id: "ada@2", offset: 1, data: Buffer.from("{}") },
    { kind: "stderr", id: "ada@2", offset: 2, data: Buffer.from("oh") },
    { kind: "read", request: 9, offset: 5, data: Buffer.alloc(0) },
    { kind: "read", request: 10, offset: 0, data: Buffer.from("x") },
  ]);
});

test("W2: it makes no difference how the stream was cut", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: sample.length })), (places) => {
      const cuts = [0, ...places.toSorted((a, b) => a - b), sample.length];
      const chunks = cuts.slice(1).map((end, index) => sample.subarray(cuts[index], end));
      expect(readAll(chunks)).toEqual(readAll([sample]));
    }),
  );
});

test("W1: a frame over the bound is refused by its length alone", () => {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(FRAME_BYTES_MAX + 1);
  expect(() => readAll([header])).toThrow("A frame of 2097153 bytes is over the bound of 2097152.");
});

test.each([
  ["no kind", [0, 0, 0, 0]],
  ["an unknown kind", [0, 0, 0, 1, 9]],
  ["an output without its header", [0, 0, 0, 2, 2, 0]],
  ["an output whose id is longer than the frame", [0, 0, 0, 4, 2, 0, 200, 65]],
  ["an offset that is not a number", [0, 0, 0, 13, 3, 0, 0, 0, 1, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0]],
])("a frame with %s is a violation", (_, frame) => {
  expect(() => readAll([Uint8Array.from(frame)])).toThrow(expect.objectContaining({ code: "invalid_frame" }));
});
