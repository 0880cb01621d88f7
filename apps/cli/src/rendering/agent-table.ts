/** The table of `who`. */
import type { MethodResult } from "@agent-relay/protocol";
import type { Output } from "../terminal-output.ts";
import { bytes, duration } from "./moments.ts";
import { renderTable, type Column } from "./table.ts";

export type AgentRow = MethodResult<"agent.list">["agents"][number];

export function agentTable(agents: readonly AgentRow[], output: Output, now: number): string[] {
  const { colours } = output;
  const paintState = (text: string, row: AgentRow): string => {
    switch (row.state) {
      case "working":
        return colours.green(text);
      case "blocked":
      case "blocked_on_send":
        return colours.yellow(text);
      case "ended":
        return row.status === "permanently_dead" ? colours.red(text) : colours.dim(text);
      case "idle":
      case "starting":
        return text;
    }
  };
  const columns: Column<AgentRow>[] = [
    { header: "NAME", value: (row) => row.name, shrinkTo: 12, paint: colours.bold },
    { header: "PROGRAM", value: programOf, shrinkTo: 12, droppable: 2 },
    { header: "STATE", value: stateOf, shrinkTo: 15, paint: paintState },
    { header: "FOR", value: (row) => duration(now - row.since), align: "right", droppable: 5 },
    { header: "WHY", value: whyOf, shrinkTo: 16 },
    {
      header: "CTX",
      value: (row) => (row.contextPctLeft === null ? "" : `${Math.round(row.contextPctLeft)}%`),
      align: "right",
      droppable: 6,
    },
    { header: "MAIL", value: (row) => (row.pending === 0 ? "" : String(row.pending)), align: "right", droppable: 4 },
    {
      header: "PERM",
      value: (row) => row.permissionMode ?? "",
      droppable: 3,
      paint: (text, row) => (row.permissionMode === "bypass" ? colours.red(text) : text),
    },
    { header: "HELD BY", value: (row) => row.heldBy ?? "", shrinkTo: 6, droppable: 7 },
    { header: "PID", value: (row) => (row.pid === null ? "" : String(row.pid)), align: "right", droppable: 8 },
    {
      header: "MEMORY",
      value: (row) => (row.memoryBytes === null ? "" : bytes(row.memoryBytes)),
      align: "right",
      droppable: 9,
    },
    {
      header: "ACTIVE",
      value: (row) => (row.lastActivityAt === null ? "" : `${duration(now - row.lastActivityAt)} ago`),
      align: "right",
      droppable: 10,
    },
  ];
  const used = columns.filter(
    (column) =>
      (column.droppable === undefined && column.header !== "WHY") || agents.some((row) => column.value(row) !== ""),
  );
  return renderTable(used, agents, { width: output.width(), paintHeader: colours.dim });
}

function programOf(row: AgentRow): string {
  if (row.kind === "person") return "(mailbox)";
  const program = row.harness ?? row.cli ?? "?";
  return row.model === null ? program : `${program} ${row.model}`;
}

function stateOf(row: AgentRow): string {
  const state = row.state === "ended" ? row.status.replace("permanently_dead", "dead") : row.state;
  const kind = row.state === "blocked" && row.blockedKind !== null ? `${state}:${row.blockedKind}` : state;
  return row.fidelity === "inferred" && row.state !== "ended" ? `${kind} ~` : kind;
}

function whyOf(row: AgentRow): string {
  return [row.reason, row.reported].filter((text) => text !== null && text !== "").join(" · ");
}
