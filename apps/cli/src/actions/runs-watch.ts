import { openRuns } from "@agent-relay/workflow";
import type { ActionResult, Context } from "../context.ts";
import { runNamed } from "../named-run.ts";
import { withRelay } from "../relay-connection.ts";
import { watchRun } from "../watch-run.ts";

export function run(context: Context, _options: object, given: string): ActionResult {
  return withRelay(context, async (relay) => {
    const runs = openRuns(relay);
    return watchRun(context, { relay, runs, runId: await runNamed(runs, given) });
  });
}
