import { command } from "../command-spec.ts";
import { channelName, count, wholeNumber } from "../option-values.ts";

export const history = command({
  name: "history",
  summary: "Read past messages, oldest first.",
  options: [
    { flags: "-c, --channel <name>", summary: "only this channel", parse: channelName, values: "channel" },
    { flags: "-w, --with <agent>", summary: "everything that this agent sent or got", values: "agent" },
    { flags: "--thread <message>", summary: "one reply chain" },
    { flags: "-n, --limit <count>", summary: "at most this many, the newest", parse: count, fallback: 50 },
    { flags: "--before <sequence>", summary: "the page before this position", parse: wholeNumber },
    { flags: "--after <sequence>", summary: "the page after this position", parse: wholeNumber },
    { flags: "-f, --follow", summary: "go on with new messages until Ctrl-C" },
  ],
  examples: [
    { line: "agent-relay history --with ada -n 20", means: "ada's last twenty messages, either way" },
    { line: "agent-relay history -f", means: "watch the conversation" },
  ],
  json: "{ messages: [{ messageId, sequence, at, from, to, body, actor, … }], before, after }; with --follow one message a line",
  load: () => import("../actions/history.ts"),
});
