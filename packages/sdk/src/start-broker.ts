/**
 * Starting a broker: runs `agent-relay up`, which puts it into the background and returns when it answers.
 *
 *   B1  The program is the one installed beside the script or the project, else the one on the PATH.
 *   B2  A start that fails says what the program said.
 */
import { spawn } from "node:child_process";
import { accessSync, constants, readFileSync, realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { oneLine, relayError } from "@agent-relay/protocol";
import type { Surroundings } from "./environment.ts";

/** The program gives up by itself, later where the log is long; this is for one that hangs. */
const startTimeoutMs = 600_000;
const outputCharactersMax = 4_000;
/** What it started, and left behind, may keep its stderr open for ever. */
const lastWordsMs = 500;

export interface Program {
  readonly file: string;
  readonly args: readonly string[];
}

/** Runs `agent-relay up` for a project. Throws a `RelayError`: `program_not_found`, `broker_unreachable`. */
export async function startBroker(options: {
  readonly project: string;
  readonly surroundings: Surroundings;
  readonly program?: Program | undefined;
  readonly signal?: AbortSignal | undefined;
}): Promise<void> {
  const { environment } = options.surroundings;
  const program = options.program ?? findProgram(options.project, options.surroundings);
  const child = spawn(program.file, [...program.args, "up", "--project", options.project], {
    cwd: options.project,
    env: { ...environment, AGENT_RELAY_PROJECT: options.project },
    stdio: ["ignore", "ignore", "pipe"],
    timeout: startTimeoutMs,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  let said = "";
  child.stderr.setEncoding("utf8");
  child.stderr.on("data", (text: string) => {
    said = (said + text).slice(-outputCharactersMax);
  });
  const saidAll = new Promise<void>((resolve) => child.stderr.once("close", resolve));
  const outcome = await new Promise<string | undefined>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(code === 0 ? undefined : signal === null ? `status ${code}` : signal));
  });
  // The news of its end may overtake its last words.
  if (outcome !== undefined) await Promise.race([saidAll, pause(lastWordsMs)]);
  // The broker may have inherited the pipe; it must not keep this program alive.
  child.stderr.destroy();
  if (outcome === undefined) return;
  throw relayError(
    "broker_unreachable",
    `${[program.file, ...program.args].join(" ")} up failed with ${outcome}${said === "" ? "" : `: ${oneLine(said, 500)}`}`,
    {
      hint: "Run it by hand to see why: agent-relay up --foreground",
    },
  );
}

/** The `agent-relay` program. Throws a `RelayError`: `program_not_found`. */
export function findProgram(project: string, surroundings: Surroundings): Program {
  const places = [surroundings.script, join(project, "package.json")].filter((place) => place !== undefined);
  for (const place of places) {
    const script = installedBeside(place);
    if (script !== undefined) return { file: surroundings.execPath, args: [script] };
  }
  for (const directory of (surroundings.environment["PATH"] ?? "").split(delimiter)) {
    const file = join(directory, "agent-relay");
    if (directory !== "" && isExecutable(file)) return { file, args: [] };
  }
  throw relayError(
    "program_not_found",
    "expected the agent-relay program beside the script, in the project or on the PATH, found none",
    {
      hint: "Install it with: npm install agent-relay",
    },
  );
}

/** Walks up by itself: Node's own resolution also finds what `NODE_PATH` and global folders offer. */
function installedBeside(place: string): string | undefined {
  for (let directory = dirname(place); ; directory = dirname(directory)) {
    const script = scriptOf(join(directory, "node_modules", "agent-relay"));
    if (script !== undefined) return script;
    if (directory === dirname(directory)) return undefined;
  }
}

function scriptOf(installed: string): string | undefined {
  try {
    const { bin } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as {
      readonly bin?: Readonly<Record<string, string>>;
    };
    const script = bin?.["agent-relay"];
    if (script === undefined) return undefined;
    const file = join(realpathSync(installed), script);
    accessSync(file, constants.R_OK);
    return file;
  } catch {
    return undefined; // Not installed there, or not built: the next place may have it.
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
