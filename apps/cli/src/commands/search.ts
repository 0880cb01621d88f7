import { command } from "../command-spec.ts";
import { channelName, count } from "../option-values.ts";

export const search = command({
  name: "search",
  summary: "Search all messages, best match first.",
  arguments: [{ syntax: "<words...>", summary: "what to look for" }],
  options: [
    { flags: "-c, --channel <name>", summary: "only this channel", parse: channelName, values: "channel" },
    { flags: "--from <agent>", summary: "only from this sender", values: "agent" },
    { flags: "-n, --limit <count>", summary: "at most this many", parse: count, fallback: 50 },
  ],
  examples: [{ line: "agent-relay search flaky test --from ada", means: "what ada wrote about it" }],
  json: "{ messages: [{ messageId, sequence, at, from, to, body, … }] }",
  load: () => import("../actions/search.ts"),
});
