import { relayError } from "@agent-relay/protocol";
import { openRuns } from "@agent-relay/workflow";
import type { ActionResult, Context } from "../context.ts";
import { runNamed } from "../named-run.ts";
import { withRelay } from "../relay-connection.ts";
import { statusWord } from "../rendering/run-lines.ts";
import { endOf } from "../run-end.ts";
import { startRunner } from "../runner-start.ts";
import { cancelOfScript, isOfScript } from "../script-run.ts";
import { watchRun } from "../watch-run.ts";

/** Cancelled is what was asked for: it ends with 0, unless the run ended otherwise. */
export function run(context: Context, options: { readonly reason?: string }, given: string): ActionResult {
  return withRelay(context, async (relay) => {
    const runs = openRuns(relay);
    const runId = await runNamed(runs, given);
    const before = await runs.read(runId);
    const end = endOf(before.at(-1));
    if (end !== undefined)
      throw relayError("invalid_request", `${runId} has ended already: ${statusWord(end.slice("run_".length))}`, {
        hint: `agent-relay runs show ${runId}`,
      });
    if (isOfScript(before)) await cancelOfScript(context, { relay, runs, runId, reason: options.reason });
    else {
      await runs.cancel(runId, relay.name, options.reason);
      // Whoever executes it ends what runs; if nobody does, somebody has to.
      startRunner(context);
    }
    return watchRun(context, { relay, runs, runId, after: before.length, wanted: "run_cancelled" });
  });
}
