import type { Harness } from "../../harness.ts";
import { commonExits, inboxRoute, pasteWithPromptHook, permissions } from "../baseline.ts";
import { geminiConversation } from "./conversation.ts";
import { readGeminiRecord, readGeminiReport } from "./reports.ts";
import { wireGemini } from "./wiring.ts";

export const geminiCli: Harness = {
  id: "gemini-cli",
  title: "Gemini CLI",
  about: "Google's coding agent.",
  recognition: { programs: ["gemini", "gemini-cli"], npmPackages: ["@google/gemini-cli"] },
  versions: { tried: ["0.61.0"], note: "Run against a scripted model, November 2026." },
  nonInteractive: "gemini -p TASK -o stream-json",
  permission: permissions({
    ask: { flags: ["--approval-mode", "default"], chosenBy: ["--approval-mode=default", "--approval-mode=plan"] },
    auto: { flags: ["--approval-mode", "auto_edit"], chosenBy: ["--approval-mode=auto_edit"] },
    bypass: { flags: ["--yolo"], chosenBy: ["--yolo", "-y", "--approval-mode=yolo"] },
  }),
  model: { flags: ["--model", "-m"], inject: (model) => ["-m", model] },
  connection: {
    tools: "over HTTP, in settings of its own",
    reports: "hooks in settings of its own, the record of its session, and the terminal's title",
    wire: wireGemini,
    readReport: readGeminiReport,
    readRecord: readGeminiRecord,
    says: {
      ready: "SessionStart hook",
      turns: "BeforeAgent and AfterAgent hooks",
      answers: "chat record",
      prompts: "BeforeAgent hook",
      blocked: "Notification hook",
      tokens: "chat record",
      compaction: "chat record, when it compresses by itself",
      session: "every hook",
    },
  },
  trust: { env: { GEMINI_CLI_TRUST_WORKSPACE: "true" } },
  resume: (sessionId) => ["--resume", sessionId],
  sessionFlag: "--session-id",
  set: {},
  unset: ["GEMINI_CLI_NO_RELAUNCH", "GEMINI_SESSION_ID", "GEMINI_PROJECT_DIR", "GEMINI_CWD", "GEMINI_PLANS_DIR"],
  headless: {
    kind: "conversation",
    args: () => ["--acp"],
    conversation: geminiConversation,
    namesSession: true,
    interruptible: true,
  },
  answers: {
    // "Allow once" is the first choice of every list: of commands, edits, tools, fetches and more room in the sandbox. Enter
    // takes the choice that is marked, which settings can make "always". Esc refuses, and ends the turn.
    permission: { afterMs: 1_000, approve: ["1"], deny: ["\u001b"] },
    // "Don't trust" would be written down, and it would go on without tools. Esc ends it, and changes nothing.
    trust: { afterMs: 600, approve: ["1"], deny: ["\u001b"] },
  },
  exitCommand: "/quit\r",
  interrupt: { keys: ["\u001b"], confirmedBy: "title ◇ Ready and `Request cancelled.`" },
  // For some 40 ms after it has worked on a paste, Enter is a new line to it; on a busy machine 150 ms were too few, often.
  submit: { pauseMs: 600, key: "\r" },
  boundary: "turn",
  routes: [
    { route: "structured", handedOver: "headless: the turn that the message asked for shows itself" },
    pasteWithPromptHook,
    inboxRoute,
  ],
  observation: {
    statusProtocol: false,
    titles: {
      rules: [
        { pattern: /^◇\s/u, means: "idle" },
        // The clock: a command that has been silent for a while.
        { pattern: /^(?:✦|⏲)\s/u, means: "working" },
        // It shows for questions, too, so what is asked must be said by a hook before anything can answer it.
        { pattern: /^✋\s/u, means: "blocked", kind: "unknown" },
      ],
      fidelity: "exact",
    },
    answersAt: "hook:AfterAgent",
    contextScreen: false,
    promptText: "type your message",
    // A hook says when its servers have started; until then Enter is lost, though the title says Ready all the while. Where
    // no hook runs, as in a folder that is not trusted, this is long enough on a busy machine.
    ready: { settleMs: 15_000 },
  },
  contextSources: ["record of the session: tokens of the newest answer, of the model's window (exact)"],
  dialogs: [
    { text: "trust folder (", kind: "trust", what: "trust this folder", avoid: "trust it once with gemini" },
    {
      text: "do you trust the files in this folder",
      kind: "trust",
      what: "trust this folder",
      avoid: "trust it once with gemini",
    },
    {
      text: "how would you like to authenticate",
      kind: "auth",
      what: "choose a way to sign in",
      avoid: "sign in once with gemini",
    },
    { text: "waiting for authentication", kind: "auth", what: "signing in", avoid: "sign in once with gemini" },
  ],
  exits: {
    // 41, 42, 52 and 55 are its own; without a terminal, it ends with the last eight bits of the API's status.
    codes: {
      41: "auth",
      42: "startup_failure",
      52: "startup_failure",
      55: "startup_failure",
      145: "auth",
      147: "auth",
      173: "quota",
    },
    patterns: commonExits,
  },
  notes: [
    "Enter at its permission dialog approves the tool, so nothing is typed while it is blocked.",
    "In a terminal it runs with a home of its own (GEMINI_CLI_HOME), which links to everything of yours but the settings; those are a copy with the relay in it. What you change with /settings, /theme or /model there stays with this agent.",
    "It gets no tools in a folder that is not trusted, in its sandbox, or when it runs in your home directory itself.",
    "Its hooks report through `curl`; without that, its title alone tells its state.",
    "Messages that come while it works wait in its queue until the whole turn is over.",
    "It compresses its conversation by itself when half of the window is used, so the percentage that is left stays above that.",
    "Headless it speaks the Agent Client Protocol. It does not repeat what it was told, so only a reply shows that it was seen, and it says nothing of what is left of its window.",
    "Headless, it cannot continue a session in the minute in which that began: it would begin the same record again.",
    "Tokens of its subagents are not counted: each has a record of its own.",
    "When its trust dialog is answered it starts itself again, or goes on without tools and hooks until its next start: give trust with the spawn. Unless that is given it runs as two processes.",
    "What `/compress` does is not reported; when it compresses by itself, it is.",
  ],
};
