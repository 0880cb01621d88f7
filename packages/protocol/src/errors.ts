import { z } from "zod";

export interface ErrorCodeInfo {
  /** rejection: understood and refused. fault: the world failed. violation: a peer broke the protocol. defect: our bug. */
  readonly kind: "rejection" | "fault" | "violation" | "cancellation" | "defect";
  readonly retry: "never" | "later" | "backoff";
  /** The HTTP status under which this leaves an HTTP endpoint. */
  readonly http: number;
  readonly summary: string;
}

/** Every code that can leave the process. `docs/protocol/errors.md` is printed from this table. */
export const errorCodes = {
  invalid_request: { kind: "rejection", retry: "never", http: 400, summary: "The parameters do not fit the method." },
  unknown_method: { kind: "rejection", retry: "never", http: 404, summary: "No method has this name." },
  not_allowed: { kind: "rejection", retry: "never", http: 403, summary: "This client may not do that." },
  unauthenticated: { kind: "rejection", retry: "never", http: 401, summary: "The token is missing or wrong." },
  epoch_expired: {
    kind: "rejection",
    retry: "never",
    http: 401,
    summary: "The token belongs to an incarnation that is over.",
  },
  foreign_origin: {
    kind: "rejection",
    retry: "never",
    http: 403,
    summary: "The Host or Origin of the request is not this machine.",
  },
  command_conflict: {
    kind: "rejection",
    retry: "never",
    http: 409,
    summary: "This command id was used with another payload.",
  },

  unknown_agent: { kind: "rejection", retry: "never", http: 404, summary: "No agent has this name." },
  unknown_channel: { kind: "rejection", retry: "never", http: 404, summary: "No channel has this name." },
  unknown_message: { kind: "rejection", retry: "never", http: 404, summary: "No message has this id." },
  unknown_delivery: {
    kind: "rejection",
    retry: "never",
    http: 404,
    summary: "This message was not addressed to this agent.",
  },
  name_taken: { kind: "rejection", retry: "never", http: 409, summary: "A live agent has this name." },
  channel_exists: { kind: "rejection", retry: "never", http: 409, summary: "A channel has this name." },
  channel_full: { kind: "rejection", retry: "never", http: 409, summary: "The channel is at its bound of members." },
  not_a_member: { kind: "rejection", retry: "never", http: 409, summary: "The sender is not a member of the channel." },
  agent_ended: {
    kind: "rejection",
    retry: "never",
    http: 409,
    summary: "The agent was released, killed or is permanently dead.",
  },
  agent_not_running: { kind: "rejection", retry: "later", http: 409, summary: "The agent has no live process." },
  mailbox_full: { kind: "rejection", retry: "later", http: 429, summary: "The agent's mailbox is at its bound." },
  message_too_large: { kind: "rejection", retry: "never", http: 413, summary: "The body is over the bound." },
  invalid_text: {
    kind: "rejection",
    retry: "never",
    http: 400,
    summary: "The text is not valid UTF-8 or has no visible content.",
  },
  agent_limit: { kind: "rejection", retry: "never", http: 429, summary: "The broker knows as many agents as it may." },
  not_a_dead_letter: { kind: "rejection", retry: "never", http: 409, summary: "The delivery is not a dead letter." },
  not_blocked: { kind: "rejection", retry: "never", http: 409, summary: "The agent waits for nobody." },
  already_answered: {
    kind: "rejection",
    retry: "never",
    http: 409,
    summary: "Someone else has answered this, or it is over.",
  },
  not_answerable: {
    kind: "rejection",
    retry: "never",
    http: 409,
    summary: "What the program waits for can only be answered at its own terminal.",
  },
  held_by_another: { kind: "rejection", retry: "later", http: 409, summary: "Another client holds this agent." },
  hold_lost: { kind: "rejection", retry: "never", http: 409, summary: "The hold has expired or was taken over." },
  wrong_revision: {
    kind: "rejection",
    retry: "never",
    http: 409,
    summary: "The stream is at another revision than expected: someone else has appended to it.",
  },
  stream_closed: {
    kind: "rejection",
    retry: "never",
    http: 410,
    summary: "The stream was not appended to for so long that it can only be read.",
  },
  entry_too_large: {
    kind: "rejection",
    retry: "never",
    http: 413,
    summary: "The data of an entry, or the summary, is over the bound.",
  },
  lease_taken: { kind: "rejection", retry: "later", http: 409, summary: "Someone else holds this lease." },
  lease_lost: {
    kind: "rejection",
    retry: "never",
    http: 409,
    summary: "The lease has expired or was released: this token does not hold it.",
  },
  lease_limit: { kind: "rejection", retry: "later", http: 429, summary: "As many leases are held as may be." },
  too_many_requests: {
    kind: "rejection",
    retry: "later",
    http: 429,
    summary: "Too many requests or subscriptions are open on this connection.",
  },
  not_supported: { kind: "rejection", retry: "never", http: 501, summary: "This version cannot do that." },

  program_not_found: {
    kind: "rejection",
    retry: "never",
    http: 400,
    summary: "The program to spawn does not exist or cannot be run.",
  },
  cwd_not_found: { kind: "rejection", retry: "never", http: 400, summary: "The working directory does not exist." },
  spawn_failed: { kind: "fault", retry: "later", http: 500, summary: "The system could not start the program." },
  terminal_ended: { kind: "fault", retry: "never", http: 409, summary: "The terminal's program has ended." },
  terminal_exists: { kind: "fault", retry: "never", http: 409, summary: "A terminal has this id." },
  unknown_terminal: { kind: "rejection", retry: "never", http: 404, summary: "No terminal has this id." },
  terminal_busy: {
    kind: "fault",
    retry: "later",
    http: 429,
    summary: "Too much waits to be written into the terminal; nothing of this was.",
  },
  input_closed: {
    kind: "fault",
    retry: "never",
    http: 409,
    summary: "The program's input is closed; nothing more can be written to it.",
  },
  write_timeout: { kind: "fault", retry: "later", http: 504, summary: "The program does not read its terminal." },
  pty_host_lost: { kind: "fault", retry: "later", http: 503, summary: "The process that owns the terminals is gone." },

  broker_unreachable: { kind: "fault", retry: "backoff", http: 503, summary: "No broker answers here." },
  broker_running: { kind: "rejection", retry: "never", http: 409, summary: "A broker already runs on this directory." },
  broker_stopping: { kind: "fault", retry: "backoff", http: 503, summary: "The broker is shutting down." },
  socket_path_too_long: {
    kind: "fault",
    retry: "never",
    http: 500,
    summary: "The path of the socket is longer than the system allows.",
  },
  state_unwritable: { kind: "fault", retry: "never", http: 500, summary: "The state directory cannot be written." },
  disk_full: { kind: "fault", retry: "later", http: 507, summary: "The disk is full; nothing was recorded." },
  log_corrupt: { kind: "fault", retry: "never", http: 500, summary: "The event log is damaged." },
  log_unwritable: {
    kind: "fault",
    retry: "later",
    http: 500,
    summary: "The event log cannot be written; nothing was recorded.",
  },
  log_too_new: { kind: "fault", retry: "never", http: 500, summary: "The event log was written by a newer version." },

  timeout: { kind: "cancellation", retry: "later", http: 504, summary: "What was waited for did not happen in time." },
  cancelled: { kind: "cancellation", retry: "never", http: 499, summary: "Someone asked to stop." },

  invalid_frame: { kind: "violation", retry: "never", http: 400, summary: "The frame is not JSON of this protocol." },
  frame_too_large: { kind: "violation", retry: "never", http: 413, summary: "The frame is over the bound." },
  unsupported_version: {
    kind: "violation",
    retry: "never",
    http: 400,
    summary: "Client and broker have no protocol version in common.",
  },
  slow_consumer: {
    kind: "violation",
    retry: "later",
    http: 429,
    summary: "The client read too slowly and was dropped; resume from the cursor.",
  },

  internal: { kind: "defect", retry: "never", http: 500, summary: "A bug in agent-relay." },
} as const satisfies Record<string, ErrorCodeInfo>;

export type ErrorCode = keyof typeof errorCodes;

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCodes, code);
}

/**
 * The one shape in which a failure crosses a border. Branch on `code`, show `message`, never parse it.
 *
 * `code` is a plain string here, because a newer peer may know codes that we do not.
 */
export const ErrorEnvelope = z.object({
  code: z.string(),
  /** What was expected, what was found. */
  message: z.string(),
  /** Whether the same request may succeed later without change. */
  retryable: z.boolean(),
  /** What to do about it. */
  hint: z.string().optional(),
  /** Machine-readable particulars, for example the nearest names. */
  data: z.record(z.string(), z.unknown()).optional(),
});
export type ErrorEnvelope = z.infer<typeof ErrorEnvelope>;

/** Builds an envelope; whether it is retryable follows from the code, not from the call site. */
export function errorEnvelope(
  code: ErrorCode,
  message: string,
  more: { readonly hint?: string | undefined; readonly data?: Record<string, unknown> | undefined } = {},
): ErrorEnvelope {
  const envelope: ErrorEnvelope = { code, message, retryable: errorCodes[code].retry !== "never" };
  if (more.hint !== undefined) envelope.hint = more.hint;
  if (more.data !== undefined) envelope.data = more.data;
  return envelope;
}

/**
 * A failure with a code of the table, thrown on both sides of the wire.
 *
 * Tell it apart by `code`, never by `instanceof`: two copies of this package have two classes.
 */
export class RelayError extends Error {
  override readonly name = "RelayError";
  readonly code: string;
  readonly retryable: boolean;
  readonly hint: string | undefined;
  readonly data: Readonly<Record<string, unknown>> | undefined;

  constructor(envelope: ErrorEnvelope, options?: { readonly cause?: unknown }) {
    super(envelope.message, options);
    this.code = envelope.code;
    this.retryable = envelope.retryable;
    this.hint = envelope.hint;
    this.data = envelope.data;
  }

  toEnvelope(): ErrorEnvelope {
    const envelope: ErrorEnvelope = { code: this.code, message: this.message, retryable: this.retryable };
    if (this.hint !== undefined) envelope.hint = this.hint;
    if (this.data !== undefined) envelope.data = { ...this.data };
    return envelope;
  }
}

/** Shorthand for throwing a code of the table. */
export function relayError(
  code: ErrorCode,
  message: string,
  more: {
    readonly hint?: string | undefined;
    readonly data?: Record<string, unknown> | undefined;
    readonly cause?: unknown;
  } = {},
): RelayError {
  return new RelayError(
    errorEnvelope(code, message, more),
    more.cause === undefined ? undefined : { cause: more.cause },
  );
}

/**
 * The envelope of anything thrown that carries a code of the table: a `RelayError`, or a fault of a port. Nothing for
 * the rest, which are bugs and not for the peer to read.
 */
export function envelopeOf(thrown: unknown): ErrorEnvelope | undefined {
  if (typeof thrown !== "object" || thrown === null || !("code" in thrown) || typeof thrown.code !== "string")
    return undefined;
  if (!isErrorCode(thrown.code)) return undefined;
  const message = thrown instanceof Error ? thrown.message : thrown.code;
  const hint = "hint" in thrown && typeof thrown.hint === "string" ? thrown.hint : undefined;
  const data =
    "data" in thrown && typeof thrown.data === "object" && thrown.data !== null ? { ...thrown.data } : undefined;
  return errorEnvelope(thrown.code, message, { hint, data });
}
