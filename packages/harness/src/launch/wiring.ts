/** How the relay's tools and hooks reach a program: options, variables and private files, by the row's data. */
import type { PermissionMode } from "@agent-relay/protocol";
import type { Environment } from "../attribution.ts";
import { shellWords } from "../command-line.ts";
import type { Harness } from "../harness.ts";
import {
  claudeSettings,
  codexNotifyScript,
  copilotServers,
  claudeServers,
  curlConfig,
  fileUrl,
  joinPath,
  opencodePlugin,
  statusLineScript,
  tomlStrings,
} from "./private-files.ts";
import type { LaunchRequest } from "./plan.ts";

export interface PlannedFile {
  /** Relative to the agent's private directory. */
  readonly path: string;
  readonly mode: 0o600;
  readonly content: string;
}

export interface Wiring {
  readonly flags: readonly string[];
  /** Laid under the spawn's own variables. */
  readonly env: Readonly<Record<string, string>>;
  /** Laid over them: configuration that was merged with the spawn's own. */
  readonly envOverSpawn: Readonly<Record<string, string>>;
  readonly files: readonly PlannedFile[];
  readonly tools: boolean;
  readonly notes: readonly string[];
}

interface WiringInput {
  readonly request: LaunchRequest;
  readonly row: Harness;
  readonly spawnEnv: Environment;
  readonly inheritedEnv: Environment;
  readonly mode: PermissionMode;
  readonly openToOptions: boolean;
  readonly programArgs: readonly string[];
}

const tokenVariable = "AGENT_RELAY_TOKEN";

const nothing: Wiring = { flags: [], env: {}, envOverSpawn: {}, files: [], tools: false, notes: [] };

export function wire(input: WiringInput): Wiring {
  if (input.row.mcp.kind === "opencode-env") return wireOpencode(input, input.row.mcp.variable);
  // Hooks come last: the last of Claude Code's options takes one value, and an earlier one would take a prompt too.
  return merge(wireTools(input), wireHooks(input));
}

function wireTools(input: WiringInput): Wiring {
  const { request, row, openToOptions } = input;
  const { mcp } = row;
  if (mcp.kind === "none") {
    return row.hooks === "own" ? nothing : { ...nothing, notes: [`${row.title} gets no relay tools: ${mcp.because}.`] };
  }
  if (mcp.kind === "opencode-env" || !openToOptions) return nothing;
  if (mcp.kind === "stdio-flag") {
    if (request.mcpCommand === undefined)
      return {
        ...nothing,
        notes: [`${row.title} gets no relay tools: it takes them only from a command on stdio, and none is given.`],
      };
    return { ...nothing, flags: [mcp.flag, shellWords(request.mcpCommand)], tools: true };
  }
  if (request.mcpUrl === undefined) return nothing;
  if (mcp.kind === "flags") return { ...nothing, flags: mcp.flags(request.mcpUrl, tokenVariable), tools: true };
  const servers = mcp.shape === "claude" ? claudeServers : copilotServers;
  const file = privateFile(request, "mcp.json", servers(request.mcpUrl, request.token));
  const flags = [mcp.flag, `${mcp.prefix ?? ""}${joinPath(request.privateDir, file.path)}`];
  return {
    ...nothing,
    flags: mcp.shape === "claude" ? [...flags, "--allowedTools", "mcp__relay"] : flags,
    files: [file],
    tools: true,
  };
}

function wireHooks(input: WiringInput): Wiring {
  const { request, row, openToOptions, mode, programArgs } = input;
  const { hookUrl } = request;
  if (!openToOptions) return nothing;
  switch (row.hooks) {
    case "none":
    case "own":
    case "opencode-plugin":
      return nothing;
    case "claude-settings": {
      const bypass = mode === "bypass";
      const files: PlannedFile[] = [];
      let report: { readonly hookUrl: string; readonly statusLine: string } | undefined;
      if (hookUrl !== undefined) {
        const curl = privateFile(request, "curl", curlConfig(hookUrl, request.token));
        const statusLine = privateFile(
          request,
          "status-line.sh",
          statusLineScript(joinPath(request.privateDir, curl.path), request.agent),
        );
        files.push(curl, statusLine);
        report = { hookUrl, statusLine: joinPath(request.privateDir, statusLine.path) };
      }
      // Always there: the options for tools take any number of words, and this one ends them.
      const settings = privateFile(request, "settings.json", claudeSettings({ report, tokenVariable, bypass }));
      const own = programArgs.some((word) => word === "--settings" || word.startsWith("--settings="));
      return {
        ...nothing,
        flags: ["--settings", joinPath(request.privateDir, settings.path)],
        files: [...files, settings],
        notes: own
          ? ["Its own --settings take the place of ours: its hooks and its status line do not report to the relay."]
          : [],
      };
    }
    case "codex-notify": {
      if (hookUrl === undefined) return nothing;
      const curl = privateFile(request, "curl", curlConfig(hookUrl, request.token));
      const notify = privateFile(request, "notify.sh", codexNotifyScript(joinPath(request.privateDir, curl.path)));
      return {
        ...nothing,
        flags: [
          "-c",
          `notify=${tomlStrings(["sh", joinPath(request.privateDir, notify.path)])}`,
          "-c",
          `tui.terminal_title=${tomlStrings(["run-state", "context-remaining"])}`,
          "-c",
          "check_for_update_on_startup=false",
        ],
        files: [curl, notify],
      };
    }
    default:
      return row.hooks satisfies never;
  }
}

/** What OpenCode asks about in each mode; its own default is to ask about nothing. */
const opencodePermission: Readonly<Record<PermissionMode, unknown>> = {
  ask: { edit: "ask", bash: "ask", webfetch: "ask" },
  auto: { edit: "allow", bash: "ask", webfetch: "allow" },
  bypass: "allow",
};

function wireOpencode(input: WiringInput, variable: string): Wiring {
  const { request, spawnEnv, inheritedEnv, mode } = input;
  const given = spawnEnv[variable] ?? inheritedEnv[variable];
  const own = given === undefined ? {} : readObject(given);
  if (own === undefined) {
    return {
      ...nothing,
      notes: [
        `${variable} is set to something that is not a JSON object; it is left alone, and OpenCode gets no relay tools.`,
      ],
    };
  }
  const notes: string[] = [];
  const files: PlannedFile[] = [];
  const config: Record<string, unknown> = { ...own };
  if (own["permission"] === undefined) config["permission"] = opencodePermission[mode];
  else notes.push(`${variable} has permissions of its own; they are left as they are.`);
  if (request.mcpUrl !== undefined) {
    const relay = {
      type: "remote",
      url: request.mcpUrl,
      enabled: true,
      headers: { Authorization: `Bearer ${request.token}` },
    };
    config["mcp"] = { ...(isObject(own["mcp"]) ? own["mcp"] : {}), relay };
  }
  if (request.hookUrl !== undefined) {
    const plugin = privateFile(request, "plugin.js", opencodePlugin());
    files.push(plugin);
    const others: readonly unknown[] = Array.isArray(own["plugin"]) ? own["plugin"] : [];
    config["plugin"] = [...others, fileUrl(joinPath(request.privateDir, plugin.path))];
  }
  return {
    ...nothing,
    envOverSpawn: { [variable]: JSON.stringify(config) },
    files,
    tools: request.mcpUrl !== undefined,
    notes,
  };
}

/** Agent and epoch are part of the name, so that no two incarnations share a path even in one directory. */
function privateFile(request: LaunchRequest, name: string, content: string): PlannedFile {
  return { path: `${request.agent}@${request.epoch}.${name}`, mode: 0o600, content };
}

function merge(one: Wiring, other: Wiring): Wiring {
  return {
    flags: [...one.flags, ...other.flags],
    env: { ...one.env, ...other.env },
    envOverSpawn: { ...one.envOverSpawn, ...other.envOverSpawn },
    files: [...one.files, ...other.files],
    tools: one.tools || other.tools,
    notes: [...one.notes, ...other.notes],
  };
}

function readObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    // Not JSON is an answer here: the value is the user's, and is left alone.
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
