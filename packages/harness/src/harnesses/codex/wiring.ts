/** Codex: tools, hooks and title items, all by `-c`; the token stays in the environment and in a private file. */
import { curlConfig, joinPath, privateFile, shellQuoted, tomlStrings } from "../../launch/private-files.ts";
import { noWiring, tokenVariable, type PlannedFile, type Wiring, type WiringInput } from "../../launch/wiring.ts";
import { codexHookOptions } from "./hooks.ts";

/**
 * The events that say something which its terminal does not (0.169.0): what it took as a prompt, the session and its
 * record, what a dialog is about. The others decide only where the program's status is not understood.
 */
const reportedEvents = [
  "SessionStart",
  "UserPromptSubmit",
  "PermissionRequest",
  "PostCompact",
  "Stop",
  "Interrupt",
] as const;

/** Subcommands without a terminal; they do not know `--no-daemon`. */
const withoutTerminal: ReadonlySet<string> = new Set(["exec", "e", "review"]);

export function wireCodex(input: WiringInput): Wiring {
  const { request, openToOptions, hookUrl, programArgs } = input;
  if (!openToOptions) return noWiring;
  const headless = request.launch.runtime === "headless";
  const files: PlannedFile[] = [];
  const flags: string[] = [];
  if (!headless && !withoutTerminal.has(programArgs[0] ?? "") && !programArgs.includes("--no-daemon")) {
    // A server in the background, shared by all, would have the environment of whoever started it.
    flags.push("--no-daemon");
  }
  if (request.mcpUrl !== undefined) {
    flags.push("-c", `mcp_servers.relay.url=${JSON.stringify(request.mcpUrl)}`);
    flags.push("-c", `mcp_servers.relay.bearer_token_env_var=${JSON.stringify(tokenVariable)}`);
    // Without it the first call of a relay tool asks, and is refused where nobody may be asked.
    flags.push("-c", 'mcp_servers.relay.default_tools_approval_mode="approve"');
  }
  flags.push("-c", "check_for_update_on_startup=false");
  // A headless one says everything on its stdout.
  if (hookUrl !== undefined && !headless) {
    const curl = privateFile(request, "curl", curlConfig(hookUrl, request.token));
    const hook = privateFile(request, "hook.sh", hookScript(joinPath(request.privateDir, curl.path)));
    files.push(curl, hook);
    flags.push(...codexHookOptions(reportedEvents, `sh ${shellQuoted(joinPath(request.privateDir, hook.path))}`));
    flags.push("-c", `tui.terminal_title=${tomlStrings(["run-state", "context-remaining"])}`);
  }
  return { ...noWiring, flags, files, tools: request.mcpUrl !== undefined };
}

/** Its output would be read as an answer, and a failure would be shown to the user. */
function hookScript(curlFile: string): string {
  return [
    "# Codex calls this at each event that the relay asked for, with the event as JSON on stdin.",
    `curl -q -K ${shellQuoted(curlFile)} --data-binary @- >/dev/null 2>&1`,
    "exit 0",
    "",
  ].join("\n");
}
