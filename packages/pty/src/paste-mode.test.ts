import fc from "fast-check";
import { expect, test } from "vitest";
import { pasteMode } from "./paste-mode.ts";

const after = (...pieces: readonly string[]): boolean => {
  const mode = pasteMode();
  for (const piece of pieces) mode.see(Buffer.from(piece, "latin1"));
  return mode.isOn();
};

test("B1: on and off, alone or among other modes, and off by a full reset", () => {
  expect(after()).toBe(false);
  expect(after("\u001b[?2004h")).toBe(true);
  expect(after("x\u001b[?1004;2004h more")).toBe(true);
  expect(after("\u001b[?2004h", "\u001b[?2004l")).toBe(false);
  expect(after("\u001b[?2004h\u001bc")).toBe(false);
  expect(after("\u001b[?12004h", "\u001b[?20041h", "\u001b[2004h", "2004h")).toBe(false);
});

test("B1: megabytes later it still holds", () => {
  const mode = pasteMode();
  mode.see(Buffer.from("\u001b[?2004h"));
  for (let count = 0; count < 64; count += 1) mode.see(Buffer.from("\u001b[?2026h line \u001b[0m\r\n".repeat(2_000)));
  expect(mode.isOn()).toBe(true);
});

test("B1: however the output is cut", () => {
  const piece = fc.constantFrom(
    "\u001b[?2004h",
    "\u001b[?2004l",
    "\u001b[?25;2004h",
    "\u001b[?1;2;3l",
    "text",
    "\u001b[31m",
    "\u001b",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), fc.array(fc.nat(120), { maxLength: 8 }), (pieces, cuts) => {
      const whole = pieces.join("");
      const places = [...new Set([0, ...cuts.filter((it) => it < whole.length), whole.length])].sort((a, b) => a - b);
      const cut = places.slice(1).map((end, index) => whole.slice(places[index], end));
      expect(after(...cut)).toBe(after(whole));
    }),
  );
});
