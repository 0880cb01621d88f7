import { expect, test } from "vitest";
import { readModelLaunch } from "./launch.ts";

test("without options any free port is taken and nothing is written", () => {
  expect(readModelLaunch([])).toEqual({ port: 0, logFile: undefined });
});

test("port and file are taken", () => {
  expect(readModelLaunch(["--log", "a.jsonl", "--port", "8080"])).toEqual({ port: 8_080, logFile: "a.jsonl" });
});

test.each([
  [["--prot", "1"], "unknown option --prot"],
  [["--port"], "--port needs a value"],
  [["--port", "70000"], "expected a port from 0 to 65535, found 70000"],
  [["--port", "x"], "expected a port from 0 to 65535, found x"],
])("%j is refused, with the usage", (argv, problem) => {
  expect(() => readModelLaunch(argv)).toThrow(`${problem}; usage: scripted-model [--port <n>] [--log <file>]`);
});
