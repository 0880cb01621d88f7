/**
 * Once there is room: what a broker could not record, because its disk is full or refuses to be written, is asked again until it can.
 *
 *   O1  Nothing that runs is given up for it: commands and agents go on meanwhile.
 *   O2  Any other failure is passed on at once.
 *   O3  Whoever is told to stop stops, with `cancelled` and what was in the way.
 */
import { relayError } from "@agent-relay/protocol";
import { isRelayError } from "@agent-relay/sdk";
import { pauseUnless } from "./pause.ts";

const AGAIN_MS = 250;
const AGAIN_MS_MAX = 5_000;

export async function onceThereIsRoom<Result>(ask: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
  for (let pauseMs = AGAIN_MS; ; pauseMs = Math.min(2 * pauseMs, AGAIN_MS_MAX)) {
    try {
      return await ask();
    } catch (error) {
      if (!isRelayError(error, "disk_full") && !isRelayError(error, "log_unwritable")) throw error;
      await pauseUnless(signal, pauseMs);
      if (signal.aborted)
        throw relayError("cancelled", `it was called off while nothing could be recorded: ${error.message}`, {
          cause: error,
        });
    }
  }
}
