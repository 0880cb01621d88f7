import { command } from "../command-spec.ts";
import { count, durationMs } from "../option-values.ts";

export const inbox = command({
  name: "inbox",
  summary: "Take waiting mail.",
  details: "Mail that was shown counts as seen. With --peek it stays where it is.",
  options: [
    { flags: "--as <name>", summary: "whose inbox; yours if absent", values: "agent" },
    { flags: "--peek", summary: "look without taking" },
    {
      flags: "-w, --wait [duration]",
      summary: "wait for mail if there is none; a minute if no duration is given",
      parse: durationMs,
    },
    { flags: "-n, --limit <count>", summary: "at most this many", parse: count, fallback: 50 },
  ],
  examples: [
    { line: "agent-relay inbox", means: "what agents wrote to you" },
    { line: "agent-relay inbox --wait 5m --json", means: "for a script that answers" },
  ],
  json: "{ messages: [{ messageId, at, from, to, body, replyTo, threadId, possibleRepeat, … }], remaining }",
  load: () => import("../actions/inbox.ts"),
});
