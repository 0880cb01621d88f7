/**
 * Identifiers that sort by the time of their creation: nine digits of milliseconds, two that count within one
 * millisecond, eight of chance; base 36.
 */
import { randomFillSync, randomInt } from "node:crypto";
import type { Clock, IdSource } from "@agent-relay/kernel";

const PER_MS = 36 ** 2;
const CHANCE = 36 ** 8;
/** Chance is fetched for many ids at once: asking the system costs more than all the rest of an id. */
const POOL_BYTES = 6 * 1_024;

export function timeSortedIds(clock: Pick<Clock, "now">): IdSource {
  let last = 0;
  let count = 0;
  const pool = Buffer.alloc(POOL_BYTES);
  let used = POOL_BYTES;
  const chance = (): number => {
    if (used === POOL_BYTES) {
      randomFillSync(pool);
      used = 0;
    }
    used += 6;
    return pool.readUIntBE(used - 6, 6) % CHANCE;
  };
  return {
    next: (prefix) => {
      const now = clock.now();
      // A clock that was set back, or more ids than a millisecond has room for, borrow from the time to come.
      if (now > last) {
        last = now;
        count = 0;
      } else if (++count === PER_MS) {
        last += 1;
        count = 0;
      }
      return `${prefix}_${digits(last, 9)}${digits(count, 2)}${digits(chance(), 8)}`;
    },
    random: () => randomInt(2 ** 32) / 2 ** 32,
  };
}

function digits(value: number, length: number): string {
  return value.toString(36).padStart(length, "0");
}
