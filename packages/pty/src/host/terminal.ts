/**
 * One program of the host, and how it is run in a terminal: the program, what it wrote, what is being written to it, and how it ended.
 *
 *   T1  Output goes into the ring in the order of the kernel; once the ending is known, nothing follows.
 *   T2  What the program wrote before it ended is in the ring when the ending is announced.
 *   T3  The descriptor is not used after it was closed: by then it may belong to another terminal.
 */
import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import { constants as systemConstants } from "node:os";
import { ReadStream } from "node:tty";
import { RING_BYTES_MAX } from "../bounds.ts";
import { byteRing } from "../byte-ring.ts";
import { pasteMode } from "../paste-mode.ts";
import { faults } from "../faults.ts";
import { planLaunch } from "./launch.ts";
import { forkTerminal, resizeTerminal } from "./native-pty.ts";
import { send } from "./processes.ts";
import { writeQueue } from "./write-queue.ts";
import type { ByteRing } from "../byte-ring.ts";
import type { ForkedTerminal } from "./native-pty.ts";
import type { WriteQueue } from "./write-queue.ts";
import type { Clock, TerminalEnding, TerminalId, TerminalInfo, TerminalSpec } from "@agent-relay/kernel";

/** A program in a terminal or on pipes, what it wrote, what is being written to it, and how it ended. */
export interface Terminal {
  readonly id: TerminalId;
  readonly pid: number;
  readonly stdio: TerminalSpec["stdio"];
  readonly ring: ByteRing;
  /** Its standard error, if that is apart. */
  readonly errors: ByteRing;
  readonly writes: WriteQueue;
  readonly info: () => TerminalInfo;
  readonly ending: () => TerminalEnding | undefined;
  /** Resolves when the program has ended and its last output is in the ring. */
  readonly ended: Promise<void>;
  readonly resize: (cols: number, rows: number) => void;
  /** A client has got this part of its output. */
  readonly got: (from: number, to: number) => void;
}

export interface TerminalListener {
  /** There is more in one of the rings. */
  readonly onOutput: (terminal: Terminal) => void;
  readonly onExit: (terminal: Terminal) => void;
}

/** Output taken at the very end; a survivor of the group could write for ever. Four times what the kernel holds. */
const LAST_OUTPUT_BYTES_MAX = 256 * 1024;

export interface TerminalOptions {
  readonly clock: Clock;
  readonly writeTimeoutMs: number;
  readonly listener: TerminalListener;
}

export function openTerminal(spec: TerminalSpec, options: TerminalOptions): Terminal {
  const { clock, listener } = options;
  const { id } = spec;
  const ring = byteRing(RING_BYTES_MAX);
  let { cols, rows } = spec;
  let ending: TerminalEnding | undefined;
  let open = true;
  let stillborn = false;
  let announceEnd = (): void => undefined;
  const ended = new Promise<void>((resolve) => {
    announceEnd = resolve;
  });

  const onExit = (code: number, signal: number): void => {
    if (stillborn) return;
    readTheRest(forked.fd, take, () => open && !reader.destroyed);
    close();
    ending = {
      code: signal === 0 ? code : undefined,
      signal: signal === 0 ? undefined : signalName(signal),
      at: clock.now(),
    };
    writes.end();
    listener.onExit(terminal);
    announceEnd();
  };

  const forked = fork(spec, onExit);
  const startedAt = clock.now();
  // Held open so that the kernel never reports a hang-up while output is still to be read (see `native-pty.ts`).
  let slave: number | undefined;
  let reader: ReadStream;
  try {
    slave = openSync(forked.pty, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
    reader = new ReadStream(forked.fd);
  } catch (error) {
    stillborn = true;
    if (slave !== undefined) closeSync(slave);
    closeSync(forked.fd);
    send(-forked.pid, "SIGKILL");
    throw faults.spawnFailed(`Cannot open the terminal of ${spec.argv[0]}.`, error);
  }

  const paste = pasteMode();
  const take = (data: Uint8Array): void => {
    paste.see(data);
    ring.append(data);
    listener.onOutput(terminal);
  };

  const close = (): void => {
    if (!open) return;
    open = false;
    reader.destroy();
    if (slave !== undefined) closeSync(slave);
  };

  reader.on("data", take);
  // The descriptor is gone with the error; the program will notice, and its exit is what counts.
  reader.on("error", close);

  const writes = writeQueue({
    id,
    clock,
    timeoutMs: options.writeTimeoutMs,
    kernelWrite: (bytes) => {
      if (!open || reader.destroyed) return 0;
      try {
        return writeSync(forked.fd, bytes);
      } catch {
        // EAGAIN nearly always. Whatever it is, the kernel has not taken the bytes; time or the exit will tell.
        return 0;
      }
    },
  });

  const terminal: Terminal = {
    id,
    pid: forked.pid,
    stdio: "terminal",
    ring,
    errors: byteRing(0),
    writes,
    ended,
    ending: () => ending,
    info: () => ({
      id,
      pid: forked.pid,
      startedAt,
      stdio: "terminal",
      cols,
      rows,
      firstOffset: ring.firstOffset(),
      nextOffset: ring.nextOffset(),
      bracketedPaste: paste.isOn(),
      ending,
    }),
    resize: (newCols, newRows) => {
      if (!open || reader.destroyed) throw faults.terminalEnded(id);
      resizeTerminal(forked.fd, newCols, newRows);
      cols = newCols;
      rows = newRows;
    },
    got: () => undefined,
  };
  return terminal;
}

function fork(spec: TerminalSpec, onExit: (code: number, signal: number) => void): ForkedTerminal {
  const argv = planLaunch(spec);
  try {
    return forkTerminal({ argv, env: spec.env, cwd: spec.cwd, cols: spec.cols, rows: spec.rows, onExit });
  } catch (error) {
    throw faults.spawnFailed(`Cannot start ${spec.argv[0]}: the system gives no terminal or no process.`, error);
  }
}

function readTheRest(fd: number, take: (data: Uint8Array) => void, isOpen: () => boolean): void {
  if (!isOpen()) return;
  const buffer = Buffer.allocUnsafe(16 * 1024);
  try {
    for (let total = 0; total < LAST_OUTPUT_BYTES_MAX;) {
      const count = readSync(fd, buffer);
      if (count === 0) return;
      take(buffer.subarray(0, count));
      total += count;
    }
  } catch {
    // EAGAIN or EIO: there is no more.
  }
}

const signalNames = new Map<number, string>(
  // Where two names share a number (SIGABRT and SIGIOT), the first is the usual one.
  Object.entries(systemConstants.signals)
    .toReversed()
    .map(([name, number]) => [number, name]),
);

function signalName(signal: number): string {
  return signalNames.get(signal) ?? `SIG${signal}`;
}
