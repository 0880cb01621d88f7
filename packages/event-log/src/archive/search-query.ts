/**
 * What a person typed, as a full-text query that finds messages with all of its words.
 *
 *   U1  No text is a syntax error, and none reaches the query language: every word is quoted.
 */
const wordCharacter = /[\p{L}\p{N}\p{Co}]/u;

/** Words beyond this find nothing more and cost a lookup each. */
const WORDS_MAX = 32;

/** Nothing when there is no word in it. */
export function searchQuery(text: string): string | undefined {
  const words = text
    .replaceAll("\u0000", " ")
    .split(/\s+/u)
    // A phrase of punctuation alone has no tokens.
    .filter((word) => wordCharacter.test(word))
    .slice(0, WORDS_MAX);
  if (words.length === 0) return undefined;
  return words.map((word) => `"${word.replaceAll('"', '""')}"`).join(" ");
}
