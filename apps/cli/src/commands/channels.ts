import { command } from "../command-spec.ts";
import { count } from "../option-values.ts";

const member = { flags: "--as <name>", summary: "who; you if absent", values: "agent" } as const;
const channel = { syntax: "<channel>", summary: "its name, with or without #", values: "channel" } as const;

export const channels = command({
  name: "channels",
  summary: "Make, join and list channels: named many-to-many addresses.",
  examples: [
    { line: "agent-relay channels", means: "every channel with its members" },
    { line: "agent-relay channels join review --as ada", means: "put ada into #review" },
  ],
  json: "{ channels: [{ name, topic, members, createdBy, createdAt }] }",
  load: () => import("../actions/channels-list.ts"),
  subcommands: [
    command({
      name: "list",
      summary: "List every channel with its members.",
      examples: [{ line: "agent-relay channels list", means: "the same as `agent-relay channels`" }],
      json: "{ channels: [{ name, topic, members, createdBy, createdAt }] }",
      load: () => import("../actions/channels-list.ts"),
    }),
    command({
      name: "create",
      summary: "Make a channel and join it.",
      arguments: [{ ...channel, summary: "its name, with or without #: a-z, 0-9, - and _" }],
      options: [{ flags: "--topic <text>", summary: "what it is for" }],
      examples: [{ line: 'agent-relay channels create review --topic "Who looks at what"', means: "make #review" }],
      json: "{ name, topic, members, createdBy, createdAt }",
      load: () => import("../actions/channels-create.ts"),
    }),
    command({
      name: "join",
      summary: "Join a channel, or put an agent into it.",
      arguments: [channel],
      options: [member],
      examples: [{ line: "agent-relay channels join review --as ada", means: "put ada into #review" }],
      json: "{ name, topic, members, createdBy, createdAt }",
      load: () => import("../actions/channels-join.ts"),
    }),
    command({
      name: "leave",
      summary: "Leave a channel, or take an agent out of it.",
      arguments: [channel],
      options: [member],
      examples: [{ line: "agent-relay channels leave review --as ada", means: "take ada out of #review" }],
      json: "{ channel, member }",
      load: () => import("../actions/channels-leave.ts"),
    }),
    command({
      name: "members",
      summary: "Show who is in a channel.",
      arguments: [channel],
      examples: [{ line: "agent-relay channels members review", means: "one name a line" }],
      json: "{ channel, members }",
      load: () => import("../actions/channels-members.ts"),
    }),
    command({
      name: "history",
      summary: "Read a channel's past messages.",
      arguments: [channel],
      options: [{ flags: "-n, --limit <count>", summary: "at most this many, the newest", parse: count, fallback: 50 }],
      examples: [
        { line: "agent-relay channels history review", means: "the same as `agent-relay history --channel review`" },
      ],
      json: "{ messages: [{ messageId, sequence, at, from, to, body, … }], before, after }",
      load: () => import("../actions/channels-history.ts"),
    }),
  ],
});
