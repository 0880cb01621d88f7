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
  const server = relayServer(request);
  for (const [key, value] of Object.entries(server ?? {})) flags.push("-c", `mcp_servers.relay.${key}=${value}`);
  flags.push("-c", "check_for_update_on_startup=false");
  // A headless one says everything on its stdout.
  if (hookUrl !== undefined && !headless) {
    const curl = privateFile(request, "curl", curlConfig(hookUrl, request.token));
    const hook = privateFile(request, "hook.sh", hookScript(joinPath(request.privateDir, curl.path)));
    files.push(curl, hook);
    flags.push(...codexHookOptions(reportedEvents, `sh ${shellQuoted(joinPath(request.privateDir, hook.path))}`));
    flags.push("-c", `tui.terminal_title=${tomlStrings(["run-state", "context-remaining"])}`);
  }
  return { ...noWiring, flags, files, tools: server !== undefined };
}

/** What the server on stdio needs of the agent's environment; Codex passes on nothing of it by itself. */
const passedOn = [
  tokenVariable,
  "AGENT_RELAY_STATE_DIR",
  "AGENT_RELAY_HARNESS",
  "AGENT_RELAY_ORIGIN_ACTOR",
  "XDG_RUNTIME_DIR",
  "TMPDIR",
] as const;

/**
 * The relay's tools, as values of TOML. On stdio if that is possible: over HTTP, Codex asks for a server's tools when it
 * starts and never again, so one that starts in the moment in which no broker is there has none for the rest of its life
 * (0.169.0). The process on stdio waits for the next broker, and lives as long as Codex does.
 */
function relayServer(request: WiringInput["request"]): Readonly<Record<string, string>> | undefined {
  // Without it the first call of a relay tool asks, and is refused where nobody may be asked.
  const approved = { default_tools_approval_mode: '"approve"' };
  const [command, ...args] = request.mcpCommand ?? [];
  if (command !== undefined) {
    return {
      command: JSON.stringify(command),
      args: tomlStrings(args),
      env_vars: tomlStrings(passedOn),
      // It may have to wait for a broker that is just being started.
      startup_timeout_sec: "60",
      ...approved,
    };
  }
  if (request.mcpUrl === undefined) return undefined;
  return {
    url: JSON.stringify(request.mcpUrl),
    bearer_token_env_var: JSON.stringify(tokenVariable),
    ...approved,
  };
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
