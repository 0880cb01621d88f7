import { withClient } from "../broker-connection.ts";
import type { ActionResult, Context } from "../context.ts";
import { deliveryTable } from "../rendering/delivery-table.ts";

export async function run(
  context: Context,
  options: { readonly agent?: string; readonly limit: number },
): ActionResult {
  const { output } = context;
  const answer = await withClient(context, {}, (client) =>
    client.call(
      "deadletter.list",
      { limit: options.limit, ...(options.agent === undefined ? {} : { agent: options.agent }) },
      { signal: context.signal },
    ),
  );
  if (output.isJson) output.document(answer);
  else if (answer.deliveries.length === 0) output.line("No dead letters.");
  else {
    for (const line of deliveryTable(answer.deliveries, output, { withMessage: true, now: context.now() }))
      output.line(line);
    output.note(
      `${output.noteColours.dim("→")} agent-relay deadletters redeliver <message-id> <agent> sends one out again`,
    );
  }
  return undefined;
}
