/** The only source of time and chance in this package. Tests move it by hand. */
export interface Timers {
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Calls `fire` once after `ms`. Returns the way to call it off. */
  readonly after: (ms: number, fire: () => void) => () => void;
  /** A number in [0, 1), for jitter. */
  readonly random: () => number;
}

export const systemTimers: Timers = {
  now: () => Date.now(),
  after: (ms, fire) => {
    const timer = setTimeout(fire, ms);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};
