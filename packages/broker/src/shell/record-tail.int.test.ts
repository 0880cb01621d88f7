import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { tailRecord, type RecordTail, type RecordTailOptions } from "./record-tail.ts";
import { systemClock } from "./system-clock.ts";

const logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
let folder = "";
let file = "";
let lines: unknown[] = [];
let past: unknown[] = [];
let tail: RecordTail | undefined;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "record-tail-"));
  file = path.join(folder, "session.jsonl");
  lines = [];
  past = [];
});
afterEach(() => {
  tail?.close();
  rmSync(folder, { recursive: true, force: true });
});

function follow(from: RecordTailOptions["from"], of = file): RecordTail {
  tail = tailRecord({
    file: of,
    from,
    name: "test",
    clock: systemClock(),
    logger,
    onLine: (line, isPast) => (isPast ? past : lines).push(line["n"]),
  });
  return tail;
}

const line = (n: unknown): string => `${JSON.stringify({ n })}\n`;

test("T1: a line is said once, though one asks just as a reading for which another waits has ended", async () => {
  const { read } = follow(0);
  writeFileSync(file, line(1));
  const first = read();
  const third = first.then(() => {
    appendFileSync(file, line(2));
    return read();
  });
  await Promise.all([first, read(), third]);
  expect(lines).toEqual([1, 2]);
});

test("T1: lines are said once and in order, however they are cut", async () => {
  const { read } = follow(0);
  const text = line(1) + line("zwei ü") + line(3);
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += 3) {
    appendFileSync(file, bytes.subarray(at, at + 3));
    await read();
  }
  expect(lines).toEqual([1, "zwei ü", 3]);
});

test("T1: a line over a mebibyte is skipped whole, and the next one is said", async () => {
  writeFileSync(file, line(1) + line("x".repeat(1_100_000)) + line(3));
  await follow(0).read();
  appendFileSync(file, line("y".repeat(900_000)).slice(0, 1_000) + line(4));
  await tail?.read();
  expect(lines).toEqual([1, 3]);
});

test("T1: who asks while it reads is answered when everything up to then is read", async () => {
  writeFileSync(file, line(1));
  const { read } = follow(0);
  const first = read();
  appendFileSync(file, line(2));
  await Promise.all([read(), read()]);
  await first;
  expect(lines).toEqual([1, 2]);
});

test("T2: a link, a pipe and a directory are not read, and nothing waits for them", async () => {
  const other = path.join(folder, "other.jsonl");
  writeFileSync(other, line(1));
  symlinkSync(other, file);
  const pipe = path.join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  for (const it of [file, pipe, folder]) await follow(0, it).read();
  expect(lines).toEqual([]);
});

test.runIf(process.getuid?.() === 0)("T2: a file of another user is not read", async () => {
  writeFileSync(file, line(1));
  execFileSync("chown", ["1234", file]);
  await follow(0).read();
  expect(lines).toEqual([]);
});

test("T6: what stands there already is told as past when it is followed from its end", async () => {
  writeFileSync(file, `${line("past")}{"n":`);
  const { read } = follow("end");
  await read();
  expect([past, lines]).toEqual([["past"], []]);
  appendFileSync(file, `"torn"}\n${line("new")}`);
  await read();
  expect([past, lines]).toEqual([["past"], ["torn", "new"]]);
});

test("T6: of a long past only the end is told", async () => {
  writeFileSync(file, line("long ago") + `${JSON.stringify({ x: "x".repeat(1_000_000) })}\n`.repeat(5) + line("past"));
  await follow("end").read();
  expect([past.at(-1), past.includes("long ago"), lines]).toEqual(["past", false, []]);
});

test("a file that is made later is new, although it is followed from its end", async () => {
  const { read } = follow("end");
  await read();
  writeFileSync(file, line("new"));
  await read();
  expect(lines).toEqual(["new"]);
});

test("a file that was begun before the program started is of the past", async () => {
  writeFileSync(file, line("past"));
  await follow(Date.now() + 60_000).read();
  expect(lines).toEqual([]);
  appendFileSync(file, line("new"));
  await tail?.read();
  expect(lines).toEqual(["new"]);
});

test("T3: a file that became shorter is read from its beginning", async () => {
  writeFileSync(file, line(1) + line(2));
  const { read } = follow(0);
  await read();
  truncateSync(file, 0);
  appendFileSync(file, line(3));
  await read();
  expect(lines).toEqual([1, 2, 3]);
});

test("T3: another file in its place is read from its beginning, and the first one on from where it was", async () => {
  const rotated = path.join(folder, "rotated.jsonl");
  writeFileSync(file, line(1));
  const { read } = follow(0);
  await read();
  renameSync(file, rotated);
  writeFileSync(file, line(2));
  await read();
  unlinkSync(file);
  renameSync(rotated, file);
  appendFileSync(file, line(3));
  await read();
  expect(lines).toEqual([1, 2, 3]);
});

test("T4: what is no JSON object says nothing", async () => {
  writeFileSync(file, `[1]\n"a"\n{"n":\nnull\n\n${line(5)}`);
  await follow(0).read();
  expect(lines).toEqual([5]);
});

test("T5: a change is seen without being asked for", async () => {
  writeFileSync(file, line(1));
  await follow(0).read();
  appendFileSync(file, line(2));
  await vi.waitFor(
    () => {
      expect(lines).toEqual([1, 2]);
    },
    { timeout: 30_000 },
  );
});

test("T5: a file that is begun after it was asked for is found by itself", async () => {
  await follow(0).read();
  writeFileSync(file, line(1));
  await vi.waitFor(() => expect(lines).toEqual([1]), { timeout: 30_000 });
});

test("nothing is said after it was closed", async () => {
  const { read, close } = follow(0);
  await read();
  close();
  writeFileSync(file, line(1));
  await read();
  expect(lines).toEqual([]);
});
