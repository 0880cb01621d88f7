/** The permission mode of a launch: what was asked for, and what the user's own arguments choose. */
import type { LaunchSpec, PermissionMode } from "@agent-relay/protocol";
import type { Environment } from "../attribution.ts";
import type { Harness } from "../harness.ts";

/** The most permissive first: of two choices, the one that allows more is reported. */
const modes: readonly PermissionMode[] = ["bypass", "auto", "ask"];

/** What a launch asks for, where it says nothing itself. */
export function askedMode(row: Pick<Harness, "onlyMode">, launch: Pick<LaunchSpec, "permissionMode">): PermissionMode {
  return launch.permissionMode ?? row.onlyMode ?? "ask";
}

/** The permission mode that arguments or the spawn's environment select, and by what. */
export function chosenMode(
  row: Harness,
  args: readonly string[],
  spawnEnv: Environment,
): { readonly mode: PermissionMode; readonly by: string } | undefined {
  const spellings = spellingsOf(args);
  for (const mode of modes) {
    const rule = row.permission[mode];
    const option = rule.chosenBy.find((spelling) => spellings.has(spelling));
    if (option !== undefined) return { mode, by: `option ${option}` };
    const variable = Object.entries(rule.env ?? {}).find(([name, value]) => spawnEnv[name] === value);
    if (variable !== undefined) return { mode, by: `variable ${variable[0]}=${variable[1]}` };
  }
  return undefined;
}

/** The model that arguments select. */
export function chosenModel(row: Harness, args: readonly string[]): string | undefined {
  for (const [index, word] of options(args).entries()) {
    for (const flag of row.model?.flags ?? []) {
      const value =
        word === flag ? args[index + 1] : word.startsWith(`${flag}=`) ? word.slice(flag.length + 1) : undefined;
      if (value !== undefined && value !== "" && !value.startsWith("-")) return value;
    }
  }
  return undefined;
}

/** Every option alone and joined with the word after it, without quotes, so that all spellings look the same. */
function spellingsOf(args: readonly string[]): ReadonlySet<string> {
  const spellings = new Set<string>();
  const words = options(args).map((word) => word.replaceAll(/["']/gu, "").replaceAll(/\s*=\s*/gu, "="));
  for (const [index, word] of words.entries()) {
    spellings.add(word);
    const value = words[index + 1];
    if (word.startsWith("-") && value !== undefined) spellings.add(`${word}=${value}`);
  }
  return spellings;
}

/** Words before `--`: after it stands only text. */
function options(args: readonly string[]): readonly string[] {
  const end = args.indexOf("--");
  return end < 0 ? args : args.slice(0, end);
}
