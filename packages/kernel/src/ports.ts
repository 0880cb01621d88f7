/** Milliseconds since the Unix epoch. */
export type Instant = number;

/** The only source of time. Tests move it by hand. */
export interface Clock {
  readonly now: () => Instant;
  /** Calls `fire` once, at or after `at`. Setting a timer again under the same key replaces it. */
  readonly setTimer: (key: string, at: Instant, fire: () => void) => void;
  /** Clearing a timer that is not set does nothing. */
  readonly clearTimer: (key: string) => void;
}

/** The only source of chance. */
export interface IdSource {
  /** A new identifier that sorts by time of creation, for example `msg_01hf…`. */
  readonly next: (prefix: string) => string;
  /** A number in [0, 1), for jitter. */
  readonly random: () => number;
}

export interface Logger {
  readonly debug: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
  readonly info: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
  readonly warn: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
  readonly error: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
}
