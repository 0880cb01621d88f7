import { expect, test } from "vitest";
import { wantsColour } from "./terminal-output.ts";

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
