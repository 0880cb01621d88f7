/** The reference of the command line, `docs/cli.md`, written from the commands themselves. */
import type { AnyCommandSpec, ArgumentSpec, OptionSpec } from "./command-spec.ts";
import { commandGroups } from "./commands/index.ts";
import { exitCodes } from "./exit-codes.ts";
import { globalOptions, programName } from "./program.ts";

export function cliReference(): string {
  const groups = commandGroups.map(({ title, commands }) => ({
    title,
    commands: commands.filter((spec) => spec.isHidden !== true),
  }));
  return `${[
    "# Command line",
    "",
    "<!-- Written from the commands themselves; a test compares. To write it again: npx vitest run --project unit apps/cli -u -->",
    "",
    `\`${programName} <command> [options]\``,
    "",
    ...overview(groups),
    "",
    "## Options of every command",
    "",
    ...globalOptions.map(optionLine),
    "- `-h, --help`: show help",
    "",
    "Durations are written as `30`, `30s`, `5m`, `1h`; a bare number is seconds. Colours follow the terminal; `NO_COLOR` and `FORCE_COLOR` are respected.",
    "",
    "## Results for scripts",
    "",
    'With `--json` stdout holds one JSON document, or one a line for streams (`--follow`, `--watch`, `events`, `run`, `runs watch`), and nothing else. Fields are only ever added. A failure prints `{"error": {code, message, retryable, hint?, data?}}` on one line of stderr; branch on `code`, never on `message`.',
    "",
    "## Exit status",
    "",
    "| Status | Means |",
    "|---|---|",
    ...Object.values(exitCodes).map(({ code, summary }) => `| ${code} | ${summary} |`),
    "",
    "`wrap` ends with the status of the program that it runs, 128 and the signal's number if a signal ended it, and with one of these where it failed itself.",
    "",
    "## Environment",
    "",
    "| Variable | Means |",
    "|---|---|",
    ...environment.map(([name, summary]) => `| \`${name}\` | ${summary} |`),
    ...groups.flatMap(({ title, commands }) => [
      "",
      `## ${title}`,
      ...commands.flatMap((spec) => section(spec, programName, "###")),
    ]),
  ].join("\n")}\n`;
}

const environment: readonly (readonly [string, string])[] = [
  ["AGENT_RELAY_PROJECT", "the project directory, where `--project` is not given"],
  ["AGENT_RELAY_STATE_DIR", "where the state is kept, instead of `.agent-relay` in the project"],
  [
    "AGENT_RELAY_TOKEN",
    "an agent's token; with it every command speaks as that agent. The broker sets it for the programs that it starts",
  ],
  ["AGENT_RELAY_ORIGIN_ACTOR", "to whom this program's traffic is counted; else built from `AGENT_RELAY_HARNESS`"],
  ["XDG_RUNTIME_DIR", "where the sockets are; else a private directory in /tmp"],
  ["NO_COLOR, FORCE_COLOR", "never, or always, colours"],
  ["COLUMNS", "the width of tables, instead of the terminal's"],
];

function overview(groups: readonly { readonly commands: readonly AnyCommandSpec[] }[]): string[] {
  return [
    "| Command | |",
    "|---|---|",
    ...groups.flatMap(({ commands }) =>
      commands.map((spec) => `| [\`${spec.name}\`](#${programName}-${spec.name}) | ${spec.summary} |`),
    ),
  ];
}

function section(spec: AnyCommandSpec, parent: string, heading: string): string[] {
  const path = `${parent} ${spec.name}`;
  const usage = [
    path,
    ...(spec.arguments ?? []).map(({ syntax }) => syntax),
    ...((spec.options ?? []).length > 0 ? ["[options]"] : []),
  ].join(" ");
  return [
    "",
    `${heading} ${path}`,
    "",
    spec.summary,
    ...(spec.details === undefined ? [] : ["", spec.details]),
    "",
    "```",
    usage,
    "```",
    ...((spec.arguments ?? []).length === 0 ? [] : ["", ...(spec.arguments ?? []).map(argumentLine)]),
    ...((spec.options ?? []).length === 0 ? [] : ["", ...(spec.options ?? []).map(optionLine)]),
    "",
    spec.examples.length === 1 ? "Example:" : "Examples:",
    "",
    "```sh",
    ...spec.examples.flatMap(({ line, means }) => [`# ${means}`, line]),
    "```",
    "",
    `JSON: ${code(spec.json)}`,
    ...(spec.subcommands ?? []).flatMap((subcommand) => section(subcommand, path, `${heading}#`)),
  ];
}

/** Shapes are code; sentences with a shape in them stay as they are, but for what Markdown would take for markup. */
function code(json: string): string {
  return /^[{]/.test(json) ? `\`${json}\`` : json.replaceAll("<", "\\<").replaceAll("|", "\\|");
}

function argumentLine(spec: ArgumentSpec): string {
  return `- \`${spec.syntax}\`: ${spec.summary}${choices(spec.choices)}`;
}

function optionLine(spec: OptionSpec): string {
  const fallback = spec.fallback === undefined ? "" : ` (default: ${String(spec.fallback)})`;
  return `- \`${spec.flags}\`: ${spec.summary}${choices(spec.choices)}${fallback}`;
}

function choices(words: readonly string[] | undefined): string {
  return words === undefined ? "" : ` (${words.join(", ")})`;
}
