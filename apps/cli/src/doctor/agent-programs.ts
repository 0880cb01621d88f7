/** Which agent programs can be started here, asked of the programs themselves. */
import { spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { harnessList } from "@agent-relay/harness";
import { oneLine } from "@agent-relay/protocol";
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
  return Promise.all(
    found.map(async ({ row, place }) => {
      const version = await versionOf(place, environment);
      return version === undefined
        ? warning(
            `program-${row.id}`,
            row.title,
            `${place} does not answer --version`,
            `run ${place} --version by hand to see why`,
          )
        : ok(`program-${row.id}`, row.title, `${version} at ${place}`);
    }),
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

function versionOf(file: string, environment: Environment): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(file, ["--version"], {
      stdio: ["ignore", "pipe", "ignore"],
      env: { ...environment, NO_COLOR: "1" },
      timeout: versionTimeoutMs,
      killSignal: "SIGKILL",
    });
    let said = "";
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (text: string) => (said = (said + text).slice(0, 2_000)));
    child.once("error", () => resolve(undefined));
    child.once("close", (status) => {
      const line = said
        .split("\n")
        .map((text) => oneLine(text, 60))
        .find((text) => text !== "");
      resolve(status === 0 ? line : undefined);
    });
  });
}
