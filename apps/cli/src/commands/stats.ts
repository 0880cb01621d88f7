import { command } from "../command-spec.ts";

export const stats = command({
  name: "stats",
  summary: "Count messages and turns by who really did them.",
  options: [
    { flags: "--by <what>", summary: "how to group", choices: ["harness", "model", "agent"], fallback: "harness" },
  ],
  examples: [{ line: "agent-relay stats --by model", means: "one row for each model" }],
  json: "{ rows: [{ key, agents, sent, received, turns }], orchestrator }",
  load: () => import("../actions/stats.ts"),
});
