import { listHarnesses, type HarnessLine } from "@agent-relay/harness";
import type { ActionResult, Context } from "../context.ts";
import { renderTable } from "../rendering/table.ts";

export function run(context: Context): ActionResult {
  const { output } = context;
  const harnesses = listHarnesses();
  if (output.isJson) output.document({ harnesses });
  else {
    const lines = renderTable<HarnessLine>(
      [
        { header: "ID", value: (row) => row.id, paint: output.colours.bold },
        { header: "PROGRAM", value: (row) => row.title, shrinkTo: 8, droppable: 2 },
        { header: "STARTED AS", value: (row) => row.programs[0] ?? "", shrinkTo: 8 },
        { header: "ROUTES", value: (row) => row.routes.join(", "), shrinkTo: 8, droppable: 1 },
        { header: "STATE FROM", value: (row) => row.status, shrinkTo: 8, droppable: 4 },
        {
          header: "VERSIONS TRIED",
          value: (row) => (row.tried.length === 0 ? "none" : row.tried.join(", ")),
          shrinkTo: 8,
          droppable: 3,
        },
      ],
      harnesses,
      { width: output.width(), paintHeader: output.colours.dim },
    );
    for (const line of lines) output.line(line);
    output.note(`${output.noteColours.dim("→")} agent-relay harness show <id> tells more about one`);
  }
  return Promise.resolve(undefined);
}
