import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { sequentialIds } from "@agent-relay/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Observation } from "../core/commands.ts";
import { quiet } from "../testing/quiet.ts";
import { fileInlet } from "./file-inlet.ts";
import type { Inlet } from "./inlet.ts";
import type { Report } from "./reports.ts";
import { systemClock } from "./system-clock.ts";

let folder = "";
let file = "";
let seen: Observation[] = [];
let reports: Report[] = [];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "file-inlet-"));
  file = path.join(folder, "input.jsonl");
  writeFileSync(file, "");
  seen = [];
  reports = [];
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const line = (injection: string, text: string): string => `${JSON.stringify({ type: "submit", injection, text })}\n`;
const content = (): string => readFileSync(file, "utf8");
const inlet = (): Inlet =>
  fileInlet(
    { path: file, line },
    {
      name: "ada",
      epoch: 1,
      harness: "turns",
      clock: systemClock(),
      ids: sequentialIds(),
      logger: quiet,
      write: () => Promise.reject(new Error("no keys")),
      writeState: () => Promise.reject(new Error("no keys")),
      observe: (observations) => {
        seen.push(...observations);
      },
      report: (report) => {
        reports.push(report);
      },
    },
  );

test("F1: a prompt is one line, handed over once that is written", async () => {
  await inlet().put("one", 'first\n"second" line');
  expect(content()).toBe(line("one", 'first\n"second" line'));
  expect(reports).toMatchObject([{ type: "injection.drained", injection: "one", evidence: "line_appended" }]);
});

test("F2: what an earlier broker has appended is found, and not appended again", async () => {
  await inlet().put("zero", "before");
  await inlet().put("one", "hello");
  const before = content();
  const next = inlet();
  expect([await next.writeState("one"), await next.writeState("two")]).toEqual(["drained", "unknown"]);
  await next.put("one", "hello");
  expect(content()).toBe(before);
  expect(reports.filter((it) => it.type === "injection.drained")).toHaveLength(3);
});

test("F2: an id in a text is no line of that id", async () => {
  await inlet().put("one", 'it says "two" and {"injection":"two"}');
  expect(await inlet().writeState("two")).toBe("unknown");
});

test.each([10, 70_000, 300_000])("F2: a line of %i characters is found, too", async (length) => {
  await inlet().put("zero", "y".repeat(length));
  await inlet().put("one", "x".repeat(length));
  expect([await inlet().writeState("one"), await inlet().writeState("zero")]).toEqual(["drained", "unknown"]);
});

test("F3: half a line is taken away, and the whole one stands in its place", async () => {
  await inlet().put("zero", "before");
  await inlet().put("one", "hello");
  truncateSync(file, content().length - 4);
  expect(await inlet().writeState("one")).toBe("unknown");
  await inlet().put("one", "hello");
  expect(content()).toBe(line("zero", "before") + line("one", "hello"));
});

test("F3: half of the first line is taken away, too, also where it is longer than the next", async () => {
  appendFileSync(file, line("zero", "x".repeat(1_000)).slice(0, 900));
  await inlet().put("one", "hello");
  expect(content()).toBe(line("one", "hello"));
});

test("F4: a file that is gone is not made again, and mail is pasted from then on", async () => {
  const it = inlet();
  it.begin();
  await expect.poll(() => seen).toMatchObject([{ type: "route", route: "file" }]);
  unlinkSync(file);
  await it.put("one", "hello");
  expect(reports).toMatchObject([{ type: "injection.failed", injection: "one", partial: false }]);
  expect(seen).toMatchObject([{ route: "file" }, { route: "paste" }]);
  expect(existsSync(file)).toBe(false);
});

test("F4: a file that has become too large is no way in any more", async () => {
  truncateSync(file, 67_108_864);
  inlet().begin();
  await expect.poll(() => seen).toMatchObject([{ type: "route", route: "paste" }]);
});
