import { command } from "../command-spec.ts";
import { assignments, channelList, count, durationMs } from "../option-values.ts";

export const spawn = command({
  name: "spawn",
  summary: "Start an agent program under a name.",
  details:
    "One word or one quoted string is a command line and is split as a shell would; no shell runs. Options of the program itself go into the quotes or after `--`. If no broker runs, one is started.",
  arguments: [
    { syntax: "<name>", summary: "what others call the agent: a-z, 0-9, - and _" },
    { syntax: "<cli...>", summary: 'the program, for example claude, codex or "codex --profile work"' },
  ],
  options: [
    { flags: "-m, --model <model>", summary: "the model that the program shall use" },
    { flags: "-t, --task <text>", summary: "the first message; - reads it from stdin" },
    {
      flags: "-c, --channels <names>",
      summary: "channels to join, separated by commas",
      parse: channelList,
      values: "channel",
    },
    {
      flags: "-C, --cwd <directory>",
      summary: "where the program works; the project directory if absent",
      values: "directory",
    },
    { flags: "-e, --env <key=value>", summary: "added to the program's environment; repeatable", parse: assignments },
    {
      flags: "--permission <mode>",
      summary: "how much it may do without asking; if absent it asks, or does what it always does if it cannot",
      choices: ["ask", "auto", "bypass"],
    },
    {
      flags: "--restart <when>",
      summary: "when to start it again after it ends",
      choices: ["never", "on-crash", "always"],
      fallback: "on-crash",
    },
    { flags: "--max-failures <count>", summary: "failures in a row before it is given up", parse: count },
    {
      flags: "--harness <id>",
      summary: "what the program is, where its command line does not say; see `harness list`",
    },
    {
      flags: "--runtime <kind>",
      summary: "a terminal, or a structured stream without one",
      choices: ["pty", "headless"],
      fallback: "pty",
    },
    {
      flags: "--headless",
      summary: "the same as --runtime headless; only for programs that speak one, see `harness show`",
    },
    {
      flags: "--trust",
      summary:
        "answer the program's question whether its directory may be trusted with yes; it may then run what the project's own settings say",
    },
    { flags: "--team <name>", summary: "a label, shown in `who`" },
    {
      flags: "--idle-after <duration>",
      summary: "silence after a turn until `agent_idle` is reported",
      parse: durationMs,
    },
    { flags: "--wait <state>", summary: "answer only when it is ready or idle", choices: ["ready", "idle"] },
    { flags: "--timeout <duration>", summary: "how long --wait waits", parse: durationMs, fallback: "120s" },
    { flags: "--no-start", summary: "refuse instead of starting a broker" },
  ],
  examples: [
    {
      line: 'agent-relay spawn ada claude --task "Review src/parser.ts"',
      means: "a Claude Code agent with a first task",
    },
    {
      line: 'agent-relay spawn bob "codex --profile work" --permission auto',
      means: "options for the program, in quotes",
    },
    { line: "agent-relay spawn cleo -- node agent.mjs --verbose", means: "the same, after --" },
    { line: "agent-relay spawn dan claude --headless --trust", means: "on pipes instead of a terminal" },
  ],
  json: "{ agent, epoch, harness, pid, notes?, startedBroker, view? }, where view is the row of `who` when --wait is given",
  load: () => import("../actions/spawn.ts"),
});
