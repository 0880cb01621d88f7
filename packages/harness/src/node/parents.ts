/**
 * The processes above this one, nearest first, with their argument vectors.
 *
 *   N1  Argument vectors, never the short name: a program started by Node is only `node` there.
 *   N2  At most eight, none twice. Whatever cannot be read ends the walk; it is never an error.
 *   N3  Lazy: a process is looked at only when it is asked for.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import {
  findOrchestrator,
  parentsMax,
  type Environment,
  type Orchestrator,
  type ParentProcess,
} from "../attribution.ts";

export interface ProcessFacts {
  readonly ppid: number;
  readonly argv: readonly string[];
}

/** `look` tells about one process; the real one reads `/proc` on Linux and asks `ps` elsewhere. */
export function* parentProcesses(
  from: number = process.ppid,
  look: (pid: number) => ProcessFacts | undefined = lookAtProcess,
): Generator<ParentProcess, void, undefined> {
  const seen = new Set<number>();
  let pid = from;
  while (pid > 0 && !seen.has(pid) && seen.size < parentsMax) {
    seen.add(pid);
    const facts = look(pid);
    if (facts === undefined) return;
    yield { pid, argv: facts.argv };
    pid = facts.ppid;
  }
}

let found: Orchestrator | undefined;

/** Who started this process; found once, then remembered. */
export function currentOrchestrator(env: Environment): Orchestrator {
  found ??= findOrchestrator({ env, parents: parentProcesses() });
  return found;
}

export function lookAtProcess(pid: number): ProcessFacts | undefined {
  if (process.platform === "linux") return lookInProc(pid);
  return process.platform === "win32" ? undefined : askPs(pid);
}

function lookInProc(pid: number): ProcessFacts | undefined {
  try {
    // The second field is the name in parentheses and may itself contain spaces and parentheses.
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const ppid = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    const argv = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    // A program that renames itself leaves the rest of its old vector empty.
    while (argv.at(-1) === "") argv.pop();
    return Number.isInteger(ppid) ? { ppid, argv: rewritten(argv) } : undefined;
  } catch {
    // It has ended, or belongs to someone else: there is nothing more to learn on this way.
    return undefined;
  }
}

/** A program's new name may be a whole command line, `claude --resume x`, in one string. */
function rewritten(argv: readonly string[]): readonly string[] {
  const [only = ""] = argv;
  return argv.length === 1 && /^[^/\\]+\s/u.test(only) ? only.split(/\s+/u) : argv;
}

/** macOS and the BSDs give the vector joined by spaces; a path with spaces in it is cut, and then not recognised. */
function askPs(pid: number): ProcessFacts | undefined {
  try {
    const line = execFileSync("ps", ["-ww", "-o", "ppid=,args=", "-p", String(pid)], {
      encoding: "utf8",
      timeout: 2_000,
      stdio: ["ignore", "pipe", "ignore"],
    });
    const match = /^\s*(\d+)\s+(.*\S)\s*$/su.exec(line);
    return match === null ? undefined : { ppid: Number(match[1]), argv: (match[2] ?? "").split(/\s+/u) };
  } catch {
    return undefined;
  }
}
