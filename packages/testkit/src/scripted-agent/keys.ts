/**
 * What comes out of a terminal in raw mode, as keys.
 *
 *   Y1  However the input is cut into chunks, the same keys come out; only a lone Escape needs to be told apart by time.
 *   Y2  Between the marks of a bracketed paste nothing is a key: Enter and Escape are text there.
 *   Y3  A program that did not turn bracketed paste on gets the marks as text, without their Escape.
 */

export type Key =
  | { readonly type: "text"; readonly text: string }
  /** A part of a paste. */
  | { readonly type: "pasted"; readonly text: string }
  | { readonly type: "paste-ended" }
  | { readonly type: "enter" | "newline" | "backspace" | "clear" | "escape" | "interrupt" | "end-of-input" }
  /** The terminal answered the question whether it understands the status protocol. */
  | { readonly type: "status-answer" };

export interface KeyState {
  /** The start of something that is not complete yet. */
  readonly held: string;
  readonly pasting: boolean;
}

export const noKeys: KeyState = { held: "", pasting: false };

const escape = "\u001b";
const pasteStart = `${escape}[200~`;
const pasteEnd = `${escape}[201~`;
/** No escape sequence that a terminal sends is longer; what is, is dropped. */
const sequenceLengthMax = 4_096;

const controlKeys: Readonly<Record<string, Key>> = {
  "\r": { type: "enter" },
  "\n": { type: "newline" },
  "\u007f": { type: "backspace" },
  "\b": { type: "backspace" },
  "\u0015": { type: "clear" },
  "\u0003": { type: "interrupt" },
  "\u0004": { type: "end-of-input" },
};

// eslint-disable-next-line no-control-regex
const control = /[\u0000-\u0008\u000a-\u001f\u007f]/;
// eslint-disable-next-line no-control-regex
const sequence = /^\u001b(?:\[[0-?]*[ -/]*[@-~]|O[ -~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\))/;
// eslint-disable-next-line no-control-regex
const unfinished = /^\u001b(?:\[[0-?]*[ -/]*|O|\][^\u0007\u001b]*\u001b?)?$/;

export function readKeys(
  state: KeyState,
  chunk: string,
  options: { readonly bracketedPaste: boolean },
): { readonly state: KeyState; readonly keys: readonly Key[] } {
  let rest = state.held + chunk;
  let { pasting } = state;
  const keys: Key[] = [];
  while (rest.length > 0) {
    if (pasting) {
      const end = rest.indexOf(pasteEnd);
      const length = end < 0 ? rest.length - overlap(rest, pasteEnd) : end;
      if (length > 0) keys.push({ type: "pasted", text: rest.slice(0, length) });
      rest = rest.slice(length);
      if (end < 0) break;
      keys.push({ type: "paste-ended" });
      rest = rest.slice(pasteEnd.length);
      pasting = false;
    } else if (rest.startsWith(escape)) {
      const whole = sequence.exec(rest)?.[0];
      if (whole === undefined) {
        if (unfinished.test(rest) && rest.length <= sequenceLengthMax) break;
        keys.push({ type: "escape" });
        rest = rest.slice(1);
        continue;
      }
      rest = rest.slice(whole.length);
      if (whole.startsWith(`${escape}]7501;?`)) keys.push({ type: "status-answer" });
      else if (whole === pasteStart && options.bracketedPaste) pasting = true;
      else if (whole === pasteStart || whole === pasteEnd) keys.push({ type: "text", text: whole.slice(1) });
      // Arrows, function keys and answers to other questions mean nothing to this program.
    } else {
      const length = rest.search(control);
      if (length === 0) {
        const key = controlKeys[rest.charAt(0)];
        if (key !== undefined) keys.push(key);
        rest = rest.slice(1);
      } else {
        keys.push({ type: "text", text: length < 0 ? rest : rest.slice(0, length) });
        rest = length < 0 ? "" : rest.slice(length);
      }
    }
  }
  return { state: { held: rest, pasting }, keys };
}

/** Nothing more came for a while: an Escape that was held is the key itself. */
export function flushKeys(state: KeyState): { readonly state: KeyState; readonly keys: readonly Key[] } {
  if (state.pasting || !state.held.startsWith(escape)) return { state, keys: [] };
  return { state: { held: "", pasting: false }, keys: [{ type: "escape" }] };
}

/** The length of the longest end of `text` that begins `mark`. */
function overlap(text: string, mark: string): number {
  for (let length = Math.min(text.length, mark.length - 1); length > 0; length--)
    if (text.endsWith(mark.slice(0, length))) return length;
  return 0;
}
