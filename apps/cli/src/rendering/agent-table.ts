/** The table of `who`, and what a person can do about those in it who wait. */
import type { MethodResult } from "@agent-relay/protocol";
import type { Output } from "../terminal-output.ts";
import { bytes, duration } from "./moments.ts";
import { safeLine } from "./safe-text.ts";
import { renderTable, type Column } from "./table.ts";

export type AgentRow = MethodResult<"agent.list">["agents"][number];

export interface AgentTableOptions {
  /** Versions, sessions and teams too. */
  readonly wide?: boolean;
}

export function agentTable(
  agents: readonly AgentRow[],
  output: Output,
  now: number,
  { wide = false }: AgentTableOptions = {},
): string[] {
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
    ...(wide ? wideColumns : []),
  ];
  const used = columns.filter(
    (column) =>
      (column.droppable === undefined && column.header !== "WHY") || agents.some((row) => column.value(row) !== ""),
  );
  return renderTable(used, agents, { width: output.width(), paintHeader: colours.dim });
}

const wideColumns: readonly Column<AgentRow>[] = [
  { header: "VERSION", value: (row) => row.version ?? "", shrinkTo: 6, droppable: 12 },
  { header: "SESSION", value: (row) => row.sessionId ?? "", shrinkTo: 8, droppable: 1 },
  { header: "TEAM", value: (row) => row.team ?? "", shrinkTo: 6, droppable: 11 },
];

/** What to type about each agent that waits for a person. */
export function waysToAnswer(agents: readonly AgentRow[]): string[] {
  return agents.flatMap(({ name, block, runtime }) => {
    if (block === null) return [];
    const how = block.answerable
      ? `agent-relay approve ${name}, or agent-relay deny ${name}`
      : runtime === "headless"
        ? `nothing can be answered without a terminal; agent-relay logs ${name} shows more`
        : `agent-relay attach ${name} --mode drive, and answer at its own terminal`;
    return [`${safeLine(name)} waits for you: ${how}`];
  });
}

/** A version that was not tried is named, with a question mark: less of what is known of the program holds for it. */
function programOf(row: AgentRow): string {
  if (row.kind === "person") return "(mailbox)";
  return [
    row.harness ?? row.cli ?? "?",
    row.versionTried === false && row.version !== null ? `${row.version}?` : "",
    row.model ?? "",
    row.runtime === "headless" ? "(headless)" : "",
  ]
    .filter((word) => word !== "")
    .join(" ");
}

function stateOf(row: AgentRow): string {
  const state = row.state === "ended" ? row.status.replace("permanently_dead", "dead") : row.state;
  const kind = row.state === "blocked" && row.blockedKind !== null ? `${state}:${row.blockedKind}` : state;
  return row.fidelity === "inferred" && row.state !== "ended" ? `${kind} ~` : kind;
}

function whyOf(row: AgentRow): string {
  const draft = row.drafting && row.reason !== "draft_in_composer" ? "unsent text in its composer" : null;
  const asked = row.state === "blocked" ? row.block?.what : undefined;
  return [asked ?? row.reason, draft, row.reported].filter((text) => text !== null && text !== "").join(" · ");
}
