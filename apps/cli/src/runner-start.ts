/**
 * Starting the runner: the process in the background that executes the workflows of a project.
 *
 *   S1  It outlives whoever started it; where one is at work, another leaves at once.
 *   S2  What it says is in `runner.log`, which is bounded.
 *   S3  That it cannot be started is an answer like any other of how it ended.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Locations } from "@agent-relay/sdk";
import { locationsOf } from "./broker-connection.ts";
import type { Context } from "./context.ts";
import type { Environment } from "./environment.ts";
import { rotateLog } from "./rotate-log.ts";

export function startRunner(context: Context): void {
  void spawnRunner(locationsOf(context), context.environment);
}

export const runnerLog = ({ logsDir }: Locations): string => join(logsDir, "runner.log");

/** Resolves when it has ended, with how; never rejects. */
export async function spawnRunner(locations: Locations, environment: Environment): Promise<string> {
  try {
    return await ended(spawned(locations, environment));
  } catch (error) {
    // Its log cannot be written, or there is no room for another process.
    return error instanceof Error ? error.message : String(error);
  }
}

function spawned(locations: Locations, environment: Environment): ChildProcess {
  rotateLog(runnerLog(locations));
  const fd = openSync(runnerLog(locations), "a", 0o600);
  const main = fileURLToPath(new URL("./main.js", import.meta.url));
  const child = spawn(process.execPath, [main, "runner", "--json", "--project", locations.project], {
    cwd: locations.project,
    // It executes for the operator, whoever asked for it.
    // A step may have started it; it is none of that step's processes.
    env: { ...environment, AGENT_RELAY_TOKEN: undefined, AGENT_RELAY_ATTEMPT: undefined },
    detached: true,
    stdio: ["ignore", fd, fd],
  });
  closeSync(fd);
  child.unref();
  return child;
}

function ended(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal ?? `status ${code}`));
  });
}
