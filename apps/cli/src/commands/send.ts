import { command } from "../command-spec.ts";
import { durationMs, listOf } from "../option-values.ts";

export const send = command({
  name: "send",
  summary: "Send a message to an agent or a #channel.",
  details:
    "The message is accepted once it is on disk. handed_over, seen and answered come later, each on evidence only; --until waits for one. A timeout takes nothing back: the message stays on its way.",
  arguments: [
    {
      syntax: "<to>",
      summary: "an agent, or a channel with # (quote it, or the shell takes it for a comment)",
      values: "agent",
    },
    { syntax: "[message...]", summary: "the text; - or nothing reads stdin" },
  ],
  options: [
    {
      flags: "-u, --until <stage>",
      summary: "wait until every recipient has got this far",
      choices: ["accepted", "handed_over", "seen", "answered"],
      fallback: "accepted",
    },
    { flags: "--timeout <duration>", summary: "how long --until waits", parse: durationMs, fallback: "60s" },
    { flags: "--steer", summary: "interrupt a working agent instead of waiting for the end of its turn" },
    { flags: "--reply-to <message>", summary: "the message that this one answers" },
    { flags: "--ttl <duration>", summary: "do not deliver it later than this", parse: durationMs },
    {
      flags: "--notify <names>",
      summary: "to a channel: bring it to these members alone; the others find it in the history; repeatable",
      parse: listOf,
      values: "agent",
    },
    { flags: "--as <name>", summary: "in whose name, for a mailbox without a program" },
  ],
  examples: [
    { line: 'agent-relay send ada "The build is red, please look"', means: "to one agent" },
    {
      line: "agent-relay send '#review' \"Ready for another look\" --until seen",
      means: "to a channel, and wait until everyone has it",
    },
    { line: "git diff | agent-relay send ada -", means: "the body from stdin" },
  ],
  json: "{ messageId, sequence, threadId, recipients, deliveries? }, where deliveries come with --until",
  load: () => import("../actions/send.ts"),
});
