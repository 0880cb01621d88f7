/**
 * One at a time: what runs of the same broker would do to each other if they did it at the same time.
 *
 *   OT1  Who comes while another is at it waits until that one is done, or has died and its lease has run out.
 *   OT2  Who is called off meanwhile begins nothing.
 */
import { createHash } from "node:crypto";
import { isRelayError, type HeldLease, type Relay } from "@agent-relay/sdk";
import { pauseUnless } from "./pause.ts";

export type OneAtATime = <Result>(
  what: string,
  signal: AbortSignal | undefined,
  work: () => Promise<Result>,
) => Promise<Result>;

const AGAIN_MS = 100;

/** `kind`: before the names of its leases. */
export function oneAtATime({ leases }: Pick<Relay, "leases">, kind: string): OneAtATime {
  const acquire = async (name: string, signal: AbortSignal): Promise<HeldLease> => {
    while (!signal.aborted) {
      try {
        return await leases.acquire(name);
      } catch (error) {
        if (!isRelayError(error, "lease_taken")) throw error;
      }
      await pauseUnless(signal, AGAIN_MS);
    }
    throw new Error("it was stopped while another was at it");
  };
  return async (what, signal = new AbortController().signal, work) => {
    const lease = await acquire(`${kind}/${createHash("sha256").update(what).digest("hex").slice(0, 32)}`, signal);
    try {
      return await work();
    } finally {
      await lease.release().catch(() => undefined);
    }
  };
}
