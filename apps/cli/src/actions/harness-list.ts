import { harnessList } from "@agent-relay/harness";
import type { ActionResult, Context } from "../context.ts";
import { harnessDocument } from "../rendering/harness-document.ts";
import { renderTable } from "../rendering/table.ts";

export function run(context: Context): ActionResult {
  const { output } = context;
  if (output.isJson) output.document({ harnesses: harnessList.map(harnessDocument) });
  else {
    const lines = renderTable(
      [
        { header: "ID", value: (row) => row.id, paint: output.colours.bold },
        { header: "PROGRAM", value: (row) => row.title, shrinkTo: 8, droppable: 2 },
        {
          header: "STARTED AS",
          value: (row) => row.recognition.programs[0] ?? row.recognition.npmPackages?.[0] ?? "",
          shrinkTo: 8,
        },
        {
          header: "ROUTES",
          value: (row) => row.routes.map(({ route }) => route).join(", "),
          shrinkTo: 8,
          droppable: 1,
        },
        {
          header: "TRIED WITH",
          value: (row) => row.provenance.seen ?? "documentation only",
          shrinkTo: 8,
          droppable: 3,
        },
      ],
      harnessList,
      { width: output.width(), paintHeader: output.colours.dim },
    );
    for (const line of lines) output.line(line);
    output.note(`${output.noteColours.dim("→")} agent-relay harness show <id> tells more about one`);
  }
  return Promise.resolve(undefined);
}
