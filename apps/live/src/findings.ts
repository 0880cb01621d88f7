/**
 * Findings: what a run has seen of each program, a line of JSON for each row.
 *
 *   F1  A finding is written when its story has passed, and by nothing else.
 *   F2  What is kept in the repository of a program is one whole run of all its stories: half of one is refused.
 */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { rows, type RowId } from "./rows.ts";

export interface Finding {
  readonly program: string;
  readonly version: string;
  readonly row: RowId;
  readonly found: "proven" | "unknown" | "not possible";
  /** The signals that proved it, or why nothing does. */
  readonly by: string;
}

/** Where things of this repository are that a run reads or writes. */
export const repository = fileURLToPath(new URL("../../..", import.meta.url));
const file = path.join(repository, "temp", "live", "findings.jsonl");

export function forgetFindings(): void {
  mkdirSync(path.dirname(file), { recursive: true });
  rmSync(file, { force: true });
}

export function recordFinding(finding: Finding): void {
  appendFileSync(file, `${JSON.stringify(finding)}\n`);
}

export function readFindings(): readonly Finding[] {
  return existsSync(file) ? findingsIn(file) : [];
}

function findingsIn(from: string): readonly Finding[] {
  const lines = readFileSync(from, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Finding);
}

/** One file to a program. */
const kept = path.join(repository, "apps", "live", "findings");

/** The rows that a run has not told of a program, or whose story failed. */
export function missingRows(program: string, findings: readonly Finding[]): readonly string[] {
  return Object.keys(rows).filter((row) => !findings.some((it) => it.program === program && it.row === row));
}

/** Keeps what a run found of a program, in place of what an earlier one did. Throws if a row is missing. */
export function keepFindings(program: string, findings: readonly Finding[]): void {
  const missing = missingRows(program, findings);
  if (missing.length > 0) throw new Error(`${program}: no finding of ${missing.join(", ")}`);
  const order = Object.keys(rows);
  const own = findings.filter((it) => it.program === program);
  const lines = own.toSorted((a, b) => order.indexOf(a.row) - order.indexOf(b.row)).map((it) => JSON.stringify(it));
  mkdirSync(kept, { recursive: true });
  writeFileSync(path.join(kept, `${program}.jsonl`), `${lines.join("\n")}\n`);
}

export function keptFindings(): readonly Finding[] {
  if (!existsSync(kept)) return [];
  return readdirSync(kept)
    .toSorted()
    .flatMap((name) => findingsIn(path.join(kept, name)));
}
