import { closeSync, existsSync, openSync, readdirSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Fault } from "@agent-relay/kernel";
import Sqlite from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { openEventLog } from "../src/open-event-log.ts";
import type { OpenedEventLog } from "../src/open-event-log.ts";
import { answers, said, tell } from "./story.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

function opened(file: string): OpenedEventLog {
  const it = openEventLog({ file });
  onTestFinished(it.close);
  return it;
}

test("a backup is one private file that opens as the same log, with the same archive", async () => {
  const directory = temporaryDirectory();
  const { log, archive } = opened(join(directory, "events.db"));
  tell(log);
  const expected = answers(archive);
  const file = join(directory, "copies.db");
  const { bytes, sequence } = await archive.backup(file);
  expect(sequence).toBe(log.head());
  expect(bytes).toBe(statSync(file).size);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(directory).filter((name) => name.startsWith("copies"))).toEqual(["copies.db"]);
  const plain = new Sqlite(file, { readonly: true });
  expect(plain.pragma("journal_mode", { simple: true }), "it needs no journal, so it can be read anywhere").toBe(
    "delete",
  );
  plain.close();
  const copy = opened(file);
  expect(copy.log.read({ after: 0, limit: 10_000 })).toEqual(log.read({ after: 0, limit: 10_000 }));
  expect(answers(copy.archive)).toEqual(expected);
  expect(copy.log.append([said(999)])).toMatchObject([{ sequence: sequence + 1 }]);
});

test("B1: a file that is there is never overwritten", async () => {
  const directory = temporaryDirectory();
  const { archive } = opened(join(directory, "events.db"));
  const file = join(directory, "precious.txt");
  writeFileSync(file, "precious");
  await expect(archive.backup(file)).rejects.toMatchObject({
    code: "invalid_request",
    message: `The backup file ${file} exists already.`,
    hint: "Choose a new name; a backup never overwrites.",
  });
  expect(statSync(file).size).toBe(8);
  await expect(archive.backup(join(directory, "events.db"))).rejects.toMatchObject({ code: "invalid_request" });
});

test("a backup into a directory that does not exist is refused", async () => {
  const directory = temporaryDirectory();
  const { archive } = opened(join(directory, "events.db"));
  await expect(archive.backup(join(directory, "nowhere", "copy.db"))).rejects.toMatchObject({
    code: "invalid_request",
    hint: "Choose a file in a directory that exists and that the broker can write.",
  });
});

test("appends go on during a backup, and the copy is a whole log up to some fact", async () => {
  const directory = temporaryDirectory();
  const { log, archive } = opened(join(directory, "events.db"));
  for (let number = 1; number <= 400; number += 1) log.append([said(number, { body: "z".repeat(9_000) })]);
  const file = join(directory, "copy.db");
  const running = archive.backup(file);
  let isDone = false;
  void running.finally(() => (isDone = true));
  for (let number = 401; !isDone; number += 1) {
    log.append([said(number)]);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { sequence } = await running;
  expect(log.head()).toBeGreaterThan(400);
  expect(sequence).toBeGreaterThanOrEqual(400);
  const copy = opened(file);
  expect(copy.checkIntegrity()).toEqual({ whole: true, problems: [] });
  expect(copy.log.head()).toBe(sequence);
});

test("B2: a backup of a log that is closed meanwhile fails and leaves nothing behind", async () => {
  const directory = temporaryDirectory();
  const { log, archive, close } = opened(join(directory, "events.db"));
  for (let number = 1; number <= 400; number += 1) log.append([said(number, { body: "z".repeat(9_000) })]);
  const file = join(directory, "copy.db");
  const running = archive.backup(file);
  close();
  await expect(running).rejects.toMatchObject({
    code: "log_unwritable",
    message: expect.stringContaining("closed") as string,
  });
  expect(existsSync(file)).toBe(false);
  await expect(archive.backup(file)).rejects.toMatchObject({ code: "log_unwritable" });
  expect(existsSync(file)).toBe(false);
});

test("B3: a backup of a log that is damaged says that it is the log, and leaves nothing behind", async () => {
  const directory = temporaryDirectory();
  const file = join(directory, "events.db");
  const first = openEventLog({ file });
  for (let number = 1; number <= 800; number += 1) first.log.append([said(number, { body: "z".repeat(9_000) })]);
  first.close();
  const { archive } = opened(file);
  const disk = openSync(file, "r+");
  for (let page = 10; page < statSync(file).size / 4_096 - 1; page += 3)
    writeSync(disk, Buffer.alloc(4_096, 0xa5), 0, 4_096, page * 4_096);
  closeSync(disk);
  const copy = join(directory, "copy.db");
  const failure: unknown = await archive.backup(copy).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: "log_corrupt" });
  const text = JSON.stringify([(failure as Fault).message, (failure as Fault).hint]);
  expect([text.includes(file), text.includes(copy), text.includes("\\n"), existsSync(copy)]).toEqual([
    true,
    false,
    false,
    false,
  ]);
});

test("an integrity check finds missing facts, and an index that lies", () => {
  const file = join(temporaryDirectory(), "events.db");
  const first = openEventLog({ file });
  first.log.append([said(1), said(1), said(2)].map((it) => ({ ...it, stream: "one" })));
  expect(first.checkIntegrity()).toEqual({ whole: true, problems: [] });
  first.close();
  const meddler = new Sqlite(file);
  meddler.exec("DELETE FROM events WHERE sequence = 2");
  meddler.close();
  const second = opened(file);
  expect(second.checkIntegrity()).toEqual({
    whole: false,
    problems: [
      "the newest sequence is 3, but there are 2 facts",
      "the newest revision of one is 3, but it has 2 facts",
    ],
  });
});
