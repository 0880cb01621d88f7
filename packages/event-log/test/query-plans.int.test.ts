import { join } from "node:path";
import { expect, test } from "vitest";
import { openArchive } from "../src/archive/archive.ts";
import { openDatabase } from "../src/database.ts";
import { sqliteLog } from "../src/sqlite-log.ts";
import { answers, id, tell } from "./story.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** Every query that the log and the archive prepare in the course of the story, with how SQLite would run it. */
function plans(): ReadonlyMap<string, string> {
  const database = openDatabase({ file: join(temporaryDirectory(), "events.db") });
  const { connection } = database;
  const queries = new Set<string>();
  const prepare = connection.prepare.bind(connection);
  Object.assign(connection, {
    prepare: (sql: string) => {
      queries.add(sql);
      return prepare(sql);
    },
  });
  const log = sqliteLog(database);
  const archive = openArchive(database, log);
  tell(log);
  answers(archive);
  const types = ["broker_started", "broker_stopped", "read_marked"];
  log.read({ after: 5, limit: 5, types });
  log.read({ after: 5, limit: 5, stream: `message/${id(1)}`, types });
  log.read({ after: 0, afterRevision: 1, limit: 5, stream: `message/${id(1)}` });
  log.revisionOf("run/one");
  const found = [...queries]
    .filter((sql) => sql.trim().startsWith("SELECT") && !sql.includes("sqlite_master"))
    .map((sql) => {
      const values = Array.from({ length: sql.split("?").length - 1 }, () => 1);
      const steps = prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values) as { readonly detail: string }[];
      return [sql.replaceAll(/\s+/g, " "), steps.map((it) => it.detail).join("; ")] as const;
    });
  database.close();
  return new Map(found);
}

/** What is all in the answer, or is cut off by a limit in the order in which it is walked. */
const readsAll = (sql: string): boolean =>
  sql.includes("FROM archive_counts GROUP BY") ||
  /^SELECT (position|version) FROM archive_state$/.test(sql) ||
  sql.startsWith("SELECT m.sequence FROM archive_messages AS m ORDER BY m.sequence") ||
  (sql.includes("FROM archive_deliveries WHERE dead_sequence IS NOT NULL") && !sql.includes("agent = ?"));

test("E2, Q4: no query of the log or the archive walks a table that it is not asked for", () => {
  const all = plans();
  expect(all.size).toBeGreaterThan(30);
  const walking = [...all].filter(
    ([sql, plan]) =>
      !readsAll(sql) &&
      // The values of a list and the words of a search come out of virtual tables.
      plan
        .split("; ")
        .some((step) => step.startsWith("SCAN") && !/json_each|archive_text VIRTUAL TABLE INDEX 0:M/.test(step)),
  );
  expect(walking).toEqual([]);
});

test("E2: types and streams are found by their own indexes, not by walking from the cursor", () => {
  const all = [...plans()].filter(([sql]) => sql.includes(" FROM events "));
  const byType = all.filter(([sql]) => sql.includes("type = ?"));
  const byStream = all.filter(([sql]) => sql.includes("stream = ?"));
  expect(byType.length).toBeGreaterThan(0);
  expect(byStream.length).toBeGreaterThan(2);
  for (const [, plan] of byType) expect(plan).toContain("INDEX events_by_type (type=? AND sequence>?)");
  for (const [, plan] of byStream) expect(plan).toMatch(/INDEX sqlite_autoindex_events_1 \(stream=\?/);
});

test("E2, Q4: nothing is sorted but matches of a search, and what belongs to one message", () => {
  const sorting = [...plans()].filter(([, plan]) => plan.includes("TEMP B-TREE")).map(([sql]) => sql);
  const allowed =
    /archive_text MATCH|archive_counts|FROM archive_reactions WHERE message_id = \?|FROM archive_deliveries WHERE message_id = \?/;
  expect(sorting.filter((sql) => !allowed.test(sql))).toEqual([]);
});
