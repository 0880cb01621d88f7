import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { recorderInto } from "./recording.ts";

const warnings: string[] = [];
const logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (message: string) => warnings.push(message),
  error: () => undefined,
};
const ada = { name: "ada", epoch: 2, harness: "scripted" };
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "recording-"));
  warnings.length = 0;
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test("R1, R2: each incarnation has a file of its own, with every input and its time, for its owner alone", () => {
  const record = recorderInto(path.join(folder, "new"), logger);
  record?.(ada, { type: "output", data: Buffer.from([0xff, 0x41]), at: 10 });
  record?.(ada, { type: "signal", signal: { type: "turn_started" }, source: "hook", at: 11 });
  record?.({ ...ada, name: "ben" }, { type: "submitted", text: "hello", at: 12 });
  const file = path.join(folder, "new", "ada@2.jsonl");
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    { at: 10, type: "begin", agent: "ada", epoch: 2, harness: "scripted" },
    { at: 10, type: "output", data: "/0E=" },
    { at: 11, type: "signal", signal: { type: "turn_started" }, source: "hook" },
  ]);
  expect([statSync(file).mode & 0o777, statSync(path.dirname(file)).mode & 0o777]).toEqual([0o600, 0o700]);
  expect(readFileSync(path.join(folder, "new", "ben@2.jsonl"), "utf8")).toContain('"text":"hello"');
});

test("R2: a directory that cannot be made, and a file that cannot be written, cost the recording alone", () => {
  const file = path.join(folder, "file");
  writeFileSync(file, "");
  expect(recorderInto(path.join(file, "below"), logger)).toBeUndefined();
  const record = recorderInto(folder, logger);
  rmSync(folder, { recursive: true });
  record?.(ada, { type: "tick", at: 1 });
  expect(warnings).toEqual(["nothing is recorded", "a recording has a gap", "a recording has a gap"]);
});
