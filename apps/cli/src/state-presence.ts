/**
 * State presence: whether the directory of a running broker is still where it was.
 *
 *   SP1  A directory that is deleted or moved away is told once, soon: nobody could find the broker any more, nor would it
 *        take another fact, and its agents would work for nobody.
 *   SP2  What is away for a moment is not gone.
 */
import { statSync } from "node:fs";
import type { Clock } from "@agent-relay/kernel";

const LOOK_EVERY_MS = 5_000;
/** That many looks in a row have to miss it. */
const MISSES = 2;
const TIMER = "state-presence";

/** Answers how to stop looking. */
export function watchPresence(
  directory: string,
  { clock, onGone }: { readonly clock: Clock; readonly onGone: () => void },
): () => void {
  const own = inodeOf(directory);
  let missed = 0;
  const lookLater = (): void => clock.setTimer(TIMER, clock.now() + LOOK_EVERY_MS, look);
  const look = (): void => {
    missed = inodeOf(directory) === own ? 0 : missed + 1;
    if (missed < MISSES) lookLater();
    else onGone();
  };
  lookLater();
  return () => clock.clearTimer(TIMER);
}

function inodeOf(directory: string): number | undefined {
  return statSync(directory, { throwIfNoEntry: false })?.ino;
}
