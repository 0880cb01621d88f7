/**
 * Words of a command in which even a well-quoted value would be run: those that a program reads as code.
 *
 *   X4  A value never becomes code of a shell, an interpreter or a remote machine that the command names by its own name.
 *   X5  A value that comes from an agent or a program never says which program is run.
 *
 * What a command does with a value beyond that is its own affair: `rm {{file}}` takes what begins with `-` for an option.
 */
import { UnsafePlace, type PlaceUnit } from "./unsafe-place.ts";

const shells = ["sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "fish", "busybox"] as const;

/** Programs that take code after an option. None of the expressions goes back and forth over a long word. */
const codeAfter: Readonly<Record<string, RegExp>> = {
  ...Object.fromEntries(shells.map((shell) => [shell, /^-(?=[a-z]*c)[a-z]+$/iu])),
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
  nvim: /^-c$/u,
  Rscript: /^-e$/u,
  gdb: /^(?:-ex|--eval-command)$/u,
  flock: /^(?:-c|--command)$/u,
  npx: /^(?:-c|--call)$/u,
  rsync: /^(?:-e|--rsh|--rsync-path)$/u,
  tar: /^(?:-I|--use-compress-program|--checkpoint-action|--to-command|--info-script)$/u,
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
  "tmux",
]);

/** As programs alone, for their names are words like others: a name after it is computed where it has an index. */
const nameAfter = new Set(["test", "[", "printf"]);
const nameOption = /^-v$/u;

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
  "timeout",
  "stdbuf",
  ".",
  "source",
  "-exec",
  "-execdir",
  "-ok",
]);

/** Programs that run what they read, unless they are given a file or a command. */
const readsInput = new Set<string>([...shells, "python", "node", "perl", "ruby", "lua", "php", "osascript"]);
/** Programs that run what they read in any case. */
const alwaysReadsInput = new Set(["psql", "mysql", "sqlite3", "parallel", "at", "batch"]);

/** Where what they run comes from, if it is named; and for shells `-s`, which leaves arguments to what is read. */
const standardInput = /^(?:-|\/dev\/(?:stdin|fd\/0)|\/proc\/self\/fd\/0)$/u;
const shellReadsInput = /^-(?=[a-z]*s)[a-z]+$/iu;
/** Options of theirs whose value is no file that they would run instead. */
const readerTakesValue: Readonly<Record<string, RegExp>> = {
  ...Object.fromEntries(shells.map((shell) => [shell, /^(?:[-+][a-z]*o|--rcfile|--init-file)$/iu])),
  python: /^-[a-z]*[WX]$/iu,
  node: /^(?:-r|--require|--import|-C|--conditions)$/u,
  perl: /^-I$/u,
  ruby: /^-[Ir]$/u,
  php: /^-d$/u,
};

/** Options of wrappers that take a value, and values that stand alone: of `timeout`, or of `nice -n`. */
const wrapperTakesValue = /^-[ugInPa]$/u;
const wrapperValue = /^\d+(?:\.\d+)?[smhd]?$/u;

/** Why a place behind a word that was read may be code, or may name a variable. */
type Danger =
  | { readonly kind: "all"; readonly program: string }
  | { readonly kind: "name" }
  /** Behind the option, or attached to it. */
  | { readonly kind: "option"; readonly program: string; readonly option: RegExp }
  /** Until an argument has come; `takesValue` are options whose value is none. */
  | { readonly kind: "first"; readonly program: string; readonly takesValue: RegExp };

/** The words of one simple command, as they are read. Each costs the same, however many were read before it. */
export class CommandWords {
  readonly #words: string[] = [];
  /** Number of the first word that is no assignment. */
  #first: number | undefined;
  #isWrapped = false;
  #isNamed = false;
  #nextIsProgram = true;
  /** In the order of the words that they come from; of equal ones the first alone, for it is what is told. */
  #dangers: Danger[] = [];
  /** Options that code comes behind: it may come behind other options. */
  readonly #open = new Set<Danger>();
  /** What `xargs` puts what it reads in place of. */
  #replaced: string | undefined;
  #alwaysReadsInput = false;
  /** The last shell or interpreter. */
  #reader = "";
  /** Arguments that are no options of the last shell or interpreter, and of the last `ssh`. */
  #argumentsOfReader = Infinity;
  #argumentsOfRemote = Infinity;
  #judged: "nothing" | "known" | "foreign" = "nothing";

  get isEmpty(): boolean {
    return this.#words.length === 0;
  }

  /** Does this command run what comes in by its standard input? */
  get readsCode(): boolean {
    return this.#alwaysReadsInput || this.#argumentsOfReader === 0 || this.#argumentsOfRemote <= 1;
  }

  /** Quotes are taken away from it, and places in it are NUL. */
  push(word: string): void {
    const program = programOf(word);
    const isProgram = this.#nextIsProgram;
    this.#takeAsArgument(word);
    this.#addDangers(program, word, isProgram);
    this.#noteReplacing(word);
    this.#noteOption(word);
    if (isProgram) this.#noteInput(program, word);
    const wraps = wrappers.has(program);
    if (wraps) this.#isWrapped = true;
    else if (!isAssignment(word) && !(this.#isWrapped && this.#isOfWrapper(word)))
      [this.#isWrapped, this.#isNamed] = [false, true];
    this.#nextIsProgram = !this.#isNamed || wraps;
    if (this.#first === undefined && !isAssignment(word)) this.#first = this.#words.length;
    this.#words.push(word);
    this.#judged = "nothing";
  }

  /**
   * Was a place of the word that is being read judged already, and no more kindly than this one would be? What stands before a
   * later place begins with what stood before the first, and then with the first itself, so that nothing is worse about it.
   */
  hasJudged(place: PlaceUnit): boolean {
    return this.#judged === "foreign" || (this.#judged === "known" && !place.foreign);
  }

  /** `prefix` stands before the place in its own word, quotes taken away. Throws where the value would be read as code. */
  judge(place: PlaceUnit, prefix: string): void {
    this.#judged = place.foreign ? "foreign" : "known";
    if (isAssignment(prefix) && this.#nextIsProgram) return;
    if (place.foreign && this.#nextIsProgram)
      throw new UnsafePlace(
        `${place.source} would say which program is run`,
        "name the program, and give it the value as an argument",
      );
    if (this.#first === undefined) return;
    if (this.#words.at(-1) === "for" && this.#words.length === this.#first + 1)
      throw new UnsafePlace(`${place.source} would name a variable`, "name it yourself");
    for (const danger of this.#dangers) this.#judgeBy(danger, place, prefix);
  }

  /** As it is told: the beginning of it. */
  toString(): string {
    return this.#words.join(" ").slice(0, 60);
  }

  #judgeBy(danger: Danger, { source }: PlaceUnit, prefix: string): void {
    const before = this.#words.at(-1) ?? "";
    switch (danger.kind) {
      case "all":
        throw new UnsafePlace(
          `\`${danger.program}\` would read ${source} as code`,
          "write it without, or put it into a script",
        );
      case "name":
        if (prefix.includes("=")) return;
        throw new UnsafePlace(`${source} would name a variable`, "name it yourself: name={{…}}");
      case "option":
        if (!this.#open.has(danger) && !attached(danger.option, prefix)) return;
        throw new UnsafePlace(
          `\`${shown(danger.program)}\` would read ${source} as code`,
          `give it the value as an argument: sh -c 'echo "$1"' sh {{…}}`,
        );
      case "first":
        if (danger.takesValue.test(before) || (prefix.startsWith("-") && prefix.length > 1)) return;
        throw new UnsafePlace(
          `\`${danger.program}\` would read ${source} as code`,
          danger.program === "jq" ? "write jq --arg name {{…}} '… $name …'" : "write awk -v name={{…}} '… name …'",
        );
    }
  }

  #addDangers(program: string, word: string, isProgram: boolean): void {
    const has = (is: (danger: Danger) => boolean): boolean => this.#dangers.some(is);
    // Nothing gets past it to what would stand behind it.
    if (this.#dangers.at(-1)?.kind === "all") return;
    if (isProgram && codeAll.has(program)) this.#dangers.push({ kind: "all", program });
    if (isProgram && namesVariables.has(program) && !has(({ kind }) => kind === "name"))
      this.#dangers.push({ kind: "name" });
    const option =
      (Object.hasOwn(codeAfter, program) ? codeAfter[program] : undefined) ??
      (isProgram && nameAfter.has(program) ? nameOption : undefined) ??
      (word.includes("$") || word.includes("\0") ? dynamicOption : undefined);
    if (option !== undefined && !has((danger) => danger.kind === "option" && danger.option === option))
      this.#dangers.push({ kind: "option", program, option });
    const takesValue = isProgram && Object.hasOwn(codeFirst, program) ? codeFirst[program] : undefined;
    if (takesValue !== undefined) this.#dangers.push({ kind: "first", program, takesValue });
  }

  /** Behind the option, or behind others that follow it: `sh -c -e …`. */
  #noteOption(word: string): void {
    for (const danger of this.#dangers) {
      if (danger.kind !== "option") continue;
      if (danger.option.test(word)) this.#open.add(danger);
      else if (!word.startsWith("-")) this.#open.delete(danger);
    }
  }

  /** `xargs -I{} sh -c 'echo {}'`: what is read becomes part of the code. */
  #noteReplacing(word: string): void {
    if (this.#replaced !== undefined && this.#open.size > 0 && word.includes(this.#replaced))
      this.#alwaysReadsInput = true;
    if (!this.#isWrapped) return;
    if (this.#words.at(-1) === "-I") this.#replaced = word;
    else if (word.startsWith("-I") && word.length > 2) this.#replaced = word.slice(2);
    else if (/^(?:-i|--replace)$/u.test(word)) this.#replaced = "{}";
  }

  #isOfWrapper(word: string): boolean {
    return word.startsWith("-") || wrapperValue.test(word) || wrapperTakesValue.test(this.#words.at(-1) ?? "");
  }

  #takeAsArgument(word: string): void {
    const before = this.#words.at(-1) ?? "";
    if (this.#argumentsOfReader === 0) {
      const isShell = (shells as readonly string[]).includes(this.#reader);
      if (standardInput.test(word) || (isShell && shellReadsInput.test(word))) this.#alwaysReadsInput = true;
    }
    if (word.startsWith("-")) return;
    const takesValue = Object.hasOwn(readerTakesValue, this.#reader) ? readerTakesValue[this.#reader] : undefined;
    if (takesValue?.test(before) !== true) this.#argumentsOfReader += 1;
    this.#argumentsOfRemote += 1;
    this.#dangers = this.#dangers.filter((danger) => danger.kind !== "first" || danger.takesValue.test(before));
  }

  #noteInput(program: string, word: string): void {
    // `. /dev/stdin`
    if (alwaysReadsInput.has(program) || (this.#isWrapped && standardInput.test(word))) this.#alwaysReadsInput = true;
    if (program === "ssh") this.#argumentsOfRemote = 0;
    else if (readsInput.has(program)) [this.#argumentsOfReader, this.#reader] = [0, program];
  }
}

const isAssignment = (word: string): boolean => /^[A-Za-z_]\w*=/u.test(word);

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
