import { command } from "../command-spec.ts";

export const reply = command({
  name: "reply",
  summary: "Answer a message: to its sender, or to the channel it came through.",
  arguments: [
    { syntax: "<message-id>", summary: "the message, for example msg_01k…" },
    { syntax: "[text...]", summary: "the text; - or nothing reads stdin" },
  ],
  options: [
    { flags: "--steer", summary: "interrupt a working agent instead of waiting for the end of its turn" },
    { flags: "--as <name>", summary: "in whose name, for a mailbox without a program" },
  ],
  examples: [
    { line: 'agent-relay reply msg_01k3v9q0x8 "Yes, go ahead"', means: "the sender's delivery becomes answered" },
  ],
  json: "{ messageId, sequence, threadId, recipients }",
  load: () => import("../actions/reply.ts"),
});
