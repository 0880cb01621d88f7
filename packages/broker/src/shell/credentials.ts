/**
 * Credentials: who a token belongs to.
 *
 *   C1  A token names one incarnation and is worth nothing once a newer one lives or its own has ended.
 *   C2  Nothing that is stored lets anyone make a token but the secret, which lives in one 0600 file.
 *   C3  Comparing takes the same time wherever the difference is.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { relayError, type Principal } from "@agent-relay/protocol";

/** Marks our tokens, so that redaction and scanners recognise them. */
const PREFIX = "art_";

export interface Credentials {
  readonly tokenFor: (name: string, epoch: number) => string;
  /** Throws a `RelayError` `unauthenticated` for anything that was not made with this secret. */
  readonly verify: (token: string) => Extract<Principal, { kind: "agent" }>;
}

export function createCredentials(secret: Uint8Array): Credentials {
  const sign = (name: string, epoch: number): string =>
    createHmac("sha256", secret).update(`incarnation\n${name}\n${epoch}`).digest("base64url");
  return {
    tokenFor: (name, epoch) => `${PREFIX}${name}.${epoch}.${sign(name, epoch)}`,
    verify: (token) => {
      const match = /^art_([a-z0-9][a-z0-9_-]{0,39})\.([1-9]\d{0,8})\.([A-Za-z0-9_-]{43})$/u.exec(token);
      const [, name = "", epoch = "0", signature = ""] = match ?? [];
      const expected = Buffer.from(sign(name, Number(epoch)));
      const given = Buffer.from(signature.padEnd(expected.length));
      if (match === null || !timingSafeEqual(expected, given.subarray(0, expected.length)))
        throw relayError("unauthenticated", "The token is not one of this broker's.", {
          hint: "Tokens are given to agents when they are spawned; spawn the agent again.",
        });
      return { kind: "agent", name, epoch: Number(epoch) };
    },
  };
}
