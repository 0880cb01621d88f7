import { joinPath, json, privateFile } from "../../launch/private-files.ts";
import { noWiring, type Wiring, type WiringInput } from "../../launch/wiring.ts";

/** Copilot: tools from a private file named by an option. */
export function wireCopilot({ request, openToOptions }: WiringInput): Wiring {
  if (!openToOptions || request.mcpUrl === undefined) return noWiring;
  const servers = privateFile(request, "mcp.json", copilotServers(request.mcpUrl, request.token));
  const flags = ["--additional-mcp-config", `@${joinPath(request.privateDir, servers.path)}`];
  return { ...noWiring, flags, files: [servers], tools: true };
}

function copilotServers(url: string, token: string): string {
  return json({
    mcpServers: { relay: { type: "http", url, headers: { Authorization: `Bearer ${token}` }, tools: ["*"] } },
  });
}
