import { command } from "../command-spec.ts";

export const kill = command({
  name: "kill",
  summary: "End agents with SIGKILL at once.",
  arguments: [{ syntax: "<names...>", summary: "the agents", values: "agent" }],
  options: [{ flags: "--reason <text>", summary: "recorded with the event" }],
  examples: [{ line: "agent-relay kill ada", means: "when `release` is too slow; work that is not saved is lost" }],
  json: "{ results: [{ name, ok, error? }] }",
  load: async () => (await import("../actions/end-agents.ts")).kill,
});
