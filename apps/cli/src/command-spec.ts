/**
 * Commands as data: the help, the reference, the shell completion and the parser are all made from these.
 *
 * A specification is light; what it does is loaded when it is run, so that `--help` costs nothing more.
 */
import type { ActionResult, Context } from "./context.ts";

/** What the values of an argument or option are, for shell completion. Steps and approvals are those of the run before them. */
export type ValueKind = "agent" | "channel" | "run" | "step" | "approval" | "template" | "file" | "directory";

export interface ArgumentSpec {
  /** `<name>`, `[name]`, `<names...>` or `[words...]`. */
  readonly syntax: string;
  readonly summary: string;
  readonly choices?: readonly string[];
  readonly values?: ValueKind;
}

export interface OptionSpec {
  /** For example `-n, --limit <count>`. */
  readonly flags: string;
  readonly summary: string;
  readonly choices?: readonly string[];
  readonly fallback?: string | number | boolean;
  /** Turns what was typed into a value; throws `InvalidArgumentError`. `previous` is the value of an earlier occurrence. */
  readonly parse?: (text: string, previous: unknown) => unknown;
  readonly values?: ValueKind;
  readonly hidden?: boolean;
}

export interface Example {
  readonly line: string;
  readonly means: string;
}

export interface CommandSpec<Options, Arguments extends readonly unknown[]> {
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** More, for the help of this command alone. */
  readonly details?: string;
  readonly arguments?: readonly ArgumentSpec[];
  readonly options?: readonly OptionSpec[];
  readonly examples: readonly Example[];
  /** What `--json` prints. */
  readonly json: string;
  readonly isHidden?: boolean;
  /** Options that are not known are arguments: they belong to another program's command line. */
  readonly takesAnyOption?: boolean;
  /** Commands below this one. The command's own action runs when none is named. */
  readonly subcommands?: readonly AnyCommandSpec[];
  readonly load: () => Promise<{
    readonly run: (context: Context, options: Options, ...given: Arguments) => ActionResult;
  }>;
}

/** A specification whose types of options and arguments are forgotten, as they must be in a list. */
export type AnyCommandSpec = CommandSpec<never, never>;

/** Checks a specification against the action that it loads. */
export function command<Options, Arguments extends readonly unknown[]>(
  spec: CommandSpec<Options, Arguments>,
): AnyCommandSpec {
  return spec;
}
