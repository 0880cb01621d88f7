import { command } from "../command-spec.ts";
import { channelList } from "../option-values.ts";

export const wrap = command({
  name: "wrap",
  summary: "Run your own agent program in this terminal, as a member of the team.",
  details:
    "The program sees your terminal and your environment as if you had started it yourself; what you type reaches it, and so does mail from the others: never while you type, or while a text that you have not sent stands in its composer. It ends with the program's own exit status, and is not started again. If you close the terminal, the agent is released. Ctrl-] three times within a second leaves it running without this terminal. If no broker runs, one is started.",
  arguments: [{ syntax: "<command...>", summary: "the program with its options, after --" }],
  options: [
    {
      flags: "-n, --name <name>",
      summary: "what others call the agent; the program's name if absent, with a number if that is taken",
    },
    {
      flags: "-c, --channel <names>",
      summary: "channels to join, separated by commas",
      parse: channelList,
      values: "channel",
    },
    { flags: "--team <name>", summary: "a label, shown in `who`" },
    {
      flags: "--permission <mode>",
      summary: "how much it may do without asking; if absent it asks, or does what it always does if it cannot",
      choices: ["ask", "auto", "bypass"],
    },
    { flags: "--trust", summary: "answer the program's question whether this directory may be trusted with yes" },
  ],
  examples: [
    { line: "agent-relay wrap -- claude", means: "Claude Code as always, but others can write to it" },
    {
      line: "agent-relay wrap --name lead --channel team -- codex --profile work",
      means: "under a name, in a channel, with options of the program",
    },
  ],
  json: "not available: a terminal is not JSON; see `spawn`",
  load: () => import("../actions/wrap.ts"),
});
