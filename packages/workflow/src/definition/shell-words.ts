/**
 * Words of a command in which even a well-quoted value would be run: those that a program reads as code.
 *
 *   X4  A value never becomes code of a shell, an interpreter or a remote machine that the command names by its own name.
 *   X5  A value that comes from an agent or a program never says which program is run.
 *
 * What a command does with a value beyond that is its own affair: `rm {{file}}` takes what begins with `-` for an option.
 */
import { UnsafePlace, type PlaceUnit } from "./unsafe-place.ts";

interface Seen {
  /** Words of this simple command before the one with the place; places in them are NUL. */
  readonly words: readonly string[];
  /** What stands before the place in its own word, quotes taken away. */
  readonly prefix: string;
  readonly place: PlaceUnit;
}

const shells = ["sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "fish", "busybox"] as const;

/** Programs that take code after an option. */
const codeAfter: Readonly<Record<string, RegExp>> = {
  ...Object.fromEntries(shells.map((shell) => [shell, /^-[a-z]*c[a-z]*$/iu])),
  su: /^(?:-c|--command)$/u,
  script: /^-[a-z]*c$/u,
  python: /^-[a-z]*c$/iu,
  node: /^(?:-e|-p|-pe|--eval|--print)$/u,
  bun: /^(?:-e|-p|--eval|--print)$/u,
  deno: /^eval$/u,
  perl: /^-[a-z0-9]*[eE]$/u,
  ruby: /^-[a-z]*e$/u,
  lua: /^-e$/u,
  php: /^-r$/u,
  osascript: /^-e$/u,
  pwsh: /^-(?:c|command)$/iu,
  psql: /^(?:-c|--command)$/u,
  mysql: /^(?:-e|--execute)$/u,
  sed: /^(?:-[a-z]*e|--expression)$/iu,
  git: /^-c$/u,
  vim: /^-c$/u,
};

/** Programs whose first argument that is no option is code; options that take a value of their own. */
const codeFirst: Readonly<Record<string, RegExp>> = {
  awk: /^-[vFf]$/u,
  gawk: /^-[vFf]$/u,
  mawk: /^-[vFf]$/u,
  nawk: /^-[vFf]$/u,
  sed: /^-[Elfi]$/u,
  jq: /^(?:-f|-L|--indent)$/u,
  yq: /^$/u,
};

/** Everything behind them is code, or names a variable, which some shells compute. */
const codeAll = new Set([
  "eval",
  "trap",
  "alias",
  "let",
  "unset",
  "read",
  "declare",
  "typeset",
  "getopts",
  "[[",
  "ssh",
  "rsh",
  "mosh",
  "watch",
  "parallel",
]);

const namesVariables = new Set(["export", "readonly", "local"]);

/** What runs the program that is named after it. */
const wrappers = new Set([
  "sudo",
  "doas",
  "env",
  "exec",
  "command",
  "builtin",
  "nohup",
  "xargs",
  "setsid",
  "nice",
  ".",
  "source",
  "-exec",
  "-execdir",
  "-ok",
]);

/** Programs that run what they read, unless they are given a file or a command. */
const readsInput = new Set<string>([...shells, "python", "node", "perl", "ruby", "lua", "php", "ssh", "osascript"]);
/** Programs that run what they read in any case. */
const alwaysReadsInput = new Set(["psql", "mysql", "sqlite3", "parallel", "at", "batch"]);

/** Does this command run what comes in by its standard input? */
export function readsCode(words: readonly string[]): boolean {
  const starts = commandStarts(words);
  return words.some((word, index) => {
    const program = programOf(word);
    if (starts[index] !== true) return false;
    if (alwaysReadsInput.has(program)) return true;
    return readsInput.has(program) && plainFrom(words, index + 1, 2) <= (program === "ssh" ? 1 : 0);
  });
}

/** Throws where the value would be read as code. */
export function judgeWord({ words, prefix, place }: Seen): void {
  const { source } = place;
  const start = words.findIndex((word) => !isAssignment(word));
  const isFirst = start === -1;
  const starts = commandStarts(words);
  if (isAssignment(prefix) && (isFirst || starts.at(-1) === true)) return;
  const before = words.at(-1);
  if (place.foreign && starts.at(-1) === true)
    throw new UnsafePlace(
      `${source} would say which program is run`,
      "name the program, and give it the value as an argument",
    );
  if (isFirst) return;
  if (words[start] === "for" && words.length === start + 1)
    throw new UnsafePlace(`${source} would name a variable`, "name it yourself");
  for (const [index, word] of words.entries()) {
    const program = programOf(word);
    const isCommand = starts[index] === true;
    if (isCommand && codeAll.has(program))
      throw new UnsafePlace(`\`${program}\` would read ${source} as code`, "write it without, or put it into a script");
    if (isCommand && namesVariables.has(program) && !prefix.includes("="))
      throw new UnsafePlace(`${source} would name a variable`, "name it yourself: name={{…}}");
    const option =
      (Object.hasOwn(codeAfter, program) ? codeAfter[program] : undefined) ??
      (word.includes("$") || word.includes("\0") ? dynamicOption : undefined);
    if (
      option !== undefined &&
      ((before !== undefined && index + 1 < words.length && option.test(before)) || attached(option, prefix))
    )
      throw new UnsafePlace(
        `\`${shown(program)}\` would read ${source} as code`,
        `give it the value as an argument: sh -c 'echo "$1"' sh {{…}}`,
      );
    const takesValue = Object.hasOwn(codeFirst, program) ? codeFirst[program] : undefined;
    if (!isCommand || takesValue === undefined || (before !== undefined && takesValue.test(before))) continue;
    if (plainFrom(words, index + 1, 1, takesValue) === 0 && !(prefix.startsWith("-") && prefix.length > 1))
      throw new UnsafePlace(
        `\`${program}\` would read ${source} as code`,
        program === "jq" ? "write jq --arg name {{…}} '… $name …'" : "write awk -v name={{…}} '… name …'",
      );
  }
}

const isAssignment = (word: string): boolean => /^[A-Za-z_]\w*=/u.test(word);

/** Of each word, and of one that would follow them: is it the name of a program? */
function commandStarts(words: readonly string[]): readonly boolean[] {
  const starts = [true];
  let isWrapped = false;
  let isNamed = false;
  for (const word of words) {
    const wraps = wrappers.has(programOf(word));
    if (wraps) isWrapped = true;
    else if (!isAssignment(word) && !(isWrapped && word.startsWith("-"))) [isWrapped, isNamed] = [false, true];
    starts.push(!isNamed || wraps);
  }
  return starts;
}

/** How many words from an index on are no options, counted up to `enough`. */
function plainFrom(words: readonly string[], from: number, enough: number, takesValue?: RegExp): number {
  let plain = 0;
  for (let index = from; index < words.length && plain < enough; index += 1) {
    const isValue = index > from && takesValue?.test(words[index - 1] ?? "") === true;
    if (words[index]?.startsWith("-") !== true && !isValue) plain += 1;
  }
  return plain;
}

/** A program that only the run knows may be a shell. */
const dynamicOption = /^-[a-z]*[ce]$/iu;

/** `-e{{…}}` and `--eval={{…}}` */
const attached = (option: RegExp, prefix: string): boolean =>
  prefix.startsWith("-") &&
  (option.test(prefix) || (prefix.includes("=") && option.test(prefix.slice(0, prefix.indexOf("=")))));

const shown = (program: string): string => program.replaceAll("\0", "{{…}}");

/** `/usr/bin/python3.11` → `python` */
const programOf = (word: string): string => {
  const name = word.slice(word.lastIndexOf("/") + 1);
  return name.replace(/^(python|lua|perl|ruby|php|node)[\d.]+$/u, "$1");
};
