/**
 * Copies of the log, and whether it is whole.
 *
 *   B1  A backup goes to a new file, readable by its owner alone; a file that is there is never overwritten.
 *   B2  A backup that failed leaves no file behind; one that is reported was read back and is whole.
 *   B3  Pages are copied as they are: what is damaged of the copy is damaged of the log, and is told as that.
 */
import { closeSync, fsyncSync, openSync, rmSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { codeOf, Fault, messageOf } from "@agent-relay/kernel";
import { isErrorCode } from "@agent-relay/protocol";
import Sqlite from "better-sqlite3";
import type { LogDatabase } from "./database.ts";
import { damaged, diskFull } from "./faults.ts";

export interface Integrity {
  readonly whole: boolean;
  /** What is wrong, for a person; at most 20. */
  readonly problems: readonly string[];
}

export async function backupTo(
  database: LogDatabase,
  to: string,
): Promise<{ readonly bytes: number; readonly sequence: number }> {
  // An absolute path is never taken for a `file:` address.
  const file = resolve(to);
  reserve(file);
  try {
    await database.use(async () => database.connection.backup(file));
    const sequence = finish(file, database.file);
    flush(file);
    return { bytes: statSync(file).size, sequence };
  } catch (error) {
    // Ours to remove: it did not exist before.
    rmSync(file, { force: true });
    // A log that was closed meanwhile says so; the file is not to blame.
    return database.use(() => {
      throw backupFault(error, file);
    });
  }
}

/** Reads everything, indexes included, and checks the numbering that the log promises. */
export function checkIntegrity(database: LogDatabase): Integrity {
  return database.use(() => {
    const { connection } = database;
    const found = connection.prepare<[], string>("PRAGMA integrity_check(20)").pluck().all();
    const problems = found.filter((it) => it !== "ok");
    const numbering = connection
      .prepare<[], { readonly count: number; readonly newest: number }>(
        "SELECT count(*) AS count, ifnull(max(sequence), 0) AS newest FROM events",
      )
      .get();
    if (numbering !== undefined && numbering.count !== numbering.newest)
      problems.push(`the newest sequence is ${numbering.newest}, but there are ${numbering.count} facts`);
    const streams = connection
      .prepare<[], { readonly stream: string; readonly count: number; readonly newest: number }>(
        `SELECT stream, count(*) AS count, max(revision) AS newest FROM events
         GROUP BY stream HAVING count(*) <> max(revision) LIMIT 5`,
      )
      .all();
    for (const { stream, count, newest } of streams)
      problems.push(`the newest revision of ${stream} is ${newest}, but it has ${count} facts`);
    return { whole: problems.length === 0, problems: problems.slice(0, 20) };
  });
}

function reserve(file: string): void {
  try {
    closeSync(openSync(file, "wx", 0o600));
  } catch (error) {
    if (codeOf(error) === "EEXIST") {
      throw new Fault({
        code: "invalid_request",
        message: `The backup file ${file} exists already.`,
        hint: "Choose a new name; a backup never overwrites.",
      });
    }
    throw backupFault(error, file);
  }
}

/** Makes the copy one file that needs no journal beside it, and reads it back. */
function finish(file: string, original: string): number {
  const copy = new Sqlite(file, { fileMustExist: true });
  try {
    copy.pragma("journal_mode = DELETE");
    const found = copy.pragma("quick_check(1)", { simple: true });
    if (found !== "ok") throw damaged(original, String(found));
    return copy.prepare<[], number>("SELECT ifnull(max(sequence), 0) FROM events").pluck().get() ?? 0;
  } finally {
    copy.close();
  }
}

function flush(file: string): void {
  const descriptor = openSync(file, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function backupFault(error: unknown, file: string): unknown {
  const code = codeOf(error);
  if (code !== undefined && isErrorCode(code)) return error;
  if (code === "SQLITE_FULL" || code === "ENOSPC" || code === "EDQUOT") return diskFull(file, error);
  return new Fault({
    code: "invalid_request",
    message: `The backup file ${file} cannot be written: ${messageOf(error)}.`,
    hint: "Choose a file in a directory that exists and that the broker can write.",
    cause: error,
  });
}
