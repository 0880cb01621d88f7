/** OpenCode: tools, permissions and a plugin, laid into the configuration that it takes from its environment. */
import type { PermissionMode } from "@agent-relay/protocol";
import { fileUrl, joinPath, privateFile } from "../../launch/private-files.ts";
import { noWiring, type PlannedFile, type Wiring, type WiringInput } from "../../launch/wiring.ts";
import { opencodePlugin } from "./plugin.ts";
import { isObject } from "../../json-values.ts";

const variable = "OPENCODE_CONFIG_CONTENT";

/**
 * What OpenCode asks about in each mode. Its own default allows everything but what is outside its directory, `.env`
 * files and loops; these rules come after those of its agents, and of all that fit the last one counts. In bypass mode
 * its option `--auto`, or headless its client, says yes to whatever else the user has it ask, a moment later, and leaves alone what is denied.
 */
const opencodePermission: Readonly<Record<PermissionMode, Readonly<Record<string, unknown>>>> = {
  // Tools of other servers ask, too. What reads, plans or asks itself does not, but for files with secrets.
  ask: {
    "*": "ask",
    read: { "*": "allow", "*.env": "ask", "*.env.*": "ask", "*.env.example": "allow" },
    ...allowed("glob", "grep", "list", "lsp", "skill", "task", "todoread", "todowrite", "question"),
  },
  auto: { edit: "allow", bash: "ask", webfetch: "allow" },
  bypass: allowed("read", "external_directory", "doom_loop"),
};

function allowed(...tools: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(tools.map((tool) => [tool, "allow"]));
}

export function wireOpencode(input: WiringInput): Wiring {
  const { request, spawnEnv, inheritedEnv, mode } = input;
  const given = spawnEnv[variable] ?? inheritedEnv[variable];
  const own = given === undefined ? {} : readObject(given);
  if (own === undefined) {
    return {
      ...noWiring,
      notes: [
        `${variable} is set to something that is not a JSON object; it is left alone, and OpenCode gets no relay tools.`,
      ],
    };
  }
  const notes: string[] = [];
  const files: PlannedFile[] = [];
  const config: Record<string, unknown> = { ...own };
  const chosen = own["permission"];
  const rules = chosen === undefined ? opencodePermission[mode] : isObject(chosen) ? chosen : { "*": chosen };
  if (chosen !== undefined) notes.push(`${variable} has permissions of its own; they stay.`);
  config["permission"] = request.mcpUrl === undefined ? rules : { ...rules, "relay_*": "allow" };
  if (request.mcpUrl !== undefined) {
    const relay = {
      type: "remote",
      url: request.mcpUrl,
      enabled: true,
      // Of a connection on a busy machine, and of a tool that waits for an answer.
      timeout: 90_000,
      headers: { Authorization: `Bearer ${request.token}` },
    };
    config["mcp"] = { ...(isObject(own["mcp"]) ? own["mcp"] : {}), relay };
  }
  const { model, runtime } = request.launch;
  if (runtime === "headless" && model !== undefined) config["model"] = model;
  // A headless one says everything on its stdout.
  if (input.hookUrl !== undefined && runtime !== "headless") {
    const plugin = privateFile(request, "plugin.js", opencodePlugin());
    files.push(plugin);
    const others: readonly unknown[] = Array.isArray(own["plugin"]) ? own["plugin"] : [];
    config["plugin"] = [...others, fileUrl(joinPath(request.privateDir, plugin.path))];
  }
  return {
    ...noWiring,
    envOverSpawn: { [variable]: JSON.stringify(config) },
    files,
    tools: request.mcpUrl !== undefined,
    notes,
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
