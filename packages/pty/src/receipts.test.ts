import fc from "fast-check";
import { expect, test } from "vitest";
import { receipts } from "./receipts.ts";

const after = (...parts: readonly (readonly [number, number])[]): number => {
  const taken = receipts();
  for (const [from, to] of parts) taken.got(from, to);
  return taken.upTo();
};

test("E1: what joins on counts, and what was got before changes nothing", () => {
  expect(after([0, 5], [5, 9], [2, 4])).toBe(9);
});

test("E1: what lies beyond a hole does not count", () => {
  expect(after([0, 5], [6, 9])).toBe(5);
});

test("E2: the hole may be filled after what lies beyond it was got, piece by piece", () => {
  expect(after([0, 5], [7, 9], [9, 12], [0, 8])).toBe(12);
});

test("E1: what lies beyond a second hole is not joined to what lies before it", () => {
  expect(after([0, 5], [7, 9], [20, 30], [0, 8])).toBe(8);
});

test("E1: it never claims a byte that nobody got, and everything counts once the holes are read", () => {
  const range = fc.tuple(fc.nat(50), fc.nat(10)).map(([from, length]) => [from, from + length] as const);
  fc.assert(
    fc.property(fc.array(range), (parts) => {
      const taken = receipts();
      const seen = new Set<number>();
      for (const [from, to] of parts) {
        taken.got(from, to);
        for (let byte = from; byte < to; byte += 1) seen.add(byte);
        for (let byte = 0; byte < taken.upTo(); byte += 1) expect(seen.has(byte)).toBe(true);
      }
      const end = Math.max(0, ...parts.map(([, to]) => to));
      taken.got(0, end);
      expect(taken.upTo()).toBe(end);
    }),
  );
});
