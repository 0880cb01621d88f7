/**
 * Findings: what a run has seen of each program, a line of JSON for each row.
 *
 *   F1  A finding is written when its story has passed, and by nothing else.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { RowId } from "./rows.ts";

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
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Finding);
}
