import { command } from "../command-spec.ts";
import { port } from "../option-values.ts";

export const up = command({
  name: "up",
  summary: "Start the broker of this project and wait until it answers.",
  details:
    "The broker runs in the background and outlives the terminal. Where one already runs, nothing happens. Its own log is .agent-relay/logs/broker.log.",
  options: [
    { flags: "-f, --foreground", summary: "stay in this terminal; Ctrl-C ends the broker and keeps the agents" },
    {
      flags: "--tcp [port]",
      summary: "also listen on 127.0.0.1, on this port or a free one, with a token",
      parse: port,
    },
  ],
  examples: [
    { line: "agent-relay up", means: "start the broker of this directory" },
    { line: "agent-relay up --foreground", means: "the same, in view" },
  ],
  json: "{ started, alreadyRunning, pid, version, project, stateDir, socket, mcpUrl, tcpUrl }",
  load: () => import("../actions/up.ts"),
});
