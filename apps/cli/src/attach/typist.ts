/**
 * Typist: what a person types, brought into an agent's terminal.
 *
 *   Y1  Bytes arrive in the order in which they were typed, or not at all.
 *   Y2  The hold is renewed only by typing, and expires by itself: a person who walked away does not stop the mail.
 *   Y3  What could not be brought in time is dropped and said, never typed later.
 *   Y4  What waits is bounded.
 */
import type { Client } from "@agent-relay/sdk";
import { envelopeOf } from "@agent-relay/protocol";

export const holdMs = 20_000;
/** A quarter of the hold: a lost renewal or two do not lose it. */
const renewAfterMs = 5_000;
const writeTimeoutMs = 5_000;
/** One write carries at most 64 KiB of base64. */
const pieceBytesMax = 48_000;
const waitingBytesMax = 262_144;

export interface Typist {
  /** Takes the hold before the first key, so that a refusal is known at once. */
  readonly begin: () => Promise<void>;
  readonly type: (data: Buffer) => void;
  /** Gives the hold back. */
  readonly end: () => Promise<void>;
}

export interface TypistOptions {
  readonly client: Pick<Client, "call">;
  readonly name: string;
  readonly leaseId: string;
  readonly takeOver: boolean;
  readonly now: () => number;
  readonly signal: AbortSignal;
  /** Something typed was lost. */
  readonly onDropped: (why: string) => void;
}

export function typist(options: TypistOptions): Typist {
  const { client, name, leaseId, signal } = options;
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let heldAt: number | undefined;
  let working: Promise<void> | undefined;

  const hold = async (takeOver: boolean): Promise<void> => {
    await client.call("agent.hold", { name, leaseId, ttlMs: holdMs, takeOver }, { signal: deadline() });
    heldAt = options.now();
  };
  const deadline = (): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(writeTimeoutMs)]);

  const write = async (data: Buffer): Promise<void> => {
    if (heldAt === undefined || options.now() - heldAt > renewAfterMs) await hold(false);
    const params = { name, leaseId, data: data.toString("base64") };
    try {
      await client.call("terminal.write", params, { signal: deadline() });
    } catch (thrown) {
      if (envelopeOf(thrown)?.code !== "hold_lost") throw thrown;
      // It expired while nobody typed; nothing of this write was taken.
      await hold(false);
      await client.call("terminal.write", params, { signal: deadline() });
    }
  };

  const work = async (): Promise<void> => {
    while (waiting.length > 0 && !signal.aborted) {
      const all = Buffer.concat(waiting);
      const piece = all.subarray(0, pieceBytesMax);
      waiting = all.length > piece.length ? [all.subarray(piece.length)] : [];
      waitingBytes = all.length - piece.length;
      try {
        await write(piece);
      } catch (thrown) {
        if (signal.aborted) return;
        waiting = [];
        waitingBytes = 0;
        heldAt = undefined;
        const envelope = envelopeOf(thrown);
        options.onDropped(
          envelope?.code === "cancelled" ? "the broker did not answer in time" : (envelope?.message ?? String(thrown)),
        );
      }
    }
  };

  return {
    begin: () => hold(options.takeOver),
    type: (data) => {
      if (data.length === 0) return;
      if (waitingBytes + data.length > waitingBytesMax) {
        options.onDropped("typed faster than the agent reads");
        return;
      }
      waiting.push(data);
      waitingBytes += data.length;
      working ??= work().finally(() => {
        working = undefined;
      });
    },
    end: async () => {
      await working;
      if (heldAt === undefined) return;
      heldAt = undefined;
      await client.call("agent.unhold", { name, leaseId }, { signal: AbortSignal.timeout(1_000) });
    },
  };
}
