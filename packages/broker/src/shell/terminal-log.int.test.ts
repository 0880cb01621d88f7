import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openTerminalLogs, type TerminalLogs } from "./terminal-log.ts";
import { quiet } from "../testing/quiet.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text);
const textOf = async (logs: TerminalLogs, from: number, epoch = 1): Promise<string> => {
  const { offset, data } = await logs.read("ada", epoch, from);
  return `${offset}:${Buffer.from(data).toString()}`;
};
let directory = "";
let logs: TerminalLogs;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "terminal-log-"));
  logs = openTerminalLogs({ directory, logger: quiet });
});
afterEach(async () => {
  await logs.close();
  await rm(directory, { recursive: true });
});

test("what was appended is read again from any offset, and is for the owner's eyes only", async () => {
  logs.append("ada", 1, 0, bytes("hello "));
  logs.append("ada", 1, 6, bytes("world"));
  expect([await textOf(logs, 0), await textOf(logs, 4), await textOf(logs, 99)]).toEqual([
    "0:hello world",
    "4:o world",
    "99:",
  ]);
  expect((await stat(path.join(directory, "ada", "1", "0.log"))).mode & 0o777).toBe(0o600);
});

test("T1: a new broker goes on where the last one stopped, and what it reads again from the ring is written once", async () => {
  logs.append("ada", 1, 0, bytes("hello "));
  await logs.close();
  logs = openTerminalLogs({ directory, logger: quiet });
  expect(await logs.end("ada", 1)).toBe(6);
  logs.append("ada", 1, 0, bytes("hello world"));
  expect(await textOf(logs, 0)).toBe("0:hello world");
});

test("T1: after a gap offsets stay true, and what lies before it is left out", async () => {
  logs.append("ada", 1, 0, bytes("old"));
  logs.append("ada", 1, 100, bytes("new"));
  expect([await textOf(logs, 0), await textOf(logs, 101)]).toEqual(["100:new", "101:ew"]);
});

test("T2: the newest four segments are kept", async () => {
  const mebibyte = Buffer.alloc(1_048_576, "x");
  for (let index = 0; index < 7; index += 1) logs.append("ada", 1, index * mebibyte.length, mebibyte);
  const { offset, data } = await logs.read("ada", 1, 0);
  expect([offset, data.length]).toEqual([3 * mebibyte.length, 4 * mebibyte.length]);
  expect(await readdir(path.join(directory, "ada", "1"))).toHaveLength(4);
});

test("T2: the newest five incarnations are kept", async () => {
  for (let epoch = 1; epoch <= 8; epoch += 1) {
    logs.append("ada", epoch, 0, bytes(`life ${epoch}`));
    logs.finish("ada", epoch);
    await logs.read("ada", epoch, 0);
  }
  expect((await readdir(path.join(directory, "ada"))).sort()).toEqual(["4", "5", "6", "7", "8"]);
  expect([await logs.newestEpoch("ada"), await textOf(logs, 0, 8)]).toEqual([8, "0:life 8"]);
});

test.runIf(process.platform === "linux")("a finished log keeps no file open", async () => {
  const openFiles = async (): Promise<number> => (await readdir("/proc/self/fd")).length;
  const before = await openFiles();
  for (let epoch = 1; epoch <= 50; epoch += 1) {
    logs.append("ada", epoch, 0, bytes("words"));
    logs.finish("ada", epoch);
    await logs.read("ada", epoch, 0);
  }
  expect((await openFiles()) - before).toBeLessThan(10);
});

test("T3: a directory that cannot be made disturbs nobody, and is tried again", async () => {
  await writeFile(path.join(directory, "ada"), "in the way");
  logs.append("ada", 1, 0, bytes("lost"));
  expect(await logs.end("ada", 1)).toBe(0);
  expect(await textOf(logs, 0)).toBe("0:");
  await rm(path.join(directory, "ada"));
  logs.append("ada", 1, 4, bytes("kept"));
  expect(await textOf(logs, 0)).toBe("4:kept");
});

test("T6: output that finds no place for long is said once, and once more the next time", async () => {
  const lines: string[] = [];
  logs = openTerminalLogs({ directory, logger: { ...quiet, warn: (line) => void lines.push(line) } });
  const inTheWay = path.join(directory, "ada");
  for (let round = 1; round <= 2; round += 1) {
    await writeFile(inTheWay, "in the way");
    for (let count = 0; count < 100; count += 1) logs.append("ada", 1, count, bytes("x"));
    await logs.read("ada", 1, 0).catch(() => undefined);
    await rm(inTheWay);
    logs.append("ada", round, 100, bytes("y"));
    expect([lines.length, await textOf(logs, 0, round)]).toEqual([round, "100:y"]);
    logs.finish("ada", round);
    await logs.end("ada", round);
    await rm(inTheWay, { recursive: true });
  }
});

test("T4: behind a slow disk the newest output is missing, and offsets stay true", async () => {
  await logs.close();
  logs = openTerminalLogs({ directory, logger: quiet, waitingBytesMax: 10 });
  logs.append("ada", 1, 0, bytes("12345678"));
  logs.append("ada", 1, 8, bytes("9abcdef"));
  expect(await textOf(logs, 0)).toBe("0:12345678");
  logs.append("ada", 1, 15, bytes("later"));
  expect([await textOf(logs, 0), await textOf(logs, 16)]).toEqual(["15:later", "16:ater"]);
});

test("T5: the standard error lies beside the output, and goes with it", async () => {
  logs.append("ada", 1, 0, bytes("output"));
  logs.appendErrors("ada", 1, 0, bytes("error"));
  logs.appendErrors("ada", 1, 0, bytes("errors"));
  expect(Buffer.from((await logs.readErrors("ada", 1, 2)).data).toString("utf8")).toBe("rors");
  logs.finish("ada", 1);
  await logs.close();
  expect(await textOf(logs, 0)).toBe("0:output");
  expect(await readFile(path.join(directory, "ada", "1", "stderr", "0.log"), "utf8")).toBe("errors");
});
