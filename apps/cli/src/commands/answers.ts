import { command, type OptionSpec } from "../command-spec.ts";
import { count } from "../option-values.ts";

const agent = { syntax: "<agent>", summary: "who waits", values: "agent" } as const;
const options: readonly OptionSpec[] = [
  {
    flags: "--block <sequence>",
    summary: "the `agent_blocked` that is meant, by its sequence; whatever it waits for now if absent",
    parse: count,
  },
];
const json = "{ agent, verdict, block, kind, what }";
const details =
  "The first answer wins: a later one fails with `already_answered` and says who was first. Nothing else answers a program: a message to a blocked agent waits. What only its own terminal can answer fails with `not_answerable`; go there with `attach --mode drive`.";

export const approve = command({
  name: "approve",
  summary: "Say yes to what a blocked agent asks: a permission, a plan, the trust of a directory.",
  details,
  arguments: [agent],
  options,
  examples: [
    { line: "agent-relay approve ada", means: "let her do what `who` shows" },
    { line: "agent-relay approve ada --block 1207", means: "this one alone, as an `agent_blocked` event named it" },
  ],
  json,
  load: async () => (await import("../actions/answer-block.ts")).approve,
});

export const deny = command({
  name: "deny",
  summary: "Say no to what a blocked agent asks.",
  details,
  arguments: [agent],
  options,
  examples: [{ line: "agent-relay deny ada", means: "she goes on without it" }],
  json,
  load: async () => (await import("../actions/answer-block.ts")).deny,
});
