/**
 * The composer of a terminal program: a draft that keys edit and Enter submits, and what the terminal shows of it.
 *
 *   M1  Submitting empties the draft; an empty draft is not submitted.
 *   M2  A paste is text, whatever it contains; its line ends become newlines.
 *   M3  The draft is bounded: what exceeds it is lost, as in a real program.
 */
import { unreachable } from "@agent-relay/kernel";
import type { Key } from "./keys.ts";

export interface Draft {
  readonly text: string;
  /** When text was last added, to tell an Enter that belongs to a paste. */
  readonly changedAt: number;
  readonly pasting: string;
  readonly pastes: number;
}

export interface ComposerOptions {
  readonly prompt: string;
  readonly echo: boolean;
  readonly pastePlaceholder: boolean;
  readonly submitGraceMs: number;
}

export interface ComposerStep {
  readonly draft: Draft;
  /** What to print. */
  readonly shown: string;
  readonly submitted: string | undefined;
}

export const emptyDraft: Draft = { text: "", changedAt: Number.NEGATIVE_INFINITY, pasting: "", pastes: 0 };

/** Sixteen messages of the greatest length, in characters. */
export const draftLengthMax = 4_194_304;

const clearLine = "\r\u001b[K";

export function editDraft(draft: Draft, key: Key, now: number, options: ComposerOptions): ComposerStep {
  const show = (text: string): string => (options.echo ? text : "");
  const added = (text: string, shown = text): ComposerStep => ({
    draft: { ...draft, text: (draft.text + text).slice(0, draftLengthMax), changedAt: now, pasting: "" },
    shown: show(shown),
    submitted: undefined,
  });
  const unchanged: ComposerStep = { draft, shown: "", submitted: undefined };
  switch (key.type) {
    case "text":
      return added(key.text);
    case "newline":
      return added("\n");
    case "pasted": {
      const pasting = (draft.pasting + key.text).slice(0, draftLengthMax);
      return { draft: { ...draft, pasting, changedAt: now }, shown: "", submitted: undefined };
    }
    case "paste-ended": {
      const text = draft.pasting.replace(/\r\n?/g, "\n");
      const lines = text.split("\n").length;
      if (!options.pastePlaceholder || lines === 1) return added(text);
      const step = added(text, `[Pasted text #${draft.pastes + 1} +${lines - 1} lines]`);
      return { ...step, draft: { ...step.draft, pastes: draft.pastes + 1 } };
    }
    case "backspace": {
      const last = [...draft.text.slice(-2)].at(-1);
      if (last === undefined) return unchanged;
      const text = draft.text.slice(0, -last.length);
      return { draft: { ...draft, text }, shown: last === "\n" ? "" : show("\b \b"), submitted: undefined };
    }
    case "clear":
      return { draft: { ...draft, text: "" }, shown: show(`${clearLine}${options.prompt}`), submitted: undefined };
    case "enter":
      if (now - draft.changedAt < options.submitGraceMs) return added("\n");
      if (draft.text.trim() === "") return unchanged;
      return { draft: { ...emptyDraft, pastes: draft.pastes }, shown: show("\n"), submitted: draft.text };
    case "escape":
    case "interrupt":
    case "end-of-input":
    case "status-answer":
      return unchanged;
    default:
      return unreachable(key);
  }
}
