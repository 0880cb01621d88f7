import type { Instant } from "./ports.ts";

/** Position of a fact in the whole log. The first fact has 1; there are no gaps. */
export type Sequence = number;

/** A fact on its way into the log. */
export interface Append<Event> {
  /** The aggregate that the fact belongs to, for example `agent/ada`. */
  readonly stream: string;
  readonly event: Event;
  readonly at: Instant;
  /** Who caused it: an origin actor such as `agent-relay-cli/agent/codex`. */
  readonly actor?: string;
  /** The client command that caused it. Only the first fact of a command carries it. */
  readonly command?: CommandStamp;
}

/** What makes a client command happen once: the id that the client chose, a digest of its payload, and the answer. */
export interface CommandStamp {
  readonly id: string;
  readonly digest: string;
  readonly answer: unknown;
}

/** A fact in the log. */
export interface Recorded<Event> {
  readonly sequence: Sequence;
  readonly stream: string;
  /** Position within the stream, from 1. */
  readonly revision: number;
  readonly at: Instant;
  readonly actor: string | undefined;
  readonly event: Event;
}

export interface ReadOptions {
  /** Facts with a greater sequence. 0 reads from the start. */
  readonly after: Sequence;
  readonly limit: number;
  /** Only this stream. */
  readonly stream?: string;
  /** Facts with a greater revision; only together with `stream`. */
  readonly afterRevision?: number;
  /** Only facts of these types. */
  readonly types?: readonly string[];
}

/**
 * The one durable truth.
 *
 *   L1  `append` is all or nothing, and what it returned survives a crash of the process and of the machine.
 *   L2  Sequences are dense, revisions are dense within their stream, both in the order of appending.
 *   L3  What was read once is never changed.
 *   L4  A command id is recorded at most once.
 */
export interface EventLog<Event> {
  /** Durable when it returns. Throws a `Fault` (`disk_full`, `log_unwritable`, …) and then nothing was appended. */
  readonly append: (appends: readonly Append<Event>[]) => readonly Recorded<Event>[];
  /** In order of sequence. */
  readonly read: (options: ReadOptions) => readonly Recorded<Event>[];
  readonly get: (sequence: Sequence) => Recorded<Event> | undefined;
  /** The revision of the newest fact of a stream; 0 when there is none. */
  readonly revisionOf: (stream: string) => number;
  /** The sequence of the newest fact; 0 when there is none. */
  readonly head: () => Sequence;
  /** The stamp under which a command was recorded, if it was. */
  readonly findCommand: (id: string) => CommandStamp | undefined;
  /** Idempotent. */
  readonly close: () => void;
}
