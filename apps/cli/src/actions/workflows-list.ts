import { listTemplates } from "@agent-relay/workflow";
import type { ActionResult, Context } from "../context.ts";
import { renderTable } from "../rendering/table.ts";

export async function run({ output }: Context): ActionResult {
  const templates = await listTemplates();
  if (output.isJson) {
    output.document({ templates });
    return undefined;
  }
  const lines = renderTable(
    [
      { header: "TEMPLATE", value: (it) => it.name },
      { header: "STEPS", value: (it) => String(it.steps), align: "right", droppable: 1 },
      { header: "PATTERN", value: (it) => it.pattern ?? "by roles", droppable: 2 },
      { header: "WHAT IT DOES", value: (it) => it.description, shrinkTo: 20 },
    ],
    templates,
    { width: output.width(), paintHeader: output.colours.dim },
  );
  for (const line of lines) output.line(line);
  output.note(`${output.noteColours.dim("→")} agent-relay workflows new <template> writes one here`);
  return undefined;
}
