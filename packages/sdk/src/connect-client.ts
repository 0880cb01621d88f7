/**
 * Connecting: one `Client` over one session, with its calls and its streams.
 *
 *   K1  The promise resolves when the broker has said who we are, and rejects with why not.
 *   K2  After a reconnect streams are taken up before calls are repeated, so that no event of a call is missed.
 *   K3  Closing ends every stream, fails every call with `cancelled`, and leaves no socket and no timer.
 */
import { protocolVersion, protocolVersionMin } from "@agent-relay/protocol";
import type { ClientFrameInput, RelayError, ServerFrame } from "@agent-relay/protocol";
import { openCalls } from "./calls.ts";
import type { Client } from "./client.ts";
import { cancelled } from "./errors.ts";
import { openEventStream } from "./streams/event-stream.ts";
import { openOutputStream } from "./streams/output-stream.ts";
import type { Stream, StreamHost } from "./streams/source.ts";
import { openSession, type ReconnectPolicy, type Welcome } from "./wire/session.ts";
import { systemTimers, type Timers } from "./wire/timers.ts";
import type { Transport } from "./wire/transport.ts";
import { dialWebSocket, type BrokerAddress } from "./wire/websocket.ts";

/** Where the broker listens: a unix socket, a URL such as `ws://127.0.0.1:4711/relay`, or a line of one's own. */
export type ClientAddress =
  | { readonly socketPath: string }
  | { readonly url: string }
  | { readonly dial: (signal: AbortSignal) => Promise<Transport> };

export type ConnectClientOptions = ClientAddress & {
  /** The operator's token, needed over TCP, or an incarnation's, to speak as that agent. */
  readonly token?: string | undefined;
  /** In whose name an operator speaks. `operator` if absent. */
  readonly as?: string | undefined;
  readonly originActor?: string | undefined;
  /** The program that connects. */
  readonly client: { readonly name: string; readonly version: string };
  /** What to do when the connection is lost; `false` fails at once. */
  readonly reconnect?: false | Partial<ReconnectPolicy>;
  /** How long to try for the first connection. 0, the default, tries once. */
  readonly waitForBrokerMs?: number;
  /** Closes the client. */
  readonly signal?: AbortSignal | undefined;
  /** The broker stays away, or refuses us: what was under way has failed. The next call tries again. */
  readonly onLost?: ((error: RelayError) => void) | undefined;
  readonly timers?: Timers;
};

export const defaultReconnect: ReconnectPolicy = { giveUpAfterMs: 30_000, delayMs: 20, delayMsMax: 1_000 };

const dialTimeoutMs = 5_000;

/** Connects to a broker. Throws a `RelayError`, for example `broker_unreachable` or `unauthenticated`. */
export function connectClient(options: ConnectClientOptions): Promise<Client> {
  return new Promise((resolve, reject) => {
    const timers = options.timers ?? systemTimers;
    const streams = new Set<Stream>();
    const listeners = new Map<number, (frame: ServerFrame, bytes: number) => void>();
    let welcome: Welcome | undefined;
    let lastId = 0;
    let head = 0;
    /** Set once nothing can be asked any more. */
    let over: RelayError | undefined;
    let closing: Promise<void> | undefined;

    const hearOf = (sequence: number): void => {
      if (sequence > head) head = sequence;
    };

    const hear = (frame: ServerFrame, bytes: number): void => {
      switch (frame.type) {
        case "event":
          hearOf(frame.event.sequence);
          break;
        case "cursor":
          hearOf(frame.next);
          break;
        case "result":
          hearOf(sequenceOf(frame.result));
          calls.answer(frame);
          return;
        case "error":
          if (calls.answer(frame)) return;
          break;
        default:
      }
      if ("id" in frame && frame.id !== undefined) listeners.get(frame.id)?.(frame, bytes);
    };

    const session = openSession({
      dial: dialOf(options),
      hello: helloOf(options),
      firstWithinMs: options.waitForBrokerMs ?? 0,
      reconnect: options.reconnect === false ? undefined : { ...defaultReconnect, ...options.reconnect },
      timers,
      onUp: (news) => {
        const first = welcome === undefined;
        welcome = news;
        hearOf(news.head);
        for (const stream of [...streams]) stream.up(news);
        calls.up();
        if (first) resolve(client);
      },
      onFrame: hear,
      onDown: (reason) => {
        for (const stream of [...streams]) stream.down();
        calls.down(reason);
      },
      onLost: (error, final) => {
        if (final) over = error;
        for (const stream of [...streams]) (final ? stream.fail : stream.lost)(error);
        calls.failAll(error);
        if (welcome !== undefined) {
          options.onLost?.(error);
          return;
        }
        over = error;
        options.signal?.removeEventListener("abort", abort);
        reject(error);
      },
    });

    const calls = openCalls({
      nextId: () => (lastId += 1),
      isUp: session.isUp,
      send: session.send,
      reset: session.reset,
      now: timers.now,
    });

    const host: StreamHost = {
      isUp: session.isUp,
      send: session.send,
      openId: (listener) => {
        const id = (lastId += 1);
        listeners.set(id, listener);
        return id;
      },
      dropId: (id) => void listeners.delete(id),
      call: (method, params, more) => client.call(method, params, more),
      now: timers.now,
      head: () => head,
      forget: (stream) => void streams.delete(stream),
    };

    const carry = (stream: Stream): void => {
      if (over === undefined) {
        session.revive();
        streams.add(stream);
      } else if (closing === undefined) stream.fail(over);
      else stream.end();
    };

    const known = (): Welcome => welcome as Welcome; // The client is handed out after the first welcome.

    const client: Client = {
      principal: () => known().principal,
      broker: () => known().broker,
      head: () => head,
      call: (method, params, more) => {
        if (over !== undefined) return Promise.reject(over);
        const answer = calls.call(method, params, more);
        session.revive();
        return answer;
      },
      events: (more = {}) => {
        const stream = openEventStream(host, {
          from: more.from,
          filter: more.filter,
          signal: more.signal,
          patient: more.patient ?? false,
        });
        if (more.signal?.aborted !== true) carry(stream);
        return stream.reader;
      },
      output: (agent, more = {}) => {
        const stream = openOutputStream(host, { agent, from: more.from, signal: more.signal });
        if (more.signal?.aborted !== true) carry(stream);
        return stream.reader;
      },
      close: () => {
        closing ??= (() => {
          over ??= cancelled("the client is closed");
          options.signal?.removeEventListener("abort", abort);
          for (const stream of [...streams]) stream.end();
          calls.failAll(cancelled("the client was closed"));
          return session.close();
        })();
        return closing;
      },
    };

    const abort = (): void => {
      void client.close();
      reject(cancelled(options.signal?.reason));
    };
    if (options.signal?.aborted === true) abort();
    else options.signal?.addEventListener("abort", abort, { once: true });
  });
}

/** Receipts and messages carry their place in the log. */
function sequenceOf(result: unknown): number {
  if (typeof result !== "object" || result === null || !("sequence" in result)) return 0;
  return typeof result.sequence === "number" ? result.sequence : 0;
}

function dialOf(options: ConnectClientOptions): (signal: AbortSignal) => Promise<Transport> {
  if ("dial" in options) return options.dial;
  const address: BrokerAddress =
    "url" in options ? { url: options.url, token: options.token } : { socketPath: options.socketPath };
  return (signal) => dialWebSocket(address, { timeoutMs: dialTimeoutMs, signal });
}

function helloOf(options: ConnectClientOptions): ClientFrameInput & { readonly type: "hello" } {
  const { token, as, originActor } = options;
  return {
    type: "hello",
    versions: { min: protocolVersionMin, max: protocolVersion },
    client: { name: options.client.name.slice(0, 64), version: options.client.version.slice(0, 32) },
    ...(token === undefined ? {} : { token }),
    ...(as === undefined ? {} : { as }),
    ...(originActor === undefined ? {} : { originActor }),
  };
}
