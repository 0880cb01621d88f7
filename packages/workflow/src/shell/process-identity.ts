/**
 * Which process a number means: a number is given out again, a number with the time of its start is not.
 *
 *   N1  Nothing is ever signalled by its number alone.
 *   N2  A process that nobody wrote down is found by a mark in its environment, as long as it has not changed that itself.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";

/** When it started, in whatever unit the system counts; undefined if it is not there. One that has ended and that nobody collected is there. */
export function startOf(pid: number): string | undefined {
  if (process.platform === "linux") {
    return statOf(pid)?.[19];
  }
  try {
    const line = execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
    return line === "" ? undefined : line;
  } catch {
    return undefined;
  }
}

/** Processes of the group that this one led, the leader included. */
export function groupOf(leader: number): readonly number[] {
  if (process.platform === "linux") {
    return readdirSync("/proc")
      .map(Number)
      .filter((pid) => Number.isInteger(pid) && pid > 0)
      .filter((pid) => {
        const fields = statOf(pid);
        return fields !== undefined && fields[0] !== "Z" && fields[0] !== "X" && Number(fields[2]) === leader;
      });
  }
  try {
    const lines = execFileSync("ps", ["-A", "-o", "pid=,pgid=,state="], { encoding: "utf8" }).split("\n");
    return lines.flatMap((line) => {
      const [pid, pgid, state = ""] = line.trim().split(/\s+/u);
      return Number(pgid) === leader && !state.startsWith("Z") ? [Number(pid)] : [];
    });
  } catch {
    return [];
  }
}

export interface MarkedGroup {
  /** Its number; the leader itself may have ended. */
  readonly leader: number;
  /** What the variable holds. */
  readonly value: string;
}

/** Groups in which something runs that was started with this variable in its environment, some of them more than once. */
export function markedGroups(variable: string): readonly MarkedGroup[] {
  return process.platform === "linux" ? markedInProc(variable) : markedByPs(variable);
}

function markedInProc(variable: string): readonly MarkedGroup[] {
  const wanted = Buffer.from(`${variable}=`);
  return readdirSync("/proc").flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid <= 0) return [];
    const value = variableOf(pid, wanted);
    const fields = value === undefined ? undefined : statOf(pid);
    if (value === undefined || fields === undefined) return [];
    return [{ leader: Number(fields[2]), value }];
  });
}

/** Nothing of a process that has just ended, or that is somebody else's. */
function variableOf(pid: number, wanted: Buffer): string | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(`/proc/${pid}/environ`);
  } catch {
    return undefined;
  }
  for (let at = bytes.indexOf(wanted); at >= 0; at = bytes.indexOf(wanted, at + 1)) {
    if (at > 0 && bytes[at - 1] !== 0) continue;
    const end = bytes.indexOf(0, at);
    return bytes.toString("utf8", at + wanted.length, end < 0 ? undefined : end);
  }
  return undefined;
}

/** Where the system shows the environment only beside the command, a value ends at the next blank. */
function markedByPs(variable: string): readonly MarkedGroup[] {
  try {
    const lines = execFileSync("ps", ["-A", "-E", "-ww", "-o", "pgid=,command="], {
      encoding: "utf8",
      maxBuffer: 64 * 1_048_576,
    }).split("\n");
    return lines.flatMap((line) => {
      const leader = Number.parseInt(line, 10);
      const value = line.split(` ${variable}=`)[1]?.split(" ", 1)[0];
      return value === undefined || !(leader > 0) ? [] : [{ leader, value }];
    });
  } catch {
    return [];
  }
}

/** The fields of `/proc/PID/stat` after the name: state, parent, group, session, …; the start is the twentieth. */
function statOf(pid: number): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}
