import { withClient } from "../broker-connection.ts";
import type { ActionResult, Context } from "../context.ts";
import { safeLine } from "../rendering/safe-text.ts";
import { renderTable } from "../rendering/table.ts";

export async function run(context: Context, options: { readonly by: "harness" | "model" | "agent" }): ActionResult {
  const { output } = context;
  const answer = await withClient(context, {}, (client) =>
    client.call("stats.read", { by: options.by }, { signal: context.signal }),
  );
  if (output.isJson) {
    output.document(answer);
    return undefined;
  }
  const number = (value: number): string => String(value);
  const lines = renderTable(
    [
      { header: options.by.toUpperCase(), value: (row) => row.key, shrinkTo: 8, paint: output.colours.bold },
      { header: "AGENTS", value: (row) => number(row.agents), align: "right", droppable: 3 },
      { header: "SENT", value: (row) => number(row.sent), align: "right" },
      { header: "RECEIVED", value: (row) => number(row.received), align: "right", droppable: 2 },
      { header: "TURNS", value: (row) => number(row.turns), align: "right", droppable: 1 },
      { header: "TOKENS IN", value: (row) => grouped(row.inputTokens), align: "right" },
      { header: "CACHED", value: (row) => grouped(row.cachedInputTokens), align: "right", droppable: 4 },
      { header: "OUT", value: (row) => grouped(row.outputTokens), align: "right" },
    ],
    answer.rows,
    { width: output.width(), paintHeader: output.colours.dim },
  );
  for (const line of lines) output.line(line);
  output.note(output.noteColours.dim(`started by: ${safeLine(answer.orchestrator)}`));
  return undefined;
}

/** `1 234 567`: thousands apart, because these grow long, and with a space, which no locale takes for a decimal point. */
function grouped(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, " ");
}
