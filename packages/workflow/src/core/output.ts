/**
 * Output: how much of what somebody printed is kept.
 *
 *   K1  Never more than asked for, the note about what is missing included; what fits is kept as it is.
 *   K2  What is kept are the beginning and the end; a character is never cut in two.
 *   K3  However often a text is shortened, its note counts all that is missing, and there is one.
 */

/** Of a step, for those that read it: what a prompt can bear. */
export const OUTPUT_MAX = 32_768;
/** Of a failure: enough for its last error, little enough for a prompt and a table. */
const TAIL_MAX = 2_000;
/** The note in the middle needs less than this. */
const NOTE_MAX = 48;

/** The head and the tail of it, the same length each. */
export function headAndTail(text: string, max: number = OUTPUT_MAX): string {
  if (text.length <= max) return text;
  const each = Math.max(0, Math.floor((max - NOTE_MAX) / 2));
  const head = wholeHead(text, each);
  const end = wholeTail(text, each);
  return head + leftOutMark(missing(text.slice(head.length, text.length - end.length))) + end;
}

/** The note between a head and a tail. What a program prints just like it counts as one. */
export function leftOutMark(characters: number): string {
  return `\n[… ${characters} characters left out …]\n`;
}

/** How much is missing without this text: a note of an earlier cut in it stands for what that took away. */
function missing(cut: string): number {
  let sum = cut.length;
  for (const [note, earlier] of cut.matchAll(/\n\[… (\d{1,15}) characters left out …\]\n/gu))
    sum += Number(earlier) - note.length;
  return sum;
}

/** Its end. */
export function tailOf(text: string, max: number = TAIL_MAX): string {
  return text.length <= max ? text : wholeTail(text, max);
}

/** A JSON array of outputs that is still one when it had to be shortened. */
export function outputList(outputs: readonly string[], max: number = OUTPUT_MAX): string {
  const whole = JSON.stringify(outputs);
  if (whole.length <= max) return whole;
  // A character may need six in JSON, so what each may have is found by halving and not by division.
  for (let each = Math.floor(max / Math.max(1, outputs.length)); each > 0; each = Math.floor(each / 2)) {
    const shortened = JSON.stringify(outputs.map((it) => wholeHead(it, each)));
    if (shortened.length <= max) return shortened;
  }
  return JSON.stringify([`${outputs.length} outputs, too many to list`]);
}

function wholeHead(text: string, length: number): string {
  const splits = isHighSurrogate(text.charCodeAt(length - 1));
  return text.slice(0, splits ? length - 1 : length);
}

function wholeTail(text: string, length: number): string {
  const from = text.length - length;
  return text.slice(isHighSurrogate(text.charCodeAt(from - 1)) ? from + 1 : from);
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd8_00 && code <= 0xdb_ff;
}
