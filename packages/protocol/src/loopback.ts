/**
 * Loopback: whether an HTTP request to a local port really comes from a program of this machine that meant to send it.
 *
 * A page in a browser can send requests to 127.0.0.1, and a name under an attacker's control can be made to resolve
 * there; both show in headers that a page cannot choose.
 *
 *   B1  Only a Host that names the loopback interface and the port that was asked passes.
 *   B2  An Origin passes only if it is absent or is that same place.
 */
import { errorEnvelope, type ErrorEnvelope } from "./errors.ts";

export interface LoopbackRequest {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** The port that the server listens on. */
  readonly port: number;
}

const loopbackNames = ["127.0.0.1", "localhost", "[::1]"];

/** The refusal of a request that is not from here; nothing if it may pass. */
export function refuseForeign(request: LoopbackRequest): ErrorEnvelope | undefined {
  const places = loopbackNames.map((name) => `${name}:${request.port}`);
  if (request.port === 80) places.push(...loopbackNames);
  if (request.host === undefined || !places.includes(request.host.toLowerCase())) {
    return errorEnvelope("foreign_origin", `expected the Host ${places[0]}, found ${shown(request.host)}`, {
      hint: "Use the address that the broker printed, not a name that resolves to it.",
    });
  }
  if (request.origin !== undefined && !places.some((place) => request.origin?.toLowerCase() === `http://${place}`)) {
    return errorEnvelope(
      "foreign_origin",
      `expected no Origin or http://${places[0]}, found ${shown(request.origin)}`,
      {
        hint: "Pages of other sites may not talk to the broker.",
      },
    );
  }
  return undefined;
}

/** The token of an `Authorization: Bearer …` header. */
export function bearerOf(authorization: string | undefined): string | undefined {
  return authorization === undefined ? undefined : /^bearer +([\x21-\x7e]{1,512}) *$/i.exec(authorization)?.[1];
}

function shown(header: string | undefined): string {
  return header === undefined ? "none" : JSON.stringify(header.slice(0, 100));
}
