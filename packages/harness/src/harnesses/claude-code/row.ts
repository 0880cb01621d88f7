import type { Harness } from "../../harness.ts";
import { commonExits, inboxRoute, pasteWithPromptHook, permissions, submitAfterPause } from "../baseline.ts";
import { claudeConversation } from "./conversation.ts";
import { readClaudeRecord } from "./record.ts";
import { answerClaudeReport, readClaudeReport } from "./reports.ts";
import { wireClaudeCode } from "./wiring.ts";

export const claudeCode: Harness = {
  id: "claude-code",
  title: "Claude Code",
  about: "Anthropic's coding agent.",
  recognition: { programs: ["claude"], npmPackages: ["@anthropic-ai/claude-code"] },
  versions: {
    tried: ["2.1.329", "2.1.197"],
    note: "Run against a scripted model, November 2026. 2.1.197 reports no status over OSC 7501: it is ready after five seconds by its title, an interrupted turn ends with its idle notification a minute later, its trust dialog stands the other way round, so that to approve it refuses (let the spawn trust the directory), and in a terminal its tokens are not counted.",
  },
  nonInteractive: "claude -p TASK",
  headless: {
    kind: "conversation",
    steerable: true,
    interruptible: true,
    // Without a prompt tool on its own stdio it refuses what it would ask about.
    args: ({ resume }) => [
      "-p",
      ...["--input-format", "stream-json", "--output-format", "stream-json", "--verbose", "--replay-user-messages"],
      ...["--permission-prompt-tool", "stdio"],
      ...(resume === undefined ? [] : ["--resume", resume]),
    ],
    conversation: claudeConversation,
  },
  permission: permissions({
    // Its own default became `auto`; asking has to be said.
    ask: {
      flags: ["--permission-mode", "default"],
      chosenBy: [
        "--permission-mode=default",
        "--permission-mode=manual",
        "--permission-mode=plan",
        "--permission-mode=dontAsk",
      ],
    },
    auto: {
      flags: ["--permission-mode", "auto"],
      chosenBy: ["--permission-mode=auto", "--permission-mode=acceptEdits"],
    },
    bypass: {
      flags: ["--dangerously-skip-permissions"],
      chosenBy: ["--dangerously-skip-permissions", "--permission-mode=bypassPermissions"],
    },
  }),
  rootBypassVariable: "IS_SANDBOX",
  ownDefault: "auto, since 2.1.3xx",
  model: { flags: ["--model"], inject: (model) => ["--model", model] },
  connection: {
    tools: "over HTTP, `--mcp-config` with a private file",
    reports: "HTTP hooks and a status line, from a private settings file",
    wire: wireClaudeCode,
    readReport: readClaudeReport,
    answerReport: answerClaudeReport,
    readRecord: readClaudeRecord,
    says: {
      turns: "prompt and stop hooks",
      answers: "Stop hook",
      prompts: "UserPromptSubmit hook",
      blocked: "PermissionRequest hook",
      tokens: "transcript",
      compaction: "PostCompact hook",
      session: "every hook",
    },
  },
  resume: (sessionId) => ["--resume", sessionId],
  sessionFlag: "--session-id",
  trust: { env: { CLAUDE_CODE_SANDBOXED: "1" } },
  set: { DISABLE_AUTOUPDATER: "1", CLAUDE_CODE_ENABLE_PROMPT_SUGGESTION: "false" },
  unset: [],
  answers: {
    // The first choice of every numbered list is "Yes", once; where Enter stands cannot be known. For half a second a new
    // dialog takes no key but Esc. A list without numbers (auto mode that cannot check) takes no digit and keeps waiting.
    permission: { afterMs: 600, approve: ["1"], deny: ["\u001b"] },
    // Two choices without numbers, the refusal first. Esc leaves the program, as its refusal does.
    trust: { afterMs: 600, approve: ["\u001b[B", "\r"], deny: ["\u001b"] },
  },
  exitCommand: "/exit\r",
  interrupt: { keys: ["\u001b"], confirmedBy: "status idle over OSC 7501, without a Stop hook" },
  submit: submitAfterPause,
  boundary: "turn",
  routes: [
    {
      route: "structured",
      handedOver: "headless: the program says that it has queued it, under the uuid of the message",
      seen: "headless: its echo of the prompt quotes the message id",
    },
    pasteWithPromptHook,
    inboxRoute,
  ],
  observation: {
    statusProtocol: true,
    statusRules: [
      { says: "blocked", kind: "permission", message: /^trust this folder/u, means: { blocked: "trust" } },
      // The choices of any other dialog, such as a plan's, allow more than one thing.
      { says: "blocked", kind: "permission", message: /^(?!approve [^:]+: )/u, means: { blocked: "question" } },
      // Nor is anything but the question of trust answered as that is, also while it starts.
      { says: "blocked", kind: "none", message: /./u, means: { blocked: "unknown" } },
      // A server in the background runs for as long as it is wanted, and the composer is free.
      { says: "working", message: /^\d+ shells? still running$/u, means: "idle" },
    ],
    titles: {
      rules: [
        { pattern: /^[◐◑⠂⠐] /u, means: "working" },
        // Also shown at a permission prompt, so it never ends a turn that hooks or status say is running.
        { pattern: /^✳ /u, means: "idle" },
      ],
      fidelity: "inferred",
    },
    contextScreen: false,
    ready: { settleMs: 200 },
  },
  contextSources: ["status line: context_window (exact)", "headless: usage of the newest answer (exact)"],
  dialogs: [
    {
      text: "trust this folder",
      kind: "trust",
      what: "trust this folder",
      avoid: "open the folder once with claude, or set CLAUDE_CODE_SANDBOXED=1 for the spawn if it runs in a sandbox",
    },
    {
      text: "detected a custom api key",
      kind: "auth",
      what: "use this API key",
      avoid: "use ANTHROPIC_AUTH_TOKEN, or approve the key once",
    },
    {
      text: "running in bypass permissions mode",
      kind: "question",
      what: "accept bypass mode",
      avoid: "permission mode bypass answers it through the agent's own settings file",
    },
    {
      text: "mcp servers may execute code or access system resources",
      kind: "question",
      what: "use the MCP servers that the project names",
      avoid: "answer it once with claude; it comes from the project's .mcp.json",
    },
    {
      text: "choose the text style that looks best",
      kind: "question",
      what: "its first run: choose a theme",
      avoid: "run claude once",
    },
    { text: "select login method", kind: "auth", what: "log in", avoid: "log in once with claude" },
  ],
  exits: {
    codes: { 129: "signal", 143: "signal" },
    patterns: [
      { pattern: /^context limit reached/i, reason: "context_exhausted" },
      { pattern: /^session id .* is already in use/i, reason: "startup_failure" },
      { pattern: /^no conversation found with session id/i, reason: "startup_failure" },
      { pattern: /^(?:.*cannot be used with root\/sudo)/i, reason: "startup_failure" },
      { pattern: /^unable to connect to anthropic services/i, reason: "auth" },
      ...commonExits,
    ],
  },
  notes: [
    "As root it refuses bypass mode, exit status 1, unless IS_SANDBOX=1 is set for the spawn.",
    "Text that starts with `/` or `!` is a command to it; messages are wrapped so that they never start so.",
    "Enter at one of its dialogs answers the dialog, so nothing is typed while it is blocked.",
    "A turn that is interrupted before its first answer goes back into the composer, and is sent again together with the next message.",
    "A draft that is stashed with Ctrl-S comes back after the next message; while a draft stands there, mail waits.",
    "Auto mode needs a check on the provider's servers: behind a gateway without it, it asks in a terminal, and refuses without one.",
    "In a terminal, tokens of subagents are not counted; headless, they are.",
    "Headless it takes no prompt from its command line: send the first message.",
  ],
};
