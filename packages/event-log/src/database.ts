/**
 * One connection to the log's file, set up so that a commit is on the disk when it returns.
 *
 *   F1  WAL with `synchronous=FULL` on every connection: the driver's own default for WAL would lose the newest commits
 *       in a power cut.
 *   F2  The file and what SQLite puts beside it are readable by their owner alone.
 *   F3  A file that is damaged, foreign or too new is refused before a byte of it is changed, and so is one whose journal
 *       SQLite would not read. Nothing is ever deleted.
 */
import { accessSync, chmodSync, closeSync, constants, fsyncSync, mkdirSync, openSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { codeOf, Fault } from "@agent-relay/kernel";
import Sqlite from "better-sqlite3";
import type { Database as Connection } from "better-sqlite3";
import { damaged, faultOf } from "./faults.ts";
import { isReadableJournal, journalHeaderBytes } from "./journal-header.ts";
import { applicationId, migrate, newestSchema } from "./migrations.ts";

export interface LogDatabase {
  readonly file: string;
  readonly connection: Connection;
  /** Runs `work` on the open connection; what SQLite throws comes out as a `Fault`. */
  readonly use: <Result>(work: () => Result) => Result;
  /** Idempotent. */
  readonly close: () => void;
}

export interface DatabaseOptions {
  readonly file: string;
  /** How long another process may keep us waiting, for example a backup tool that reads the file. */
  readonly busyTimeoutMs?: number;
  /** A bound on the file, in pages of 4 KiB. Reaching it is a full disk. */
  readonly pagesMax?: number;
}

/** Longer than any checkpoint of ours or a reader's open; shorter than a person's patience. */
const BUSY_TIMEOUT_MS = 5_000;
/** After a large transaction the WAL shrinks back to this, so that it never keeps the disk full. */
const WAL_BYTES_KEPT = 64 * 1_048_576;

export function openDatabase(options: DatabaseOptions): LogDatabase {
  // An absolute path is never taken for a `file:` address.
  const file = resolve(options.file);
  const timeout = options.busyTimeoutMs ?? BUSY_TIMEOUT_MS;
  prepareFile(file);
  let connection: Connection | undefined;
  try {
    inspect(file, timeout);
    connection = new Sqlite(file, { fileMustExist: true, timeout });
    setUp(connection, file, options.pagesMax);
    migrate(connection);
    return logDatabase(connection, file);
  } catch (error) {
    connection?.close();
    throw faultOf(error, file);
  }
}

function logDatabase(connection: Connection, file: string): LogDatabase {
  return {
    file,
    connection,
    use: (work) => {
      if (!connection.open) throw new Fault({ code: "log_unwritable", message: `The event log ${file} is closed.` });
      try {
        return work();
      } catch (error) {
        throw faultOf(error, file);
      }
    },
    close: () => {
      connection.close();
    },
  };
}

/**
 * Makes sure that there is a file of ours that can be written.
 *
 * An existing file is never opened here: closing any descriptor of a file drops every POSIX lock that this process has
 * on it, those of an open SQLite connection included.
 */
function prepareFile(file: string): void {
  const directory = dirname(file);
  try {
    const made = mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (made !== undefined) syncDirectory(dirname(made));
    const size = sizeOf(file);
    refuseUnreadJournal(file, size);
    if (size === undefined) {
      closeSync(openSync(file, "wx", 0o600));
      syncDirectory(directory);
    }
  } catch (error) {
    const code = codeOf(error);
    if (code === "log_corrupt" || code === "ENOSPC" || code === "EDQUOT") throw faultOf(error, file);
    throw new Fault({
      code: "state_unwritable",
      message: `The event log ${file} cannot be created (${code ?? "unknown reason"}).`,
      hint: `Make ${directory} a directory that you can write, or choose another state directory.`,
      cause: error,
    });
  }
  try {
    if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600);
    accessSync(file, constants.R_OK | constants.W_OK);
    accessSync(directory, constants.W_OK);
  } catch (error) {
    throw faultOf(error, file);
  }
}

/** SQLite would throw such a journal away and begin anew, and with it would go the newest facts, or all of them. */
function refuseUnreadJournal(file: string, size: number | undefined): void {
  const journal = `${file}-wal`;
  const journalSize = sizeOf(journal) ?? 0;
  if (journalSize === 0) return;
  if (size === undefined) throw damaged(file, `it is missing, but its journal ${journal} is there`);
  if (size === 0) throw damaged(file, `it is empty, but its journal ${journal} is not`);
  if (journalSize > journalHeaderBytes && !isReadableJournal(journal))
    throw damaged(file, `its journal ${journal} does not begin as one`);
}

/** On a connection that cannot write: closing any other one would merge the journal into a file that we do not trust. */
function inspect(file: string, timeout: number): void {
  const connection = new Sqlite(file, { readonly: true, fileMustExist: true, timeout });
  try {
    refuseForeign(connection, file);
    const found = connection.pragma("quick_check(1)", { simple: true });
    if (found !== "ok") throw damaged(file, String(found));
  } finally {
    connection.close();
  }
}

function refuseForeign(connection: Connection, file: string): void {
  const version = Number(connection.pragma("user_version", { simple: true }));
  const application = Number(connection.pragma("application_id", { simple: true }));
  const objects = connection.prepare("SELECT count(*) FROM sqlite_master").pluck().get();
  if (version === 0 && application === 0 && objects === 0) return;
  if (application !== applicationId) throw damaged(file, "it is a database of another program");
  if (version > newestSchema) {
    throw new Fault({
      code: "log_too_new",
      message: `The event log ${file} has schema ${version}; this version knows schemas up to ${newestSchema}.`,
      hint: "Update agent-relay, or use another state directory. The log was not changed.",
    });
  }
}

function setUp(connection: Connection, file: string, pagesMax: number | undefined): void {
  const mode = connection.pragma("journal_mode = WAL", { simple: true });
  if (mode !== "wal") {
    throw new Fault({
      code: "log_unwritable",
      message: `The event log ${file} cannot use a write-ahead log (journal mode ${String(mode)}).`,
      hint: "Put the state directory on a local disk; network file systems do not share memory.",
    });
  }
  connection.pragma("synchronous = FULL");
  // On macOS only this flushes the drive's own cache; elsewhere it changes nothing.
  connection.pragma("fullfsync = ON");
  connection.pragma("foreign_keys = ON");
  connection.pragma("trusted_schema = OFF");
  connection.pragma(`journal_size_limit = ${WAL_BYTES_KEPT}`);
  if (pagesMax !== undefined) connection.pragma(`max_page_count = ${pagesMax}`);
}

function sizeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.size;
}

/** A new name is only safe once its directory is on the disk. */
function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
