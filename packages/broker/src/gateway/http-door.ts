/**
 * The door: what is decided about an HTTP request before it may become a connection.
 *
 *   H1  On TCP, Host, Origin and a token that comes along are checked on every request and every upgrade.
 *   H2  Every refusal carries the error envelope and the HTTP status of its code.
 */
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import {
  bearerOf,
  envelopeOf,
  errorCodes,
  errorEnvelope,
  isErrorCode,
  protocolVersion,
  refuseForeign,
  relayError,
  type ErrorEnvelope,
} from "@agent-relay/protocol";
import type { BrokerService } from "../service.ts";
import { admitByToken, admitLocally, sameSecret, type Admit } from "./admission.ts";

export const relayPath = "/relay";

export interface Refusal {
  readonly status: number;
  readonly error: ErrorEnvelope;
}

export interface Door {
  /** Whether an upgrade may become a connection, and how its hello will be judged. */
  readonly upgrade: (request: IncomingMessage) => { readonly admit: Admit } | Refusal;
  /** The answer to anything that is not an upgrade. */
  readonly plain: (request: IncomingMessage) => Refusal | { readonly status: 200; readonly body: unknown };
}

/** The door of the socket in the private directory. */
export function localDoor(service: BrokerService): Door {
  const admit = admitLocally(service.authenticate);
  return {
    upgrade: (request) => (pathOf(request) === relayPath ? { admit } : notFound(request)),
    plain: (request) => {
      if (request.method !== "GET" || pathOf(request) !== "/health") return notHere(request);
      return { status: 200, body: { ok: true, protocol: protocolVersion, nonce: service.identity.nonce } };
    },
  };
}

/** The door of the port on 127.0.0.1. */
export function tcpDoor(
  service: BrokerService,
  options: { readonly operatorToken: string; readonly port: () => number },
): Door {
  const foreign = (request: IncomingMessage): Refusal | undefined => {
    const { host, origin } = request.headers;
    const error = refuseForeign({ host, origin, port: options.port() });
    return error === undefined ? undefined : refusal(error);
  };
  /** A bearer that is there must be right, so that a wrong one is told at once and not after the upgrade. */
  const wrongBearer = (bearer: string): Refusal | undefined => {
    if (sameSecret(bearer, options.operatorToken)) return undefined;
    try {
      service.authenticate(bearer);
      return undefined;
    } catch (thrown) {
      return refusal(envelopeOf(thrown) ?? errorEnvelope("internal", "the token could not be checked"));
    }
  };
  const unauthenticated = (request: IncomingMessage, needed: boolean): Refusal | undefined => {
    const { authorization } = request.headers;
    const bearer = bearerOf(authorization);
    if (bearer !== undefined) return wrongBearer(bearer);
    if (authorization === undefined && !needed) return undefined;
    return refusal(errorEnvelope("unauthenticated", "expected Authorization: Bearer with a token"));
  };
  return {
    upgrade: (request) => {
      const refused = foreign(request) ?? unauthenticated(request, false);
      if (refused !== undefined) return refused;
      if (pathOf(request) !== relayPath) return notFound(request);
      const { authenticate } = service;
      return {
        admit: admitByToken({
          authenticate,
          operatorToken: options.operatorToken,
          bearer: bearerOf(request.headers.authorization),
        }),
      };
    },
    plain: (request) => foreign(request) ?? unauthenticated(request, true) ?? notHere(request),
  };
}

export function answer(
  response: ServerResponse,
  found: Refusal | { readonly status: 200; readonly body: unknown },
): void {
  const body = JSON.stringify("error" in found ? { error: found.error } : found.body);
  response.writeHead(found.status, headersFor(found.status, body));
  response.end(body);
}

/** An upgrade that is refused has no response object, only the socket. */
export function answerUpgrade(socket: Duplex, refused: Refusal): void {
  const body = JSON.stringify({ error: refused.error });
  const lines = Object.entries(headersFor(refused.status, body)).map(([name, value]) => `${name}: ${value}`);
  socket.once("finish", () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${refused.status} ${STATUS_CODES[refused.status] ?? ""}\r\n${lines.join("\r\n")}\r\n\r\n${body}`,
  );
}

/** Throws what would otherwise be found out only by the first client. */
export function requireOperatorToken(token: string): void {
  if (token.length < 16)
    throw relayError("invalid_request", `expected an operator token of at least 16 characters, found ${token.length}`);
}

function headersFor(status: number, body: string): Record<string, string> {
  return {
    "Content-Type": "application/json",
    "Content-Length": String(Buffer.byteLength(body)),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    Connection: "close",
    ...(status === 426 ? { Upgrade: "websocket" } : {}),
    ...(status === 401 ? { "WWW-Authenticate": "Bearer" } : {}),
  };
}

function notHere(request: IncomingMessage): Refusal {
  if (pathOf(request) !== relayPath) return notFound(request);
  return { status: 426, error: errorEnvelope("invalid_request", `expected a WebSocket upgrade on ${relayPath}`) };
}

function notFound(request: IncomingMessage): Refusal {
  return {
    status: 404,
    error: errorEnvelope("invalid_request", `expected ${relayPath}, found ${pathOf(request).slice(0, 100)}`),
  };
}

function refusal(error: ErrorEnvelope): Refusal {
  return { status: isErrorCode(error.code) ? errorCodes[error.code].http : 500, error };
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? "").split("?", 1)[0] ?? "";
}
