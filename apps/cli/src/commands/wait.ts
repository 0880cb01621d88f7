import { command } from "../command-spec.ts";
import { durationMs } from "../option-values.ts";

export const wait = command({
  name: "wait",
  summary: "Wait until agents reach a state.",
  arguments: [{ syntax: "<names...>", summary: "the agents", values: "agent" }],
  options: [
    {
      flags: "-u, --until <state>",
      summary: "the state",
      choices: ["ready", "idle", "blocked", "exited", "dead"],
      fallback: "idle",
    },
    { flags: "--any", summary: "the first one is enough" },
    {
      flags: "--timeout <duration>",
      summary: "how long; status 4 when it is over",
      parse: durationMs,
      fallback: "10m",
    },
  ],
  examples: [
    { line: "agent-relay wait ada bob --until idle --timeout 30m", means: "until both have finished" },
    {
      line: "agent-relay wait ada --until blocked && agent-relay who",
      means: "step in when a person is needed: `who` says what for, and how to answer",
    },
  ],
  json: "{ agents: [rows of `who`] }",
  load: () => import("../actions/wait.ts"),
});
