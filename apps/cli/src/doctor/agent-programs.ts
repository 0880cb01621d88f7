/**
 * Which agent programs can be started here, in which version, and whether that version was tried.
 *
 *   D1  A version that was not tried is a warning that says what no longer holds.
 */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { createProgramVersions } from "@agent-relay/broker";
import { harnessList, type Harness } from "@agent-relay/harness";
import type { Environment } from "../environment.ts";
import { ok, warning, type Check } from "./check.ts";

const versionTimeoutMs = 5_000;

export async function checkAgentPrograms(environment: Environment): Promise<Check[]> {
  // Our own programs for tests are no agents that a person would look for.
  const wanted = harnessList.filter((row) => row.id !== "generic" && !row.id.startsWith("scripted"));
  const found = wanted.flatMap((row) => {
    const place = row.recognition.programs
      .map((program) => findOnPath(program, environment))
      .find((it) => it !== undefined);
    return place === undefined ? [] : [{ row, place }];
  });
  if (found.length === 0) {
    return [
      warning(
        "agent-programs",
        "agent programs",
        "none of those known is on the PATH",
        "install one, for example: npm install -g @anthropic-ai/claude-code or @openai/codex",
      ),
    ];
  }
  const versions = createProgramVersions({ answerMs: versionTimeoutMs });
  const env = Object.fromEntries(
    Object.entries({ ...environment, NO_COLOR: "1" }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  );
  return Promise.all(
    found.map(async ({ row, place }) =>
      judge(row, place, await versions.of(place, row.recognition.npmPackages ?? [], env)),
    ),
  );
}

export function judge(
  row: Pick<Harness, "id" | "title" | "versions">,
  place: string,
  version: string | undefined,
): Check {
  const id = `program-${row.id}`;
  if (version === undefined)
    return warning(id, row.title, `${place} does not tell its version`, `run ${place} --version by hand to see why`);
  const { tried } = row.versions;
  if (tried.includes(version)) return ok(id, row.title, `${version}, which was tried, at ${place}`);
  if (tried.length === 0)
    return warning(
      id,
      row.title,
      `${version} at ${place}; no version of it was tried`,
      "what is known of it comes from documentation: titles and screen are not trusted; watch the first agents with agent-relay attach",
    );
  return warning(
    id,
    row.title,
    `${version} was not tried, at ${place}; what is known of ${tried.join(", ")} may not hold: titles and screen are not trusted`,
    `install ${tried[0] ?? ""}, or watch the first agents with agent-relay attach; agent-relay harness show ${row.id} says what still counts`,
  );
}

function findOnPath(program: string, environment: Environment): string | undefined {
  return (environment["PATH"] ?? "")
    .split(delimiter)
    .filter((directory) => directory !== "")
    .map((directory) => join(directory, program))
    .find(isProgram);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false; // Not there or not ours to run: the next directory may have it.
  }
}
