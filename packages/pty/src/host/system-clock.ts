import type { Clock } from "@agent-relay/kernel";

export function systemClock(): Clock {
  const timers = new Map<string, NodeJS.Timeout>();
  return {
    now: () => Date.now(),
    setTimer: (key, at, fire) => {
      clearTimeout(timers.get(key));
      timers.set(
        key,
        setTimeout(
          () => {
            timers.delete(key);
            fire();
          },
          Math.max(0, at - Date.now()),
        ),
      );
    },
    clearTimer: (key) => {
      clearTimeout(timers.get(key));
      timers.delete(key);
    },
  };
}
