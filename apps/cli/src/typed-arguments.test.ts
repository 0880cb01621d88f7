import { expect, test } from "vitest";
import { typedArguments } from "./typed-arguments.ts";

test.each([
  ["runs retry mi9k2", ["mi9k2"]],
  ["--project /p runs approve --json mi9k2 ship", ["mi9k2", "ship"]],
  ["runs retry -d --project /p", []],
  ["runs cancel --reason why mi9k2", ["mi9k2"]],
  ["runs retry runs", ["runs"]],
  ["send ada wait", ["ada", "wait"]],
])("of %j the arguments are %j", (line, expected) => {
  expect(typedArguments(line.split(" "))).toEqual(expected);
});
