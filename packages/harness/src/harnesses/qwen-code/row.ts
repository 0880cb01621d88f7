import type { Harness } from "../../harness.ts";
import { commonExits, inboxRoute, pasteWithPromptHook, permissions } from "../baseline.ts";
import { qwenConversation } from "./conversation.ts";
import { qwenInput } from "./input.ts";
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
      answers: "Stop hook",
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
    "QWEN_CODE_AGENT_ID",
    "QWEN_CODE_LAUNCHER_PID",
    "QWEN_CODE_MESSAGING_SOCKET",
    "QWEN_CODE_MESSAGING_TOKEN",
    "QWEN_CODE_PRIVATE_RELAUNCH_ENV_PROVENANCE",
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
  // A word after `@` is a file, an address or a session, whose content it adds to the prompt without asking.
  submit: { pauseMs: 600, key: "\r", disarm: /(?<=^|\s)@/gu },
  boundary: "turn",
  routes: [
    {
      route: "structured",
      handedOver: "headless: the turn that the message asked for shows itself",
      seen: "headless: the prompt hook quotes the message id",
    },
    {
      route: "file",
      handedOver: "a line on the disk, in the file from which it takes prompts",
      seen: "the prompt hook quotes the message id",
    },
    pasteWithPromptHook,
    inboxRoute,
  ],
  inlet: qwenInput,
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
    { text: "connect a provider", kind: "auth", what: "connect a provider", avoid: "connect one once with qwen" },
  ],
  exits: {
    patterns: [
      { pattern: /^no saved session found with id/i, reason: "startup_failure" },
      { pattern: /^error: session id .* already exists/i, reason: "startup_failure" },
      ...commonExits,
    ],
  },
  notes: [
    "Its tools and hooks stand in a file that takes the place of the system's settings (QWEN_CODE_SYSTEM_SETTINGS_PATH); what its owner has set there is in it. A qwen that it starts in its own shell reads it, too: that one gets the relay's tools in this agent's name, and reports nothing.",
    "It gets no tools in its sandbox, and reports nothing where its user has switched all hooks off; then its title alone tells its state.",
    "Mode auto changes files without asking, and asks for the rest. Its own mode of that name, in which a model judges each call, is there for those who choose it.",
    "A person's Esc puts the last prompt back into its composer; a message that comes then is sent together with it. When the relay interrupts it, the composer is cleared.",
    "In a message, a word after `@` would name a file that it adds to the prompt without asking. A word joiner (U+2060), which nobody sees, keeps it from that.",
    "In a terminal a message is a line in its `--input-file`: no key is pressed for it, and what a person has begun to type stays where it is. It is pasted, and waits for such a draft, into a version that was not tried, and where the user gave that option or starts it in a shell text.",
    "Messages that come while it works wait for the end of the turn, or are given to it with the answers of its tools.",
    "Where its user has it ask for trust (security.folderTrust), it starts itself again when that is answered. So it runs as two processes unless trust is given with the spawn.",
    "Its composer comes when all of its MCP servers have answered.",
    "When the model's API says that there were too many requests it tries again by itself for a while, and works meanwhile.",
    "After a turn it may ask its model for notes on it. In a terminal these tokens are counted, too; headless they are not.",
    "Headless it speaks the Agent Client Protocol, in which it takes one prompt at a time.",
  ],
};
