import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { codeOf } from "@agent-relay/kernel";

/** One process that belongs to a terminal's program. */
export interface Member {
  readonly pid: number;
  readonly pgid: number;
  readonly memoryBytes: number;
}

interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly pgid: number;
  /** Undefined where the system does not tell (macOS): then only the group counts. */
  readonly session: number | undefined;
  /** When it began, in ticks since the machine did: with it, a number is told from the same number given out again. */
  readonly startedAt: number;
}

/**
 * The living processes of the group `leader` and, on Linux, of the session `leader`: interactive shells put every job
 * into a group of its own. Zombies are not counted: they hold nothing and wait only for their parent.
 */
export async function membersOf(leader: number): Promise<readonly Member[]> {
  if (process.platform !== "linux") return (await listByPs()).filter((it) => it.pgid === leader);
  const members: Member[] = [];
  for (const entry of await listByProc()) {
    if (entry.pgid !== leader && entry.session !== leader) continue;
    members.push({ pid: entry.pid, pgid: entry.pgid, memoryBytes: residentBytes(entry.pid) });
  }
  return members;
}

/** A process that a program has started into a session of its own, as some run their tools. */
export interface Stray {
  readonly pid: number;
  readonly startedAt: number;
}

/**
 * What descends from the program and has left its group and its session, `known` ones that still live and what they have
 * started included. Linux alone tells; elsewhere there are none. One whose parent has ended before anybody looked is not
 * found: it was let go on purpose.
 */
export async function straysOf(leader: number | undefined, known: readonly Stray[]): Promise<readonly Stray[]> {
  if (process.platform !== "linux") return [];
  const entries = await listByProc();
  const isOfGroup = ({ pgid, session }: ProcessEntry): boolean => pgid === leader || session === leader;
  const family = new Set(entries.filter(isOfGroup).map(({ pid }) => pid));
  for (const { pid, startedAt } of entries)
    if (known.some((it) => it.pid === pid && it.startedAt === startedAt)) family.add(pid);
  for (let before = 0; before !== family.size;) {
    before = family.size;
    for (const { pid, parent } of entries) if (family.has(parent)) family.add(pid);
  }
  return entries.filter((it) => family.has(it.pid) && !isOfGroup(it));
}

/** Whether its number is still that process's. */
export function isStill({ pid, startedAt }: Stray): boolean {
  const stat = readIfThere(`/proc/${pid}/stat`);
  return stat !== undefined && parseProcStat(pid, stat)?.startedAt === startedAt;
}

/** Sends a signal to a group (negative) or a process; one that is gone already is what we wanted. */
export function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    const code = codeOf(error);
    // EPERM: a program changed its user, for example by sudo; the ladder's last look reports it.
    if (code !== "ESRCH" && code !== "EPERM") throw error;
  }
}

/** Processes looked at before other work gets its turn; some 15 µs each. */
const SLICE = 32;

async function listByProc(): Promise<readonly ProcessEntry[]> {
  const entries: ProcessEntry[] = [];
  let inSlice = 0;
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    if (++inSlice % SLICE === 0) await new Promise(setImmediate);
    const stat = readIfThere(`/proc/${pid}/stat`);
    const entry = stat === undefined ? undefined : parseProcStat(pid, stat);
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}

/** The name of the program, in parentheses, may itself contain blanks and parentheses: fields count from the last one. */
export function parseProcStat(pid: number, stat: string): ProcessEntry | undefined {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ", 20);
  const [state, parent, pgid, session] = fields;
  if (state === undefined || state === "Z" || state === "X") return undefined;
  return {
    pid,
    parent: Number(parent),
    pgid: Number(pgid),
    session: Number(session),
    startedAt: Number(fields[19]),
  };
}

function residentBytes(pid: number): number {
  const status = readIfThere(`/proc/${pid}/status`);
  const kilobytes = /^VmRSS:\s+(\d+) kB$/mu.exec(status ?? "")?.[1];
  return kilobytes === undefined ? 0 : Number(kilobytes) * 1024;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch {
    // The process ended while we were looking.
    return undefined;
  }
}

function listByPs(): Promise<readonly Member[]> {
  return new Promise((resolve, reject) => {
    execFile("/bin/ps", ["-axo", "pid=,pgid=,rss=,state="], (error, stdout) => {
      if (error === null) resolve(parsePs(stdout));
      else reject(new Error("ps failed", { cause: error }));
    });
  });
}

export function parsePs(table: string): readonly Member[] {
  const members: Member[] = [];
  for (const line of table.split("\n")) {
    const [pid, pgid, rss, state] = line.trim().split(/\s+/u);
    if (state === undefined || state.startsWith("Z")) continue;
    members.push({ pid: Number(pid), pgid: Number(pgid), memoryBytes: Number(rss) * 1024 });
  }
  return members;
}
