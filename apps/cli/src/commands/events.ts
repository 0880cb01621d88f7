import { command } from "../command-spec.ts";
import { count, listOf, wholeNumber } from "../option-values.ts";

export const events = command({
  name: "events",
  summary: "Read the log of everything that happened, or follow it.",
  details:
    "Each event has a sequence. A script that keeps the last one and passes it to --from misses nothing, across restarts of the broker too.",
  options: [
    { flags: "-f, --follow", summary: "go on with new events until Ctrl-C" },
    { flags: "--from <sequence>", summary: "events after this position; 0 is the beginning", parse: wholeNumber },
    {
      flags: "-t, --type <types>",
      summary: "only these, for example agent_exited,agent_idle; repeatable",
      parse: listOf,
    },
    { flags: "-a, --agent <names>", summary: "only about these agents; repeatable", parse: listOf, values: "agent" },
    {
      flags: "-n, --limit <count>",
      summary: "at most this many; the newest 50 if neither this nor --from is given",
      parse: count,
    },
  ],
  examples: [
    { line: "agent-relay events --follow --type agent_exited,agent_context_low", means: "learn of dying workers" },
    { line: "agent-relay events --json --from 1200 --follow", means: "for a script that continues where it stopped" },
  ],
  json: "one event a line: { type, sequence, at, stream, revision, actor, …its own fields }",
  load: () => import("../actions/events.ts"),
});
