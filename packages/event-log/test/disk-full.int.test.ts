import { execFileSync } from "node:child_process";
import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Append } from "@agent-relay/kernel";
import type { Fact } from "@agent-relay/protocol";
import { expect, onTestFinished, test } from "vitest";
import { openDatabase } from "../src/database.ts";
import { openEventLog } from "../src/open-event-log.ts";
import type { OpenedEventLog } from "../src/open-event-log.ts";
import { sqliteLog } from "../src/sqlite-log.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const message = (number: number, bytes: number): Append<Fact> => ({
  stream: `message/${number}`,
  at: number,
  event: {
    type: "message_accepted",
    messageId: `msg_${String(number).padStart(10, "0")}`,
    from: "ada",
    to: { kind: "agent", name: "bob" },
    body: "y".repeat(bytes),
    mode: "wait",
    threadId: `msg_${String(number).padStart(10, "0")}`,
    recipients: ["bob"],
  },
});

const everything = { after: 0, limit: 1_000_000 };

/** Appends pairs until it throws; answers what was thrown. */
function fill(log: OpenedEventLog["log"], bytes: number): unknown {
  for (let number = log.head() + 1; ; number += 2) {
    try {
      log.append([message(number, bytes), message(number + 1, bytes)]);
    } catch (error) {
      return error;
    }
  }
}

test("a full disk refuses the whole batch, says so, and the log goes on once there is space", () => {
  const file = join(temporaryDirectory(), "events.db");
  const database = openDatabase({ file, pagesMax: 100 });
  const log = sqliteLog(database);
  expect(fill(log, 4_000)).toMatchObject({
    name: "Fault",
    code: "disk_full",
    retry: "later",
    message: `The disk that holds ${file} is full; nothing was recorded.`,
  });
  const head = log.head();
  expect(head).toBeGreaterThan(10);
  expect(head % 2).toBe(0);
  expect(log.read(everything)).toHaveLength(head);
  expect(log.findCommand("anything")).toBeUndefined();

  database.connection.pragma("max_page_count = 200");
  expect(log.append([message(head + 1, 4_000)])).toMatchObject([{ sequence: head + 1, revision: 1 }]);
  database.close();
  const again = openEventLog({ file });
  expect(again.log.read(everything).map((it) => it.sequence)).toEqual(
    Array.from({ length: head + 1 }, (_, index) => index + 1),
  );
  expect(again.checkIntegrity().whole).toBe(true);
  again.close();
});

test("a question whose answer needs space fails as a full disk, and is answered once there is some", () => {
  const file = join(temporaryDirectory(), "events.db");
  const small = openEventLog({ file, pagesMax: 400 });
  expect(fill(small.log, 4_000)).toMatchObject({ code: "disk_full" });
  expect(() => small.archive.stats("agent")).toThrow(expect.objectContaining({ code: "disk_full" }));
  const head = small.log.head();
  small.close();
  const large = openEventLog({ file });
  expect(large.archive.stats("agent")).toMatchObject([{ key: "ada", sent: head }]);
  large.close();
});

/** A disk of two megabytes, where this user may mount one. */
function smallDisk(): string | undefined {
  const directory = temporaryDirectory();
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", directory], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  onTestFinished(() => {
    // Lazily: a test that failed half-way still has its log open.
    execFileSync("umount", ["-l", directory]);
  });
  return directory;
}

test("a disk that is really full refuses, loses nothing, and the log goes on when a file is removed", ({ skip }) => {
  const disk = smallDisk();
  if (disk === undefined) return skip("this user cannot mount a small disk");
  const ballast = join(disk, "ballast");
  writeFileSync(ballast, Buffer.alloc(900_000));
  const file = join(disk, "events.db");
  const opened = openEventLog({ file });
  for (let round = 0; round < 5; round += 1) {
    const before = opened.log.head();
    expect(fill(opened.log, 3_000)).toMatchObject({ code: "disk_full" });
    expect(fill(opened.log, 3_000)).toMatchObject({ code: "disk_full" });
    if (round === 0) expect(opened.log.head()).toBeGreaterThan(before);
  }
  expect(statfsSync(disk).bavail).toBeLessThan(20);
  const head = opened.log.head();
  rmSync(ballast);
  expect(opened.log.append([message(head + 1, 3_000)])).toMatchObject([{ sequence: head + 1 }]);
  opened.close();
  const again = openEventLog({ file });
  expect(again.log.read(everything).map((it) => it.sequence)).toEqual(
    Array.from({ length: head + 1 }, (_, index) => index + 1),
  );
  expect(again.checkIntegrity()).toEqual({ whole: true, problems: [] });
  again.close();
});
