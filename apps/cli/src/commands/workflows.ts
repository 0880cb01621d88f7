import { command } from "../command-spec.ts";

const name = { syntax: "<template>", summary: "its name", values: "template" } as const;
const listJson = "{ templates: [{ name, description, pattern, agents, steps, vars }] }";

export const workflows = command({
  name: "workflows",
  summary: "Workflows that come with agent-relay, to copy and change.",
  examples: [
    { line: "agent-relay workflows", means: "which there are" },
    { line: "agent-relay workflows new bug-fix", means: "write bug-fix.yaml here" },
  ],
  json: listJson,
  load: () => import("../actions/workflows-list.ts"),
  subcommands: [
    command({
      name: "list",
      summary: "Which there are, and what each is for.",
      examples: [{ line: "agent-relay workflows list", means: "the same as `agent-relay workflows`" }],
      json: listJson,
      load: () => import("../actions/workflows-list.ts"),
    }),
    command({
      name: "show",
      summary: "Print one.",
      arguments: [name],
      examples: [{ line: "agent-relay workflows show review-loop", means: "as it would be written" }],
      json: "{ name, yaml }",
      load: () => import("../actions/workflows-show.ts"),
    }),
    command({
      name: "new",
      summary: "Write one into a file, for you to change.",
      arguments: [name, { syntax: "[file]", summary: "where; <template>.yaml here if absent", values: "file" }],
      examples: [{ line: "agent-relay workflows new feature-dev flow.yaml", means: "never over a file that is there" }],
      json: "{ name, file }",
      load: () => import("../actions/workflows-new.ts"),
    }),
  ],
});
