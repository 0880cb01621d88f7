/**
 * One program on pipes: its standard output to the byte, its standard error apart, and an input that can end.
 *
 *   T1, T2 and T3 of `terminal.ts` hold here too, T2 without exception.
 *   T4  Of the standard output nothing is dropped that no client got: then the pipe is not read, and the program waits.
 *   T5  The standard error is always read and costs a bounded amount of memory.
 */
import { spawn } from "node:child_process";
import { readSync, writeSync } from "node:fs";
import { codeOf } from "@agent-relay/kernel";
import { ERROR_BYTES_MAX, PIPE_AHEAD_AT_END_BYTES_MAX, PIPE_AHEAD_BYTES_MAX, PIPE_RING_BYTES_MAX } from "../bounds.ts";
import { byteRing } from "../byte-ring.ts";
import { faults } from "../faults.ts";
import { receipts } from "../receipts.ts";
import { planLaunch } from "./launch.ts";
import { send } from "./processes.ts";
import { writeQueue } from "./write-queue.ts";
import type { Terminal, TerminalOptions } from "./terminal.ts";
import type { TerminalEnding, TerminalSpec } from "@agent-relay/kernel";
import type { ChildProcessWithoutNullStreams } from "node:child_process";

/** Taken after the end; a survivor of the group that holds the pipe could write for ever. Far more than the kernel holds. */
const LAST_BYTES_MAX = PIPE_RING_BYTES_MAX;

const PIECE_BYTES_MAX = 64 * 1024;

export function openPiped(spec: TerminalSpec, options: TerminalOptions): Terminal {
  const { clock, listener } = options;
  const { id, cols, rows } = spec;
  const ring = byteRing(PIPE_RING_BYTES_MAX);
  const errors = byteRing(ERROR_BYTES_MAX);
  const taken = receipts();
  const { child, pid } = start(spec);
  const { stdin, stdout, stderr } = child;
  const startedAt = clock.now();
  /** How it ended; not yet said, because some of its output is still in the pipe. */
  let exit: TerminalEnding | undefined;
  let ending: TerminalEnding | undefined;
  let lastBytesLeft = LAST_BYTES_MAX;
  let announceEnd = (): void => undefined;
  const ended = new Promise<void>((resolve) => {
    announceEnd = resolve;
  });

  const room = (): number => {
    const ahead = ring.nextOffset() - taken.upTo();
    if (exit === undefined) return PIPE_AHEAD_BYTES_MAX - ahead;
    return Math.min(PIPE_AHEAD_AT_END_BYTES_MAX - ahead, lastBytesLeft);
  };

  const take = (data: Uint8Array): void => {
    ring.append(data);
    if (exit !== undefined) lastBytesLeft -= data.length;
    listener.onOutput(terminal);
  };

  /** What Node has read of the output, as far as there is room. It reads on only when little of that is left. */
  const takeRead = (): void => {
    for (let left = room(); left > 0 && stdout.readableLength > 0; left = room()) {
      const data: unknown = stdout.read(Math.min(left, stdout.readableLength));
      if (!(data instanceof Uint8Array)) return;
      take(data);
    }
  };

  /** After the end: what is left. It may have to wait for a client, and is tried again when one got something. */
  const finish = (ended: TerminalEnding): void => {
    takeRead();
    if (room() > 0) readAll(stdout, take, room);
    // Full, with more to come: the rest stays in the kernel until there is room.
    if (lastBytesLeft > 0 && room() <= 0) return;
    let errorsLeft = LAST_BYTES_MAX;
    readAll(
      stderr,
      (data) => {
        errorsLeft -= data.length;
        errors.append(data);
      },
      () => errorsLeft,
    );
    for (const stream of [stdin, stdout, stderr]) stream.destroy();
    ending = ended;
    listener.onExit(terminal);
    announceEnd();
  };

  const proceed = (): void => {
    if (ending !== undefined) return;
    if (exit === undefined) takeRead();
    else finish(exit);
  };

  stdout.on("readable", proceed);
  stderr.on("data", (data: Buffer) => {
    errors.append(data);
    listener.onOutput(terminal);
  });
  child.on("exit", (code, signal) => {
    exit = { code: code ?? undefined, signal: signal ?? undefined, at: clock.now() };
    writes.end();
    proceed();
  });
  // A signal that could not be sent, a stream that broke: what counts is the exit.
  for (const emitter of [child, stdin, stdout, stderr]) emitter.on("error", () => undefined);

  const writes = writeQueue({
    id,
    clock,
    timeoutMs: options.writeTimeoutMs,
    kernelWrite: (bytes) => {
      const fd = descriptorOf(stdin);
      if (fd === undefined) return "closed";
      try {
        return writeSync(fd, bytes);
      } catch (error) {
        return isClosed(error) ? "closed" : 0;
      }
    },
    kernelEnd: () => {
      stdin.end();
    },
  });

  const terminal: Terminal = {
    id,
    pid,
    stdio: "pipes",
    ring,
    errors,
    writes,
    ended,
    ending: () => ending,
    info: () => ({
      id,
      pid,
      startedAt,
      stdio: "pipes",
      cols,
      rows,
      firstOffset: ring.firstOffset(),
      nextOffset: ring.nextOffset(),
      bracketedPaste: false,
      ending,
    }),
    resize: () => {
      throw faults.noSize(id);
    },
    got: (from, to) => {
      taken.got(from, Math.min(to, ring.nextOffset()));
      proceed();
    },
  };
  return terminal;
}

function start(spec: TerminalSpec): { readonly child: ChildProcessWithoutNullStreams; readonly pid: number } {
  const [file, ...args] = planLaunch(spec);
  let child: ChildProcessWithoutNullStreams;
  try {
    // Detached: a session and a process group of its own.
    child = spawn(file, args, { cwd: spec.cwd, env: { ...spec.env }, detached: true, stdio: "pipe" });
  } catch (error) {
    throw cannotStart(spec, error);
  }
  if (child.pid === undefined) {
    // The reason comes later, as an event; by then the caller has been told.
    child.on("error", () => undefined);
    throw cannotStart(spec);
  }
  if (descriptorOf(child.stdin) === undefined || descriptorOf(child.stdout) === undefined) {
    send(-child.pid, "SIGKILL");
    throw new Error("This version of Node does not say which descriptor a pipe has.");
  }
  return { child, pid: child.pid };
}

function cannotStart(spec: TerminalSpec, cause?: unknown): Error {
  return faults.spawnFailed(`Cannot start ${spec.argv[0]}: the system gives no pipes or no process.`, cause);
}

/**
 * The descriptor behind a pipe, as long as it is open. It is not public API, and there is no other way to learn how much
 * the kernel has taken of a write, or has left of what a program wrote before it ended.
 */
function descriptorOf(stream: object): number | undefined {
  const handle = "_handle" in stream ? stream._handle : undefined;
  if (typeof handle !== "object" || handle === null || !("fd" in handle)) return undefined;
  return typeof handle.fd === "number" && handle.fd >= 0 ? handle.fd : undefined;
}

/** Reads what the kernel has now, up to the end or until there is no more room. */
function readAll(stream: object, take: (data: Uint8Array) => void, room: () => number): void {
  const fd = descriptorOf(stream);
  if (fd === undefined) return;
  const buffer = Buffer.allocUnsafe(PIECE_BYTES_MAX);
  try {
    for (let left = room(); left > 0; left = room()) {
      const count = readSync(fd, buffer, 0, Math.min(left, buffer.length), null);
      if (count === 0) return;
      take(buffer.subarray(0, count));
    }
  } catch {
    // EAGAIN: there is no more now, and the program is gone.
  }
}

function isClosed(error: unknown): boolean {
  const code = codeOf(error);
  return code === "EPIPE" || code === "ECONNRESET";
}
