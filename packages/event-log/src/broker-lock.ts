/**
 * The right to be the broker of a state directory.
 *
 *   W1  At most one process holds it. What says so is a lock on an open file, which the system drops with the process,
 *       however it ends; never a file that somebody would have to clean up.
 *   W2  `broker.json` beside it says who holds the lock, for people and for messages. Nothing is decided by it: it may be
 *       missing, old, damaged, or name a process id that is now somebody else's.
 *   W3  Neither file is ever readable by others.
 */
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { codeOf, Fault, messageOf } from "@agent-relay/kernel";
import Sqlite from "better-sqlite3";
import type { Database as Connection } from "better-sqlite3";

export interface BrokerOwner {
  readonly pid: number;
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
  /** Random for each start: a connection is verified by it. */
  readonly nonce: string;
  readonly version?: string;
}

export interface BrokerLock {
  /** Gives the right up. Idempotent. */
  readonly release: () => void;
}

/** For the second one who asks: what is known of the first is in `data`. */
function brokerRunning(stateDir: string, holder: BrokerOwner | undefined, now: number): Fault {
  const ageSecs = holder === undefined ? undefined : Math.max(0, Math.floor((now - holder.startedAt) / 1_000));
  return new Fault({
    code: "broker_running",
    message:
      holder === undefined
        ? `A broker already runs on ${stateDir}; it has not said yet who it is.`
        : `A broker already runs on ${stateDir}: process ${holder.pid}, started ${spoken(ageSecs ?? 0)} ago.`,
    hint: "Use the running broker, or stop it first.",
    data: holder === undefined ? { stateDir } : { stateDir, pid: holder.pid, startedAt: holder.startedAt, ageSecs },
  });
}

/**
 * Taking the lock has several steps, and two who are in the middle of them block each other for an instant: without some
 * patience both would be refused and nobody would hold it.
 */
const PATIENCE_MS = 250;

/** Throws a `Fault`: `broker_running`, `state_unwritable`. */
export function acquireBrokerLock(directory: string, owner: BrokerOwner): BrokerLock {
  // An absolute path is never taken for a `file:` address.
  const stateDir = resolve(directory);
  const connection = lockFile(stateDir, owner);
  try {
    writeOwner(stateDir, owner);
  } catch (error) {
    connection.close();
    throw unwritable(stateDir, error);
  }
  let held = true;
  return {
    release: () => {
      if (!held) return;
      held = false;
      // First the note, then the lock: the other way round we might remove the note of the next holder.
      rmSync(ownerFile(stateDir), { force: true });
      connection.close();
    },
  };
}

/** Who says that it is the broker here. Only a hint: verify it by connecting. */
export function readBrokerOwner(stateDir: string): BrokerOwner | undefined {
  try {
    const found: unknown = JSON.parse(readFileSync(ownerFile(stateDir), "utf8"));
    return isOwner(found) ? found : undefined;
  } catch {
    // Missing or half written by an old crash: then nobody says anything, and the lock alone decides.
    return undefined;
  }
}

/** An empty SQLite database, because SQLite knows how to lock a file on every system that we run on. */
function lockFile(stateDir: string, owner: BrokerOwner): Connection {
  const file = join(stateDir, "broker.lock");
  let connection: Connection | undefined;
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    // An existing file is not opened here: closing it would drop the lock if this process already holds it.
    if (statSync(file, { throwIfNoEntry: false }) === undefined) createPrivately(file);
    connection = new Sqlite(file, { fileMustExist: true, timeout: PATIENCE_MS });
    // Nothing is ever written to it, so it needs no journal beside it.
    connection.pragma("journal_mode = MEMORY");
    connection.exec("BEGIN EXCLUSIVE");
    return connection;
  } catch (error) {
    connection?.close();
    if (codeOf(error)?.startsWith("SQLITE_BUSY") !== true) throw unwritable(stateDir, error);
    const holder = readBrokerOwner(stateDir);
    throw brokerRunning(stateDir, holder !== undefined && isAlive(holder.pid) ? holder : undefined, owner.startedAt);
  }
}

function createPrivately(file: string): void {
  try {
    closeSync(openSync(file, "wx", 0o600));
  } catch (error) {
    // Another process was faster; which of us gets the lock is decided below.
    if (codeOf(error) !== "EEXIST") throw error;
  }
}

/** Readers see the old note or the new one, never half of it. */
function writeOwner(stateDir: string, owner: BrokerOwner): void {
  const draft = join(stateDir, `broker.json.${owner.pid}.draft`);
  rmSync(draft, { force: true });
  try {
    writeFileSync(draft, `${JSON.stringify(owner, undefined, 2)}\n`, { mode: 0o600, flag: "wx" });
    renameSync(draft, ownerFile(stateDir));
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

function ownerFile(stateDir: string): string {
  return join(stateDir, "broker.json");
}

function isOwner(found: unknown): found is BrokerOwner {
  return (
    typeof found === "object" &&
    found !== null &&
    "pid" in found &&
    Number.isSafeInteger(found.pid) &&
    "startedAt" in found &&
    Number.isSafeInteger(found.startedAt) &&
    "nonce" in found &&
    typeof found.nonce === "string"
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It exists and belongs to someone else.
    return codeOf(error) === "EPERM";
  }
}

function spoken(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} days`;
}

function unwritable(stateDir: string, error: unknown): Fault {
  const isFull = codeOf(error) === "ENOSPC" || codeOf(error) === "EDQUOT";
  return new Fault({
    code: isFull ? "disk_full" : "state_unwritable",
    message: `The state directory ${stateDir} cannot be used: ${messageOf(error)}.`,
    hint: isFull
      ? "Free some space and try again."
      : `Make ${stateDir} a directory that you own and can write; if broker.lock in it is damaged and no broker runs, remove it.`,
    cause: error,
  });
}
