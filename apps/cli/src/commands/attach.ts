import { command } from "../command-spec.ts";

export const attach = command({
  name: "attach",
  summary: "Watch an agent's terminal, or type into it.",
  details:
    "Ctrl-] and Ctrl-C detach; the agent goes on. While you type, mail waits: driving takes a hold that is renewed with each key and expires 20 seconds after the last one. The terminal is put back as it was, whatever happens.",
  arguments: [{ syntax: "<name>", summary: "the agent", values: "agent" }],
  options: [
    { flags: "-m, --mode <mode>", summary: "only look, or type too", choices: ["view", "drive"], fallback: "view" },
    { flags: "--take-over", summary: "take the hold from whoever has it" },
    { flags: "--pass-ctrl-c", summary: "in drive, give Ctrl-C to the program; only Ctrl-] detaches" },
  ],
  examples: [
    { line: "agent-relay attach ada", means: "look over ada's shoulder" },
    { line: "agent-relay attach ada --mode drive", means: "answer a question of hers" },
  ],
  json: "not available: a terminal is not JSON; see `logs`",
  load: () => import("../actions/attach.ts"),
});
