import { withClient } from "../broker-connection.ts";
import type { ActionResult, Context } from "../context.ts";
import { renderTable } from "../rendering/table.ts";

export async function run(context: Context): ActionResult {
  const { output } = context;
  const answer = await withClient(context, {}, (client) => client.call("channel.list", {}, { signal: context.signal }));
  if (output.isJson) output.document(answer);
  else if (answer.channels.length === 0) output.line("No channels. Make one: agent-relay channels create <name>");
  else {
    const lines = renderTable(
      [
        { header: "CHANNEL", value: (row) => `#${row.name}`, shrinkTo: 10, paint: output.colours.cyan },
        { header: "MEMBERS", value: (row) => (row.members.length === 0 ? "-" : row.members.join(", ")), shrinkTo: 10 },
        { header: "TOPIC", value: (row) => row.topic ?? "", shrinkTo: 8, droppable: 2 },
        { header: "BY", value: (row) => row.createdBy, shrinkTo: 6, droppable: 3 },
      ],
      answer.channels,
      { width: output.width(), paintHeader: output.colours.dim },
    );
    for (const line of lines) output.line(line);
  }
  return undefined;
}
