/** The low-level client: typed requests, subscriptions and terminal output over one connection that mends itself. */
import type { EventFilter, Method, MethodParams, MethodResult, Principal, RelayEvent } from "@agent-relay/protocol";

export interface CallOptions {
  /** The idempotency key of a command. Made up if absent; the same one is used again when a call is retried after a reconnect. */
  readonly commandId?: string;
  readonly signal?: AbortSignal;
}

export type TerminalChunk =
  | { readonly type: "output"; readonly epoch: number; readonly offset: number; readonly data: Uint8Array }
  | { readonly type: "gap"; readonly from: number; readonly to: number; readonly reason: string };

export interface Client {
  readonly principal: () => Principal;
  /** Identity of the broker process that answers now; changes when the broker restarts. */
  readonly broker: () => {
    readonly pid: number;
    readonly version: string;
    readonly startedAt: number;
    readonly nonce: string;
  };
  /**
   * Asks, and survives a broker restart: commands are repeated under their id until answered, questions are asked
   * again. Throws a `RelayError`.
   */
  readonly call: <M extends Method>(
    method: M,
    params: MethodParams<M>,
    options?: CallOptions,
  ) => Promise<MethodResult<M>>;
  /** Events in order, without gap or repeat across reconnects. Ends when `signal` aborts or the client closes. */
  readonly events: (options?: {
    /** Events after this sequence. 0 is from the start; absent is from now on. */
    readonly from?: number;
    readonly filter?: EventFilter;
    readonly signal?: AbortSignal;
    /** Outlasts a broker that stays away: goes on at the cursor when a call brings it back, instead of failing. */
    readonly patient?: boolean;
  }) => AsyncIterable<RelayEvent>;
  /** Output of an agent's terminal from an offset on. */
  readonly output: (
    agent: string,
    options?: { readonly from?: number; readonly signal?: AbortSignal },
  ) => AsyncIterable<TerminalChunk>;
  /** Idempotent. Calls under way fail with `cancelled`. */
  readonly close: () => Promise<void>;
  /** The newest sequence of the log that this client has heard of; the log may be longer. */
  readonly head: () => number;
}
