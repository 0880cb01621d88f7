import { expect, test } from "vitest";
import { liveLines, wantsColour } from "./terminal-output.ts";

test.each([
  ["a terminal has colours", {}, true, true, true],
  ["a pipe has none", {}, true, false, false],
  ["NO_COLOR takes them away", { NO_COLOR: "1" }, true, true, false],
  ["an empty NO_COLOR says nothing", { NO_COLOR: "" }, true, true, true],
  ["FORCE_COLOR brings them into a pipe", { FORCE_COLOR: "1" }, true, false, true],
  ["FORCE_COLOR=0 takes them away", { FORCE_COLOR: "0" }, true, true, false],
  ["NO_COLOR wins over FORCE_COLOR", { NO_COLOR: "1", FORCE_COLOR: "1" }, true, true, false],
  ["--no-color wins over FORCE_COLOR", { FORCE_COLOR: "1" }, false, true, false],
  ["a dumb terminal has none", { TERM: "dumb" }, true, true, false],
] as const)("O2: %s", (_, environment, color, isTerminal, wanted) => {
  expect(wantsColour({ environment, color }, isTerminal)).toBe(wanted);
});

test("lines in place: each frame replaces the one before in one write, and the cursor is there again", () => {
  const written: string[] = [];
  const live = liveLines((text) => void written.push(text));
  live.show(["a", "b"]);
  live.show(["c"]);
  live.done();
  live.done();
  live.show(["late"]);
  expect(written).toEqual([
    "\u001b[?25l\r\u001b[2Ka\n\u001b[2Kb\n\u001b[J",
    "\r\u001b[2A\u001b[2Kc\n\u001b[J",
    "\u001b[?25h",
  ]);
});
