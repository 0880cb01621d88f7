import { openRuns } from "@agent-relay/workflow";
import type { ActionResult, Context } from "../context.ts";
import { runNamed } from "../named-run.ts";
import { withRelay } from "../relay-connection.ts";
import { waitsForItsScript } from "../script-run.ts";
import { watchRun } from "../watch-run.ts";

export function run(context: Context, _options: object, given: string): ActionResult {
  return withRelay(context, async (relay) => {
    const runs = openRuns(relay);
    const runId = await runNamed(runs, given);
    if (await waitsForItsScript(relay, runId)) {
      const { output } = context;
      output.note("Nobody executes it now, and only the script that began it can go on with it.");
      output.note(`${output.noteColours.dim("→")} agent-relay runs cancel ${runId} ends it`);
    }
    return watchRun(context, { relay, runs, runId });
  });
}
