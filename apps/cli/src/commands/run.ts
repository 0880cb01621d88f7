import { command } from "../command-spec.ts";
import { assignments, programs } from "../option-values.ts";

export const run = command({
  name: "run",
  summary: "Run a workflow from a file, and watch it.",
  details:
    "The run is executed in the background and survives whatever dies: Ctrl-C only stops watching. If no broker runs, one is started. Ends with 0 when the run is completed, 5 when it failed, was cancelled, or needs a person, 2 when the file is wrong, and 130 after Ctrl-C.",
  arguments: [{ syntax: "[file]", summary: "the workflow, YAML; `-` for standard input", values: "file" }],
  options: [
    { flags: "--workflow <name>", summary: "which of the file's workflows; the first if absent" },
    { flags: "--var <key=value>", summary: "a value for `{{key}}`; repeatable", parse: assignments },
    {
      flags: "--program <name=command>",
      summary: "what runs instead of an agent's `cli`, by the agent's name; `*` for all others; repeatable",
      parse: programs,
    },
    { flags: "--dry-run", summary: "say what would be done, and do nothing" },
    { flags: "-d, --detach", summary: "do not watch" },
    { flags: "--resume <run>", summary: "go on with this run instead of beginning one", values: "run" },
    {
      flags: "--start-from <step>",
      summary: "begin with this step; what it builds upon is taken from an earlier run",
    },
    {
      flags: "--previous-run <run>",
      summary: "that earlier run; the newest that has all of it if absent",
      values: "run",
    },
    { flags: "--schema", summary: "print the JSON Schema of workflow files, for editors" },
  ],
  examples: [
    {
      line: "agent-relay run flow.yaml --dry-run",
      means: "what it would do: waves, agents, exact arguments, warnings",
    },
    { line: "agent-relay run flow.yaml --var branch=main", means: "run it and watch" },
    {
      line: "agent-relay run flow.yaml --program '*=codex' --program boss=claude",
      means: "with other programs than the file says",
    },
    { line: "agent-relay run --resume mi9k2", means: "try again what failed of a run, and watch" },
    {
      line: "agent-relay run flow.yaml --start-from publish",
      means: "after a change to the file: what it builds upon is not done again",
    },
    { line: "agent-relay run --schema > workflow.schema.json", means: "completion and errors in your editor" },
  ],
  json: "one event a line: { runId, at, type: run:… | step:…, … }; --dry-run { valid, file, workflow, pattern, takenOver?, waves, agents, warnings, … }; a wrong file { valid: false, problems }; --detach { runId, workflow }",
  load: () => import("../actions/run.ts"),
});
