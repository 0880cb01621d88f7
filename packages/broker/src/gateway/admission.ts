/**
 * Admission: who a new connection is taken for.
 *
 *   A1  On the socket in the private directory the peer is the operator, unless it brings an incarnation's token.
 *   A2  Elsewhere it is nobody without a token; the operator's is compared in constant time.
 *   A3  An agent is only ever itself: it cannot ask to speak as another.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { operatorName, relayError, type ClientFrame, type Principal } from "@agent-relay/protocol";
import type { BrokerService } from "../service.ts";

export type Hello = Extract<ClientFrame, { type: "hello" }>;

export interface Admitted {
  readonly principal: Principal;
  /** Throws a `RelayError` as soon as the principal may not act any more. */
  readonly confirm: () => void;
}

/** Throws a `RelayError`: `unauthenticated`, `epoch_expired`, `not_allowed`. */
export type Admit = (hello: Hello) => Admitted;

/** The owner of the socket file is the operator. */
export function admitLocally(authenticate: BrokerService["authenticate"]): Admit {
  return (hello) => (hello.token === undefined ? operator(hello) : holder(authenticate, hello.token, hello));
}

/** The one who knows a token. */
export function admitByToken(options: {
  readonly authenticate: BrokerService["authenticate"];
  readonly operatorToken: string;
  /** What came with the upgrade request; a token in `hello` goes first. */
  readonly bearer: string | undefined;
}): Admit {
  return (hello) => {
    const token = hello.token ?? options.bearer;
    if (token === undefined) throw relayError("unauthenticated", "expected a token, found none");
    if (sameSecret(token, options.operatorToken)) return operator(hello);
    return holder(options.authenticate, token, hello);
  };
}

/** Takes the same time whatever differs, the length included. */
export function sameSecret(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function operator(hello: Hello): Admitted {
  return { principal: { kind: "operator", name: hello.as ?? operatorName }, confirm: () => undefined };
}

function holder(authenticate: BrokerService["authenticate"], token: string, hello: Hello): Admitted {
  const principal = authenticate(token);
  if (principal.kind === "operator") return operator(hello);
  if (hello.as !== undefined && hello.as !== principal.name) {
    throw relayError("not_allowed", `expected to speak as ${principal.name}, found ${hello.as}`);
  }
  const confirm = (): void => {
    const now = authenticate(token);
    if (now.kind !== "agent" || now.name !== principal.name || now.epoch !== principal.epoch) {
      throw relayError("epoch_expired", `the incarnation ${principal.name}@${principal.epoch} is over`);
    }
  };
  return { principal, confirm };
}
