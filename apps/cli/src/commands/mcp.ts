import { command } from "../command-spec.ts";

export const mcp = command({
  name: "mcp",
  summary: "Serve the relay's tools to an agent program over stdio (MCP).",
  details:
    "For programs that cannot use the broker's own MCP address. AGENT_RELAY_TOKEN says which agent asks; the broker sets it for the programs that it starts.",
  examples: [
    { line: "AGENT_RELAY_TOKEN=… agent-relay mcp", means: "as an MCP server command in a program's configuration" },
  ],
  json: "MCP messages, always",
  load: () => import("../actions/mcp.ts"),
});
