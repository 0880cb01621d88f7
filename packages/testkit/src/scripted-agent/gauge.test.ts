import { expect, test } from "vitest";
import { contextGauge } from "./gauge.ts";
import type { ContextScript } from "./script.ts";

function leftAfter(turns: number, onEmpty: ContextScript["onEmpty"]): readonly (string | undefined)[] {
  const gauge = contextGauge({ left: 25, perTurn: 10, via: "hook", onEmpty });
  return Array.from({ length: turns }, () => {
    const reading = gauge.afterTurn();
    return reading && `${reading.left}${reading.isFull ? " full" : ""}`;
  });
}

test("each turn takes its share, and nothing is less than nothing", () => {
  expect(leftAfter(4, "stay")).toEqual(["15", "5", "0", "0"]);
});

test("at nothing left it ends, or compacts in the next turn", () => {
  expect(leftAfter(3, "exit")).toEqual(["15", "5", "0 full"]);
  expect(leftAfter(5, "compact")).toEqual(["15", "5", "0", "25", "15"]);
});

test("without a script there is no reading", () => {
  expect(contextGauge(undefined).afterTurn()).toBeUndefined();
});
