import { command } from "../command-spec.ts";
import { durationMs } from "../option-values.ts";

export const down = command({
  name: "down",
  summary: "End the broker and its agents, and wait until they are gone.",
  options: [
    { flags: "--keep-agents", summary: "leave the agents running; the next broker takes them over" },
    { flags: "--force", summary: "end a broker that does not answer with SIGKILL; its agents go on" },
    { flags: "--timeout <duration>", summary: "how long to wait", parse: durationMs, fallback: "60s" },
  ],
  examples: [
    { line: "agent-relay down", means: "release every agent, then stop" },
    { line: "agent-relay down --keep-agents", means: "stop the broker alone, for example to update it" },
  ],
  json: "{ stopped, wasRunning, pid, keptAgents }",
  load: () => import("../actions/down.ts"),
});
