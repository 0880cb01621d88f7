/**
 * Typist: what a person types, brought into an agent's terminal.
 *
 *   Y1  Bytes arrive in the order in which they were typed, or not at all; no character is cut in two.
 *   Y2  The hold is renewed only by typing, and expires by itself: a person who walked away does not stop the mail.
 *   Y3  What could not be brought in time is dropped and said, never typed later.
 *   Y4  What waits is bounded.
 *   Y5  What the terminal says by itself takes a hold for a second only, and never shortens another.
 */
import type { Client } from "@agent-relay/sdk";
import { envelopeOf } from "@agent-relay/protocol";

export const holdMs = 20_000;
/** The shortest hold that a broker grants. */
const reportHoldMs = 1_000;
const writeTimeoutMs = 5_000;
/** One write carries at most 64 KiB of base64. */
const pieceBytesMax = 48_000;
const waitingBytesMax = 262_144;

export interface Typist {
  /** Takes the hold before the first key, so that a refusal is known at once. */
  readonly begin: () => Promise<void>;
  /** A `report` is what the terminal says by itself. */
  readonly type: (data: Buffer, kind?: "typed" | "report") => void;
  /** Gives the hold back. */
  readonly end: () => Promise<void>;
}

export interface TypistOptions {
  readonly client: Pick<Client, "call">;
  readonly name: string;
  readonly leaseId: string;
  /** `once` when beginning; `always` for whoever owns the terminal. */
  readonly takeOver: "never" | "once" | "always";
  /** How long a hold lasts after the last key; 20 seconds if absent. */
  readonly holdMs?: number;
  readonly now: () => number;
  readonly signal: AbortSignal;
  /** Something typed was lost. */
  readonly onDropped: (why: string) => void;
}

interface Waiting {
  readonly data: Buffer;
  readonly ttlMs: number;
}

export function typist(options: TypistOptions): Typist {
  const { client, name, leaseId, signal } = options;
  const typedHoldMs = options.holdMs ?? holdMs;
  let waiting: Waiting[] = [];
  let waitingBytes = 0;
  /** The first bytes of a character whose rest has not been read yet. */
  let begun: Buffer = Buffer.alloc(0);
  let heldUntil: number | undefined;
  let working: Promise<void> | undefined;

  const hold = async (takeOver: boolean, ttlMs: number): Promise<void> => {
    const at = options.now();
    await client.call("agent.hold", { name, leaseId, ttlMs, takeOver }, { signal: deadline() });
    heldUntil = at + ttlMs;
  };
  const deadline = (): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(writeTimeoutMs)]);
  const insists = options.takeOver === "always";

  const write = async ({ data, ttlMs }: Waiting): Promise<void> => {
    // Renewed when a quarter of it is over: a lost renewal or two do not lose it.
    if (heldUntil === undefined || options.now() > heldUntil - (ttlMs * 3) / 4) await hold(insists, ttlMs);
    const params = { name, leaseId, data: data.toString("base64") };
    try {
      await client.call("terminal.write", params, { signal: deadline() });
    } catch (thrown) {
      if (envelopeOf(thrown)?.code !== "hold_lost") throw thrown;
      // It expired while nobody typed; nothing of this write was taken.
      await hold(insists, ttlMs);
      await client.call("terminal.write", params, { signal: deadline() });
    }
  };

  /** What can go in one write. */
  const next = (): Waiting => {
    const all = Buffer.concat(waiting.map(({ data }) => data));
    const ttlMs = Math.max(...waiting.map((it) => it.ttlMs));
    const data = all.length > pieceBytesMax ? wholeCharacters(all.subarray(0, pieceBytesMax)) : all;
    waiting = all.length > data.length ? [{ data: all.subarray(data.length), ttlMs }] : [];
    waitingBytes = all.length - data.length;
    return { data, ttlMs };
  };

  const work = async (): Promise<void> => {
    while (waiting.length > 0 && !signal.aborted) {
      try {
        await write(next());
      } catch (thrown) {
        if (signal.aborted) return;
        waiting = [];
        waitingBytes = 0;
        heldUntil = undefined;
        const envelope = envelopeOf(thrown);
        options.onDropped(
          envelope?.code === "cancelled" ? "the broker did not answer in time" : (envelope?.message ?? String(thrown)),
        );
      }
    }
  };

  return {
    begin: () => hold(options.takeOver !== "never", typedHoldMs),
    type: (given, kind = "typed") => {
      const joined = begun.length === 0 ? given : Buffer.concat([begun, given]);
      const data = wholeCharacters(joined);
      begun = joined.subarray(data.length);
      if (data.length === 0) return;
      if (waitingBytes + data.length > waitingBytesMax) {
        options.onDropped("typed faster than the agent reads");
        return;
      }
      waiting.push({ data, ttlMs: kind === "report" ? reportHoldMs : typedHoldMs });
      waitingBytes += data.length;
      working ??= work().finally(() => {
        working = undefined;
      });
    },
    end: async () => {
      await working;
      if (heldUntil === undefined) return;
      heldUntil = undefined;
      await client.call("agent.unhold", { name, leaseId }, { signal: AbortSignal.timeout(1_000) });
    },
  };
}

/** Without a character at the end that is not complete. What is no UTF-8 is left as it is. */
function wholeCharacters(data: Buffer): Buffer {
  for (let back = 1; back <= 3 && back <= data.length; back += 1) {
    const byte = data[data.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const wanted = byte >= 0xf0 && byte < 0xf8 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return byte < 0xf8 && wanted > back ? data.subarray(0, data.length - back) : data;
  }
  return data;
}
