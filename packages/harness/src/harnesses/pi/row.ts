import type { Harness } from "../../harness.ts";
import { inboxRoute, pasteOnly, plainRow } from "../baseline.ts";
import { piConversation } from "./conversation.ts";
import { wirePi } from "./wiring.ts";

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
  onlyMode: "bypass",
  model: { flags: ["--model"], inject: (model) => ["--model", model] },
  connection: {
    tools: "an extension from a private file, `--extension`, which calls them over HTTP",
    reports: "the same extension; mail in the middle of a turn goes through it, too",
    wire: wirePi,
    says: {
      ready: "extension: session_start",
      turns: "extension: agent_start and agent_settled",
      answers: "extension: message_end",
      prompts: "extension: message_end",
      tokens: "extension: message_end",
      compaction: "extension: session_compact",
      session: "extension: session_start",
    },
  },
  resume: (sessionId) => ["--session-id", sessionId],
  sessionFlag: "--session-id",
  trust: { flags: () => ["--approve"] },
  set: {},
  answers: {
    // "Trust" comes first and is chosen. Esc goes on without what the project brings.
    trust: { afterMs: 300, approve: ["\r"], deny: ["\u001b"] },
  },
  exitCommand: "\u0004",
  interrupt: { keys: ["\u001b"], confirmedBy: "`agent_settled`" },
  routes: [
    {
      route: "structured",
      handedOver: "headless: its text comes back as the user's",
      seen: "headless: its message of the user quotes the message id",
    },
    { ...pasteOnly, seen: "its extension quotes the message id from the prompt" },
    inboxRoute,
  ],
  // Its extension says when it takes input; until then it draws its composer, and leaves in it what is submitted. Where none
  // is, as inside a shell text, nothing but silence is left.
  observation: {
    statusProtocol: false,
    contextScreen: false,
    ready: { settleMs: 0, quietMs: 10_000, atMostMs: 30_000 },
    turnQuietMs: 3_000,
  },
  contextSources: [
    "extension: usage of the newest answer against the model's window (exact)",
    "headless: usage of the newest answer against the model's window (exact)",
  ],
  dialogs: [
    {
      text: "trust project folder?",
      kind: "trust",
      what: "trust this folder",
      avoid: "trust it once with pi; it asks about folders with settings or resources for it",
    },
  ],
  notes: [
    "It has no permissions: it runs what its model asks for. Its mode is bypass, and a spawn that names another is refused.",
    "Of two prompts in one moment it drops the second and says success; headless, one is given at a time and its echo awaited.",
    "A session id that it does not know begins a new session under that id.",
  ],
};
