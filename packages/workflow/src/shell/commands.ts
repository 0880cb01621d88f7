/**
 * Commands: programs that a step runs on pipes, each in a process group of its own.
 *
 *   C1  What it prints is kept in bounded memory, and reading it never makes the program wait for us.
 *   C2  Ending one ends its whole group: SIGTERM, then SIGKILL for whatever is left; it resolves when nothing is.
 *   C3  What is left of its group when a program has ended by itself is ended, too.
 *   C4  A group that a runner before this one has left behind is ended by its leader's number and start, or by a mark in
 *       its environment where the runner died before it could write the number down; nothing else ever is.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import process from "node:process";
import { StringDecoder } from "node:string_decoder";
import { setTimeout as pause } from "node:timers/promises";
import { boundedText } from "./bounded-text.ts";
import type { Environment } from "./environment.ts";
import { groupOf, markedGroups, startOf } from "./process-identity.ts";

const TERM_MS = 2_000;
const KILL_MS = 5_000;
const LOOK_MS = 20;
/** After the program has ended, a child that inherited its pipes may keep them open for ever. */
const DRAIN_MS = 100;

export interface CommandSpec {
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: Environment;
  /** What it may read on its standard input, to the end; nothing if absent. */
  readonly stdin?: string;
  /** How many characters of each of its two outputs are kept; what a step may hand on if absent. */
  readonly keep?: number;
}

export interface CommandEnd {
  readonly code: number | null;
  readonly signal: string | null;
  /** Its standard output, head and tail if it is long. */
  readonly output: string;
  /** Whether that is all of its standard output. */
  readonly isWhole: boolean;
  /** Its standard error, head and tail if it is long. */
  readonly errors: string;
}

export interface ProcessMark {
  readonly pid: number;
  readonly start: string;
}

export interface RunningCommand extends ProcessMark {
  readonly ended: Promise<CommandEnd>;
  readonly lastLine: () => string;
  /** Ends the group; resolves when nothing of it is left. */
  readonly end: () => Promise<void>;
}

/** Throws if the program cannot be started: what the system says, `ENOENT` for one that does not exist; or that `cwd` is not there. */
export async function startCommand(spec: CommandSpec): Promise<RunningCommand> {
  const [file, ...args] = spec.argv;
  const around = { cwd: spec.cwd, env: { ...spec.env }, detached: true };
  const child =
    spec.stdin === undefined
      ? spawn(file, args, { ...around, stdio: ["ignore", "pipe", "pipe"] })
      : spawn(file, args, { ...around, stdio: ["pipe", "pipe", "pipe"] });
  // Whether it reads that is its own affair.
  child.stdin?.on("error", () => undefined).end(spec.stdin);
  const output = boundedText(spec.keep);
  const errors = boundedText(spec.keep);
  const both = boundedText(2_048);
  for (const [stream, into] of [
    [child.stdout, output],
    [child.stderr, errors],
  ] as const) {
    const decoder = new StringDecoder("utf8");
    stream.on("data", (data: Buffer) => {
      const text = decoder.write(data);
      into.add(text);
      both.add(text);
    });
  }
  // Listened for before anything is awaited: a short program ends at once.
  const exited = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
  const closed = once(child, "close");
  closed.catch(() => undefined);
  exited.catch(() => undefined);
  try {
    await once(child, "spawn");
  } catch (error) {
    // The system says ENOENT of the program where it means the directory.
    if (!existsSync(spec.cwd)) throw new Error(`expected the directory ${spec.cwd}, found none`, { cause: error });
    throw error;
  }
  const { pid } = child;
  if (pid === undefined) throw new Error(`${file} has no process number`);
  const start = startOf(pid) ?? "";
  const ended = exited.then(async ([code, signal]): Promise<CommandEnd> => {
    // What it has left in the background does not outlive it.
    if (isGroup(pid)) await endGroup(pid);
    await Promise.race([closed, pause(DRAIN_MS, undefined, { ref: false })]);
    child.stdin?.destroy();
    child.stdout.destroy();
    child.stderr.destroy();
    return { code, signal, output: output.text(), isWhole: output.isWhole(), errors: errors.text() };
  });
  return {
    pid,
    start,
    ended,
    lastLine: both.lastLine,
    end: () => endGroup(pid),
  };
}

/** Ends what an earlier runner started and left, if it is still there. Answers whether there was anything. */
export async function endLeftover({ pid, start }: ProcessMark): Promise<boolean> {
  const found = startOf(pid);
  // Another process has the number by now, so the group is gone: a number is not given out while its group exists.
  if (found !== undefined && found !== start) return false;
  if (groupOf(pid).length === 0) return false;
  await endGroup(pid);
  return true;
}

/** Ends what earlier runners started and nobody wrote down any more. */
export async function endMarked(variable: string, isMeant: (value: string) => boolean): Promise<void> {
  const found = markedGroups(variable).filter(({ value }) => isMeant(value));
  await Promise.all([...new Set(found.map(({ leader }) => leader))].map(endGroup));
}

async function endGroup(leader: number): Promise<void> {
  if (await goneWithin(leader, "SIGTERM", TERM_MS)) return;
  if (await goneWithin(leader, "SIGKILL", KILL_MS)) return;
  throw new Error(`processes of the group ${leader} survive SIGKILL: ${groupOf(leader).join(", ")}`);
}

async function goneWithin(leader: number, signal: NodeJS.Signals, ms: number): Promise<boolean> {
  const until = performance.now() + ms;
  signalGroup(leader, signal);
  while (groupOf(leader).length > 0) {
    if (performance.now() > until) return false;
    await pause(LOOK_MS);
    // A fork may have slipped through.
    if (signal === "SIGKILL") signalGroup(leader, signal);
  }
  return true;
}

/** Whether there is any process in it, without looking through all of them. */
function isGroup(leader: number): boolean {
  try {
    process.kill(-leader, 0);
    return true;
  } catch {
    return false;
  }
}

function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch {
    // It is gone, which is what was wanted.
  }
}
