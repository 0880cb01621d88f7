/** Questions in the middle of a turn, of a program that says them in no other way than on its screen. */
import type { AskRule } from "../harness.ts";
import { readableText } from "./escape-scanner.ts";
import { squeezed } from "./opening.ts";
import { visible } from "./screen-text.ts";

const tailCharacters = 300;

export interface AskingLook {
  /** The end of what was seen, squeezed, without what has been found in it. */
  readonly tail: string;
  /** Bytes of a character whose end has not come. */
  readonly pending: string;
  /** What was drawn last: a question, or that it is over. */
  readonly last: AskRule | "over" | undefined;
}

export function lookAtAsking(
  asks: readonly AskRule[],
  { tail, pending }: Pick<AskingLook, "tail" | "pending">,
  chunk: string,
): AskingLook {
  const [whole, rest] = cutCharacter(pending + visible(chunk));
  const text = tail + squeezed(readableText(whole));
  let last: AskingLook["last"];
  let at = -1;
  for (const ask of asks) {
    for (const [words, means] of [[ask.text, ask] as const, ...ask.over.map((over) => [over, "over"] as const)]) {
      const found = text.lastIndexOf(squeezed(words));
      if (found > at) [last, at] = [means, found];
    }
  }
  return { tail: text.slice(at + 1).slice(-tailCharacters), pending: rest, last };
}

/** Bytes of UTF-8, without those at the end that begin a character and do not finish it; and these. */
function cutCharacter(bytes: string): readonly [string, string] {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes.charCodeAt(bytes.length - back);
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return back < length ? [bytes.slice(0, -back), bytes.slice(-back)] : [bytes, ""];
  }
  return [bytes, ""];
}
