import { command } from "../command-spec.ts";

export const backup = command({
  name: "backup",
  summary: "Write a consistent copy of the event log to a new file, while the broker runs.",
  arguments: [{ syntax: "<file>", summary: "where to; it must not exist", values: "file" }],
  examples: [
    {
      line: "agent-relay backup ~/relay-backup.db",
      means: "to restore it, put it in place of .agent-relay/events.db while no broker runs",
    },
  ],
  json: "{ file, bytes, sequence }",
  load: () => import("../actions/backup.ts"),
});
