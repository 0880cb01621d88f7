/**
 * Notices that this process did not run for a while: it was stopped, the machine slept, or its clock was set.
 *
 *   Z1  Whoever asks is told before anything is decided by a time at which nobody could be heard.
 *   Z2  While nothing is watched there is no timer.
 */
import type { Clock, Instant } from "@agent-relay/kernel";

export interface AbsenceWatch {
  /** Has no effect while it watches already. */
  readonly begin: () => void;
  /** Looks at the clock now. Call it before deciding anything by it. */
  readonly look: () => void;
  readonly end: () => void;
}

const LOOK_EVERY_MS = 1_000;
/** A busy machine is late by less, and no holder of a lease of the usual length needs more. */
const AWAY_MS = 3_000;
const TIMER = "absence";

export function watchForAbsence(clock: Clock, onBack: (now: Instant) => void): AbsenceWatch {
  let lookedAt: Instant | undefined;
  const look = (): void => {
    if (lookedAt === undefined) return;
    const now = clock.now();
    const gap = Math.abs(now - lookedAt);
    lookedAt = now;
    if (gap <= AWAY_MS) return;
    // The timer was set by a clock that may have been ahead.
    lookLater();
    onBack(now);
  };
  const lookLater = (): void => {
    clock.setTimer(TIMER, clock.now() + LOOK_EVERY_MS, () => {
      look();
      lookLater();
    });
  };
  return {
    begin: () => {
      if (lookedAt !== undefined) return;
      lookedAt = clock.now();
      lookLater();
    },
    look,
    end: () => {
      lookedAt = undefined;
      clock.clearTimer(TIMER);
    },
  };
}
