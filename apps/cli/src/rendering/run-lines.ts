/** Runs for people: what becomes true of one, a line each. */
import type { RunEvent } from "@agent-relay/workflow";
import type { Colours } from "../terminal-output.ts";
import { safeLine } from "./safe-text.ts";

export function runLine(event: RunEvent, { dim, green, red, yellow, bold }: Colours): string {
  switch (event.type) {
    case "run:started":
      return `${bold(safeLine(event.workflow))} ${dim(event.runId)}`;
    case "run:completed":
      return green("completed");
    case "run:failed":
      return red(`failed: ${safeLine(event.error)}`);
    case "run:cancelled":
      return yellow(`cancelled by ${safeLine(event.by)}`);
    case "run:needs-human":
      return yellow(`needs a person at ${safeLine(event.step)}: ${safeLine(event.reason)}`);
    case "step:started":
      return `${dim("▸")} ${safeLine(event.step)}${event.attempt > 1 ? dim(` (attempt ${event.attempt})`) : ""}`;
    case "step:owner-assigned":
      return dim(
        `  ${safeLine(event.step)}: ${safeLine(event.specialistName)} does it, ${safeLine(event.ownerName)} answers for it`,
      );
    case "step:nudged":
      return dim(`  ${safeLine(event.step)}: ${safeLine(event.agent)} was nudged`);
    case "step:force-released":
      return yellow(`  ${safeLine(event.step)}: ${safeLine(event.agent)} did not react and was released`);
    case "step:owner-timeout":
      return yellow(`  ${safeLine(event.step)}: ${safeLine(event.ownerName)} took too long`);
    case "step:review-completed":
      return dim(`  ${safeLine(event.step)}: ${safeLine(event.reviewerName)} ${event.decision}`);
    case "step:retrying":
      return yellow(`  ${safeLine(event.step)}: tried again after ${safeLine(event.error)}`);
    case "step:completed":
      if (event.takenFrom !== undefined)
        return dim(`✓ ${safeLine(event.step)}: taken over from the run ${safeLine(event.takenFrom)}`);
      return `${green("✓")} ${safeLine(event.step)}${lastLineOf(event.output, dim)}${leftOutOf(event.output, yellow)}`;
    case "step:failed":
      return `${red("✗")} ${safeLine(event.step)}: ${safeLine(event.error)}${lastLineOf(event.outputTail ?? "", dim)}`;
    case "step:skipped":
      return dim(`– ${safeLine(event.step)}: skipped because of ${safeLine(event.because)}`);
  }
}

/** The status of a run, as all who tell of it say it. */
export function statusWord(status: string): string {
  return status === "needs_human" ? "needs a person" : status;
}

/** What is handed on is cut where it is long; the note stands where something is missing. */
function leftOutOf(output: string, yellow: (text: string) => string): string {
  const count = /\[… (\d+) characters left out …\]/u.exec(output)?.[1];
  return count === undefined ? "" : yellow(`  (${count} characters of its output are left out)`);
}

function lastLineOf(output: string, dim: (text: string) => string): string {
  const line = output.trimEnd().split("\n").at(-1)?.trim() ?? "";
  return line === "" ? "" : dim(`  ${safeLine(line).slice(0, 100)}`);
}
