import { openRuns, type RunListing } from "@agent-relay/workflow";
import type { ActionResult, Context } from "../context.ts";
import { clockTime } from "../rendering/moments.ts";
import { statusWord } from "../rendering/run-lines.ts";
import { renderTable } from "../rendering/table.ts";
import { withRelay } from "../relay-connection.ts";

export async function run(context: Context, options: { readonly limit: number }): ActionResult {
  const { output, now } = context;
  await withRelay(context, async (relay) => {
    const { runs } = await openRuns(relay).list({ limit: options.limit });
    if (output.isJson) return output.document({ runs });
    if (runs.length === 0) return output.note("No runs. agent-relay run <file> starts one.");
    const lines = renderTable(
      [
        { header: "RUN", value: (it) => it.runId },
        { header: "WORKFLOW", value: nameOf, shrinkTo: 12 },
        {
          header: "STATUS",
          value: (it) => (it.status === "running" && it.executedBy === undefined ? "waits" : statusWord(it.status)),
        },
        { header: "STEPS", value: (it) => `${it.completed}/${it.steps}`, align: "right" },
        { header: "STARTED", value: (it) => clockTime(it.startedAt, now()), droppable: 1 },
      ],
      runs,
      { width: output.width(), paintHeader: output.colours.dim },
    );
    for (const line of lines) output.line(line);
  });
  return undefined;
}

/** Many documents call their only workflow by the same name. */
function nameOf({ document, workflow }: RunListing): string {
  return document === undefined || document === workflow ? workflow : `${document}/${workflow}`;
}
