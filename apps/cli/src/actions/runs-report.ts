import { openRuns, reportOf, trajectoryOf } from "@agent-relay/workflow";
import type { ActionResult, Context } from "../context.ts";
import { runNamed } from "../named-run.ts";
import { withRelay } from "../relay-connection.ts";

interface ReportOptions {
  readonly format?: "markdown" | "json";
}

export async function run(context: Context, options: ReportOptions, given: string): ActionResult {
  const { output, now } = context;
  await withRelay(context, async (relay) => {
    const runs = openRuns(relay);
    const trajectory = trajectoryOf(await runs.read(await runNamed(runs, given)));
    if (output.isJson || options.format === "json") output.document(trajectory);
    else output.raw(reportOf(trajectory, now()));
  });
  return undefined;
}
