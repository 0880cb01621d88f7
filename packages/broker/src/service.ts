/**
 * The broker as its edges see it: the gateway over sockets and the MCP endpoint over HTTP ask the same few things.
 */
import type { Principal, RelayEvent } from "@agent-relay/protocol";

/** Who asks. The principal is proven by the connection or the token, never by a parameter. */
export interface Caller {
  readonly principal: Principal;
  /** The origin actor that the client says it is; recorded, never trusted for permission. */
  readonly actor: string | undefined;
}

export interface CallOptions {
  /** Required for commands. */
  readonly commandId?: string | undefined;
  /** Aborting ends a wait; it never undoes what was accepted. */
  readonly signal?: AbortSignal | undefined;
}

/** Output of one incarnation's terminal, or its end. */
export type TerminalNews =
  | {
      readonly type: "output";
      readonly agent: string;
      readonly epoch: number;
      readonly offset: number;
      readonly data: Uint8Array;
    }
  | { readonly type: "ended"; readonly agent: string; readonly epoch: number };

export interface BrokerService {
  readonly identity: {
    readonly pid: number;
    readonly version: string;
    readonly startedAt: number;
    /** Random for each start: a client that sees another nonce talks to another broker process. */
    readonly nonce: string;
  };
  /** Who a token belongs to. Throws a `RelayError`: `unauthenticated`, `epoch_expired`. */
  readonly authenticate: (token: string) => Principal;
  /** Validates `params` by the method's schema and answers. Throws a `RelayError`. */
  readonly call: (caller: Caller, method: string, params: unknown, options?: CallOptions) => Promise<unknown>;
  readonly events: {
    readonly head: () => number;
    /** In order, at most `limit`, all with a sequence greater than `after`; already without secrets. */
    readonly read: (after: number, limit: number) => readonly RelayEvent[];
    /** Called after facts are durable, in order, once for each append. Returns the way to stop. */
    readonly onAppended: (listener: (events: readonly RelayEvent[]) => void) => () => void;
  };
  readonly terminals: {
    /** Output kept from `from` on, of the newest incarnation. Throws a `RelayError`: `unknown_agent`, `agent_not_running`. */
    readonly read: (
      agent: string,
      from: number,
    ) => Promise<{
      readonly epoch: number;
      /** Nothing of it came, or will come, after it was asked. */
      readonly isOver: boolean;
      readonly offset: number;
      readonly data: Uint8Array;
    }>;
    readonly onNews: (listener: (news: TerminalNews) => void) => () => void;
  };
  /** How many clients are connected, told by the gateway for `broker.status`. */
  readonly reportClients: (count: number) => void;
}
