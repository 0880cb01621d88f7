/**
 * Archive keeper: in idle moments it has the archive take in what was recorded, so that nobody who asks waits for it.
 *
 *   AK1  It works in short slices, with pauses between them while facts arrive.
 *   AK2  A disk that takes no more is none of the broker's end: it is said once, and tried again until it goes on.
 */
import { messageOf, type Clock, type Logger } from "@agent-relay/kernel";

const SLICE_MS = 5;
const PAUSE_MS = 45;
const IDLE_PAUSE_MS = 1;
const AGAIN_MS = 1_000;
const TIMER = "archive";

/** Answers how to stop. */
export function keepArchiveClose(options: {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Works for about so long; answers how many facts are left. */
  readonly catchUp: (limitMs: number) => number;
  /** Answers how to hear no more. */
  readonly onAppended: (listener: () => void) => () => void;
}): () => void {
  const { clock, logger, catchUp } = options;
  let isSet = false;
  let appended = false;
  let hasFailed = false;
  const later = (ms: number): void => {
    if (isSet) return;
    isSet = true;
    clock.setTimer(TIMER, clock.now() + ms, slice);
  };
  const slice = (): void => {
    isSet = false;
    const isBusy = appended;
    appended = false;
    try {
      if (catchUp(SLICE_MS) > 0) later(isBusy ? PAUSE_MS : IDLE_PAUSE_MS);
      hasFailed = false;
    } catch (error) {
      if (!hasFailed) logger.error("the archive does not go on for now", { error: messageOf(error) });
      hasFailed = true;
      later(AGAIN_MS);
    }
  };
  const off = options.onAppended(() => {
    appended = true;
    later(PAUSE_MS);
  });
  return () => {
    off();
    clock.clearTimer(TIMER);
  };
}
