import type { Harness } from "../harness.ts";
import { commonExits, inboxRoute, pasteOnly, permissions, submitAfterPause } from "./baseline.ts";

export const codex: Harness = {
  id: "codex",
  title: "Codex CLI",
  about: "OpenAI's coding agent.",
  recognition: { programs: ["codex"], npmPackages: ["@openai/codex"] },
  provenance: { seen: "0.169.0", note: "Run against a scripted model, November 2026." },
  nonInteractive: "codex exec --json TASK",
  subcommands: ["exec", "e", "resume", "fork"],
  permission: permissions({
    ask: {
      flags: ["-c", 'approval_policy="on-request"'],
      chosenBy: ["-a=untrusted", "-a=on-request", "--ask-for-approval=untrusted", "--ask-for-approval=on-request"],
    },
    auto: {
      flags: ["-c", 'approval_policy="on-request"', "-c", 'sandbox_mode="workspace-write"'],
      chosenBy: [
        "--full-auto",
        "-a=never",
        "--ask-for-approval=never",
        "-c=approval_policy=never",
        "-a=on-failure",
        "--ask-for-approval=on-failure",
      ],
    },
    bypass: {
      flags: ["--dangerously-bypass-approvals-and-sandbox"],
      chosenBy: [
        "--dangerously-bypass-approvals-and-sandbox",
        "--yolo",
        "-s=danger-full-access",
        "--sandbox=danger-full-access",
        "-c=sandbox_mode=danger-full-access",
        "--config=sandbox_mode=danger-full-access",
      ],
    },
  }),
  model: { flags: ["--model", "-m"], inject: (model) => ["-c", `model=${JSON.stringify(model)}`] },
  mcp: {
    kind: "flags",
    flags: (url, tokenVariable) => [
      "-c",
      `mcp_servers.relay.url=${JSON.stringify(url)}`,
      "-c",
      `mcp_servers.relay.bearer_token_env_var=${JSON.stringify(tokenVariable)}`,
      // Without it the first call of a relay tool asks, and is refused where nobody may be asked.
      "-c",
      'mcp_servers.relay.default_tools_approval_mode="approve"',
    ],
  },
  hooks: "codex-notify",
  resume: (sessionId) => ["resume", sessionId],
  set: {},
  unset: [],
  exitCommand: "/quit\r",
  interrupt: { keys: ["\u001b"], confirmedBy: "status idle over OSC 7501, without a notification" },
  submit: submitAfterPause,
  boundary: "turn",
  routes: [{ ...pasteOnly, seen: "the notification at the turn's end quotes the message id" }, inboxRoute],
  observation: {
    statusProtocol: true,
    contextTitle: /\bContext (\d{1,3})% left\b/u,
    contextScreen: false,
    // Idle shows for some 70 ms before its MCP servers start; those take 120 to 300 ms.
    ready: { settleMs: 400 },
  },
  contextSources: ["terminal title: context-remaining (exact)", "rollout file: token_count (exact, not read yet)"],
  dialogs: [
    {
      text: "trust this folder",
      kind: "trust",
      what: "trust this folder",
      avoid: "open the folder once with codex and trust it",
    },
    {
      text: "do you trust the contents of this directory",
      kind: "trust",
      what: "trust this folder",
      avoid: "open the folder once with codex and trust it",
    },
    // The heading is drawn over other text and never stands whole in the output.
    { text: "continue without trusting", kind: "trust", what: "review hooks", avoid: "review them once with codex" },
    {
      text: "sign in with chatgpt",
      kind: "auth",
      what: "sign in",
      avoid: "sign in once with codex, or configure a provider with env_key",
    },
    { text: "try new model", kind: "question", what: "model upgrade", avoid: "name a current model" },
  ],
  exits: {
    patterns: [{ pattern: /^(?:error: )?no saved session found/i, reason: "startup_failure" }, ...commonExits],
  },
  notes: [
    "Ctrl-C or Ctrl-D on an empty composer ends it at once; neither is ever typed.",
    "Its terminal title and notify program are set for this process; a notify program in the user's configuration does not run in a spawned codex.",
    "Text that starts with `/` stays in the composer and `!` runs a shell; messages are wrapped so that they never start so.",
  ],
};
