import type { Harness } from "../../harness.ts";
import { commonExits, inboxRoute, pasteWithPromptHook, permissions, plainRow } from "../baseline.ts";
import { copilotConversation } from "./conversation.ts";
import { readCopilotRecord } from "./events.ts";
import { readCopilotReport } from "./reports.ts";
import { wireCopilot } from "./wiring.ts";

export const githubCopilot: Harness = {
  ...plainRow,
  id: "github-copilot",
  title: "GitHub Copilot CLI",
  about: "GitHub's coding agent.",
  recognition: { programs: ["copilot"], npmPackages: ["@github/copilot"] },
  versions: { tried: ["1.0.102"], note: "Run against a scripted model, November 2026." },
  nonInteractive: "copilot -p TASK --output-format json",
  headless: {
    kind: "conversation",
    args: () => ["--acp"],
    conversation: copilotConversation,
    interruptible: true,
    namesSession: true,
  },
  permission: permissions({
    auto: { flags: ["--allow-tool=write"], chosenBy: ["--allow-tool=write"] },
    bypass: { flags: ["--yolo"], chosenBy: ["--yolo", "--allow-all", "--allow-all-tools"] },
  }),
  model: { flags: ["--model"], inject: (model) => ["--model", model] },
  connection: {
    tools: "over HTTP, `--additional-mcp-config` with a private file",
    reports: "hooks from a private plugin, `--plugin-dir`, and the record of its session",
    wire: wireCopilot,
    readReport: readCopilotReport,
    readRecord: readCopilotRecord,
    says: {
      turns: "UserPromptSubmit and Stop hooks",
      answers: "record: the messages that ask for no tools",
      prompts: "UserPromptSubmit hook, and the record for what is taken into a turn",
      blocked: "Notification hook",
      tokens: "record",
      compaction: "record",
      session: "hooks",
    },
  },
  resume: (sessionId) => [`--resume=${sessionId}`],
  sessionFlag: "--session-id",
  trust: { flags: () => ["--trust-folder"] },
  set: { COPILOT_AUTO_UPDATE: "false" },
  answers: {
    // "Yes", once, is chosen when the dialog comes up; its number does nothing. Esc refuses, and ends the turn.
    permission: { afterMs: 700, approve: ["\r"], deny: ["\u001b"] },
    // "Yes", for this session, is chosen when it comes up. Esc leaves the program.
    trust: { afterMs: 700, approve: ["\r"], deny: ["\u001b"] },
  },
  // Esc twice edits the prompt until the answer has begun.
  interrupt: { keys: ["\u0003"], confirmedBy: "abort in the record of its session" },
  routes: [
    { route: "structured", handedOver: "headless: the turn that the message asked for shows itself" },
    pasteWithPromptHook,
    inboxRoute,
  ],
  observation: {
    statusProtocol: false,
    contextScreen: false,
    // Its title comes up to two seconds before the line below its composer; a session that is continued is named in it.
    titles: { rules: [{ pattern: /(?:^| - )GitHub Copilot$/u, means: "idle" }], fidelity: "inferred" },
    promptText: "? help",
    ready: { settleMs: 300 },
  },
  contextSources: [
    "record: tokens of the newest answer against the model's limit (exact)",
    "headless: usage of the session (exact)",
  ],
  dialogs: [
    {
      text: "do you trust the files in this folder?",
      kind: "trust",
      what: "trust this folder",
      avoid: "trust it once with copilot, or let the spawn trust it",
    },
  ],
  exits: { patterns: commonExits },
  notes: [
    "Mode auto changes files without asking, and asks for the rest.",
    "Headless it speaks the Agent Client Protocol; of a session that is continued, the first turn's tokens are not counted.",
    "For a moment after an interruption it takes no input and shows `Cancelling`; a message that comes then is lost, and counts as not seen.",
    "Its first start in a home unpacks it there, which takes 5 s and 235 MB.",
  ],
};
