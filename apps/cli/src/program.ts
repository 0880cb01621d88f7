/** The parser, made from the specifications of the commands. */
import { Argument, Command, Option } from "commander";
import manifest from "../package.json" with { type: "json" };
import type { AnyCommandSpec, ArgumentSpec, OptionSpec } from "./command-spec.ts";
import { commandGroups } from "./commands/index.ts";
import type { ActionResult, Context } from "./context.ts";

export const programName = "agent-relay";
export const programVersion = manifest.version;

/** What every command understands. */
export interface GlobalOptions {
  readonly project?: string;
  readonly json?: true;
  readonly color: boolean;
  readonly verbose?: true;
}

/** What the command line asks for: an action with all that it was given, except the context. */
export interface Invocation {
  readonly globals: GlobalOptions;
  readonly run: (context: Context) => ActionResult;
}

export const globalOptions: readonly OptionSpec[] = [
  {
    flags: "--project <directory>",
    summary: "the project whose broker is meant; the nearest one upwards if absent",
    values: "directory",
  },
  { flags: "--json", summary: 'print JSON; errors as {"error": …} on stderr' },
  { flags: "--no-color", summary: "no colours; NO_COLOR does the same" },
  { flags: "--verbose", summary: "say more on stderr" },
];

const helpFooter = `
First steps:
  agent-relay up                                 start the broker of this project
  agent-relay spawn ada claude --task "Say hi"   start an agent
  agent-relay who                                see how it is doing
  agent-relay send ada "And now?" --until seen   write to it
  agent-relay down                               end everything

agent-relay <command> --help tells more about one command, with examples.`;

/** `invoke` is called once, with what the command line asks for. */
export function buildProgram(invoke: (invocation: Invocation) => Promise<void>): Command {
  const program = new Command(programName)
    .description("Run and coordinate AI coding agents on your own machine.")
    .usage("<command> [options]")
    .version(programVersion, "-V, --version", "print the version")
    .helpOption("-h, --help", "show help")
    .configureHelp({ showGlobalOptions: true, subcommandTerm: termOf })
    .addHelpText("after", helpFooter)
    .exitOverride();
  for (const spec of globalOptions) program.addOption(toOption(spec));
  for (const group of commandGroups) {
    for (const spec of group.commands) {
      program.addCommand(toCommand(spec, invoke).helpGroup(`${group.title}:`), { hidden: spec.isHidden ?? false });
    }
  }
  const help = new Command("help")
    .argument("[command]", "which command")
    .description("Show the help of a command.")
    .helpGroup("Integration:");
  return program.addHelpCommand(help);
}

function toCommand(spec: AnyCommandSpec, invoke: (invocation: Invocation) => Promise<void>): Command {
  const command = new Command(spec.name)
    .description(spec.details === undefined ? spec.summary : `${spec.summary}\n\n${spec.details}`)
    .summary(spec.summary)
    .helpOption("-h, --help", "show help")
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true, subcommandTerm: termOf })
    .configureOutput({ writeErr: () => undefined })
    .exitOverride()
    .allowUnknownOption(spec.takesAnyOption ?? false)
    .addHelpText("after", `\n${examplesOf(spec)}\n\nJSON (--json):\n  ${spec.json}`);
  for (const argument of spec.arguments ?? []) command.addArgument(toArgument(argument));
  for (const option of spec.options ?? []) command.addOption(toOption(option));
  for (const subcommand of spec.subcommands ?? []) command.addCommand(toCommand(subcommand, invoke));
  // A group's own action takes no arguments; one given is a misspelt subcommand, which `run-cli` explains.
  command.allowExcessArguments(false).action(async () => {
    const given = command.processedArgs as never[];
    const options = command.optsWithGlobals();
    await invoke({
      globals: options as unknown as GlobalOptions,
      run: async (context) => (await spec.load()).run(context, options as never, ...(given as never)),
    });
  });
  return command;
}

function toArgument(spec: ArgumentSpec): Argument {
  const argument = new Argument(spec.syntax, spec.summary);
  return spec.choices === undefined ? argument : argument.choices(spec.choices);
}

function toOption(spec: OptionSpec): Option {
  const option = new Option(spec.flags, spec.summary);
  if (spec.choices !== undefined) option.choices(spec.choices);
  if (spec.parse !== undefined) option.argParser(spec.parse);
  if (spec.fallback !== undefined) {
    const value =
      typeof spec.fallback === "string" && spec.parse !== undefined
        ? spec.parse(spec.fallback, undefined)
        : spec.fallback;
    option.default(value, String(spec.fallback));
  }
  if (spec.hidden === true) option.hideHelp();
  return option;
}

/** In lists a command is shown by its name and arguments, without `[options]`. */
function termOf(command: Command): string {
  const given = command.registeredArguments.map((argument) => {
    const name = argument.variadic ? `${argument.name()}...` : argument.name();
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [command.name(), ...given].join(" ");
}

function examplesOf(spec: AnyCommandSpec): string {
  const lines = spec.examples.map((example) => `  $ ${example.line}\n      ${example.means}`);
  return `${spec.examples.length === 1 ? "Example" : "Examples"}:\n${lines.join("\n")}`;
}
