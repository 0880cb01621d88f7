import { harnessById, harnessList, isHarnessId, type Harness } from "@agent-relay/harness";
import { relayError } from "@agent-relay/protocol";
import type { ActionResult, Context } from "../context.ts";
import { nearest } from "../nearest.ts";
import { harnessDocument } from "../rendering/harness-document.ts";
import { renderTable } from "../rendering/table.ts";

export function run(context: Context, _options: object, id: string): ActionResult {
  const { output } = context;
  if (!isHarnessId(id)) {
    const meant = nearest(
      id,
      harnessList.map((row) => row.id),
    );
    const hint = meant.length > 0 ? `did you mean ${meant.join(" or ")}?` : "agent-relay harness list shows the ids";
    return Promise.reject(relayError("invalid_request", `no harness has the id ${JSON.stringify(id)}`, { hint }));
  }
  const row = harnessById(id);
  if (output.isJson) output.document(harnessDocument(row));
  else for (const line of describe(row, context)) output.line(line);
  return Promise.resolve(undefined);
}

function describe(row: Harness, context: Context): string[] {
  const { colours, width } = context.output;
  const flagsOf = (flags: readonly string[]): string => (flags.length === 0 ? "its own default" : flags.join(" "));
  const facts: readonly (readonly [string, string])[] = [
    [
      "started as",
      [
        ...row.recognition.programs,
        ...(row.recognition.npmPackages ?? []),
        ...(row.recognition.pythonPackages ?? []),
      ].join(", "),
    ],
    [
      "known from",
      row.provenance.seen === undefined
        ? `documentation only. ${row.provenance.note}`
        : `${row.provenance.seen}. ${row.provenance.note}`,
    ],
    ["ask", flagsOf(row.permission.ask.flags)],
    ["auto", flagsOf(row.permission.auto.flags)],
    ["bypass", flagsOf(row.permission.bypass.flags)],
    ["tools (MCP)", row.mcp.kind === "none" ? `none: ${row.mcp.because}` : row.mcp.kind],
    ["hooks", row.hooks],
    ["delivered", row.boundary === "turn" ? "between turns" : "at any time"],
    ["interrupt", row.interrupt === undefined ? "not possible" : `yes; confirmed by ${row.interrupt.confirmedBy}`],
    ["context left", row.contextSources.length === 0 ? "unknown" : row.contextSources.join("; ")],
  ];
  const routes = renderTable(
    [
      { header: "ROUTE", value: (it) => it.route },
      { header: "HANDED OVER WHEN", value: (it) => it.handedOver, shrinkTo: 12 },
      { header: "SEEN WHEN", value: (it) => it.seen ?? "cannot be proved", shrinkTo: 12 },
    ],
    row.routes,
    { width: width(), paintHeader: colours.dim },
  );
  return [
    `${colours.bold(row.title)} ${colours.dim(row.id)}`,
    row.about,
    "",
    ...facts.filter(([, value]) => value !== "").map(([name, value]) => `${colours.dim(name.padEnd(12))} ${value}`),
    "",
    ...routes,
    ...(row.notes.length === 0 ? [] : ["", ...row.notes.map((note) => `• ${note}`)]),
  ];
}
