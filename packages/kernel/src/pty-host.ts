import type { Instant } from "./ports.ts";

/** Names one program and its terminal or pipes for as long as their host lives; the broker uses `<agent>@<epoch>`. */
export type TerminalId = string;

export interface TerminalSpec {
  readonly id: TerminalId;
  /** The program and its arguments. The program is looked up on the PATH of `env`. */
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  /** The whole environment: nothing is inherited from the host. */
  readonly env: Readonly<Record<string, string>>;
  /** A terminal, for people's programs; or pipes, for programs that speak a protocol of bytes. */
  readonly stdio: "terminal" | "pipes";
  /** Of the terminal; without a meaning for pipes. */
  readonly cols: number;
  readonly rows: number;
}

/**
 * One step of a write. A `pause` keeps programs that treat fast input as a paste from swallowing the submit key. `end`
 * closes the standard input of a program on pipes, after everything that was written before it: it is the last step of
 * its write, and no write follows it. A terminal cannot be closed so: there, a key says that nothing more comes.
 */
export type WriteStep =
  | { readonly type: "data"; readonly data: string }
  | { readonly type: "pause"; readonly ms: number }
  | { readonly type: "end" };

/**
 * What the host knows of a write by its id. It remembers the newest 64 of each terminal, so that a broker that died
 * in between can ask what became of it.
 */
export type WriteState = "pending" | "drained" | "failed" | "unknown";

export interface TerminalEnding {
  readonly code: number | undefined;
  /** Signal name, for example `SIGKILL`. */
  readonly signal: string | undefined;
  readonly at: Instant;
}

export interface TerminalInfo {
  readonly id: TerminalId;
  readonly pid: number;
  readonly startedAt: Instant;
  readonly stdio: "terminal" | "pipes";
  readonly cols: number;
  readonly rows: number;
  /** Offset of the oldest byte of output still kept, and of the next byte to come. */
  readonly firstOffset: number;
  readonly nextOffset: number;
  /** Whether the program has bracketed paste on, by all that it ever wrote. Never on pipes. */
  readonly bracketedPaste: boolean;
  readonly ending: TerminalEnding | undefined;
}

export type PtyHostEvent =
  /** `data` starts at `offset`; offsets of one terminal never overlap and never run backwards. */
  | { readonly type: "output"; readonly id: TerminalId; readonly offset: number; readonly data: Uint8Array }
  /** From a program on pipes: its standard error, with offsets of its own. A gap in them says what was missed. */
  | { readonly type: "stderr"; readonly id: TerminalId; readonly offset: number; readonly data: Uint8Array }
  /** No output of this terminal follows. Output at the very end may have been lost by the kernel; never on pipes. */
  | { readonly type: "exited"; readonly id: TerminalId; readonly ending: TerminalEnding }
  /** The connection to the host is gone, and with it every terminal. */
  | { readonly type: "lost"; readonly reason: string };

/**
 * Programs in terminals or on pipes, owned by a process of its own that outlives the broker.
 *
 *   P1  Each program leads its own process group.
 *   P2  Output comes in order, addressed by byte offset; the newest 1 MiB of each terminal can be read again, 8 MiB of pipes.
 *   P3  A write runs to its end even when the one who asked for it dies, and its outcome can be asked for by id.
 *   P4  An ending is kept until `forget`, so that nobody misses it.
 *   P5  A program that does not read makes its own writes wait or fail, never those of others; the bytes in flight are bounded.
 *   P6  Of the standard output of a program on pipes no byte is lost: a program that is 6 MiB ahead of every client waits
 *       in its write until a client catches up. All of it comes before the ending. What a client got can be read again
 *       for at least 1 MiB more.
 *   P7  The standard error of a program on pipes never mixes with its output and never makes it wait; the newest 64 KiB are kept.
 *
 * A client has got what its listeners were called with, in one piece with what clients got before, and everything up to
 * the end of what it was answered by `read`. So whoever takes over a program reads on from where he is, and a
 * connection without listeners holds a program back.
 */
export interface PtyHost {
  /** Resolves when the program runs. Throws a `Fault`: `spawn_failed`, `terminal_exists`, `pty_host_lost`. */
  readonly spawn: (spec: TerminalSpec) => Promise<TerminalInfo>;
  /**
   * Resolves with `drained` when the kernel has taken every byte. The same `writeId` again does not write again and
   * answers what became of the first. Throws a `Fault`: `terminal_ended`, `terminal_busy`, `write_timeout`, `input_closed`,
   * `pty_host_lost`, and `invalid_request` for an `end` that is not last or is meant for a terminal. On pipes a write
   * that failed with `write_timeout` half-way is still finished before the next one, so that no line is torn.
   */
  readonly write: (id: TerminalId, writeId: string, steps: readonly WriteStep[]) => Promise<"drained">;
  readonly writeState: (id: TerminalId, writeId: string) => Promise<WriteState>;
  /** For terminals; a program on pipes has no size (`invalid_request`). */
  readonly resize: (id: TerminalId, cols: number, rows: number) => Promise<void>;
  /** Signals the whole process group. A group that is gone already is what we wanted. */
  readonly signal: (id: TerminalId, signal: string) => Promise<void>;
  /**
   * The ladder: writes `polite` (if there is none, but a `politeMs`, the input of a program on pipes is closed), waits
   * `politeMs`, SIGTERM to the group, waits `termMs`, SIGKILL to the group, and resolves when no process of the group is
   * left. Runs in the host, so it finishes without the broker.
   */
  readonly terminate: (
    id: TerminalId,
    ladder: { readonly polite?: readonly WriteStep[]; readonly politeMs: number; readonly termMs: number },
  ) => Promise<void>;
  readonly list: () => Promise<readonly TerminalInfo[]>;
  /**
   * Output kept in the ring from `fromOffset` on; what is older than the ring is missing, and the returned offset says so.
   * Of a program on pipes, everything before the end of the answer is got from then on (P6).
   */
  readonly read: (
    id: TerminalId,
    fromOffset: number,
  ) => Promise<{ readonly offset: number; readonly data: Uint8Array }>;
  /** What is kept of the standard error of a program on pipes; of a terminal there is nothing apart. */
  readonly readErrors: (id: TerminalId) => Promise<{ readonly offset: number; readonly data: Uint8Array }>;
  /** Resident memory of the program's process group, in bytes, and the number of its processes. */
  readonly usage: (id: TerminalId) => Promise<{ readonly memoryBytes: number; readonly processes: number } | undefined>;
  /** Drops an ended terminal and its output. */
  readonly forget: (id: TerminalId) => Promise<void>;
  /** Events from now on. Returns the way to stop. */
  readonly subscribe: (listener: (event: PtyHostEvent) => void) => () => void;
  /** Lets go of the host; the terminals live on. Idempotent. */
  readonly close: () => Promise<void>;
  /** Ends every terminal with the ladder and then the host. */
  readonly shutdown: () => Promise<void>;
}
