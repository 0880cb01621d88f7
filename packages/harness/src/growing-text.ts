/**
 * A text that comes in pieces, for states that are bounded: of one that grows too long the middle goes, and how much of it
 * is counted.
 */
import { headAndTail, limits } from "@agent-relay/protocol";

export interface GrowingText {
  readonly text: string;
  /** Characters that were taken out of its middle. */
  readonly leftOut: number;
}

export const noText: GrowingText = { text: "", leftOut: 0 };

/** Of each end; far more than is shown of it. */
const keptCharacters = 4 * limits.answerCharactersMax;

export function grown({ text, leftOut }: GrowingText, piece: string): GrowingText {
  const whole = text + piece;
  // Not at every piece, for each cut copies what is kept.
  if (whole.length <= 4 * keptCharacters) return { text: whole, leftOut };
  const kept = whole.slice(0, keptCharacters) + whole.slice(-keptCharacters);
  return { text: kept, leftOut: leftOut + whole.length - kept.length };
}

/** As an answer of a model is told. */
export function answerOf({ text, leftOut }: GrowingText): string {
  return headAndTail(text, limits.answerCharactersMax, leftOut);
}
