/** Adding options to a command, for the program and not for its launchers. */
import { shellWords } from "../command-line.ts";
import type { Insertion } from "../unwrap.ts";

export function canTakeOptions(insertion: Insertion | undefined): insertion is Insertion {
  return insertion !== undefined;
}

/** The command with options right after the program, or after its subcommand if that is one of `subcommands`. */
export function addOptions(
  argv: readonly [string, ...string[]],
  insertion: Insertion,
  options: readonly string[],
  subcommands: readonly string[],
): readonly [string, ...string[]] {
  if (options.length === 0) return argv;
  if (insertion.in === "argv") return inserted(argv, insertion.at, options, subcommands);
  const [first, ...rest] = insertion.words;
  const text = shellWords(inserted([first ?? "", ...rest], insertion.at, options, subcommands));
  const [program, ...words] = argv.with(insertion.position, text);
  return [program ?? argv[0], ...words];
}

function inserted(
  words: readonly [string, ...string[]],
  at: number,
  options: readonly string[],
  subcommands: readonly string[],
): readonly [string, ...string[]] {
  const subcommand = words[at];
  const said = subcommand !== undefined && subcommands.includes(subcommand);
  // Continuing a session may begin with the subcommand that is there already.
  const added = said && options[0] === subcommand ? options.slice(1) : options;
  const [program, ...rest] = words.toSpliced(said ? at + 1 : at, 0, ...added);
  return [program ?? words[0], ...rest];
}
