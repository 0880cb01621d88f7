import { command } from "../command-spec.ts";
import { count } from "../option-values.ts";

const listOptions = [
  { flags: "-a, --agent <name>", summary: "only for this agent", values: "agent" },
  { flags: "-n, --limit <count>", summary: "at most this many, the newest", parse: count, fallback: 50 },
] as const;
const listJson = "{ deliveries: [{ messageId, agent, stage, attempts, deadLetterReason, at, … }] }";

export const deadletters = command({
  name: "deadletters",
  summary: "List mail that could not be delivered, or send it out again.",
  options: listOptions,
  examples: [
    { line: "agent-relay deadletters", means: "what failed, and why" },
    { line: "agent-relay deadletters redeliver msg_01k3v9q0x8 ada", means: "try again" },
  ],
  json: listJson,
  load: () => import("../actions/deadletters-list.ts"),
  subcommands: [
    command({
      name: "list",
      summary: "List deliveries that failed for good, newest first.",
      options: listOptions,
      examples: [{ line: "agent-relay deadletters list --agent ada", means: "ada's alone" }],
      json: listJson,
      load: () => import("../actions/deadletters-list.ts"),
    }),
    command({
      name: "redeliver",
      summary: "Put dead letters back into the mailbox, marked as a possible repeat.",
      arguments: [
        { syntax: "[message-id]", summary: "the message; or use --all" },
        { syntax: "[agent]", summary: "whose delivery; every failed one of the message if absent", values: "agent" },
      ],
      options: [{ flags: "--all", summary: "every dead letter" }],
      examples: [
        { line: "agent-relay deadletters redeliver msg_01k3v9q0x8 ada", means: "one" },
        { line: "agent-relay deadletters redeliver --all", means: "all of them" },
      ],
      json: "{ results: [{ messageId, agent, ok, error? }] }",
      load: () => import("../actions/deadletters-redeliver.ts"),
    }),
  ],
});
