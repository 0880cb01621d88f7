import { command } from "../command-spec.ts";

export const init = command({
  name: "init",
  summary: "Tell agents in AGENTS.md how to use the relay, and keep its state out of git.",
  details:
    "Writes one marked block into AGENTS.md and one entry into .gitignore. Running it again changes nothing; --remove takes out exactly what it put in.",
  options: [
    { flags: "--remove", summary: "take it out again" },
    { flags: "-n, --dry-run", summary: "only show what would be done" },
  ],
  examples: [
    { line: "agent-relay init --dry-run", means: "look first" },
    { line: "agent-relay init", means: "do it" },
  ],
  json: "{ dryRun, changes: [{ file, action: create | add | update | remove | delete | none, text? }] }",
  load: () => import("../actions/init.ts"),
});
