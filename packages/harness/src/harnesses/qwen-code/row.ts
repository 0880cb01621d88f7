import type { Harness } from "../../harness.ts";
import { commonExits, inboxRoute, pasteWithPromptHook, permissions } from "../baseline.ts";
import { qwenConversation } from "./conversation.ts";
import { answerQwenReport, readQwenRecord, readQwenReport } from "./reports.ts";
import { wireQwen } from "./wiring.ts";

export const qwenCode: Harness = {
  id: "qwen-code",
  title: "Qwen Code",
  about: "Alibaba's coding agent, related to Gemini CLI.",
  recognition: { programs: ["qwen"], npmPackages: ["@qwen-code/qwen-code"] },
  versions: { tried: ["0.24.4"], note: "Run against a scripted model, November 2026." },
  nonInteractive: "qwen -p TASK -o stream-json",
  permission: permissions({
    // Its own default became `auto`; asking has to be said.
    ask: { flags: ["--approval-mode", "default"], chosenBy: ["--approval-mode=default", "--approval-mode=plan"] },
    auto: {
      flags: ["--approval-mode", "auto-edit"],
      chosenBy: ["--approval-mode=auto-edit", "--approval-mode=auto"],
    },
    bypass: { flags: ["--yolo"], chosenBy: ["--yolo", "-y", "--approval-mode=yolo"] },
  }),
  ownDefault: "auto: its model judges each call",
  model: { flags: ["--model", "-m"], inject: (model) => ["-m", model] },
  connection: {
    tools: "over HTTP, in system settings of its own",
    reports: "HTTP hooks in system settings of its own, the record of its session, and the terminal's title",
    wire: wireQwen,
    readReport: readQwenReport,
    answerReport: answerQwenReport,
    readRecord: readQwenRecord,
    says: {
      turns: "the terminal's title",
      prompts: "UserPromptSubmit hook, and the record for what is taken into a turn",
      blocked: "PermissionRequest hook",
      tokens: "record",
      compaction: "PostCompact hook",
      session: "every hook",
    },
  },
  // What the spawn's trust means is written into its settings.
  trust: {},
  resume: (sessionId) => ["--resume", sessionId],
  sessionFlag: "--session-id",
  // Its servers are connected before its composer comes, and not in its first turn.
  set: { QWEN_CODE_LEGACY_MCP_BLOCKING: "1" },
  unset: [
    "QWEN_CODE_NO_RELAUNCH",
    "QWEN_CODE_CLI",
    "QWEN_CODE_SESSION_ID",
    "QWEN_CODE_PROJECT_DIR",
    "QWEN_CODE_PROMPT_ID",
    "QWEN_CODE_RELAUNCH_ARGS",
    "CLI_TITLE",
  ],
  headless: {
    kind: "conversation",
    args: () => ["--acp"],
    conversation: qwenConversation,
    namesSession: true,
    interruptible: true,
  },
  answers: {
    // "Allow once" is the first choice of every list; others allow it for good. The hook comes before the dialog does, on a
    // busy machine by 0.6 s, and a key that comes too early stays in the composer. Esc refuses, and ends the turn.
    permission: { afterMs: 1_500, approve: ["1"], deny: ["\u001b"] },
    // "Don't trust" would be written down. Esc ends it, and changes nothing.
    trust: { afterMs: 600, approve: ["1"], deny: ["\u001b"] },
  },
  exitCommand: "/quit\r",
  // Esc in a form that cannot be taken for the beginning of another key. It puts the prompt back into the composer, from
  // which Ctrl-C takes it; Ctrl-C on an empty one does nothing the first time.
  interrupt: { keys: ["\u001b[27u", "\u0003"], confirmedBy: "the title without ◐, and `Request cancelled.`" },
  submit: { pauseMs: 600, key: "\r" },
  boundary: "turn",
  routes: [
    {
      route: "structured",
      handedOver: "headless: the turn that the message asked for shows itself",
      seen: "headless: the prompt hook quotes the message id",
    },
    pasteWithPromptHook,
    inboxRoute,
  ],
  observation: {
    statusProtocol: false,
    titles: {
      rules: [
        { pattern: /^◐/u, means: "working" },
        // It shows for questions, too, so what is asked must be said by a hook before anything can answer it.
        { pattern: /^✳/u, means: "blocked", kind: "unknown" },
        // `Qwen - <directory>`, or the name that a session was given.
        { pattern: /^[^◐✳\s]/u, means: "idle" },
      ],
      fidelity: "exact",
    },
    contextScreen: false,
    promptText: "type your message",
    ready: { settleMs: 300 },
  },
  contextSources: [
    "Stop hook: context_usage (exact)",
    "headless: tokens of the newest answer, of the model's window (exact)",
  ],
  dialogs: [
    {
      text: "do you trust this folder",
      kind: "trust",
      what: "trust this folder",
      avoid: "trust it once with qwen, or give trust with the spawn",
    },
  ],
  exits: {
    codes: { 52: "startup_failure" },
    patterns: [
      { pattern: /^no saved session found with id/i, reason: "startup_failure" },
      { pattern: /^error: session id .* already exists/i, reason: "startup_failure" },
      ...commonExits,
    ],
  },
  notes: [],
};
