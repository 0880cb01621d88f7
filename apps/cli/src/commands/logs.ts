import { command } from "../command-spec.ts";
import { count } from "../option-values.ts";

export const logs = command({
  name: "logs",
  summary: "Print what an agent's terminal showed, without its control sequences.",
  arguments: [{ syntax: "<name>", summary: "the agent", values: "agent" }],
  options: [
    { flags: "-f, --follow", summary: "go on until the agent ends or Ctrl-C" },
    { flags: "--errors", summary: "the standard error of a headless agent instead, as far as it has come" },
    { flags: "-n, --lines <count>", summary: "only the newest lines", parse: count },
    {
      flags: "--raw",
      summary: "the bytes as they were, control sequences too; do not send them to a terminal you care about",
    },
  ],
  examples: [
    { line: "agent-relay logs ada -n 40", means: "the last forty lines" },
    { line: "agent-relay logs ada --errors", means: "why a headless agent does not do what it should" },
    { line: "agent-relay logs ada --raw > ada.typescript", means: "for a terminal emulator" },
  ],
  json: "{ name, offset, next, text }, or { …, base64 } with --raw; with --follow one { name, epoch, offset, text } a line",
  load: () => import("../actions/logs.ts"),
});
