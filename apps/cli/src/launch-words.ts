import { shellWord } from "./shell-word.ts";

/**
 * The words after an agent's name, as a launch: one word is a command line, several are a program and its arguments.
 */
export function launchWords(words: readonly string[]): { readonly cli: string; readonly args: string[] } {
  const [first = "", ...rest] = words;
  // The command line is split again where it is run; a path with a space in it must stay one word.
  return { cli: rest.length === 0 ? first : shellWord(first), args: rest };
}
