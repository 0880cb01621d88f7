/** Whether doing the same again may help, and when. */
export type Retry = "never" | "later" | "backoff";

/**
 * The world failed: a disk, a spawn, a socket. Not a refusal (those are values) and not a bug (see `invariant`).
 *
 * Told apart by `code`, never by its class, because two copies of a package have two classes.
 */
export class Fault extends Error {
  override readonly name = "Fault";
  readonly code: string;
  readonly retry: Retry;
  /** What a person can do about it. */
  readonly hint: string | undefined;
  /** Machine-readable particulars. */
  readonly data: Readonly<Record<string, unknown>> | undefined;

  constructor(options: {
    readonly code: string;
    readonly message: string;
    readonly retry?: Retry;
    readonly hint?: string;
    readonly data?: Readonly<Record<string, unknown>>;
    readonly cause?: unknown;
  }) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.retry = options.retry ?? "never";
    this.hint = options.hint;
    this.data = options.data;
  }
}

/** The `code` of anything thrown that carries one: a `Fault`, a system error, an error of ours from another copy. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** The message of anything thrown, for a person. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
