import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import type { Append } from "@agent-relay/kernel";
import type { Fact } from "@agent-relay/protocol";
import Sqlite from "better-sqlite3";
import { expect, test } from "vitest";
import { openDatabase } from "../src/database.ts";
import { openEventLog } from "../src/open-event-log.ts";
import { program, run } from "./child-program.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const appendLoop = program("append-loop");
const openOnce = program("open-once");

const stopped = (pid: number): Append<Fact> => ({ stream: "broker", event: { type: "broker_stopped", pid }, at: 1 });
const everything = { after: 0, limit: 1_000_000 };

/** Every file of a directory, byte for byte, but for the shared memory, which holds nothing. */
const contents = (directory: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(directory)
      .filter((name) => !name.endsWith("-shm") && statSync(join(directory, name)).size > 0)
      .map((name) => [name, readFileSync(join(directory, name)).toString("base64")]),
  );

test("F1: the connection is set up for durability", () => {
  const database = openDatabase({ file: join(temporaryDirectory(), "events.db") });
  const ask = (pragma: string): unknown => database.connection.pragma(pragma, { simple: true });
  expect(ask("journal_mode")).toBe("wal");
  expect(ask("synchronous")).toBe(2);
  expect(ask("foreign_keys")).toBe(1);
  expect(ask("busy_timeout")).toBe(5_000);
  database.close();
});

test("F2: the files are the owner's alone, also when the file was open to others before", () => {
  const directory = join(temporaryDirectory(), "new", "state");
  const file = join(directory, "events.db");
  const first = openEventLog({ file });
  first.log.append([stopped(1)]);
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  expect(readdirSync(directory).toSorted()).toEqual(["events.db", "events.db-shm", "events.db-wal"]);
  for (const name of readdirSync(directory)) expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
  first.close();
  chmodSync(file, 0o644);
  openEventLog({ file }).close();
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test("an orderly close leaves one file", () => {
  const directory = temporaryDirectory();
  const opened = openEventLog({ file: join(directory, "events.db") });
  opened.log.append([stopped(1)]);
  opened.close();
  opened.close();
  expect(readdirSync(directory)).toEqual(["events.db"]);
});

test("F3: a file that is not a database is refused, with what to do, and left as it is", () => {
  const directory = temporaryDirectory();
  const file = join(directory, "events.db");
  writeFileSync(file, "not a database".repeat(1_000), { mode: 0o600 });
  const before = contents(directory);
  expect(() => openEventLog({ file })).toThrow(
    expect.objectContaining({
      code: "log_corrupt",
      message: `The event log ${file} is damaged: file is not a database.`,
      hint: expect.stringContaining("put a backup there") as string,
    }),
  );
  expect(contents(directory)).toEqual(before);
});

test("F3: a garbled page is found at open, before anything is read from it or written to it", async () => {
  const directory = temporaryDirectory();
  const source = join(temporaryDirectory(), "events.db");
  const child = run(appendLoop, [source, "8"]);
  while (Number((await child.nextLine()).split(" ")[0]) < 1_000);
  await child.kill();
  openEventLog({ file: source }).close();
  const pages = statSync(source).size / 4_096;
  let found = 0;
  for (const page of [1, Math.floor(pages / 3), Math.floor(pages / 2), pages - 2]) {
    const file = join(directory, "events.db");
    copyFileSync(source, file);
    const bytes = readFileSync(file);
    bytes.fill(0xa5, page * 4_096, page * 4_096 + 4_096);
    writeFileSync(file, bytes);
    const before = contents(directory);
    try {
      openEventLog({ file }).close();
    } catch (error) {
      expect(error).toMatchObject({ code: "log_corrupt" });
      expect(contents(directory)).toEqual(before);
      found += 1;
    }
  }
  expect(found).toBe(4);
});

test("F3: a damaged log keeps its journal too", async () => {
  const directory = temporaryDirectory();
  const file = join(directory, "events.db");
  const child = run(appendLoop, [file, "8"]);
  while (Number((await child.nextLine()).split(" ")[0]) < 1_000);
  await child.kill();
  const bytes = readFileSync(file);
  bytes.fill(0xa5, 100);
  writeFileSync(file, bytes);
  // The journal's pages would hide the damage, so only its newest part stays.
  writeFileSync(`${file}-wal`, readFileSync(`${file}-wal`).subarray(0, 32 + 4_120));
  const before = contents(directory);
  expect(Object.keys(before)).toContain("events.db-wal");
  expect(() => openEventLog({ file })).toThrow(expect.objectContaining({ code: "log_corrupt" }));
  expect(contents(directory)).toEqual(before);
});

test("F3: a journal without its log is refused, and stays", async () => {
  const directory = temporaryDirectory();
  const file = join(directory, "events.db");
  const child = run(appendLoop, [file]);
  await child.nextLine();
  await child.kill();
  renameSync(file, join(directory, "moved-away"));
  const before = contents(directory);
  expect(() => openEventLog({ file })).toThrow(
    `The event log ${file} is damaged: it is missing, but its journal ${file}-wal is there.`,
  );
  expect(contents(directory)).toEqual(before);
  expect(existsSync(file)).toBe(false);
});

test.each<readonly [string, string, (file: string) => void]>([
  [
    "a log that is empty beside its journal",
    "it is empty, but its journal",
    (file) => {
      truncateSync(file, 0);
    },
  ],
  [
    "a journal that is not one",
    "does not begin as one",
    (file) => {
      writeFileSync(`${file}-wal`, "not a journal".repeat(1_000));
    },
  ],
  [
    "a journal with one wrong bit in its header",
    "does not begin as one",
    (file) => {
      const bytes = readFileSync(`${file}-wal`);
      bytes.writeUInt8(bytes.readUInt8(17) ^ 1, 17);
      writeFileSync(`${file}-wal`, bytes);
    },
  ],
])("F3: %s is refused, and stays", async (_, found, damage) => {
  const directory = temporaryDirectory();
  const file = join(directory, "events.db");
  const child = run(appendLoop, [file]);
  await child.nextLine();
  await child.kill();
  damage(file);
  const before = contents(directory);
  expect(Object.keys(before)).toContain("events.db-wal");
  expect(() => openEventLog({ file })).toThrow(
    expect.objectContaining({ code: "log_corrupt", message: expect.stringContaining(found) as string }),
  );
  expect(contents(directory)).toEqual(before);
});

test("F3: a journal that never got beyond its header is none", () => {
  const directory = temporaryDirectory();
  const file = join(directory, "events.db");
  openEventLog({ file }).close();
  writeFileSync(`${file}-wal`, Buffer.alloc(32));
  const { log, close } = openEventLog({ file });
  expect(log.append([stopped(1)])).toMatchObject([{ sequence: 1 }]);
  close();
});

test("F3: the database of another program is refused and left as it is", () => {
  const directory = temporaryDirectory();
  const file = join(directory, "events.db");
  const foreign = new Sqlite(file);
  foreign.exec("CREATE TABLE recipes (name TEXT)");
  foreign.close();
  const before = contents(directory);
  expect(() => openEventLog({ file })).toThrow(
    `The event log ${file} is damaged: it is a database of another program.`,
  );
  expect(contents(directory)).toEqual(before);
});

test("F3: a log of a newer schema is refused and left as it is", () => {
  const directory = temporaryDirectory();
  const file = join(directory, "events.db");
  openEventLog({ file }).close();
  const newer = new Sqlite(file);
  newer.pragma("user_version = 99");
  newer.close();
  const before = contents(directory);
  expect(() => openEventLog({ file })).toThrow(
    expect.objectContaining({
      code: "log_too_new",
      message: `The event log ${file} has schema 99; this version knows schemas up to 1.`,
    }),
  );
  expect(contents(directory)).toEqual(before);
});

test("a state directory that cannot be made is refused", () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "state"), "");
  const file = join(directory, "state", "events.db");
  expect(() => openEventLog({ file })).toThrow(expect.objectContaining({ code: "state_unwritable" }));
});

test("a directory in the place of the log is refused", () => {
  const file = join(temporaryDirectory(), "events.db");
  mkdirSync(file);
  expect(() => openEventLog({ file })).toThrow(expect.objectContaining({ name: "Fault" }));
});

test("E3: a log whose file was deleted or replaced takes no more facts", () => {
  const directory = temporaryDirectory();
  const file = join(directory, "events.db");
  const { log, close } = openEventLog({ file });
  log.append([stopped(1)]);
  renameSync(file, join(directory, "moved.db"));
  const refused = expect.objectContaining({
    code: "log_unwritable",
    message: `The event log ${file} cannot be written (the file was moved or deleted); nothing was recorded.`,
  }) as unknown;
  expect(() => log.append([stopped(2)])).toThrow(refused as Error);
  writeFileSync(file, "");
  expect(() => log.append([stopped(2)])).toThrow(refused as Error);
  renameSync(join(directory, "moved.db"), file);
  expect(log.append([stopped(2)])).toMatchObject([{ sequence: 2 }]);
  close();
});

test("a second writer is noticed, and nothing is lost or numbered twice", () => {
  const file = join(temporaryDirectory(), "events.db");
  const ours = openEventLog({ file });
  const theirs = openEventLog({ file });
  ours.log.append([stopped(1)]);
  expect(() => theirs.log.append([stopped(2)])).toThrow(
    expect.objectContaining({
      code: "log_unwritable",
      message: `The event log ${file} cannot be written (another process wrote to it); nothing was recorded.`,
    }),
  );
  expect(theirs.log.append([stopped(3)])).toMatchObject([{ sequence: 2, revision: 2 }]);
  expect(theirs.log.read(everything).map((it) => it.event)).toMatchObject([{ pid: 1 }, { pid: 3 }]);
  ours.close();
  theirs.close();
});

test("a log that another program has locked is a fault that passes", () => {
  const file = join(temporaryDirectory(), "events.db");
  const { log, close } = openEventLog({ file, busyTimeoutMs: 1 });
  const other = new Sqlite(file);
  other.exec("BEGIN IMMEDIATE");
  expect(() => log.append([stopped(1)])).toThrow(expect.objectContaining({ code: "log_unwritable", retry: "later" }));
  expect(log.head()).toBe(0);
  other.exec("ROLLBACK");
  other.close();
  expect(log.append([stopped(2)])).toMatchObject([{ sequence: 1 }]);
  close();
});

/** Root may write everywhere, so these run as nobody; a plain user runs them as themselves. */
const asNobody = process.getuid?.() === 0 ? { uid: 65_534 } : {};

test.each([
  ["the file", 0o444, 0o777, "log_unwritable"],
  ["its directory", 0o666, 0o555, "log_unwritable"],
])("a log is refused when %s cannot be written", async (_, fileMode, directoryMode, code) => {
  const directory = temporaryDirectory();
  chmodSync(directory, 0o755);
  const state = join(directory, "state");
  const file = join(state, "events.db");
  openEventLog({ file }).close();
  chmodSync(file, fileMode);
  chmodSync(state, directoryMode);
  const child = run(openOnce, [file], asNobody);
  const answer = JSON.parse(await child.nextLine()) as { code?: string; message?: string; hint?: string };
  chmodSync(state, 0o755);
  expect(answer).toMatchObject({ code, hint: expect.stringContaining(`Check that you own ${state}`) as string });
  expect(answer.message).toContain(`The event log ${file} cannot be written`);
});

test("a state directory in which nothing can be made is refused", async () => {
  const directory = temporaryDirectory();
  chmodSync(directory, 0o555);
  const file = join(directory, "events.db");
  const child = run(openOnce, [file], asNobody);
  expect(JSON.parse(await child.nextLine())).toMatchObject({
    code: "state_unwritable",
    message: `The event log ${file} cannot be created (EACCES).`,
    hint: `Make ${directory} a directory that you can write, or choose another state directory.`,
  });
  expect(readdirSync(directory).map((it) => basename(it))).toEqual([]);
  chmodSync(directory, 0o755);
});
