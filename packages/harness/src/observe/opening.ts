/**
 * The first screens of a program: dialogs that wait for a person before it takes any input.
 *
 * Programs draw words one by one, at positions; so texts are compared without white space and without regard to case.
 */
import type { Dialog, Harness } from "../harness.ts";
import { readableText } from "./escape-scanner.ts";
import { visible } from "./screen-text.ts";

export interface Opening {
  /** The end of what was seen, squeezed. */
  readonly tail: string;
  /** The composer's own text has been seen, and no dialog after it. */
  readonly composer: boolean;
  /** Raw characters that may still be looked at. */
  readonly budget: number;
}

/** First screens are small; a program that writes more than this is past them. */
const openingCharactersMax = 262_144;
const tailCharacters = 200;

export function newOpening(harness: Pick<Harness, "observation" | "dialogs">): Opening | undefined {
  if (harness.dialogs.length === 0 && harness.observation.promptText === undefined) return undefined;
  return { tail: "", composer: false, budget: openingCharactersMax };
}

/** What a chunk of output shows: the dialog or the composer, whichever was drawn last. */
export function lookAtOpening(
  harness: Pick<Harness, "observation" | "dialogs">,
  opening: Opening,
  chunk: string,
): { readonly opening: Opening | undefined; readonly dialog: Dialog | undefined; readonly composer: boolean } {
  if (chunk.length > opening.budget) return { opening: undefined, dialog: undefined, composer: false };
  const text = opening.tail + squeezed(readableText(visible(chunk)));
  let dialog: Dialog | undefined;
  let dialogAt = -1;
  for (const candidate of harness.dialogs) {
    const at = text.lastIndexOf(squeezed(candidate.text));
    if (at > dialogAt) [dialog, dialogAt] = [candidate, at];
  }
  const promptText = harness.observation.promptText;
  const composerAt = promptText === undefined ? -1 : text.lastIndexOf(squeezed(promptText));
  const composer = composerAt > dialogAt;
  return {
    opening: {
      tail: text.slice(-tailCharacters),
      composer: composer || (opening.composer && dialog === undefined),
      budget: opening.budget - chunk.length,
    },
    dialog: composer ? undefined : dialog,
    composer,
  };
}

/** Without white space and without regard to case. */
export function squeezed(text: string): string {
  return text.replaceAll(/\s+/gu, "").toLowerCase();
}
