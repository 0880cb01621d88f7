/**
 * How many columns a text takes in a terminal, and making it take no more.
 *
 *   W1  What a reader sees as one character counts once: 0 columns, 1, or 2 for East Asian wide forms and emoji.
 *   W2  A cut text is never wider than asked for, never ends inside a character, and says with … that it was cut.
 */
import stringWidth from "string-width";

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Printable ASCII, which is nearly everything: one column for each character, without asking Unicode's tables. */
const plain = /^[\x20-\x7e]*$/;

export function displayWidth(text: string): number {
  return plain.test(text) ? text.length : stringWidth(text);
}

/** The text itself if it fits into `width` columns, else its beginning and an ellipsis. */
export function cutToWidth(text: string, width: number): string {
  if (width <= 0) return "";
  if (displayWidth(text) <= width) return text;
  let kept = "";
  let used = 0;
  for (const { segment } of graphemes.segment(text)) {
    const next = displayWidth(segment);
    if (used + next > width - 1) break;
    kept += segment;
    used += next;
  }
  return `${kept}…`;
}

export function padToWidth(text: string, width: number, align: "left" | "right"): string {
  const padding = " ".repeat(Math.max(0, width - displayWidth(text)));
  return align === "left" ? text + padding : padding + text;
}
