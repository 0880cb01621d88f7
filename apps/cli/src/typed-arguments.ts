import type { OptionSpec } from "./command-spec.ts";
import { commandGroups } from "./commands/index.ts";
import { globalOptions } from "./program.ts";

/** What of a command line are arguments: neither the words of its command, nor options and their values. */
export function typedArguments(words: readonly string[]): readonly string[] {
  let commands = commandGroups.flatMap((group) => group.commands);
  let options: readonly OptionSpec[] = globalOptions;
  const given: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? "";
    if (word.startsWith("-")) {
      const option = options.find(({ flags }) => flags.split(/[ ,]+/u).includes(word));
      if (option?.flags.includes("<") === true) at += 1;
      continue;
    }
    const command = given.length === 0 ? commands.find(({ name }) => name === word) : undefined;
    if (command === undefined) given.push(word);
    else {
      commands = [...(command.subcommands ?? [])];
      options = [...globalOptions, ...(command.options ?? [])];
    }
  }
  return given;
}
