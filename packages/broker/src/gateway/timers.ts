/** The time that connections need. Tests move it by hand. */
export interface Timers {
  /** Calls `run` at the end of this turn of the event loop. */
  readonly defer: (run: () => void) => void;
  /** Calls `run` once after `ms`. Returns the way to call it off. */
  readonly after: (ms: number, run: () => void) => () => void;
}

export const systemTimers: Timers = {
  defer: (run) => {
    setImmediate(run);
  },
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};
