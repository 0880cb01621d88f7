/**
 * The journal of a scripted agent: what really reached it and what it really did, for tests to read.
 *
 *   J1  An entry is in the file before the agent goes on: appended whole, in one write.
 *   J2  Agents may share a file; each line says which process wrote it.
 */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import type { ReceivedMessage } from "./envelope.ts";

export type JournalFact =
  | { readonly type: "boot"; readonly app: string; readonly argv: readonly string[] }
  | { readonly type: "ready" }
  | { readonly type: "prompt"; readonly turn: number; readonly text: string }
  /** A message that reached the agent, by a prompt or through its inbox. */
  | ({ readonly type: "message"; readonly turn: number; readonly via: "prompt" | "inbox" } & ReceivedMessage)
  /** A message that it had acted on before and did not act on again. */
  | { readonly type: "repeat_skipped"; readonly id: string }
  | { readonly type: "turn_started"; readonly turn: number }
  | { readonly type: "turn_ended"; readonly turn: number; readonly how: "done" | "interrupted" | "denied" }
  | { readonly type: "action"; readonly action: string; readonly argument: unknown }
  | { readonly type: "dialog_opened"; readonly kind: string; readonly question: string }
  /** Something was typed while a dialog was open. A broker must never cause one. */
  | { readonly type: "dialog_input"; readonly input: string }
  | { readonly type: "dialog_answered"; readonly answer: "yes" | "no" }
  | { readonly type: "interrupted" }
  | { readonly type: "grandchild"; readonly grandchild: number }
  | { readonly type: "hook"; readonly signal: string; readonly outcome: string; readonly attempts: number }
  | {
      readonly type: "tool";
      readonly tool: string;
      readonly arguments: unknown;
      readonly outcome: "ok" | "refused" | "gave_up";
      readonly result: string;
      readonly attempts: number;
    }
  | { readonly type: "signal"; readonly signal: string }
  | { readonly type: "lost"; readonly what: string }
  | { readonly type: "exit"; readonly how: string };

export type JournalEntry = { readonly at: number; readonly pid: number } & JournalFact;

export interface Journal {
  readonly write: (fact: JournalFact) => void;
  readonly close: () => void;
}

export function openJournal(file: string | undefined, pid: number): Journal {
  if (file === undefined) return { write: () => undefined, close: () => undefined };
  // "a" is O_APPEND: lines of several processes do not overwrite each other.
  const descriptor = openSync(file, "a", 0o600);
  let isOpen = true;
  return {
    write: (fact) => {
      if (isOpen) writeSync(descriptor, `${JSON.stringify({ at: Date.now(), pid, ...fact })}\n`);
    },
    close: () => {
      if (isOpen) closeSync(descriptor);
      isOpen = false;
    },
  };
}

/** The entries in a journal so far. A line that is still being written is left out; a file that is not there yet is empty. */
export function readJournal(file: string): readonly JournalEntry[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
  const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as JournalEntry);
}
