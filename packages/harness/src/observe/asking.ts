/** Questions in the middle of a turn, of a program that says them in no other way than on its screen. */
import type { AskRule } from "../harness.ts";
import { readableText } from "./escape-scanner.ts";
import { squeezed } from "./opening.ts";
import { visible } from "./screen-text.ts";

const tailCharacters = 300;

export interface AskingLook {
  /** The end of what was seen, squeezed, without what has been found in it. */
  readonly tail: string;
  /** What was drawn last: a question, or that it is over. */
  readonly last: AskRule | "over" | undefined;
}

export function lookAtAsking(asks: readonly AskRule[], tail: string, chunk: string): AskingLook {
  const text = tail + squeezed(readableText(visible(chunk)));
  let last: AskingLook["last"];
  let at = -1;
  for (const ask of asks) {
    for (const [words, means] of [[ask.text, ask] as const, ...ask.over.map((over) => [over, "over"] as const)]) {
      const found = text.lastIndexOf(squeezed(words));
      if (found > at) [last, at] = [means, found];
    }
  }
  return { tail: text.slice(at + 1).slice(-tailCharacters), last };
}
