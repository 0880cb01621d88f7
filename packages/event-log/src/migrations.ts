/**
 * The schema of the log itself, as numbered steps.
 *
 *   V1  A step that was released is never changed; a new schema is a new step.
 *   V2  A step and its number are committed together, so a crash leaves the schema before it or after it.
 */
import { invariant } from "@agent-relay/kernel";
import type { Database as Connection } from "better-sqlite3";

/** "ARLY": marks the file as ours, so that no other database is ever taken for a log. */
export const applicationId = 0x41524c59;

/**
 * `UNIQUE (stream, revision)` is also the index for reading a stream: its order is the order of sequence (L2), and one
 * index less is 15 % more appends per second.
 */
const steps: readonly string[] = [
  `CREATE TABLE events (
     sequence INTEGER PRIMARY KEY,
     stream TEXT NOT NULL,
     revision INTEGER NOT NULL,
     type TEXT NOT NULL,
     at INTEGER NOT NULL,
     actor TEXT,
     command_id TEXT,
     command_digest TEXT,
     command_answer TEXT,
     data TEXT NOT NULL,
     UNIQUE (stream, revision)
   ) STRICT;
   CREATE INDEX events_by_type ON events (type, sequence);
   CREATE UNIQUE INDEX events_by_command ON events (command_id) WHERE command_id IS NOT NULL;`,
];

export const newestSchema = steps.length;

export function migrate(connection: Connection): void {
  const from = Number(connection.pragma("user_version", { simple: true }));
  invariant(from <= newestSchema, "a log that is too new is refused before it is migrated");
  steps.slice(from).forEach((sql, index) => {
    connection
      .transaction(() => {
        connection.exec(sql);
        connection.pragma(`application_id = ${applicationId}`);
        connection.pragma(`user_version = ${from + index + 1}`);
      })
      .immediate();
  });
}
