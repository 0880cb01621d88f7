import { command } from "../command-spec.ts";

export const status = command({
  name: "status",
  summary: "Show what the broker is doing.",
  examples: [{ line: "agent-relay status", means: "uptime, agents, waiting mail, addresses" }],
  json: "the broker: { pid, version, protocol, project, stateDir, startedAt, uptimeSecs, sequence, agents: { live, known }, pendingDeliveries, deadLetters, clients, memoryBytes, ptyHost, mcp, tcp }",
  load: () => import("../actions/status.ts"),
});
