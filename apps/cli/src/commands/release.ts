import { command } from "../command-spec.ts";

export const release = command({
  name: "release",
  summary: "Ask agents to leave, then make them: exit request, TERM, KILL.",
  arguments: [{ syntax: "<names...>", summary: "the agents", values: "agent" }],
  options: [{ flags: "--reason <text>", summary: "recorded with the event" }],
  examples: [
    { line: "agent-relay release ada bob", means: "end two agents politely; answers when their processes are gone" },
  ],
  json: "{ results: [{ name, ok, error? }] }",
  load: async () => (await import("../actions/end-agents.ts")).release,
});
