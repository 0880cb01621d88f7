import { join } from "node:path";
import Sqlite from "better-sqlite3";
import type { Database as Connection } from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { openEventLog } from "../src/open-event-log.ts";
import { answers, said, tell } from "./story.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

function storyTold(): { readonly file: string; readonly expected: unknown } {
  const file = join(temporaryDirectory(), "events.db");
  const { log, archive, close } = openEventLog({ file });
  tell(log);
  const expected = answers(archive);
  close();
  return { file, expected };
}

function tablesOf(connection: Connection): readonly string[] {
  return connection
    .prepare<[], string>(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*' ORDER BY name",
    )
    .pluck()
    .all();
}

function change(file: string, how: (connection: Connection) => void): void {
  const connection = new Sqlite(file);
  how(connection);
  connection.close();
}

function answersOf(file: string): unknown {
  const { archive, checkIntegrity, close } = openEventLog({ file });
  onTestFinished(close);
  expect(checkIntegrity().whole).toBe(true);
  return answers(archive);
}

test("the story that the tests below retell has some of everything", () => {
  const { archive, close } = openEventLog({ file: storyTold().file });
  onTestFinished(close);
  expect(archive.deadLetterCount()).toBeGreaterThan(10);
  expect(archive.readers("#general").length).toBeGreaterThan(2);
  expect(archive.search({ query: "parser", limit: 500 }).length).toBeGreaterThan(10);
  expect(archive.history({ about: "cleo", channel: "private", limit: 500 }).length).toBeGreaterThan(10);
  for (const row of archive.stats("harness")) expect(row.sent + row.received + row.turns).toBeGreaterThan(10);
});

test("A9: deleting every table but the events and restarting loses nothing", () => {
  const { file, expected } = storyTold();
  change(file, (connection) => {
    connection.exec("DROP TABLE archive_text");
    for (const name of tablesOf(connection)) if (name !== "events") connection.exec(`DROP TABLE "${name}"`);
    expect(tablesOf(connection)).toEqual(["events"]);
  });
  expect(answersOf(file)).toEqual(expected);
});

const archiveTables = [
  "archive_agents",
  "archive_counts",
  "archive_deliveries",
  "archive_involved",
  "archive_messages",
  "archive_reactions",
  "archive_read_marks",
  "archive_state",
  "archive_text",
];

test("the archive has these tables and the log one", () => {
  const { file } = storyTold();
  change(file, (connection) => {
    const own = tablesOf(connection).filter((name) => !name.startsWith("archive_text_"));
    expect(own).toEqual([...archiveTables, "events"]);
  });
});

test.each(archiveTables)("J1: without %s alone, everything is made anew", (name) => {
  const { file, expected } = storyTold();
  change(file, (connection) => connection.exec(`DROP TABLE ${name}`));
  expect(answersOf(file)).toEqual(expected);
});

test("J1: tables of another version are made anew, whatever is in them", () => {
  const { file, expected } = storyTold();
  change(file, (connection) => {
    connection.exec(
      "UPDATE archive_state SET version = 999; DELETE FROM archive_messages; ALTER TABLE archive_counts RENAME COLUMN sent TO posted",
    );
    connection.exec("CREATE TABLE archive_of_the_future (x)");
  });
  expect(answersOf(file)).toEqual(expected);
  change(file, (connection) => {
    expect(tablesOf(connection)).not.toContain("archive_of_the_future");
  });
});

test("J2: making the archive anew leaves the events as they are", () => {
  const { file } = storyTold();
  const eventsOf = (connection: Connection): unknown => connection.prepare("SELECT * FROM events").all();
  let before: unknown;
  change(file, (connection) => {
    before = eventsOf(connection);
    connection.exec("UPDATE archive_state SET version = 999");
  });
  openEventLog({ file }).close();
  change(file, (connection) => {
    expect(eventsOf(connection)).toEqual(before);
  });
});

test("K3: a catch-up in slices comes to the same answers, and each slice moves on", () => {
  const { file, expected } = storyTold();
  change(file, (connection) => connection.exec("DROP TABLE archive_state"));
  const { log, archive, close } = openEventLog({ file });
  onTestFinished(close);
  let left = log.head();
  let slices = 0;
  while (left > 0) {
    const now = archive.catchUp(0);
    expect(now).toBeLessThan(left);
    left = now;
    slices += 1;
  }
  expect(slices).toBe(log.head());
  expect(archive.catchUp()).toBe(0);
  expect(answers(archive)).toEqual(expected);
});

test("K1: a catch-up that was cut short goes on after a restart where it was", () => {
  const { file, expected } = storyTold();
  change(file, (connection) => connection.exec("DROP TABLE archive_state"));
  for (let restart = 0; restart < 5; restart += 1) {
    const { archive, log, close } = openEventLog({ file });
    for (let slice = 0; slice < 20; slice += 1) archive.catchUp(0);
    expect(archive.catchUp(0)).toBe(log.head() - restart * 21 - 21);
    close();
  }
  expect(answersOf(file)).toEqual(expected);
});

test("K3: a bounded catch-up keeps to its time when the messages are large", () => {
  const file = join(temporaryDirectory(), "events.db");
  const { log, archive, close } = openEventLog({ file });
  onTestFinished(close);
  const body = "many different words ".repeat(12_000);
  for (let number = 1; number <= 60; number += 1) log.append([said(number, { body })]);
  // What it takes of the processor; how long the machine stands still meanwhile is not its doing.
  const before = process.cpuUsage();
  expect(archive.catchUp(20)).toBeGreaterThan(0);
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1_000).toBeLessThan(1_000);
  expect(archive.search({ query: "different", limit: 100 })).toHaveLength(60);
});
