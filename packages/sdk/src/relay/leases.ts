/**
 * Leases: the right to be the one who does something, held for as long as this program lives and can say so.
 *
 *   Q1  A lease renews itself, three times as often as it must, until it is released, lost or its client is closed.
 *   Q2  `lost` aborts, once, when the broker says that it is not ours, when the client is closed, or when nothing was
 *       heard of the broker for `outlastMs` beyond the end; its reason says which. Releasing is not losing.
 *   Q3  `validUntil` is counted from before the renewal was sent, so by this program's clock nobody else has it before.
 *   Q4  A broker that is away for a while, or is restarted, takes no lease away.
 *   Q5  Nothing is left behind by a lease that is over: no timer, no request.
 */
import { relayError, type RelayError } from "@agent-relay/protocol";
import type { CallOptions, Client } from "../client.ts";
import { asRelayError, cancelled } from "../errors.ts";
import type { Timers } from "../wire/timers.ts";

export interface AcquireOptions extends CallOptions {
  /** How long it lasts unless it is renewed: after this, others can have what a program that died held. 10 s if absent. */
  readonly ttlMs?: number;
  /** Who it is, for people and for whoever finds it taken. The name of this program at the broker if absent. */
  readonly holder?: string;
  /** How long beyond its end a broker that does not answer is waited for. 10 minutes if absent. */
  readonly outlastMs?: number;
}

export interface HeldLease {
  readonly name: string;
  /** Greater than that of every holder before; give it to whatever is to be guarded. */
  readonly token: number;
  readonly holder: string;
  /** Until then, in milliseconds since the Unix epoch, nobody else has it. It moves on with each renewal. */
  readonly validUntil: () => number;
  /** Aborts when it is not ours any more; the reason is a `RelayError`. */
  readonly lost: AbortSignal;
  /** Gives it back. Idempotent. */
  readonly release: () => Promise<void>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

export interface Leases {
  /** Takes a lease and keeps it. Fails with `lease_taken`; the holder and `expiresAt` are in its data. */
  readonly acquire: (name: string, options?: AcquireOptions) => Promise<HeldLease>;
}

export interface OpenLeases extends Leases {
  /** Renews none any more: they are lost. */
  readonly close: () => void;
}

const defaultTtlMs = 10_000;
const defaultOutlastMs = 600_000;
/** A broker that could not just now is asked again no sooner. */
const retryMsMin = 50;

export function openLeases(client: Client, timers: Timers): OpenLeases {
  const open = new Set<(error: RelayError) => void>();

  const keep = (
    { name, token, holder }: Pick<HeldLease, "name" | "token" | "holder">,
    { ttlMs, outlastMs, since }: { readonly ttlMs: number; readonly outlastMs: number; readonly since: number },
  ): HeldLease => {
    const lost = new AbortController();
    const stopRenewing = new AbortController();
    let validUntil = since + ttlMs;
    let over = false;
    let released: Promise<void> | undefined;
    let callOff: () => void = () => undefined;

    const end = (): void => {
      over = true;
      callOff();
      open.delete(lose);
      stopRenewing.abort();
    };

    const lose = (error: RelayError): void => {
      if (over) return;
      end();
      lost.abort(error);
    };

    const renewIn = (ms: number): void => {
      callOff = timers.after(Math.max(0, ms), () => void renew());
    };

    /** A broker that is stopped keeps its connections and answers nothing. */
    const waitUntil = (latest: number): void => {
      callOff = timers.after(Math.max(0, latest - timers.now()), () => {
        // If it was this program that did not run, the answer is here already and has only to be read.
        callOff = timers.after(retryMsMin, () => lose(notHeardOf(name, outlastMs)));
      });
    };

    const renew = async (): Promise<void> => {
      const sentAt = timers.now();
      waitUntil(validUntil + outlastMs);
      try {
        await client.call("lease.renew", { name, token, ttlMs }, { signal: stopRenewing.signal });
        if (over) return;
        callOff();
        validUntil = sentAt + ttlMs;
        renewIn(sentAt + ttlMs / 3 - timers.now());
      } catch (thrown) {
        if (over) return;
        callOff();
        const error = asRelayError(thrown);
        if (!error.retryable || timers.now() > validUntil + outlastMs) lose(error);
        else renewIn(Math.max(retryMsMin, ttlMs / 6));
      }
    };

    open.add(lose);
    renewIn(since + ttlMs / 3 - timers.now());
    const release = (): Promise<void> => {
      released ??= (async () => {
        if (over) return;
        end();
        await client.call("lease.release", { name, token });
      })();
      return released;
    };
    return {
      name,
      token,
      holder,
      validUntil: () => validUntil,
      lost: lost.signal,
      release,
      [Symbol.asyncDispose]: release,
    };
  };

  return {
    acquire: async (name, options = {}) => {
      const { ttlMs = defaultTtlMs, outlastMs = defaultOutlastMs, holder = client.principal().name, ...call } = options;
      const since = timers.now();
      const { token } = await client.call("lease.acquire", { name, ttlMs, holder }, call);
      return keep({ name, token, holder }, { ttlMs, outlastMs, since });
    },
    close: () => {
      for (const lose of [...open]) lose(cancelled("the client is closed"));
    },
  };
}

function notHeardOf(name: string, outlastMs: number): RelayError {
  return relayError(
    "broker_unreachable",
    `nothing was heard of the broker about the lease '${name}' for ${outlastMs} ms beyond its end`,
  );
}
