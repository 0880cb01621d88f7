/**
 * Sequential ids: an `IdSource` whose every answer is known beforehand.
 *
 *   I1  The same seed gives the same ids and the same random numbers, in every run and on every machine.
 *   I2  Ids of one prefix sort by time of creation and are never given twice.
 *   I3  They have the shape of real ones: `msg_0000000001`.
 */
import type { IdSource } from "@agent-relay/kernel";

export interface SequentialIdsOptions {
  /** For `random`. 1 if absent. */
  readonly seed?: number;
  /** How many ids of each prefix were given already. 0 if absent. */
  readonly start?: number;
}

/** The shortest that the protocol takes for an id. */
const digits = 10;

/** Ids that count from one within each prefix; `msg` and `msg_` are the same prefix. */
export function sequentialIds(options: SequentialIdsOptions = {}): IdSource {
  const given = new Map<string, number>();
  const random = seededRandom(options.seed ?? 1);
  return {
    next: (prefix) => {
      const stem = prefix.endsWith("_") ? prefix : `${prefix}_`;
      const count = (given.get(stem) ?? options.start ?? 0) + 1;
      given.set(stem, count);
      return `${stem}${count.toString(36).padStart(digits, "0")}`;
    },
    random,
  };
}

/** Numbers in [0, 1) that follow from a seed alone (the generator is mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
