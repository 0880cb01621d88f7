/**
 * Reading words off a terminal's raw output: the last resort, where a program reports nothing by itself.
 *
 *   V1  Only a line that says it and nothing else counts, so that prose about a context window does not.
 *   V2  What was given to the program to read is not the program's word: percentages out of such texts do not count.
 */
import { readableText } from "./escape-scanner.ts";

/** `Context 6% left`, `6% context left` and near relatives. */
const phrase =
  "(?:context(?: window)?(?: left| remaining)?:? (\\d{1,3})% ?(?:left|remaining)|(\\d{1,3})% (?:of )?context (?:left|remaining)|context (?:left|remaining):? (\\d{1,3})%)";
const separator = "[·|•│┃—–()\\[\\]]|\\s{2,}";
const statusLine = new RegExp(`(?:^|${separator})\\s*${phrase}\\s*(?:$|${separator})`, "iu");

/** How far from a percent sign the phrase can reach, colours included. */
const reach = 160;

export interface ContextReading {
  readonly pctLeft: number | undefined;
  /** A phrase stands at the very end of what has come, and the line may go on. */
  readonly undecided: boolean;
}

/**
 * The last percentage in `text` from `from` on, `text` being raw output that starts at a line's start or more than
 * `reach` before `from`. `final` says that nothing follows for now.
 */
export function readContext(
  text: string,
  from: number,
  final: boolean,
  quoted: (pct: number) => boolean,
): ContextReading {
  let pctLeft: number | undefined;
  let undecided = false;
  for (let at = text.indexOf("%", from); at >= 0; at = text.indexOf("%", at + 1)) {
    const start = Math.max(0, at - reach);
    const end = Math.min(text.length, at + reach);
    const around = text.slice(start, end);
    if (!/context/iu.test(around)) continue;
    const cutEnd = end < text.length;
    // Where the line goes on out of sight, a mark keeps the edge from passing for the line's.
    const line = lineAt(
      `${start > 0 ? "~" : ""}${around.slice(0, at - start)}`,
      `${around.slice(at - start)}${cutEnd ? "~" : ""}`,
    );
    const match = statusLine.exec(line.text);
    const pct = match === null ? Number.NaN : Number(match[1] ?? match[2] ?? match[3]);
    if (match === null || pct > 100 || quoted(pct)) continue;
    if (line.open && !cutEnd && !final) undecided = true;
    else pctLeft = pct;
  }
  return { pctLeft, undecided };
}

/** Percentages that a text given to the program mentions near the word `context`, at most 16. */
export function quotedPercentages(text: string): readonly number[] {
  const found = new Set<number>();
  for (const match of text.matchAll(/(\d{1,3})\s*%/gu)) {
    if (/context/iu.test(text.slice(Math.max(0, match.index - 80), match.index + 80))) found.add(Number(match[1]));
    if (found.size >= 16) break;
  }
  return [...found];
}

/** The visible line where two pieces of raw output meet; `open` says that it runs to the end of the second. */
function lineAt(rawBefore: string, rawAfter: string): { readonly text: string; readonly open: boolean } {
  const before = readableText(visible(rawBefore));
  const after = readableText(visible(rawAfter));
  const lineBreak = after.indexOf("\n");
  const head = before.slice(before.lastIndexOf("\n") + 1);
  return { text: (head + (lineBreak < 0 ? after : after.slice(0, lineBreak))).trimEnd(), open: lineBreak < 0 };
}

/** Raw output as text: colours vanish, a cursor moved along its line is a gap, any other movement ends the line. */
export function visible(raw: string): string {
  return (
    raw
      // eslint-disable-next-line no-control-regex
      .replace(/\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?/gu, "")
      // eslint-disable-next-line no-control-regex
      .replace(/\u001b\[[\d;:]*m/gu, "")
      // eslint-disable-next-line no-control-regex
      .replace(/\u001b\[\d*[CG]/gu, " ")
      // eslint-disable-next-line no-control-regex
      .replace(/\u001b\[[0-?]*[ -/]*[@-~]|\u001b[ -/]*[0-~]?|\r/gu, "\n")
  );
}
