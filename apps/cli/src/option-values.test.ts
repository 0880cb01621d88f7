import { expect, test } from "vitest";
import { assignments, channelList, count, durationMs, listOf, port, wholeNumber, programs } from "./option-values.ts";

test.each([
  ["30", 30_000],
  ["1.5s", 1_500],
  ["5m", 300_000],
  ["2h", 7_200_000],
  ["250ms", 250],
  ["0", 0],
])("%s is %i milliseconds", (text, ms) => {
  expect(durationMs(text)).toBe(ms);
});

test.each(["", "x", "5y", "-1", "1m30s"])("%j is no duration", (text) => {
  expect(() => durationMs(text)).toThrow("Expected a duration");
});

test("lists add up, with commas and without", () => {
  expect(listOf("b, c,", listOf("a", undefined))).toEqual(["a", "b", "c"]);
});

test("a channel is the same with and without #", () => {
  expect(channelList("#a,b", undefined)).toEqual(["a", "b"]);
});

test("assignments keep everything after the first =", () => {
  expect(assignments("B=c=d\ne", assignments("A=", undefined))).toEqual({ A: "", B: "c=d\ne" });
});

test.each(["=x", "1A=x", "A"])("%j is no assignment", (text) => {
  expect(() => assignments(text, undefined)).toThrow("Expected KEY=VALUE.");
});

test("programs are a name and a command line, whatever stands in that", () => {
  expect(programs("*=bash -c 'a=b'", programs("ada-1=codex", undefined))).toEqual({
    "ada-1": "codex",
    "*": "bash -c 'a=b'",
  });
});

test.each(["ada", "ada=", "ada= ", "=codex", "a b=codex"])("%j is no program of an agent", (text) => {
  expect(() => programs(text, undefined)).toThrow("Expected NAME=COMMAND");
});

test("numbers are whole, and where it matters not zero", () => {
  expect([count("7"), wholeNumber("0"), port("0")]).toEqual([7, 0, 0]);
  expect(() => count("0")).toThrow("at least 1");
  expect(() => wholeNumber("1e3")).toThrow("whole number");
  expect(() => port("65536")).toThrow("between 0 and 65535");
});
