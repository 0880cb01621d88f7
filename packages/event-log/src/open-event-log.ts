import type { EventLog, Logger } from "@agent-relay/kernel";
import type { Fact } from "@agent-relay/protocol";
import { openArchive } from "./archive/archive.ts";
import type { EventArchive } from "./archive/archive.ts";
import { checkIntegrity } from "./backup.ts";
import type { Integrity } from "./backup.ts";
import { openDatabase } from "./database.ts";
import { sqliteLog } from "./sqlite-log.ts";

export interface EventLogOptions {
  /** Made if it does not exist, its directory too. */
  readonly file: string;
  readonly logger?: Logger;
  /** How long another program that has the file may keep us waiting. */
  readonly busyTimeoutMs?: number;
  /** Streams whose newest revision is kept in memory. */
  readonly revisionsCached?: number;
  /** A bound on the file, in pages of 4 KiB; reaching it is a full disk. None if absent. */
  readonly pagesMax?: number;
}

export interface OpenedEventLog {
  readonly log: EventLog<Fact>;
  readonly archive: EventArchive;
  /** Reads the whole file; takes as long as that takes. */
  readonly checkIntegrity: () => Integrity;
  /** Closes both. Idempotent; whatever is asked afterwards is a `Fault` `log_unwritable`. */
  readonly close: () => void;
}

/**
 * Opens the log in `file`, and the archive over it. One process at a time: take the broker's lock first.
 *
 * Throws a `Fault`: `log_corrupt`, `log_too_new`, `log_unwritable`, `state_unwritable`, `disk_full`.
 */
export function openEventLog(options: EventLogOptions): OpenedEventLog {
  const database = openDatabase(options);
  try {
    const log = database.use(() => sqliteLog(database, options));
    const archive = openArchive(database, log, options.logger);
    return { log, archive, checkIntegrity: () => checkIntegrity(database), close: database.close };
  } catch (error) {
    database.close();
    throw error;
  }
}
