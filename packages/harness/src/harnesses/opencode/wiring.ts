/** OpenCode: tools, permissions and a plugin, laid into the configuration that it takes from its environment. */
import type { PermissionMode } from "@agent-relay/protocol";
import { fileUrl, joinPath, privateFile } from "../../launch/private-files.ts";
import { noWiring, type PlannedFile, type Wiring, type WiringInput } from "../../launch/wiring.ts";
import { opencodePlugin } from "./plugin.ts";

const variable = "OPENCODE_CONFIG_CONTENT";

/** What OpenCode asks about in each mode; its own default is to ask about nothing. */
const opencodePermission: Readonly<Record<PermissionMode, unknown>> = {
  ask: { edit: "ask", bash: "ask", webfetch: "ask" },
  auto: { edit: "allow", bash: "ask", webfetch: "allow" },
  bypass: "allow",
};

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
  if (input.hookUrl !== undefined) {
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

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
