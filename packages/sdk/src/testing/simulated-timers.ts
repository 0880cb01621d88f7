import type { Timers } from "../wire/timers.ts";

export interface SimulatedTimers extends Timers {
  /** Moves time and fires what is due, in order. */
  readonly advance: (ms: number) => Promise<void>;
  readonly pending: () => number;
}

/** Time that moves only when told. */
export function simulatedTimers(): SimulatedTimers {
  let now = 1_700_000_000_000;
  let order = 0;
  const due = new Map<number, { readonly at: number; readonly fire: () => void }>();
  return {
    now: () => now,
    random: () => 0.5,
    after: (ms, fire) => {
      const id = (order += 1);
      due.set(id, { at: now + ms, fire });
      return () => void due.delete(id);
    },
    pending: () => due.size,
    advance: async (ms) => {
      const end = now + ms;
      for (;;) {
        await settle();
        const [next] = [...due].filter(([, timer]) => timer.at <= end).sort(([a, x], [b, y]) => x.at - y.at || a - b);
        if (next === undefined) break;
        due.delete(next[0]);
        now = Math.max(now, next[1].at);
        next[1].fire();
      }
      now = end;
      await settle();
    },
  };
}

/** Time in which every delay under a second is over at once, and longer ones never are. */
export function eagerTimers(): Timers {
  return {
    now: () => Date.now(),
    random: () => 0,
    after: (ms, fire) => {
      if (ms >= 1_000) return () => undefined;
      const immediate = setImmediate(fire);
      return () => clearImmediate(immediate);
    },
  };
}

/** Lets everything that is already on its way arrive. */
export async function settle(turns = 5): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Waits, turn by turn of the event loop, for something to become true. */
export async function until(condition: () => boolean, what = condition.toString()): Promise<void> {
  const end = Date.now() + 5_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`never became true: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
