import type { Harness } from "../../harness.ts";
import { pasteOnly, plainRow } from "../baseline.ts";
import { piConversation } from "./conversation.ts";

export const pi: Harness = {
  ...plainRow,
  id: "pi",
  title: "Pi",
  about: "A small coding agent.",
  recognition: { programs: ["pi"], npmPackages: ["@earendil-works/pi-coding-agent", "@mariozechner/pi-coding-agent"] },
  versions: { tried: ["0.87.1"], note: "Run against a scripted model, November 2026." },
  nonInteractive: "pi -p TASK",
  headless: {
    kind: "conversation",
    steerable: true,
    interruptible: true,
    args: ({ resume }) => ["--mode", "rpc", ...(resume === undefined ? [] : ["--session-id", resume])],
    conversation: piConversation,
  },
  ownDefault: "bypass: it asks about nothing, in any mode",
  model: { flags: ["--model"], inject: (model) => ["--model", model] },
  connection: { noToolsBecause: "it has no MCP client; it can run `agent-relay` in its shell" },
  resume: (sessionId) => ["--session-id", sessionId],
  sessionFlag: "--session-id",
  set: {},
  exitCommand: "\u0004",
  interrupt: { keys: ["\u001b"], confirmedBy: "nothing in a terminal; headless, `agent_settled`" },
  routes: [
    {
      route: "structured",
      handedOver: "headless: its text comes back as the user's",
      seen: "headless: its message of the user quotes the message id",
    },
    pasteOnly,
  ],
  contextSources: ["headless: usage of the newest answer against the model's window (exact)"],
  notes: [
    "It has no permissions: it runs what its model asks for, whatever mode the spawn names.",
    "Of two prompts in one moment it drops the second and says success; headless, one is given at a time and its echo awaited.",
    "A session id that it does not know begins a new session under that id.",
  ],
};
