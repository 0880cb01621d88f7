/**
 * Terminal output as plain text, piece by piece.
 *
 *   X1  No control sequence comes through, wherever the pieces were cut: inside a character or inside a sequence.
 *   X2  What waits for the rest of a sequence is bounded.
 */
import { stripControls } from "@agent-relay/protocol";

export interface TerminalText {
  readonly push: (data: Uint8Array) => string;
  /** What is left. */
  readonly end: () => string;
}

/** The longest unfinished sequence that is waited for; programs set titles and clipboards with far less. */
const pendingMax = 65_536;
/** Programs move the cursor instead of printing spaces and newlines; so do we, the other way round. */
// eslint-disable-next-line no-control-regex
const moves = /\u001b\[(\d*)C|\u001b\[[\d;]*[ABEFHfd]/g;
const spacesMax = 200;
/** A whole escape sequence at the start of a text. */
const whole =
  // eslint-disable-next-line no-control-regex
  /^(?:\u001b\[[0-?]*[ -/]*[@-~]|\u001b[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b(?![[\]PX^_])[ -/]*[0-~])/;

export function terminalText(): TerminalText {
  const decoder = new TextDecoder("utf-8", { fatal: false });
  let pending = "";
  const take = (text: string): string => {
    pending += text;
    const cut = completeLength(pending);
    const ready = pending.slice(0, cut);
    pending = pending.slice(cut);
    if (pending.length > pendingMax) pending = "";
    return plain(ready);
  };
  return {
    push: (data) => take(decoder.decode(data, { stream: true })),
    end: () => {
      const rest = take(decoder.decode());
      // An unfinished sequence is no text.
      pending = "";
      return rest;
    },
  };
}

/** All of it at once. */
export function plainTerminalText(data: Uint8Array): string {
  const text = terminalText();
  return text.push(data) + text.end();
}

/** How much of the text is free of an unfinished sequence, or of a return that a newline may follow. */
function completeLength(text: string): number {
  let start = text.lastIndexOf("\u001b");
  // The terminator of a string begins with ESC too; what counts is where the string began.
  if (start > 0 && text.startsWith("\u001b\\", start)) {
    const opening = text.lastIndexOf("\u001b", start - 1);
    if (opening >= 0 && !whole.test(text.slice(opening))) start = opening;
  } else if (start > 0 && start === text.length - 1) {
    const opening = text.lastIndexOf("\u001b", start - 1);
    // eslint-disable-next-line no-control-regex
    if (opening >= 0 && /^\u001b[\]PX^_][^\u0007\u001b]*$/.test(text.slice(opening, start))) start = opening;
  }
  if (start >= 0 && !whole.test(text.slice(start))) return start;
  return text.endsWith("\r") ? text.length - 1 : text.length;
}

function plain(text: string): string {
  const spaced = text.replace(moves, (sequence: string, count: string | undefined) =>
    sequence.endsWith("C")
      ? " ".repeat(Math.min(spacesMax, Number(count === "" || count === undefined ? 1 : count)))
      : "\n",
  );
  return stripControls(spaced)
    .replace(/[ \t]+\n/g, "\n")
    .replace(/\n{3,}/g, "\n\n");
}
