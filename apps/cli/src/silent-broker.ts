/**
 * A broker that runs and does not answer: it was stopped, or hangs.
 *
 *   B1  It is believed to run only if the process that its note names is a broker: the note may be old, and the number
 *       somebody else's by now.
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { relayError, type RelayError } from "@agent-relay/protocol";
import type { Locations } from "@agent-relay/sdk";
import { isRunning } from "./process-life.ts";

/** The process that says that it is the broker here. */
export async function pidOfSilentBroker({ stateDir }: Locations): Promise<number | undefined> {
  const pid = notedPid(join(stateDir, "broker.json"));
  if (pid === undefined || !isRunning(pid)) return undefined;
  return /\bbroker-run\b|\bup\b.*(?:--foreground|-f)\b/.test(await commandLineOf(pid)) ? pid : undefined;
}

function notedPid(file: string): number | undefined {
  try {
    const { pid } = JSON.parse(readFileSync(file, "utf8")) as { readonly pid?: unknown };
    return typeof pid === "number" && Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined; // No note, or half of one: nobody says that a broker is here.
  }
}

function commandLineOf(pid: number): Promise<string> {
  return new Promise((resolve) => {
    // Without `ps`, or when the process is gone, nobody can say what it is.
    execFile("ps", ["-ww", "-o", "args=", "-p", String(pid)], (error, stdout) => resolve(error === null ? stdout : ""));
  });
}

export function brokerIsSilent(pid: number, cause?: unknown): RelayError {
  return relayError("broker_unreachable", `a broker runs, pid ${pid}, but does not answer`, {
    hint: "agent-relay down --force ends it with SIGKILL; its agents go on",
    ...(cause === undefined ? {} : { cause }),
  });
}
