import type { Tool } from "../tool.ts";
import { agentTools } from "./agent-tools.ts";
import { channelTools } from "./channel-tools.ts";
import { messageTools } from "./message-tools.ts";

/** Every tool, in the order in which it is listed. */
export const allTools: readonly Tool[] = [...messageTools, ...agentTools, ...channelTools];

/** The table of the README. */
export function toolTable(): string {
  const rows = allTools.map((item) => {
    const properties = item.inputSchema["properties"];
    const required = item.inputSchema["required"];
    const names = typeof properties === "object" && properties !== null ? Object.keys(properties) : [];
    const inputs = names.map((name) => (Array.isArray(required) && required.includes(name) ? `**${name}**` : name));
    return `| \`${item.name}\` | ${inputs.join(", ")} | ${item.description.replaceAll("|", "\\|")} |`;
  });
  return ["| Tool | Input (**required**) | What it does |", "|---|---|---|", ...rows].join("\n");
}
