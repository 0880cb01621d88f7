/** Copilot: tools from a private file, and hooks from a private plugin, both named by options (1.0.102). */
import { curlConfig, joinPath, json, privateFile, shellQuoted } from "../../launch/private-files.ts";
import { noWiring, type PlannedFile, type Wiring, type WiringInput } from "../../launch/wiring.ts";

/** In this spelling it posts the events that Claude Code named; `ErrorOccurred` says nothing about the turn's end. */
const reportedEvents = ["SessionStart", "UserPromptSubmit", "Notification", "Stop"] as const;

export function wireCopilot(input: WiringInput): Wiring {
  const { request, openToOptions, hookUrl } = input;
  if (!openToOptions) return noWiring;
  const files: PlannedFile[] = [];
  const flags: string[] = [];
  if (request.mcpUrl !== undefined) {
    const servers = privateFile(request, "mcp.json", copilotServers(request.mcpUrl, request.token));
    files.push(servers);
    // Without the second it asks before each call of a relay tool.
    flags.push("--additional-mcp-config", `@${joinPath(request.privateDir, servers.path)}`, "--allow-tool=relay");
  }
  // A headless one says everything on its stdout.
  if (hookUrl !== undefined && request.launch.runtime !== "headless") {
    const curl = privateFile(request, "curl", curlConfig(hookUrl, request.token));
    const script = privateFile(request, "hook.sh", hookScript(joinPath(request.privateDir, curl.path), homeOf(input)));
    const command = `sh ${shellQuoted(joinPath(request.privateDir, script.path))}`;
    const manifest = privateFile(request, "plugin/plugin.json", copilotPlugin());
    files.push(curl, script, manifest, privateFile(request, "plugin/hooks.json", copilotHooks(command)));
    flags.push("--plugin-dir", joinPath(request.privateDir, manifest.path.replace(/\/plugin\.json$/u, "")));
  }
  return { ...noWiring, flags, files, tools: request.mcpUrl !== undefined };
}

function copilotServers(url: string, token: string): string {
  return json({
    mcpServers: { relay: { type: "http", url, headers: { Authorization: `Bearer ${token}` }, tools: ["*"] } },
  });
}

function copilotPlugin(): string {
  return json({ name: "relay", version: "1.0.0", description: "Reports to agent-relay.", hooks: "hooks.json" });
}

function copilotHooks(command: string): string {
  const hook = [{ type: "command", bash: command, timeoutSec: 5 }];
  return json({ version: 1, hooks: Object.fromEntries(reportedEvents.map((event) => [event, hook])) });
}

/** Where it keeps the records of its sessions. */
function homeOf({ spawnEnv, inheritedEnv }: WiringInput): string {
  const variable = (name: string): string => spawnEnv[name] ?? inheritedEnv[name] ?? "";
  const own = variable("COPILOT_HOME");
  return own === "" ? joinPath(variable("HOME"), ".copilot") : own;
}

/** What the hook prints would be taken for an answer. */
function hookScript(curlFile: string, home: string): string {
  return [
    "# Copilot calls this at each event that the relay asked for, with the event as JSON on stdin.",
    `{ printf '%s' ${shellQuoted(`{"home":${JSON.stringify(home)},"report":`)}; cat; printf '}'; } |`,
    `  curl -q -K ${shellQuoted(curlFile)} --data-binary @- >/dev/null 2>&1`,
    "exit 0",
    "",
  ].join("\n");
}
