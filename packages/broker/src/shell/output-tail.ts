/** What a program showed last: its newest lines, for a report of its end. */
import { stripControls } from "@agent-relay/protocol";

/** Enough for twenty lines of a wide terminal. */
const TAIL_BYTES = 8_192;
const LINES_MAX = 20;

export function tailOf(tail: Buffer, data: Uint8Array): Buffer {
  if (data.length >= TAIL_BYTES) return Buffer.from(data.subarray(data.length - TAIL_BYTES));
  return Buffer.concat([tail, data]).subarray(-TAIL_BYTES);
}

export function linesOf(tail: Buffer): readonly string[] {
  const lines = stripControls(withGaps(tail.toString("utf8"))).split("\n");
  return lines
    .map((line) => line.trimEnd())
    .filter((line) => line.length > 0)
    .slice(-LINES_MAX);
}

/** Programs that paint move the cursor instead of writing blanks and newlines; without them words would run together. */
function withGaps(output: string): string {
  return output.replaceAll(/\u001b\[\d*[CG]/gu, " ").replaceAll(/\u001b\[(?:\d*[BEd]|[\d;]*[Hf])/gu, "\n");
}

/** For people: what a program on pipes says on its standard error, or else whatever it printed that is not its protocol. */
export function lastWordsOf(it: {
  readonly tail: Buffer;
  readonly errorTail: Buffer;
  readonly runtime: "pty" | "headless";
}): readonly string[] {
  if (it.runtime === "pty") return linesOf(it.tail);
  const errors = linesOf(it.errorTail);
  if (errors.length > 0) return errors;
  // Where the tail was cut, its first line is the end of one, and its beginning does not tell what it is.
  const whole = it.tail.length < TAIL_BYTES ? it.tail : it.tail.subarray(it.tail.indexOf(0x0a) + 1 || it.tail.length);
  return linesOf(whole).filter((line) => !line.startsWith("{"));
}
