/**
 * Echo: what a program in a terminal shows is its prompt, too, and that proves nothing.
 *
 *   EC1  A text that stands after the same words as in the prompt is that of the prompt, however it is wrapped or framed. Where
 *        the prompt has too few words before it to tell, as many occurrences as it holds do not count.
 *   EC2  Without a prompt, as with a command, every occurrence counts.
 */

/** Letters and digits before a text that tell an echo: about five words. */
export const CONTEXT = 24;
export const CONTEXT_MIN = 10;
/** So far back they are found, whatever stands between them. */
const LOOK_BACK = 400;

/** What a terminal may not change: it wraps, frames and colours as it likes. */
export function letters(text: string): string {
  return text.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, "");
}

/** Whether the text occurs otherwise than as an echo of these prompts. */
export function occursBesideEcho(output: string, text: string, prompts: readonly string[] = []): boolean {
  if (text === "") return true;
  const echoes = prompts.flatMap((prompt) => contextsOf(prompt, text));
  // Near the beginning of a prompt there is little before it; on the screen something else stands before that.
  const known = [...new Set(echoes.filter((it) => it.length >= CONTEXT_MIN))];
  let uncounted = echoes.filter((it) => it.length < CONTEXT_MIN).length;
  for (const context of contextsOf(output, text)) {
    if (known.some((it) => context.endsWith(it))) continue;
    if (uncounted === 0) return true;
    uncounted -= 1;
  }
  return false;
}

/** Of blocks of a text, those that stand in no prompt. */
export function withoutEchoes(blocks: readonly string[], prompts: readonly string[] = []): readonly string[] {
  const known = prompts.map(letters);
  return blocks.filter((block) => !known.some((prompt) => prompt.includes(letters(block))));
}

function contextsOf(whole: string, text: string): readonly string[] {
  const contexts: string[] = [];
  for (let at = whole.indexOf(text); at >= 0; at = whole.indexOf(text, at + text.length))
    contexts.push(letters(whole.slice(Math.max(0, at - LOOK_BACK), at)).slice(-CONTEXT));
  return contexts;
}
