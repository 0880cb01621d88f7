import { command } from "../command-spec.ts";

export const stats = command({
  name: "stats",
  summary: "Count messages, turns and tokens by who really did them.",
  details:
    "Tokens are the programs' own count, those of their subagents included; TOKENS IN is all that was sent to the model, CACHED the part of it that came from a cache. A program that does not report them counts none: see `harness show`.",
  options: [
    { flags: "--by <what>", summary: "how to group", choices: ["harness", "model", "agent"], fallback: "harness" },
  ],
  examples: [{ line: "agent-relay stats --by model", means: "one row for each model" }],
  json: "{ rows: [{ key, agents, sent, received, turns, inputTokens, cachedInputTokens, outputTokens }], orchestrator }",
  load: () => import("../actions/stats.ts"),
});
