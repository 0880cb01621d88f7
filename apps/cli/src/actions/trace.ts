import { withClient } from "../broker-connection.ts";
import type { ActionResult, Context } from "../context.ts";
import { deliveryTable } from "../rendering/delivery-table.ts";
import { messageLines } from "../rendering/message-lines.ts";
import { latency } from "../rendering/moments.ts";
import { renderTable } from "../rendering/table.ts";

export async function run(context: Context, _options: object, messageId: string): ActionResult {
  const { output } = context;
  const trace = await withClient(context, {}, (client) =>
    client.call("message.trace", { messageId }, { signal: context.signal }),
  );
  if (output.isJson) {
    output.document(trace);
    return undefined;
  }
  const now = context.now();
  const lines = [
    ...messageLines(trace.message, output, now),
    "",
    ...deliveryTable(trace.deliveries, output, { withMessage: false, now }),
    "",
    ...renderTable(
      [
        { header: "AFTER", value: (step) => latency(step.afterMs), align: "right" },
        { header: "AGENT", value: (step) => step.agent ?? "", shrinkTo: 8, paint: output.colours.bold },
        { header: "WHAT", value: (step) => step.what, shrinkTo: 10 },
        { header: "DETAIL", value: (step) => step.detail, shrinkTo: 10, droppable: 1 },
        {
          header: "EVENT",
          value: (step) => `#${step.sequence}`,
          align: "right",
          droppable: 2,
          paint: output.colours.dim,
        },
      ],
      trace.steps,
      { width: output.width(), paintHeader: output.colours.dim },
    ),
  ];
  for (const line of lines) output.line(line);
  return undefined;
}
