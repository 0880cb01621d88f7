import { command } from "../command-spec.ts";

export const completeNames = command({
  name: "complete-names",
  summary: "Print names for shell completion; nothing when no broker runs.",
  arguments: [
    {
      syntax: "<kind>",
      summary: "what to name",
      choices: ["agent", "channel", "run", "step", "approval", "template"],
    },
    { syntax: "[typed...]", summary: "the words typed so far, after `--`: they say of which run the steps are" },
  ],
  examples: [{ line: "agent-relay complete-names agent", means: "one name a line" }],
  json: "{ names }",
  isHidden: true,
  load: () => import("../actions/complete-names.ts"),
});
