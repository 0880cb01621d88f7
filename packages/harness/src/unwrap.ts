/**
 * Unwrapping: from a command to the program that really runs, through every launcher in between.
 *
 *   U1  Never throws, and ends after at most 16 launchers.
 *   U2  What it returns says where in the original command the program's own arguments begin, so that options can be
 *       added for it and not for a launcher.
 */
import { readCommand } from "./command-line.ts";
import { isAssignment, launcherOf, type Next } from "./launchers.ts";

/** What a command ends in. */
export interface Target {
  readonly kind: "program" | "script" | "npm" | "python" | "module";
  /** The program's path, the package as it was written, or the module. */
  readonly word: string;
  /** Packages named by options of a package runner. */
  readonly packages: readonly string[];
  /** The program and its arguments. */
  readonly argv: readonly string[];
  /** Where the program's own arguments begin; absent when nothing can be added for it safely. */
  readonly insertion: Insertion | undefined;
}

export type Insertion =
  /** Before this position of the original vector. */
  | { readonly in: "argv"; readonly at: number }
  /** In the shell text that stands at this position of the original vector; its words are `words`. */
  | { readonly in: "shell"; readonly position: number; readonly at: number; readonly words: readonly string[] };

export interface Unwrapped {
  readonly target: Target | undefined;
  /** What was taken off, outermost first, for people. */
  readonly steps: readonly string[];
  /** Assignments before the program, `NAME=value`. */
  readonly assignments: readonly string[];
}

const unwrapDepthMax = 16;

export function unwrap(argv: readonly string[]): Unwrapped {
  const steps: string[] = [];
  const assignments: string[] = [];
  /** The words that are looked at, and how a position in them is a position in the original. */
  let words = argv;
  let place: Place | undefined = (at) => ({ in: "argv", at });

  for (let depth = 0; depth < unwrapDepthMax; depth += 1) {
    let start = 0;
    while (start < words.length && isAssignment(words[start] ?? "")) {
      assignments.push(words[start] ?? "");
      steps.push(`assignment ${(words[start] ?? "").split("=", 1)[0]} skipped`);
      start += 1;
    }
    words = words.slice(start);
    place = shifted(place, start);

    const head = words[0];
    if (head === undefined || head === "") return { target: undefined, steps, assignments };
    const name = programName(head);
    const launcher = launcherOf(name);
    if (launcher === undefined) return { target: target("program", words, [], place?.(1)), steps, assignments };

    const args = words.slice(1);
    const next = launcher(args);
    if (next === undefined) {
      steps.push(`${name} runs nothing that has a name`);
      return { target: target("program", words, [], undefined), steps, assignments };
    }
    steps.push(`launcher ${name}`);
    if (next.type === "program" && next.script !== true) {
      words = args.slice(next.at);
      place = shifted(place, next.at + 1);
      continue;
    }
    const end = endOf(next, args, shifted(place, next.at + 1));
    if ("target" in end) return { target: end.target, steps, assignments };
    words = end.words;
    place = end.place;
  }
  return { target: undefined, steps: [...steps, "too many launchers"], assignments };
}

/** The last part of a path, lower-case, without the extensions of programs and scripts. */
export function programName(word: string): string {
  let name = (word.split(/[\\/]/u).at(-1) ?? "").toLowerCase();
  let shorter = name.replace(/\.(?:exe|cmd|bat|ps1|js|mjs|cjs)$/u, "");
  while (shorter !== name && shorter !== "") {
    name = shorter;
    shorter = name.replace(/\.(?:exe|cmd|bat|ps1|js|mjs|cjs)$/u, "");
  }
  return name;
}

type Place = (at: number) => Insertion;

function shifted(place: Place | undefined, by: number): Place | undefined {
  return place === undefined ? undefined : (at) => place(at + by);
}

type End =
  | { readonly target: Target | undefined }
  | { readonly words: readonly string[]; readonly place: Place | undefined };

/** `place` counts from the word at `next.at`. */
function endOf(next: Next, args: readonly string[], place: Place | undefined): End {
  const rest = args.slice(next.at);
  const word = rest[0] ?? "";
  switch (next.type) {
    case "program":
      return { target: target("script", rest, [], place?.(1)) };
    case "module":
      return { target: target("module", rest, [], place?.(1)) };
    case "package":
      return /^\.{0,2}[\\/]/u.test(word)
        ? { words: rest, place }
        : { target: target(next.ecosystem, rest, next.packages, place?.(1)) };
    case "words":
      return { words: [...simpleWords(word), ...rest.slice(1)], place: undefined };
    case "text": {
      // One word may be a whole command line, or a path with spaces in it.
      const isLine = /\s/u.test(word) && !/\.(?:exe|cmd|bat|ps1)$/iu.test(word);
      const words = isLine ? [...firstCommand(word).words, ...rest.slice(1)] : rest;
      return { words: words[0] === "&" ? words.slice(1) : words, place: undefined };
    }
    case "shell": {
      const command = firstCommand(word);
      const outer = place?.(0);
      const inner: Place | undefined =
        command.alone && outer?.in === "argv"
          ? (at) => ({ in: "shell", position: outer.at, at, words: command.words })
          : undefined;
      return { words: command.words, place: inner };
    }
  }
}

function target(
  kind: Target["kind"],
  argv: readonly string[],
  packages: readonly string[],
  insertion: Insertion | undefined,
): Target | undefined {
  const word = argv[0];
  return word === undefined || word === "" ? undefined : { kind, word, packages, argv, insertion };
}

function simpleWords(text: string): readonly string[] {
  return readCommand(text).tokens.flatMap((token) => ("word" in token ? [token.word] : []));
}

/** Commands that prepare a shell for the one that matters. */
const preparations = new Set([
  "cd",
  "pushd",
  "source",
  ".",
  "export",
  "set",
  "unset",
  "ulimit",
  "umask",
  "true",
  ":",
  "trap",
  "shopt",
  "setopt",
  "alias",
  "declare",
  "local",
  "eval",
  "test",
  "[",
]);

/**
 * The first simple command of a shell text that is more than preparation. `alone` says that the text is this one
 * command and that the shell would expand nothing in it, so that it may be rewritten.
 */
function firstCommand(text: string): { readonly words: readonly string[]; readonly alone: boolean } {
  const { tokens } = readCommand(text);
  const commands: string[][] = [[]];
  let redirected = false;
  for (const token of tokens) {
    if ("operator" in token) {
      redirected = /[<>]/u.test(token.operator);
      if (!redirected) commands.push([]);
    } else if (redirected) redirected = false;
    else commands.at(-1)?.push(token.word);
  }
  const plain = !tokens.some((token) => "operator" in token) && !/[$`*?#~{}!\n[\]]/u.test(text);
  const words = commands.find((command) => {
    const head = command.find((word) => !isAssignment(word));
    return head !== undefined && !preparations.has(head);
  });
  return { words: words ?? [], alone: plain };
}
