/**
 * Preparation: before any story, every program that the run is about is installed; after them all, what was found is kept.
 *
 *   P1  A program that cannot be installed fails the run, with what npm said. None is left out.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { findProgram, installProgram, programsDirectory } from "@agent-relay/agent-programs";
import type { TestProject } from "vitest/node";
import {
  forgetFindings,
  keepFindings,
  keptFindings,
  missingRows,
  readFindings,
  repository,
  type Finding,
} from "./findings.ts";
import { harnessesPage, pageFile } from "./page.ts";
import { allPrograms, chosenPrograms, partnerOf } from "./programs/all-programs.ts";

export interface Installed {
  readonly version: string;
  readonly executable: readonly string[];
}

declare module "vitest" {
  interface ProvidedContext {
    readonly installed: Readonly<Record<string, Installed>>;
  }
}

export async function setup(project: TestProject): Promise<() => void> {
  const chosen = chosenPrograms(process.env["LIVE_PROGRAMS"]);
  if (chosen.length < allPrograms.length) {
    const left = allPrograms.filter((it) => !chosen.includes(it)).map(({ id }) => id);
    say(`LIVE_PROGRAMS narrows this run. Left out, and proven of nothing: ${left.join(", ")}.`);
  }
  const cacheDir = programsDirectory({ env: process.env, platform: process.platform, home: os.homedir() });
  const installed: Record<string, Installed> = {};
  for (const id of new Set(chosen.flatMap((program) => [program.id, partnerOf(program).id]))) {
    installed[id] = await installProgram(findProgram(id), {
      cacheDir,
      onProgress: ({ step, what }) => say(`${step} ${what}`),
    });
  }
  project.provide("installed", installed);
  forgetFindings();
  return () => {
    const findings = readFindings();
    const file = path.join(repository, "temp", "live", "findings.json");
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify(findings, undefined, 2)}\n`);
    say(`${findings.length} findings are in ${path.relative(repository, file)}`);
    if (process.env["LIVE_WRITE"] !== undefined)
      writePage(
        chosen.map(({ id }) => id),
        findings,
      );
  };
}

/** Only of programs whose every story was told: half a column would be a wrong one. */
function writePage(programs: readonly string[], findings: readonly Finding[]): void {
  for (const id of programs) {
    const missing = missingRows(id, findings);
    if (missing.length === 0) keepFindings(id, findings);
    else {
      process.exitCode = 1;
      say(`what was found of ${id} was not kept. Not told, or failed: ${missing.join(", ")}.`);
    }
  }
  writeFileSync(pageFile, harnessesPage(keptFindings()));
  say("docs/harnesses.md was written");
}

function say(line: string): void {
  process.stderr.write(`live: ${line}\n`);
}
