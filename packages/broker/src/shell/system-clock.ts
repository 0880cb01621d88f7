/** The real clock: Node's timers under the kernel's port. */
import type { Clock } from "@agent-relay/kernel";

/** Node fires a timer that is set further ahead than this at once. */
const TIMER_MS_MAX = 2_147_483_647;

export function systemClock(): Clock {
  const timers = new Map<string, NodeJS.Timeout>();
  const clear = (key: string): void => {
    clearTimeout(timers.get(key));
    timers.delete(key);
  };
  const set = (key: string, at: number, fire: () => void): void => {
    clear(key);
    const wait = Math.max(0, at - Date.now());
    const due = (): void => {
      timers.delete(key);
      if (Date.now() < at) set(key, at, fire);
      else fire();
    };
    const timer = setTimeout(due, Math.min(wait, TIMER_MS_MAX));
    // What is due is in the log; a timer alone is no reason to stay alive.
    timer.unref();
    timers.set(key, timer);
  };
  return { now: () => Date.now(), setTimer: set, clearTimer: clear };
}
