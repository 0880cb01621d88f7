/**
 * The page `docs/harnesses.md`: what runs of the suite have seen, and what adapters say of themselves.
 *
 *   G1  A mark says `proven` only for a story that has passed in the newest kept run of its program.
 *   G2  What has no story says so, with the reason.
 */
import path from "node:path";
import { harnessById, type Harness } from "@agent-relay/harness";
import { repository, type Finding } from "./findings.ts";
import { allPrograms } from "./programs/all-programs.ts";
import { rows, type RowId } from "./rows.ts";

export const pageFile = path.join(repository, "docs", "harnesses.md");

const marks = { proven: "✓", unknown: "?", "not possible": "–" } as const;
const rowIds = Object.keys(rows) as readonly RowId[];

export function harnessesPage(findings: readonly Finding[]): string {
  const programs = allPrograms.filter(({ id }) => findings.some(({ program }) => program === id));
  const found = (program: string, row: RowId): Finding | undefined =>
    findings.find((it) => it.program === program && it.row === row);
  const named = programs.map(({ id }) => ({
    id,
    name: `${titleOf(id)} ${findings.find(({ program }) => program === id)?.version ?? ""}`,
  }));
  return [
    "# What was seen of each agent program",
    "",
    "Real programs under the whole product, against a scripted model. `npm run test:live -- --write` tells every story again and",
    "writes this page; of a program with a story that fails, nothing new is written. [What is known of all",
    "programs](harness-table.md) is another page.",
    "",
    "✓ proven · ? it may be so, and nothing proves it · – not possible. Which signals proved it, and why not, stands below.",
    "",
    tableOf(
      ["", ...named.map(({ name }) => name)],
      rowIds.map((row) => [
        rows[row],
        ...named.map(({ id }) => {
          const finding = found(id, row);
          return finding === undefined ? "not run" : marks[finding.found];
        }),
      ]),
    ),
    "",
    ...named.flatMap(({ id, name }) => [
      `## ${name}`,
      "",
      tableOf(
        ["", "By which signals, or why not"],
        rowIds.flatMap((row) => {
          const finding = found(id, row);
          return finding === undefined ? [] : [[rows[row], `${marks[finding.found]} ${finding.by}`]];
        }),
      ),
      "",
    ]),
    ...capabilities(programs.map(({ id }) => id)),
    "",
  ].join("\n");
}

/** What the adapters say they can do; the stories hold them to it. */
function capabilities(programs: readonly string[]): readonly string[] {
  const adapters = programs.flatMap((id) => harnessById(id) ?? []);
  return [
    "## What their adapters do",
    "",
    tableOf(
      ["", ...adapters.map(({ title }) => title)],
      [
        ["Versions that were tried", ...adapters.map(({ versions }) => versions.tried.join(", ") || "none")],
        ["Relay tools", ...adapters.map(({ connection }) => connection.tools ?? "none")],
        ["Reports", ...adapters.map(({ connection }) => connection.reports ?? "none")],
        ["Its answers, from", ...adapters.map(({ connection }) => connection.says?.answers ?? "nothing")],
        ["Its own record is read", ...adapters.map(({ connection }) => yes(connection.readRecord !== undefined))],
        ["Answered at its terminal", ...adapters.map(({ answers = {} }) => Object.keys(answers).join(", ") || "no")],
        ["Interrupted by", ...adapters.map(({ interrupt }) => interrupt?.confirmedBy ?? "not")],
        ["Continues a session", ...adapters.map(({ resume }) => yes(resume !== undefined))],
        ["Without a terminal", ...adapters.map(headlessOf)],
        ["Context left, from", ...adapters.map(({ contextSources }) => contextSources.join("; ") || "nothing")],
      ],
    ),
  ];
}

function headlessOf({ headless }: Harness): string {
  if (headless === undefined) return "no";
  const more = [headless.steerable === true ? "steerable" : [], headless.interruptible === true ? "interruptible" : []];
  return [headless.kind, ...more.flat()].join(", ");
}

function yes(is: boolean): string {
  return is ? "yes" : "no";
}

function titleOf(id: string): string {
  return harnessById(id)?.title ?? id;
}

function tableOf(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(oneCell).join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...lines.map(line)].join("\n");
}

function oneCell(text: string): string {
  return text.replaceAll("\n", " ").replaceAll(/(?<!\\)\|/gu, "\\|");
}
