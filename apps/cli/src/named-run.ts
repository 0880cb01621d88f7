/**
 * Runs by what a person types of their ids.
 *
 *   I1  An id names a run, and so does a beginning of one of the newest runs that no other of them has.
 *   I2  What names none says which may have been meant, and where they are listed.
 */
import { relayError } from "@agent-relay/protocol";
import type { Runs } from "@agent-relay/workflow";
import { nearest } from "./nearest.ts";
import { safeLine } from "./rendering/safe-text.ts";

/** So many runs are the newest: among them a beginning is looked for. */
const lookedAtMax = 500;
const shownMax = 3;

/** Throws a `RelayError` for what names none, or several. */
export async function runNamed(runs: Runs, given: string): Promise<string> {
  const { runs: newest } = await runs.list({ limit: lookedAtMax });
  const ids = newest.map(({ runId }) => runId);
  if (ids.includes(given)) return given;
  const beginning = given === "" ? [] : ids.filter((id) => id.startsWith(given));
  if (beginning.length === 1 && beginning[0] !== undefined) return beginning[0];
  if (beginning.length > 1)
    throw relayError(
      "invalid_request",
      `expected the id of one run, found '${safeLine(given)}', which begins several`,
      {
        hint: `${beginning.slice(0, shownMax).join(", ")}: agent-relay runs list`,
      },
    );
  // An old one is not on the list, and known all the same.
  if (ids.length === lookedAtMax && /^[0-9a-z]+$/u.test(given)) {
    await runs.read(given);
    return given;
  }
  const meant = nearest(given, ids);
  throw relayError("invalid_request", `expected the id of a run, found '${safeLine(given)}', which names none`, {
    hint: meant.length === 0 ? "agent-relay runs list" : `did you mean ${meant.join(" or ")}? agent-relay runs list`,
  });
}
