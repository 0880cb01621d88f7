import type { Harness } from "../../harness.ts";
import { commonExits, inboxRoute, pasteWithPromptHook, permissions, plainRow } from "../baseline.ts";
import { readCopilotRecord } from "./events.ts";
import { oneShotConversation } from "../one-shot.ts";
import { readCopilotReport } from "./reports.ts";
import { readCopilotLine } from "./run.ts";
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
    kind: "one-shot",
    // Without `-p` it takes its prompt from stdin.
    args: ({ resume }) => ["--output-format", "json", ...(resume === undefined ? [] : [`--resume=${resume}`])],
    conversation: oneShotConversation(readCopilotLine),
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
  },
  // Esc twice edits the prompt until the answer has begun.
  interrupt: { keys: ["\u0003"], confirmedBy: "abort in the record of its session" },
  routes: [pasteWithPromptHook, inboxRoute],
  observation: {
    statusProtocol: false,
    contextScreen: false,
    // Its title comes up to two seconds before the line below its composer.
    titles: { rules: [{ pattern: /^GitHub Copilot$/u, means: "idle" }], fidelity: "inferred" },
    promptText: "? help",
    ready: { settleMs: 300 },
  },
  contextSources: ["record: after each compaction (exact)"],
  exits: { patterns: commonExits },
  notes: [
    "Mode auto changes files without asking, and asks for the rest.",
    "Headless nobody can be asked: what is not allowed by its mode is refused.",
    "For a moment after an interruption it takes no input and shows `Cancelling`; a message that comes then is lost, and counts as not seen.",
    "Its first start in a home unpacks it there, which takes 5 s and 235 MB.",
  ],
};
