import type { Harness } from "../harness.ts";
import { commonExits, inboxRoute, pasteWithPromptHook, permissions, submitAfterPause } from "./baseline.ts";

export const claudeCode: Harness = {
  id: "claude-code",
  title: "Claude Code",
  about: "Anthropic's coding agent.",
  recognition: { programs: ["claude"], npmPackages: ["@anthropic-ai/claude-code"] },
  provenance: { seen: "2.1.329 and 2.1.197", note: "Run against a scripted model, November 2026." },
  nonInteractive: "claude -p TASK",
  headlessFlags: ["-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose"],
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
  mcp: { kind: "file", flag: "--mcp-config", shape: "claude" },
  hooks: "claude-settings",
  resume: (sessionId) => ["--resume", sessionId],
  sessionFlag: "--session-id",
  set: { DISABLE_AUTOUPDATER: "1", CLAUDE_CODE_ENABLE_PROMPT_SUGGESTION: "false" },
  unset: [],
  exitCommand: "/exit\r",
  interrupt: { keys: ["\u001b"], confirmedBy: "status idle over OSC 7501, without a Stop hook" },
  submit: submitAfterPause,
  boundary: "turn",
  routes: [pasteWithPromptHook, inboxRoute],
  observation: {
    statusProtocol: true,
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
  contextSources: [
    "status line: context_window.used_percentage (exact)",
    "transcript: message.usage (exact, not read yet)",
  ],
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
      kind: "permission",
      what: "accept bypass mode",
      avoid: "permission mode bypass answers it through the agent's own settings file",
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
  ],
};
