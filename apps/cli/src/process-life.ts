/** Whether a process still runs. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";

/**
 * One that has ended but that its parent has not collected does not run: whoever comes first in a container often collects
 * nobody, and its number would look alive for ever.
 */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
  const state = stateOf(pid);
  return state === undefined || !/^[ZX]/u.test(state);
}

/** The letter that the system has for what it is doing; undefined if it does not say. */
function stateOf(pid: number): string | undefined {
  try {
    if (process.platform !== "linux")
      return execFileSync("ps", ["-o", "state=", "-p", String(pid)], { encoding: "utf8" }).trim();
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name of the program, in parentheses, may itself contain parentheses.
    return stat.slice(stat.lastIndexOf(")") + 2);
  } catch {
    return undefined;
  }
}
