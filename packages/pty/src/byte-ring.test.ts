import fc from "fast-check";
import { expect, test } from "vitest";
import { byteRing } from "./byte-ring.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (data: Uint8Array): string => new TextDecoder().decode(data);

test("B1: the oldest bytes go first", () => {
  const ring = byteRing(4);
  ring.append(bytes("abc"));
  ring.append(bytes("def"));
  expect([ring.firstOffset(), ring.nextOffset()]).toEqual([2, 6]);
  expect(text(ring.read(0).data)).toBe("cdef");
});

test("B1: of a piece longer than the ring, the end is kept", () => {
  const ring = byteRing(4);
  ring.append(bytes("abcdefghij"));
  expect(ring.read(0)).toEqual({ offset: 6, data: bytes("ghij") });
});

test("B2: reading tells where it really starts, and stops at the limit", () => {
  const ring = byteRing(4);
  ring.append(bytes("abcdef"));
  expect(ring.read(1, 2)).toEqual({ offset: 2, data: bytes("cd") });
  expect(ring.read(5)).toEqual({ offset: 5, data: bytes("f") });
  expect(ring.read(99)).toEqual({ offset: 6, data: bytes("") });
});

test("what was read does not change when more is written", () => {
  const ring = byteRing(4);
  ring.append(bytes("abcd"));
  const { data } = ring.read(0);
  ring.append(bytes("efgh"));
  expect(text(data)).toBe("abcd");
});

test("B2: it equals the end of everything that was ever written, however it came in pieces", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 3_000 }), { maxLength: 30 }),
      fc.integer({ min: 1, max: 5_000 }),
      fc.nat(),
      (pieces, limit, from) => {
        const ring = byteRing(limit);
        for (const piece of pieces) ring.append(piece);
        const all = Buffer.concat(pieces);
        const first = Math.max(0, all.length - limit);
        const start = Math.min(all.length, Math.max(first, from % (all.length + 2)));
        const { offset, data } = ring.read(from % (all.length + 2));
        expect(ring.firstOffset()).toBe(first);
        expect(ring.nextOffset()).toBe(all.length);
        expect(offset).toBe(start);
        expect(Buffer.compare(Buffer.from(data), all.subarray(start))).toBe(0);
      },
    ),
  );
});
