/**
 * Identifiers that sort by the time of their creation: nine digits of milliseconds, two that count within one
 * millisecond, eight of chance; base 36.
 */
import { randomBytes, randomInt } from "node:crypto";
import type { Clock, IdSource } from "@agent-relay/kernel";

const PER_MS = 36 ** 2;
const CHANCE = 36 ** 8;

export function timeSortedIds(clock: Pick<Clock, "now">): IdSource {
  let last = 0;
  let count = 0;
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
      const chance = Number(randomBytes(6).readUIntBE(0, 6)) % CHANCE;
      return `${prefix}_${digits(last, 9)}${digits(count, 2)}${digits(chance, 8)}`;
    },
    random: () => randomInt(2 ** 32) / 2 ** 32,
  };
}

function digits(value: number, length: number): string {
  return value.toString(36).padStart(length, "0");
}
