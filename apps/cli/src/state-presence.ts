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
  const own = statSync(directory).ino;
  let missed = 0;
  const lookLater = (): void => clock.setTimer(TIMER, clock.now() + LOOK_EVERY_MS, look);
  const look = (): void => {
    missed = isGone(directory, own) ? missed + 1 : 0;
    if (missed < MISSES) lookLater();
    else onGone();
  };
  lookLater();
  return () => clock.clearTimer(TIMER);
}

/** What cannot be looked at just now is not gone. */
function isGone(directory: string, own: number): boolean {
  try {
    return statSync(directory).ino !== own;
  } catch (error) {
    return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
  }
}
