/**
 * Text that crosses into a terminal or a prompt.
 *
 *   T1  No control character survives but newline and tab: no escape sequence, no paste terminator, no interrupt.
 *   T2  Cleaning twice is cleaning once.
 *   T3  Only sequences go: text after one that nothing ends stays.
 *   T4  The time it takes is proportional to the length of the text, whatever is in it.
 *   T5  A text that is cut in its middle says how much is missing, and one that fits is not touched.
 */

/**
 * Escape sequences as a whole: CSI in both forms, the strings (OSC, DCS, SOS, PM, APC) in their 7-bit form, two-byte
 * escapes. The 8-bit introducers of strings are only dropped as controls, which disarms them: in decoded text they are
 * nearly always one byte of a mis-decoded quotation mark, and taking them at their word would cost the text behind them.
 */
const escapeSequences =
  // eslint-disable-next-line no-control-regex
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|\u001b[\]PX^_][^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)|\u001b[ -/]*[0-~]/gu;
/** C0 but tab and newline, DEL, C1, and the characters that reorder or hide text (bidirectional overrides, zero-width joiners are kept). */
// eslint-disable-next-line no-control-regex
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/** The text without anything that a terminal or an agent program would take as a command. */
export function stripControls(text: string): string {
  return text.replace(/\r\n?/gu, "\n").replace(escapeSequences, "").replace(controls, "");
}

/** One line, at most `length` characters, for tables and logs. */
export function oneLine(text: string, length: number): string {
  const line = stripControls(text).replace(/\s+/gu, " ").trim();
  const characters = [...line];
  return characters.length <= length ? line : `${characters.slice(0, Math.max(0, length - 1)).join("")}…`;
}

/** Room for the mark itself, whatever its number. */
const markCharacters = 60;

/**
 * The text, at most `length` characters (UTF-16 code units) of it: its head and its tail, and between them a mark that says
 * how many were left out. `leftOut` is how many were taken out of its middle before, so that the mark counts them, too.
 */
export function headAndTail(text: string, length: number, leftOut = 0): string {
  if (text.length <= length && leftOut === 0) return text;
  const kept = Math.min(text.length, Math.max(0, length - markCharacters)) / 2;
  // Half of a pair would be no character at all.
  const head = text.slice(0, Math.ceil(kept)).replace(/[\ud800-\udbff]$/u, "");
  const tail = text.slice(text.length - Math.floor(kept)).replace(/^[\udc00-\udfff]/u, "");
  const missing = text.length - head.length - tail.length + leftOut;
  return `${head}\n[… ${missing} characters left out …]\n${tail}`;
}

/** Bytes of a text as it stands in a frame: as JSON, where a control character takes six. */
export function wireBytes(text: string): number {
  return utf8Bytes(JSON.stringify(text)) - 2;
}

export function utf8Bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}
