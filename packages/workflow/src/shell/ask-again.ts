/**
 * Asking again: what a broker could not do for now is asked of it until it can, or nobody wants it any more.
 *
 *   AG1  Nothing that runs is given up for it: commands and agents go on meanwhile.
 *   AG2  What will not pass is passed on at once.
 *   AG3  Whoever is told to stop stops, with `cancelled` and what was in the way.
 */
import { messageOf } from "@agent-relay/kernel";
import { relayError } from "@agent-relay/protocol";
import { isRelayError } from "@agent-relay/sdk";
import { pauseUnless } from "./pause.ts";

const AGAIN_MS = 250;
const AGAIN_MS_MAX = 5_000;

/** What went wrong may go well another time: the broker was away, gave up what was followed, or can record nothing. */
export function mayPass(error: unknown): boolean {
  return isRelayError(error) && error.retryable;
}

/** The broker can record nothing, because its disk is full or refuses to be written. */
export function lacksRoom(error: unknown): boolean {
  return isRelayError(error, "disk_full") || isRelayError(error, "log_unwritable");
}

/** `passes`: after which failures it is asked again. */
export async function askAgain<Result>(
  ask: () => Promise<Result>,
  passes: (error: unknown) => boolean,
  signal: AbortSignal,
): Promise<Result> {
  for (let pauseMs = AGAIN_MS; ; pauseMs = Math.min(2 * pauseMs, AGAIN_MS_MAX)) {
    try {
      return await ask();
    } catch (error) {
      if (!passes(error)) throw error;
      await pauseUnless(signal, pauseMs);
      if (signal.aborted)
        throw relayError("cancelled", `it was called off while it could not be done: ${messageOf(error)}`, {
          cause: error,
        });
    }
  }
}
