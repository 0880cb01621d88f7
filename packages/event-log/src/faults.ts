/** What SQLite and the file system throw, as faults with a code of the protocol and a way out. */
import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { codeOf, Fault, messageOf } from "@agent-relay/kernel";
import { errorCodes, isErrorCode } from "@agent-relay/protocol";

/** The fault that an error means for the log, or the error itself when it says nothing about the disk. */
export function faultOf(error: unknown, file: string): unknown {
  const code = codeOf(error);
  if (code === undefined || isErrorCode(code)) return error;
  if (code === "SQLITE_FULL" || code === "ENOSPC" || code === "EDQUOT") return diskFull(file, error);
  if (isDamage(code)) return damaged(file, messageOf(error), error);
  // A full disk does not always say so: growing the shared-memory file or a late flush fails as plain input/output.
  if (code.startsWith("SQLITE_IOERR")) return hasSpace(file) ? unwritable(file, code, error) : diskFull(file, error);
  if (isRefusal(code)) return unwritable(file, code, error);
  return error;
}

export function damaged(file: string, found: string, cause?: unknown): Fault {
  return new Fault({
    code: "log_corrupt",
    message: `The event log ${file} is damaged: ${found.replaceAll(/\s*\n\s*/gu, " ").replace(/\.$/u, "")}.`,
    hint:
      `Nothing was changed or deleted. Stop agent-relay, move ${file} and the files beside it that begin with the ` +
      `same name to a safe place, and put a backup there; or recover what is left with "sqlite3 <moved file> .recover".`,
    ...(cause === undefined ? {} : { cause }),
  });
}

export function diskFull(file: string, cause: unknown): Fault {
  return new Fault({
    code: "disk_full",
    message: `The disk that holds ${file} is full; nothing was recorded.`,
    retry: errorCodes.disk_full.retry,
    hint: `Free some space on the disk of ${dirname(file)}. The log goes on by itself.`,
    cause,
  });
}

export function unwritable(file: string, reason: string, cause?: unknown): Fault {
  return new Fault({
    code: "log_unwritable",
    message: `The event log ${file} cannot be written (${reason}); nothing was recorded.`,
    retry: errorCodes.log_unwritable.retry,
    hint: `Check that you own ${dirname(file)} and the file, that both can be written, that no quota or limit on the size of files is reached, and that no other program has locked it.`,
    ...(cause === undefined ? {} : { cause }),
  });
}

function isDamage(code: string): boolean {
  return (
    code.startsWith("SQLITE_CORRUPT") ||
    [
      "SQLITE_NOTADB",
      "SQLITE_FORMAT",
      "SQLITE_IOERR_CORRUPTFS",
      "SQLITE_IOERR_READ",
      "SQLITE_IOERR_SHORT_READ",
    ].includes(code)
  );
}

function isRefusal(code: string): boolean {
  return (
    /^SQLITE_(READONLY|CANTOPEN|PERM|BUSY|LOCKED|PROTOCOL|AUTH|NOLFS)/.test(code) ||
    ["EACCES", "EPERM", "EROFS", "EIO", "ENOENT", "EISDIR", "ENOTDIR"].includes(code)
  );
}

function hasSpace(file: string): boolean {
  try {
    return statfsSync(dirname(file)).bavail > 0;
  } catch {
    // A directory that cannot even be asked is not full; the first error says more than this one.
    return true;
  }
}
