/**
 * Transport over a WebSocket: on a unix socket, or on a loopback port with a token.
 *
 *   W1  Frames that are sent in one turn of the event loop leave in one write.
 *   W2  A refusal of the upgrade is told apart from nobody being there: the first is final, the second may pass.
 */
import { connect as connectSocket } from "node:net";
import type { IncomingMessage } from "node:http";
import { ErrorEnvelope, RelayError, relayError } from "@agent-relay/protocol";
import { WebSocket } from "ws";
import type { Transport } from "./transport.ts";

export type BrokerAddress =
  | { readonly socketPath: string }
  | { readonly url: string; readonly token: string | undefined };

/** A frame may have 1 MiB; the rest is room for a newer broker. */
const payloadBytesMax = 16 * 1_048_576;
/** How long the other end may take to answer a close before the line is cut. */
const closeTimeoutMs = 1_000;
const refusalBytesMax = 65_536;

const unreachableHint = "Start a broker with: agent-relay up";

function showAddress(address: BrokerAddress): string {
  return "socketPath" in address ? address.socketPath : address.url;
}

/** Opens a connection. Rejects with a `RelayError`: `broker_unreachable`, or what the broker answered to the upgrade. */
export function dialWebSocket(
  address: BrokerAddress,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const socket = open(address, options.timeoutMs);
    const abandon = (): void => socket.terminate();
    let settled = false;
    const refuse = (error: RelayError): void => {
      if (settled) return;
      settled = true;
      options.signal.removeEventListener("abort", abandon);
      reject(error);
    };
    let wire: Wire | undefined;
    socket.once("upgrade", (response: IncomingMessage) => {
      wire = response.socket;
    });
    socket.on("error", (cause) => refuse(unreachable(address, cause)));
    socket.once("unexpected-response", (request, response) => {
      void readRefusal(response).then((error) => {
        request.destroy();
        refuse(error);
      });
    });
    socket.once("close", () => refuse(unreachable(address, new Error("the connection ended before it was open"))));
    socket.once("open", () => {
      settled = true;
      options.signal.removeEventListener("abort", abandon);
      resolve(transportOf(socket, wire));
    });
    options.signal.addEventListener("abort", abandon, { once: true });
    if (options.signal.aborted) abandon();
  });
}

/** What is used of the socket below: `ws` has no way to hold writes back. */
interface Wire {
  readonly cork: () => void;
  readonly uncork: () => void;
}

function open(address: BrokerAddress, handshakeTimeout: number): WebSocket {
  const common = { perMessageDeflate: false, handshakeTimeout, maxPayload: payloadBytesMax } as const;
  if ("socketPath" in address) {
    // `ws+unix://` cannot carry every path: it splits at a colon and percent-encodes the rest.
    // The timeout has to be given to a socket of our own: without it a broker that is stopped is waited for without end.
    const dial = (): ReturnType<typeof connectSocket> =>
      connectSocket({ path: address.socketPath, timeout: handshakeTimeout });
    return new WebSocket("ws://localhost/relay", { ...common, createConnection: dial });
  }
  const headers = address.token === undefined ? {} : { authorization: `Bearer ${address.token}` };
  return new WebSocket(address.url, { ...common, headers });
}

function transportOf(socket: WebSocket, wire: Wire | undefined): Transport {
  let corked = false;
  let waiting: string[] = [];
  let messageListener: ((text: string) => void) | undefined;
  let closeListener: ((reason: string, error?: RelayError) => void) | undefined;
  let closed: { readonly reason: string; readonly error?: RelayError } | undefined;
  let failure: RelayError | undefined;

  socket.on("message", (data: Buffer, isBinary: boolean) => {
    if (isBinary) {
      failure = relayError("invalid_frame", "expected text frames from the broker, found a binary one");
      socket.terminate();
    } else if (messageListener === undefined) waiting.push(data.toString());
    else messageListener(data.toString());
  });
  socket.on("error", (cause: Error & { readonly code?: string }) => {
    if (cause.code?.startsWith("WS_ERR_") !== true) return; // The line broke; "close" follows and is enough.
    const tooLarge = cause.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH";
    failure = relayError(
      tooLarge ? "frame_too_large" : "invalid_frame",
      `the broker broke the protocol: ${cause.message}`,
      { cause },
    );
  });
  socket.on("close", (code: number, reason: Buffer) => {
    const text = `connection closed (${code}${reason.length === 0 ? "" : `, ${reason.toString()}`})`;
    closed = failure === undefined ? { reason: text } : { reason: text, error: failure };
    closeListener?.(closed.reason, closed.error);
  });

  return {
    send: (text) => {
      if (socket.readyState !== WebSocket.OPEN) return;
      if (wire !== undefined && !corked) {
        corked = true;
        wire.cork();
        // After the microtasks of this turn, before anything else is read.
        process.nextTick(() => {
          corked = false;
          wire.uncork();
        });
      }
      socket.send(text);
    },
    close: () => {
      if (socket.readyState === WebSocket.CLOSED) return;
      socket.close(1000);
      setTimeout(() => socket.terminate(), closeTimeoutMs).unref();
    },
    onMessage: (listener) => {
      messageListener = listener;
      const early = waiting;
      waiting = [];
      for (const text of early) listener(text);
    },
    onClose: (listener) => {
      closeListener = listener;
      if (closed !== undefined) listener(closed.reason, closed.error);
    },
  };
}

function unreachable(address: BrokerAddress, cause: Error): RelayError {
  return relayError(
    "broker_unreachable",
    `no broker answers at ${showAddress(address)}: ${cause.message || cause.name}`,
    {
      hint: unreachableHint,
      cause,
    },
  );
}

/** The error envelope in the body of a refused upgrade, or the nearest thing that its status says. */
async function readRefusal(response: IncomingMessage): Promise<RelayError> {
  let body = "";
  try {
    response.setEncoding("utf8");
    for await (const part of response) {
      body += String(part);
      if (body.length > refusalBytesMax) break;
    }
    const json: unknown = JSON.parse(body);
    const envelope = ErrorEnvelope.safeParse(nested(json));
    if (envelope.success) return new RelayError(envelope.data);
  } catch {
    // A body that is no envelope says less than the status does.
  }
  const status = response.statusCode ?? 0;
  const found = `the broker refused the connection with HTTP status ${status}`;
  if (status === 401) return relayError("unauthenticated", found, { hint: "Pass the token of this broker." });
  if (status === 403) return relayError("foreign_origin", found);
  if (status === 404 || status === 426)
    return relayError("unsupported_version", `${found}; this is not an agent-relay endpoint`);
  return relayError("broker_unreachable", found, { hint: unreachableHint });
}

function nested(json: unknown): unknown {
  return typeof json === "object" && json !== null && "error" in json && typeof json.error === "object"
    ? json.error
    : json;
}
