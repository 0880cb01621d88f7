/**
 * Completion scripts, made from the commands themselves.
 *
 *   P1  Commands, options and fixed values come from the script alone; names of agents, channels, runs, steps and templates
 *       are asked for.
 *   P2  Steps are those of the run that was typed before them; until one was, runs are offered.
 */
import type { AnyCommandSpec, OptionSpec, ValueKind } from "./command-spec.ts";
import { commandGroups } from "./commands/index.ts";
import { globalOptions, programName } from "./program.ts";

export type Shell = "bash" | "zsh" | "fish";

export function completionScript(shell: Shell): string {
  const nodes = nodesOf();
  switch (shell) {
    case "bash":
      return bash(nodes);
    case "zsh":
      return zsh(nodes);
    case "fish":
      return fish(nodes);
  }
}

interface Node {
  /** `agent-relay channels join` without the program: `channels join`; empty for the root. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly summary: string }[];
  readonly options: readonly {
    readonly words: readonly string[];
    readonly summary: string;
    readonly choices: readonly string[];
    readonly values: ValueKind | undefined;
    readonly takesValue: boolean;
  }[];
  readonly choices: readonly string[];
  readonly values: ValueKind | undefined;
}

function nodesOf(): Node[] {
  const visible = commandGroups.flatMap((group) => group.commands).filter((spec) => spec.isHidden !== true);
  const root: Node = {
    path: "",
    commands: visible.map(({ name, summary }) => ({ name, summary })),
    options: globalOptions.map(optionOf),
    choices: [],
    values: undefined,
  };
  const below = (spec: AnyCommandSpec, prefix: string): Node[] => {
    const path = prefix === "" ? spec.name : `${prefix} ${spec.name}`;
    const subcommands = spec.subcommands ?? [];
    const [argument, next] = spec.arguments ?? [];
    const node: Node = {
      path,
      commands: subcommands.map(({ name, summary }) => ({ name, summary })),
      options: [...(spec.options ?? []), ...globalOptions].map(optionOf),
      choices: argument?.choices ?? [],
      values: next?.values !== undefined && isOfRun(next.values) ? next.values : argument?.values,
    };
    return [node, ...subcommands.flatMap((it) => below(it, path))];
  };
  return [root, ...visible.flatMap((spec) => below(spec, ""))];
}

function optionOf(spec: OptionSpec): Node["options"][number] {
  return {
    words: spec.flags.split(/,\s*/).map((flag) => flag.split(" ")[0] ?? flag),
    summary: spec.summary,
    choices: spec.choices ?? [],
    values: spec.values,
    takesValue: spec.flags.includes("<"),
  };
}

function isOfRun(kind: ValueKind): boolean {
  return kind === "step" || kind === "approval";
}

/** What to run for the names of a kind; `typed` stands for the words before the one that is completed. */
function namesCommand(kind: ValueKind, typed: string): string | undefined {
  if (kind === "file" || kind === "directory") return undefined;
  return `${programName} complete-names ${kind}${isOfRun(kind) ? ` -- ${typed}` : ""} 2>/dev/null`;
}

const typedIn = {
  bash: '"${COMP_WORDS[@]:1:COMP_CWORD-1}"',
  zsh: '"${(@)words[2,CURRENT-1]}"',
  fish: "(commandline -opc)[2..-1]",
} as const satisfies Record<Shell, string>;

function bash(nodes: readonly Node[]): string {
  const cases = nodes.map((node) => {
    const words = [
      ...node.commands.map(({ name }) => name),
      ...node.choices,
      ...node.options.flatMap((option) => option.words),
      "--help",
    ];
    const names = node.values === undefined ? undefined : namesCommand(node.values, typedIn.bash);
    return `    "${node.path}") words="${words.join(" ")}"${names === undefined ? "" : `; [[ $current != -* ]] && words="$words $(${names})"`} ;;`;
  });
  const values = valueCases(nodes).map(({ path, words, option }) => {
    const wordList = option.choices.length > 0 ? `words="${option.choices.join(" ")}"` : "";
    const names = option.values === undefined ? undefined : namesCommand(option.values, typedIn.bash);
    const answer =
      option.values === "directory"
        ? 'COMPREPLY=($(compgen -d -- "$current")); return'
        : option.values === "file"
          ? 'COMPREPLY=($(compgen -f -- "$current")); return'
          : names !== undefined
            ? `words="$(${names})"`
            : wordList;
    return `    ${words.map((word) => `"${path}:${word}"`).join("|")}) ${answer}; COMPREPLY=($(compgen -W "$words" -- "$current")); return ;;`;
  });
  return `# bash completion for ${programName}
_${functionName}() {
  local current previous path word words=""
  current="\${COMP_WORDS[COMP_CWORD]}"
  previous="\${COMP_WORDS[COMP_CWORD-1]}"
  path=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${path:+$path }$word" in
${pathPatterns(nodes)}
    esac
  done
  case "$path:$previous" in
${values.join("\n")}
  esac
  case "$path" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _${functionName} ${programName}
`;
}

function zsh(nodes: readonly Node[]): string {
  const cases = nodes.map((node) => {
    const described = [
      ...node.commands.map(({ name, summary }) => `${name}:${summary}`),
      ...node.choices.map((choice) => `${choice}:`),
      ...node.options.flatMap((option) => option.words.map((word) => `${word}:${option.summary}`)),
      "--help:show help",
    ].map((text) =>
      quoted(text.replace(/:(?=.*:)/g, (match, at: number) => (at === text.indexOf(":") ? match : "\\:"))),
    );
    const names = node.values === undefined ? undefined : namesCommand(node.values, typedIn.zsh);
    return `    ${quoted(node.path)})\n      items=(${described.join(" ")})${names === undefined ? "" : `\n      [[ $words[CURRENT] != -* ]] && compadd -- \${(f)"$(${names})"}`} ;;`;
  });
  const values = valueCases(nodes).map(({ path, words, option }) => {
    const names = option.values === undefined ? undefined : namesCommand(option.values, typedIn.zsh);
    const answer =
      option.values === "directory"
        ? "_files -/"
        : option.values === "file"
          ? "_files"
          : names !== undefined
            ? `compadd -- \${(f)"$(${names})"}`
            : `compadd -- ${option.choices.join(" ")}`;
    return `    ${words.map((word) => quoted(`${path}:${word}`)).join("|")}) ${answer}; return ;;`;
  });
  return `#compdef ${programName}
_${functionName}() {
  local place="" word
  local -a items
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "\${place:+$place }$word" in
${pathPatterns(nodes).replaceAll("path=", "place=")}
    esac
  done
  case "$place:$words[CURRENT-1]" in
${values.join("\n")}
  esac
  case "$place" in
${cases.join("\n")}
  esac
  _describe 'agent-relay' items
}
if [ "$funcstack[1]" = "_${functionName}" ]; then
  _${functionName} "$@"
else
  compdef _${functionName} ${programName}
fi
`;
}

function fish(nodes: readonly Node[]): string {
  const lines = nodes.flatMap((node) => {
    const condition = `-n ${quoted(`__${functionName}_at ${quoted(node.path)}`)}`;
    const names = node.values === undefined ? undefined : namesCommand(node.values, typedIn.fish);
    return [
      ...node.commands.map(
        ({ name, summary }) => `complete -c ${programName} -f ${condition} -a ${name} -d ${quoted(summary)}`,
      ),
      ...(node.choices.length === 0
        ? []
        : [`complete -c ${programName} -f ${condition} -a ${quoted(node.choices.join(" "))}`]),
      ...(names === undefined ? [] : [`complete -c ${programName} -f ${condition} -a ${quoted(`(${names})`)}`]),
      ...node.options.map((option) => {
        const switches = option.words
          .map((word) => (word.startsWith("--") ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`))
          .join(" ");
        const optionNames = option.values === undefined ? undefined : namesCommand(option.values, typedIn.fish);
        const given =
          option.choices.length > 0
            ? ` -x -a ${quoted(option.choices.join(" "))}`
            : optionNames !== undefined
              ? ` -x -a ${quoted(`(${optionNames})`)}`
              : option.takesValue
                ? " -r"
                : "";
        return `complete -c ${programName} ${condition} ${switches}${given} -d ${quoted(option.summary)}`;
      }),
    ];
  });
  return `# fish completion for ${programName}
function __${functionName}_at
  set -l path
  for word in (commandline -opc)[2..-1]
    set -l next (string join ' ' -- $path $word)
    if contains -- "$next" ${nodes
      .filter(({ path }) => path !== "")
      .map(({ path }) => quoted(path))
      .join(" ")}
      set path $next
    end
  end
  test "$path" = "$argv[1]"
end
${lines.join("\n")}
`;
}

const functionName = programName.replaceAll("-", "_");

/** How the words typed so far lead to a command: a word that is no command leaves the place as it is. */
function pathPatterns(nodes: readonly Node[]): string {
  return nodes
    .filter(({ path }) => path !== "")
    .map(({ path }) => `      "${path}") path="${path}" ;;`)
    .join("\n");
}

function valueCases(
  nodes: readonly Node[],
): { readonly path: string; readonly words: readonly string[]; readonly option: Node["options"][number] }[] {
  return nodes.flatMap((node) =>
    node.options
      .filter((option) => option.choices.length > 0 || option.values !== undefined)
      .map((option) => ({ path: node.path, words: option.words, option })),
  );
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
