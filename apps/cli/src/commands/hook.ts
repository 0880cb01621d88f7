import { command } from "../command-spec.ts";

export const hook = command({
  name: "hook",
  summary: "Report what an agent program's hook says; reads the hook's JSON from stdin.",
  details:
    "For programs whose hooks are shell commands. It never fails and never says anything, so that it cannot disturb the program.",
  arguments: [{ syntax: "[event]", summary: "the event, where the JSON does not name it" }],
  examples: [{ line: "agent-relay hook", means: "in a program's hook configuration" }],
  json: "nothing",
  isHidden: true,
  load: () => import("../actions/hook.ts"),
});
