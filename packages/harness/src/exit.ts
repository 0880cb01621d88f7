/**
 * Exits: why a program ended, as far as its ending and its last words tell.
 *
 *   E1  What was asked for comes first: a released or killed agent ended for that reason, whatever its status.
 *   E2  A signal is told from a status; last words decide only between failures of a program that ended by itself.
 *   E3  Total: every ending has a reason and a class.
 */
import type { ExitClass, ExitReason } from "@agent-relay/protocol";
import type { Harness } from "./harness.ts";

export interface ExitFacts {
  readonly harness: Pick<Harness, "exits">;
  readonly code: number | undefined;
  /** Signal name, for example `SIGKILL`. */
  readonly signal: string | undefined;
  /** The newest lines of the terminal, without control sequences. */
  readonly lastLines: readonly string[];
  /** Who ended it, if someone did. */
  readonly how: "released" | "killed" | "none";
  readonly uptimeMs: number;
  /** Whether it was ever ready for input. Absent means that it was not. */
  readonly ready?: boolean | undefined;
  /** Whether the system is known to have ended it for want of memory. */
  readonly outOfMemory?: boolean | undefined;
  /** Whether the host of the terminals went away, and the program with it. */
  readonly hostLost?: boolean | undefined;
}

export interface ExitVerdict {
  readonly reason: ExitReason;
  readonly class: ExitClass;
}

/** A program that fails this soon, and was never ready, never started. */
const startupMs = 1_000;
/** Last words stand at the end; further up they are more likely a quotation. */
const lastWordsLines = 8;

export function classifyExit(facts: ExitFacts): ExitVerdict {
  const reason = reasonOf(facts);
  return { reason, class: classOf(reason) };
}

function reasonOf(facts: ExitFacts): ExitReason {
  if (facts.how !== "none") return facts.how;
  if (facts.hostLost === true) return "host_lost";
  if (facts.outOfMemory === true) return "oom";
  if (facts.signal !== undefined) return "signal";
  if (facts.code === undefined) return "unknown";

  const said = lastWords(facts);
  if (said === "context_exhausted") return said;
  if (facts.code === 0) return "clean";
  const known = facts.harness.exits.codes?.[facts.code];
  if (known !== undefined) return known;
  if (said !== undefined) return said;
  if (facts.ready !== true && facts.uptimeMs < startupMs) return "startup_failure";
  // A shell reports its program's signal this way: 128 and the signal's number.
  if (facts.code > 128 && facts.code <= 128 + 31) return "signal";
  return "crash";
}

function lastWords({ harness, lastLines }: ExitFacts): ExitReason | undefined {
  const lines = lastLines
    .map((line) => line.replace(/^[\s│┃|>*•■⎿✗✖×-]+/u, "").trim())
    .filter((line) => line !== "")
    .slice(-lastWordsLines);
  for (const line of lines.toReversed()) {
    const match = harness.exits.patterns.find(({ pattern }) => pattern.test(line));
    if (match !== undefined) return match.reason;
  }
  return undefined;
}

function classOf(reason: ExitReason): ExitClass {
  switch (reason) {
    case "clean":
      return "normal";
    case "released":
    case "killed":
      return "stopped";
    case "crash":
    case "signal":
    case "oom":
    case "auth":
    case "quota":
    case "context_exhausted":
    case "startup_failure":
    case "host_lost":
    case "unknown":
      return "crash";
    default:
      return reason satisfies never;
  }
}
