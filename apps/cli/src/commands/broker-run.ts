import { command } from "../command-spec.ts";
import { port } from "../option-values.ts";

export const brokerRun = command({
  name: "broker-run",
  summary: "Run the broker in this process; `up` uses it.",
  options: [{ flags: "--tcp [port]", summary: "also listen on 127.0.0.1", parse: port }],
  examples: [{ line: "agent-relay broker-run", means: "for a service manager" }],
  json: "log lines",
  isHidden: true,
  load: () => import("../actions/broker-run.ts"),
});
