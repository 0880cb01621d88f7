import type { Harness } from "../../harness.ts";
import { commonExits, inboxRoute, pasteWithPromptHook, permissions, submitAfterPause } from "../baseline.ts";
import { codexConversation } from "./conversation.ts";
import { readCodexRecord, readCodexReport } from "./reports.ts";
import { wireCodex } from "./wiring.ts";

export const codex: Harness = {
  id: "codex",
  title: "Codex CLI",
  about: "OpenAI's coding agent.",
  recognition: { programs: ["codex"], npmPackages: ["@openai/codex"] },
  versions: { tried: ["0.169.0"], note: "Run against a scripted model, November 2026." },
  nonInteractive: "codex exec --json TASK",
  subcommands: ["exec", "e", "resume", "fork"],
  // Each mode is options of the form that the app server takes, too. `untrusted` and `on-failure` are refused by 0.169.0.
  permission: permissions({
    // Codex asks for what its sandbox forbids, so asking for every change needs the sandbox that forbids them all.
    ask: {
      flags: ["-c", 'approval_policy="on-request"', "-c", 'sandbox_mode="read-only"'],
      chosenBy: [
        "-a=untrusted",
        "-a=on-request",
        "--ask-for-approval=untrusted",
        "--ask-for-approval=on-request",
        "-s=read-only",
        "--sandbox=read-only",
      ],
    },
    auto: {
      flags: ["-c", 'approval_policy="on-request"', "-c", 'sandbox_mode="workspace-write"'],
      chosenBy: [
        "--full-auto",
        "-s=workspace-write",
        "--sandbox=workspace-write",
        "-c=sandbox_mode=workspace-write",
        "-a=never",
        "--ask-for-approval=never",
        "-c=approval_policy=never",
        "-a=on-failure",
        "--ask-for-approval=on-failure",
      ],
    },
    // The same as --dangerously-bypass-approvals-and-sandbox, which the app server does not know.
    bypass: {
      flags: ['--config=approval_policy="never"', '--config=sandbox_mode="danger-full-access"'],
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
  connection: {
    tools: "on stdio, options; over HTTP if it cannot be; the token in the environment",
    reports: "hooks, given and trusted by options, the record of its session, and items of the terminal's title",
    wire: wireCodex,
    readReport: readCodexReport,
    readRecord: readCodexRecord,
    says: {
      turns: "prompt and stop hooks",
      answers: "Stop hook",
      prompts: "UserPromptSubmit hook",
      blocked: "PermissionRequest hook",
      tokens: "rollout record",
      compaction: "PostCompact hook",
      session: "the first turn's hooks",
    },
  },
  resume: (sessionId) => ["resume", sessionId],
  trust: { flags: (cwd) => ["-c", `projects.${JSON.stringify(cwd)}.trust_level="trusted"`] },
  set: {},
  unset: [],
  headless: {
    kind: "conversation",
    steerable: true,
    interruptible: true,
    args: () => ["app-server"],
    conversation: codexConversation,
  },
  answers: {
    // The first choice of each of its lists is "once": commands, edits and tools were seen, network access was not. Esc is
    // the only refusal that all know; it ends the turn, too. Within a second of the last key the dialog is not up yet,
    // whatever its status says, and a digit would stay in the composer: at 600 ms it did, at 800 ms it did not.
    permission: { afterMs: 1_200, approve: ["1"], deny: ["\u001b"] },
    // "Trust and continue" is chosen already, and a digit does nothing. Esc leads to a list of all its sessions, which
    // Ctrl-C leaves as soon as that is up.
    trust: { approve: ["\r"], deny: ["\u001b", "\u0003", "\u0003", "\u0003"] },
  },
  exitCommand: "/quit\r",
  interrupt: { keys: ["\u001b"], confirmedBy: "status idle over OSC 7501" },
  submit: submitAfterPause,
  boundary: "turn",
  routes: [
    {
      route: "structured",
      handedOver: "headless: the program accepts the turn, or the message into the running turn",
      seen: "headless: its item of the user's message quotes the message id",
    },
    pasteWithPromptHook,
    inboxRoute,
  ],
  observation: {
    statusProtocol: true,
    contextTitle: /\bContext (\d{1,3})% left\b/u,
    serversTitle: /\bStarting \|/u,
    contextScreen: false,
    // Idle shows for some 70 ms before its MCP servers start; those take 120 to 300 ms.
    ready: { settleMs: 400 },
  },
  contextSources: ["terminal title: context-remaining (exact)", "headless: thread/tokenUsage/updated (exact)"],
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
    // Only a person can tell which of them to trust, so it is a question; those of the relay are trusted one by one.
    { text: "continue without trusting", kind: "question", what: "review hooks", avoid: "review them once with codex" },
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
    "Ctrl-C or Ctrl-D on an empty composer ends it at once; neither is ever typed there.",
    "Its terminal title is set for this process. A notify program in the user's configuration runs as ever.",
    "Mode ask is its read-only sandbox: it reads without asking, and asks before it changes or fetches anything. Mode auto may change what is below its directory, too. Network access is asked for in both.",
    "The tokens of its subagents are counted when it is headless; in a terminal their records are not read.",
    "Text that starts with `/` stays in the composer and `!` runs a shell; messages are wrapped so that they never start so.",
  ],
};
