import { command } from "../command-spec.ts";

export const completeNames = command({
  name: "complete-names",
  summary: "Print names for shell completion; nothing when no broker runs.",
  arguments: [{ syntax: "<kind>", summary: "what to name", choices: ["agent", "channel", "run", "template"] }],
  examples: [{ line: "agent-relay complete-names agent", means: "one name a line" }],
  json: "{ names }",
  isHidden: true,
  load: () => import("../actions/complete-names.ts"),
});
