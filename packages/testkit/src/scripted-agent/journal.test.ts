import { appendFileSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openJournal, readJournal } from "./journal.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "journal-"));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

test("J1: an entry can be read as soon as it was written, and J2: processes share a file", () => {
  const file = join(directory, "journal.jsonl");
  const [first, second] = [openJournal(file, 1), openJournal(file, 2)];
  first.write({ type: "ready" });
  second.write({ type: "exit", how: "exit 0" });
  first.write({ type: "interrupted" });
  expect(readJournal(file).map((it) => [it.pid, it.type])).toEqual([
    [1, "ready"],
    [2, "exit"],
    [1, "interrupted"],
  ]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  first.close();
  second.close();
});

test("a line that is still being written is left out", () => {
  const file = join(directory, "journal.jsonl");
  const journal = openJournal(file, 1);
  journal.write({ type: "ready" });
  appendFileSync(file, '{"at":1,"pid":1,"ty');
  expect(readJournal(file)).toHaveLength(1);
  journal.close();
});

test("a journal that is not there yet is empty; without a file nothing is written; after close neither", () => {
  openJournal(undefined, 1).write({ type: "ready" });
  const file = join(directory, "journal.jsonl");
  expect(readJournal(file)).toEqual([]);
  const journal = openJournal(file, 1);
  journal.close();
  journal.close();
  journal.write({ type: "ready" });
  expect(readJournal(file)).toEqual([]);
});
