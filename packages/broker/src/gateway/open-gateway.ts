/**
 * The gateway: the broker's service over WebSockets, on a unix socket and, when asked for, on a port of 127.0.0.1.
 *
 *   N1  The socket has mode 600 in a directory of mode 700; TCP is opened only when asked for, and only on 127.0.0.1.
 *   N2  A frame over the bound, a binary one, or one that is not UTF-8 gets one error and ends the connection.
 *   N3  `close` disconnects every client with 1001 and frees both addresses. Idempotent.
 */
import { isUtf8 } from "node:buffer";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { errorEnvelope, relayError } from "@agent-relay/protocol";
import { codeOf, type Logger } from "@agent-relay/kernel";
import { WebSocket, WebSocketServer, type ServerOptions } from "ws";
import type { BrokerService } from "../service.ts";
import type { Admit } from "./admission.ts";
import { eventFeed } from "./event-feed.ts";
import { gatewayLimits, type GatewayLimits } from "./gateway-limits.ts";
import { answer, answerUpgrade, localDoor, relayPath, requireOperatorToken, tcpDoor, type Door } from "./http-door.ts";
import type { Transport } from "./outbox.ts";
import { closeCodes, encode, openSession, type Session } from "./session.ts";
import { prepareSocketPath, protectSocket } from "./socket-file.ts";
import { systemTimers } from "./timers.ts";

export interface GatewayOptions {
  readonly service: BrokerService;
  /** The caller holds the lock that says that no other broker listens here. */
  readonly unixSocketPath: string;
  /** Port 0 takes any that is free. */
  readonly tcp?: { readonly port: number; readonly operatorToken: string } | undefined;
  readonly logger: Logger;
  readonly limits?: Partial<GatewayLimits>;
}

export interface Gateway {
  readonly socketPath: string;
  readonly tcpUrl: string | undefined;
  readonly close: () => Promise<void>;
}

/** How long a client may take to answer a close before its socket is destroyed. */
const closeTimeoutMs = 2_000;

/**
 * Throws a `RelayError` when an address cannot be had: `socket_path_too_long`, `state_unwritable`, `invalid_request`.
 */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const { service, logger, unixSocketPath } = options;
  const limits: GatewayLimits = { ...gatewayLimits, ...options.limits };
  if (options.tcp !== undefined) requireOperatorToken(options.tcp.operatorToken);
  await prepareSocketPath(unixSocketPath);

  const feed = eventFeed(service.events);
  const sessions = new Set<Session>();
  const welcomed = new Set<Session>();
  const servers: Server[] = [];
  // `closeTimeout` is documented by ws 8 and missing from its types.
  const serverOptions: ServerOptions & { readonly closeTimeout: number } = {
    noServer: true,
    perMessageDeflate: false,
    maxPayload: limits.frameBytesMax,
    // Checked when the frame arrives, because ws would close the connection before it could be told why.
    skipUTF8Validation: true,
    clientTracking: false,
    closeTimeout: closeTimeoutMs,
    WebSocket: socketThatExplains(limits.frameBytesMax),
  };
  const webSockets = new WebSocketServer(serverOptions);

  const converse = (webSocket: WebSocket, socket: Duplex, admit: Admit): void => {
    const session = openSession({
      service,
      feed,
      transport: transportOver(webSocket, socket),
      timers: systemTimers,
      limits,
      admit,
      logger,
      onWelcome: () => {
        welcomed.add(session);
        service.reportClients(welcomed.size);
      },
    });
    sessions.add(session);
    webSocket.on("message", (data: Buffer, isBinary: boolean) => {
      if (isBinary)
        session.violate(
          errorEnvelope("invalid_frame", "expected a text frame, found a binary one"),
          closeCodes.policyViolation,
        );
      else if (!isUtf8(data))
        session.violate(errorEnvelope("invalid_frame", "expected UTF-8"), closeCodes.policyViolation);
      else session.receive(data.toString("utf8"));
    });
    webSocket.on("error", (error) => logger.debug("a connection failed", { error: error.message }));
    webSocket.on("close", () => {
      session.gone();
      sessions.delete(session);
      if (welcomed.delete(session)) service.reportClients(welcomed.size);
    });
  };

  const serve = (door: Door): Server => {
    const server = createServer((request, response) => {
      request.resume();
      answer(response, door.plain(request));
    });
    server.on("upgrade", (request, socket: Duplex, head: Buffer) => {
      const onError = (error: Error): void => logger.debug("an upgrade failed", { error: error.message });
      socket.on("error", onError);
      const found = door.upgrade(request);
      if ("error" in found) return answerUpgrade(socket, found);
      webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        socket.off("error", onError);
        converse(webSocket, socket, found.admit);
      });
    });
    servers.push(server);
    return server;
  };

  const close = async (): Promise<void> => {
    for (const session of sessions) session.close(closeCodes.goingAway, "the broker is shutting down");
    feed.close();
    await Promise.all(servers.map(closeServer));
    webSockets.close();
  };

  let tcpUrl: string | undefined;
  try {
    await listen(serve(localDoor(service)), { path: unixSocketPath });
    await protectSocket(unixSocketPath);
    if (options.tcp !== undefined) {
      let port = 0;
      const server = serve(tcpDoor(service, { operatorToken: options.tcp.operatorToken, port: () => port }));
      port = (await listen(server, { host: "127.0.0.1", port: options.tcp.port })).port;
      tcpUrl = `ws://127.0.0.1:${port}${relayPath}`;
    }
  } catch (thrown) {
    await close();
    throw thrown;
  }

  let closing: Promise<void> | undefined;
  return { socketPath: unixSocketPath, tcpUrl, close: () => (closing ??= close()) };
}

/** All frames of one write leave the process together: corked, they cost one system call instead of two for each. */
function transportOver(webSocket: WebSocket, socket: Duplex): Transport {
  return {
    write: (frames, taken) => {
      if (webSocket.readyState !== WebSocket.OPEN) return;
      socket.cork();
      const last = frames.length - 1;
      for (const [index, frame] of frames.entries()) {
        if (index === last) webSocket.send(frame, { binary: false }, taken);
        else webSocket.send(frame, { binary: false });
      }
      socket.uncork();
    },
    // A close reason has at most 123 bytes.
    close: (code, reason) => webSocket.close(code, reason.slice(0, 120)),
  };
}

/** ws closes by itself on a frame over the bound; this says why before. */
function socketThatExplains(frameBytesMax: number): typeof WebSocket {
  return class extends WebSocket {
    override close(code?: number, reason?: string | Buffer): void {
      if (code === closeCodes.tooLarge && this.readyState === WebSocket.OPEN) {
        const error = errorEnvelope("frame_too_large", `expected a frame of at most ${frameBytesMax} bytes`);
        this.send(encode({ type: "error", error }), { binary: false });
      }
      super.close(code, reason);
    }
  };
}

async function listen(
  server: Server,
  where: { readonly path: string } | { readonly host: string; readonly port: number },
): Promise<AddressInfo> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      const address = "path" in where ? where.path : `${where.host}:${where.port}`;
      const code = "path" in where ? "state_unwritable" : "invalid_request";
      reject(relayError(code, `cannot listen on ${address} (${String(codeOf(cause))})`, { cause }));
    });
    server.listen(where, () => {
      server.removeAllListeners("error");
      resolve();
    });
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address : { address: "", family: "", port: 0 };
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    if (!server.listening) return resolve();
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
