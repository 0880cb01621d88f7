import { command } from "../command-spec.ts";

export const trace = command({
  name: "trace",
  summary: "Show what became of a message, step by step, with the evidence.",
  arguments: [{ syntax: "<message-id>", summary: "the message, for example msg_01k…" }],
  examples: [
    { line: "agent-relay trace msg_01k3v9q0x8", means: "who has it, how it got there, and what it waits for" },
  ],
  json: "{ message, deliveries: [{ agent, stage, attempts, route, evidence, stalled, … }], steps: [{ sequence, at, afterMs, agent, what, detail }] }",
  load: () => import("../actions/trace.ts"),
});
