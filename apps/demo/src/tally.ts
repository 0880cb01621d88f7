/** The tally: who did what, counted by the program that really did it. */
import type { Relay } from "@agent-relay/sdk";

type Row = Awaited<ReturnType<Relay["stats"]>>["rows"][number];

export function tally(rows: readonly Row[]): readonly string[] {
  const table = [
    ["BY PROGRAM", "AGENTS", "SENT", "RECEIVED", "TURNS", "TOKENS IN", "CACHED", "OUT"],
    ...rows.map((row) => [
      // Started from a shell or a build, and not by an agent program.
      row.key === "unknown" ? "you" : row.key,
      ...[row.agents, row.sent, row.received, row.turns, row.inputTokens, row.cachedInputTokens, row.outputTokens].map(
        grouped,
      ),
    ]),
  ];
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  return table.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  "),
  );
}

/** `1 234 567`, because a comma or a point is a decimal one somewhere. */
function grouped(count: number): string {
  return String(count).replaceAll(/\B(?=(?:\d{3})+$)/gu, " ");
}
