import { expect, test } from "vitest";
import { nearest } from "./nearest.ts";

test.each([
  ["whoo", ["who"]],
  ["hwo", ["who"]],
  ["lsit", ["list"]],
  ["xyz", []],
  ["createxyz", []],
])("%s may have meant %j", (word, meant) => {
  expect(nearest(word, ["who", "list", "wait", "create"])).toEqual(meant);
});
