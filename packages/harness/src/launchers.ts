/**
 * Launchers: programs that run another program. For each, where that program stands among the arguments.
 *
 *   L1  A launcher is data where it can be: which options take a value, how many words stand before the program.
 *   L2  A launcher that runs nothing we can name (`node -e …`, `npx` alone) leads nowhere, and never to a guess.
 */

/** Where to look next. Positions count from the first argument after the launcher. */
export type Next =
  /** A program and its arguments. `script` says that an interpreter runs it. */
  | { readonly type: "program"; readonly at: number; readonly script?: boolean }
  /** Shell text in one argument. */
  | { readonly type: "shell"; readonly at: number }
  /** Words that are cut from one argument and go before the remaining ones: `env -S`. */
  | { readonly type: "words"; readonly at: number }
  /** All arguments from here on, joined, are text: `cmd /c`. */
  | { readonly type: "text"; readonly at: number }
  /** A package whose program runs; `packages` are named by options, the word at `at` is the package or its program. */
  | {
      readonly type: "package";
      readonly at: number;
      readonly ecosystem: "npm" | "python";
      readonly packages: readonly string[];
    }
  | { readonly type: "module"; readonly at: number };

type Launcher = (args: readonly string[]) => Next | undefined;

/** What a launcher's name leads to; nothing if it is none, or runs nothing that has a name. */
export function launcherOf(name: string): Launcher | undefined {
  const plain = prefixes[name];
  if (plain !== undefined) return (args) => afterPrefix(args, plain);
  if (Object.hasOwn(launchers, name)) return launchers[name];
  if (/^python\d*(?:\.\d+)*$/u.test(name)) return python;
  if (/^node(?:js)?\d*$/u.test(name)) return node;
  return undefined;
}

interface Prefix {
  /** Options whose value is the next word. */
  readonly values: readonly string[];
  /** Words between the options and the program. */
  readonly words?: number;
}

/** Programs that are followed by options and then by the program they run. */
const prefixes: Readonly<Record<string, Prefix | undefined>> = Object.assign(
  Object.create(null) as Record<string, Prefix>,
  {
    sudo: {
      values: [
        "-u",
        "--user",
        "-g",
        "--group",
        "-h",
        "--host",
        "-p",
        "--prompt",
        "-C",
        "--close-from",
        "-D",
        "--chdir",
        "-r",
        "--role",
        "-t",
        "--type",
        "-T",
        "--command-timeout",
        "-U",
        "--other-user",
        "-R",
        "--chroot",
      ],
    },
    doas: { values: ["-u", "-C"] },
    nice: { values: ["-n", "--adjustment"] },
    ionice: { values: ["-c", "--class", "-n", "--classdata"] },
    nohup: { values: [] },
    time: { values: ["-f", "--format", "-o", "--output"] },
    timeout: { values: ["-s", "--signal", "-k", "--kill-after"], words: 1 },
    stdbuf: { values: ["-i", "--input", "-o", "--output", "-e", "--error"] },
    setsid: { values: [] },
    exec: { values: ["-a"] },
    command: { values: [] },
    builtin: { values: [] },
    caffeinate: { values: ["-t", "-w"] },
    unbuffer: { values: [] },
    arch: { values: ["-arch", "-e"] },
    "systemd-run": { values: ["-p", "--property", "--unit", "-u", "-E", "--setenv", "--slice", "-d"] },
  } satisfies Record<string, Prefix>,
);

const shell: Launcher = (args) => {
  for (let index = 0; index < args.length; index += 1) {
    const word = args[index] ?? "";
    if (/^-[A-Za-z]*c[A-Za-z]*$/u.test(word) || word === "--command") return shellText(args, index + 1);
    if (word === "--") return program(args, index + 1, true);
    if (
      word === "-o" ||
      word === "+o" ||
      word === "-O" ||
      word === "+O" ||
      word === "--rcfile" ||
      word === "--init-file"
    )
      index += 1;
    else if (!/^[-+]/u.test(word)) return program(args, index, true);
  }
  return undefined;
};

/** Options may still stand between `-c` and the text. */
function shellText(args: readonly string[], from: number): Next | undefined {
  for (let index = from; index < args.length; index += 1) {
    if (!/^[-+]./u.test(args[index] ?? "") || args[index - 1] === "--") return { type: "shell", at: index };
  }
  return undefined;
}

const node: Launcher = (args) => {
  const at = firstWord(args, [
    "-r",
    "--require",
    "--import",
    "--loader",
    "--experimental-loader",
    "-C",
    "--conditions",
    "--env-file",
    "--inspect-port",
    "--title",
    "--stack-trace-limit",
  ]);
  const before = args.slice(0, at);
  if (before.some((word) => /^(?:-e|--eval|-p|--print|-pe|-c|--check)(?:=|$)/u.test(word))) return undefined;
  return program(args, at, true);
};

const python: Launcher = (args) => {
  for (let index = 0; index < args.length; index += 1) {
    const word = args[index] ?? "";
    if (word === "-m") return index + 1 < args.length ? { type: "module", at: index + 1 } : undefined;
    if (word === "-c" || word === "-") return undefined;
    if (word === "-W" || word === "-X") index += 1;
    else if (!word.startsWith("-")) return program(args, index, true);
  }
  return undefined;
};

const npxOptions = {
  values: ["-w", "--workspace", "--registry", "--cache", "--prefix", "--userconfig", "--loglevel"],
  packages: ["-p", "--package"],
  calls: ["-c", "--call"],
};

/** `npx`, `pnpm dlx` and their kin: options, then a package or a program out of a package named by an option. */
function runPackage(
  args: readonly string[],
  from: number,
  ecosystem: "npm" | "python",
  options: {
    readonly values: readonly string[];
    readonly packages: readonly string[];
    readonly calls?: readonly string[];
  },
): Next | undefined {
  const packages: string[] = [];
  for (let index = from; index < args.length; index += 1) {
    const word = args[index] ?? "";
    const [option, value] = splitOption(word);
    if (word === "--") return found(index + 1);
    if (options.packages.includes(option)) {
      if (value === undefined) index += 1;
      packages.push(value ?? args[index] ?? "");
    } else if (options.calls?.includes(option) === true) {
      return value === undefined && index + 1 < args.length ? { type: "shell", at: index + 1 } : undefined;
    } else if (options.values.includes(option)) {
      if (value === undefined) index += 1;
    } else if (!word.startsWith("-")) return found(index);
  }
  return undefined;

  function found(at: number): Next | undefined {
    return at < args.length ? { type: "package", at, ecosystem, packages } : undefined;
  }
}

const npx: Launcher = (args) => runPackage(args, 0, "npm", npxOptions);
const uvOptions = {
  values: ["--python", "-p", "--with", "--index", "--index-url", "--directory", "--project", "--env-file"],
  packages: ["--from", "--spec"],
};

/** A tool with subcommands, of which some run a program. */
function subcommands(
  options: readonly string[],
  table: Readonly<Record<string, (args: readonly string[], from: number) => Next | undefined>>,
): Launcher {
  return (args) => {
    const at = firstWord(args, options);
    const name = args[at];
    return name !== undefined && Object.hasOwn(table, name) ? table[name]?.(args, at + 1) : undefined;
  };
}

const asNpm = (args: readonly string[], from: number): Next | undefined => runPackage(args, from, "npm", npxOptions);
const asPython = (args: readonly string[], from: number): Next | undefined =>
  runPackage(args, from, "python", uvOptions);
const asProgram =
  (values: readonly string[], words = 0) =>
  (args: readonly string[], from: number): Next | undefined => {
    const at = from + firstWord(args.slice(from), values) + words;
    return program(args, args[at] === "--" ? at + 1 : at);
  };
/** `mise exec node@20 -- program`: everything before the double dash is tools. */
const afterDashes = (args: readonly string[], from: number): Next | undefined => {
  const dashes = args.indexOf("--", from);
  if (dashes >= 0) return program(args, dashes + 1);
  const at = from + args.slice(from).findIndex((word) => !word.startsWith("-") && !word.includes("@"));
  return at < from ? undefined : program(args, at);
};
const asScript =
  (values: readonly string[]) =>
  (args: readonly string[], from: number): Next | undefined =>
    program(args, from + firstWord(args.slice(from), values), true);

const mise: Launcher = subcommands(["-C", "--cd", "-E", "--env"], { exec: afterDashes, x: afterDashes });

const launchers: Readonly<Record<string, Launcher>> = {
  env: (args) => {
    for (let index = 0; index < args.length; index += 1) {
      const word = args[index] ?? "";
      if (word === "-S" || word === "--split-string")
        return index + 1 < args.length ? { type: "words", at: index + 1 } : undefined;
      if (word === "-u" || word === "--unset" || word === "-C" || word === "--chdir") index += 1;
      else if (word === "--") return program(args, index + 1);
      else if (!word.startsWith("-") && !isAssignment(word)) return program(args, index);
    }
    return undefined;
  },
  bash: shell,
  sh: shell,
  zsh: shell,
  dash: shell,
  ksh: shell,
  fish: shell,
  cmd: (args) => {
    const at = args.findIndex((word) => /^\/[ck]$/iu.test(word));
    return at >= 0 && at + 1 < args.length ? { type: "text", at: at + 1 } : undefined;
  },
  powershell: (args) => powershell(args),
  pwsh: (args) => powershell(args),
  npx,
  pnpx: npx,
  bunx: npx,
  npm: subcommands(["--prefix", "-C", "-w", "--workspace"], { exec: asNpm, x: asNpm }),
  pnpm: subcommands(["-C", "--dir", "-F", "--filter"], { dlx: asNpm, exec: asNpm }),
  yarn: subcommands(["--cwd"], { dlx: asNpm, exec: asNpm }),
  bun: (args) => {
    const at = firstWord(args, ["-r", "--preload", "--cwd", "--env-file"]);
    if (args[at] === "x") return asNpm(args, at + 1);
    return args[at] === "run" ? asScript(["-r", "--preload", "--cwd"])(args, at + 1) : program(args, at, true);
  },
  deno: (args) => {
    const at = firstWord(args, []);
    const from = args[at] === "run" || args[at] === "x" ? at + 1 : at;
    const script =
      from +
      firstWord(args.slice(from), [
        "-c",
        "--config",
        "--import-map",
        "--lock",
        "--cert",
        "-L",
        "--log-level",
        "--seed",
      ]);
    const word = args[script];
    if (word === undefined) return undefined;
    return word.startsWith("npm:")
      ? { type: "package", at: script, ecosystem: "npm", packages: [] }
      : program(args, script, true);
  },
  tsx: node,
  mise,
  rtx: mise,
  asdf: subcommands([], { exec: asProgram([]) }),
  volta: subcommands([], { run: asProgram(["--node", "--npm", "--pnpm", "--yarn", "--env"]) }),
  fnm: subcommands([], { exec: asProgram(["--using"]) }),
  direnv: subcommands([], { exec: asProgram([], 1) }),
  uvx: (args) => asPython(args, 0),
  uv: subcommands(["--directory", "--project"], {
    run: asPython,
    tool: (args, from) => (args[from] === "run" ? asPython(args, from + 1) : undefined),
  }),
  pipx: subcommands([], { run: asPython }),
  poetry: subcommands(["-C", "--directory"], { run: asProgram([]) }),
};

function powershell(args: readonly string[]): Next | undefined {
  for (let index = 0; index < args.length; index += 1) {
    const word = (args[index] ?? "").toLowerCase();
    if (word === "-command" || word === "-c")
      return index + 1 < args.length ? { type: "text", at: index + 1 } : undefined;
    if (word === "-file" || word === "-f") return program(args, index + 1, true);
    if (["-executionpolicy", "-ep", "-ex", "-version", "-windowstyle", "-configurationname"].includes(word)) index += 1;
  }
  return undefined;
}

function afterPrefix(args: readonly string[], prefix: Prefix): Next | undefined {
  let at = firstWord(args, prefix.values) + (prefix.words ?? 0);
  while (at < args.length && (args[at] === "--" || isAssignment(args[at] ?? ""))) at += 1;
  return program(args, at);
}

/** The position of the first word that is neither an option nor an option's value; the length if there is none. */
function firstWord(args: readonly string[], values: readonly string[]): number {
  for (let index = 0; index < args.length; index += 1) {
    const word = args[index] ?? "";
    if (word === "--") return index + 1;
    if (!word.startsWith("-")) return index;
    if (values.includes(word)) index += 1;
  }
  return args.length;
}

function program(args: readonly string[], at: number, script = false): Next | undefined {
  if (at >= args.length) return undefined;
  return script ? { type: "program", at, script } : { type: "program", at };
}

function splitOption(word: string): [string, string | undefined] {
  const equals = word.startsWith("--") ? word.indexOf("=") : -1;
  return equals < 0 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)];
}

/** `NAME=value`. */
export function isAssignment(word: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*\+?=/u.test(word);
}
