/** Deliveries: how far each recipient's copy of a message has got. */
import type { MethodResult } from "@agent-relay/protocol";
import type { Output } from "../terminal-output.ts";
import { clockTime } from "./moments.ts";
import { renderTable, type Column } from "./table.ts";

export type DeliveryRow = MethodResult<"message.await">["deliveries"][number];

export function deliveryTable(
  deliveries: readonly DeliveryRow[],
  output: Output,
  options: { readonly withMessage: boolean; readonly now: number },
): string[] {
  const { colours } = output;
  const columns: Column<DeliveryRow>[] = [
    { header: "TO", value: (row) => row.agent, shrinkTo: 8, paint: colours.bold },
    {
      header: "STAGE",
      value: (row) => row.stage,
      paint: (text, row) =>
        row.stage === "dead_lettered" ? colours.red(text) : row.stage === "accepted" ? text : colours.green(text),
    },
    { header: "WHY", value: whyOf, shrinkTo: 8, droppable: 1 },
    { header: "ROUTE", value: (row) => row.route ?? "", droppable: 4 },
    { header: "EVIDENCE", value: (row) => row.evidence ?? "", shrinkTo: 8, droppable: 3 },
    { header: "TRIES", value: (row) => String(row.attempts), align: "right", droppable: 6 },
    { header: "AT", value: (row) => clockTime(row.at, options.now), droppable: 5 },
  ];
  if (options.withMessage) columns.unshift({ header: "MESSAGE", value: (row) => row.messageId, shrinkTo: 12 });
  return renderTable(columns, deliveries, { width: output.width(), paintHeader: colours.dim });
}

function whyOf(row: DeliveryRow): string {
  const notes = [
    row.deadLetterReason ?? row.stalled,
    row.uncertain ? "uncertain" : null,
    row.possibleRepeat ? "possibly repeated" : null,
  ];
  return notes.filter((note) => note !== null).join(", ");
}
