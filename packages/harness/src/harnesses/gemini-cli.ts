import type { Harness } from "../harness.ts";
import { commonExits, pasteOnly, permissions, submitAfterPause } from "./baseline.ts";

export const geminiCli: Harness = {
  id: "gemini-cli",
  title: "Gemini CLI",
  about: "Google's coding agent.",
  recognition: { programs: ["gemini", "gemini-cli"], npmPackages: ["@google/gemini-cli"] },
  provenance: { seen: "0.61.0", note: "Run against a scripted model, November 2026." },
  nonInteractive: "gemini -p TASK -o stream-json",
  permission: permissions({
    ask: { flags: ["--approval-mode", "default"], chosenBy: ["--approval-mode=default", "--approval-mode=plan"] },
    auto: { flags: ["--approval-mode", "auto_edit"], chosenBy: ["--approval-mode=auto_edit"] },
    bypass: { flags: ["--yolo"], chosenBy: ["--yolo", "-y", "--approval-mode=yolo"] },
  }),
  model: { flags: ["--model", "-m"], inject: (model) => ["-m", model] },
  mcp: {
    kind: "none",
    because:
      "its servers come from the user's or the project's settings only; GEMINI_CLI_HOME would replace the user's whole ~/.gemini, sign-in included",
  },
  hooks: "none",
  resume: (sessionId) => ["--resume", sessionId],
  sessionFlag: "--session-id",
  // Relaunching itself costs 141 MB and half a second.
  set: { GEMINI_CLI_NO_RELAUNCH: "1" },
  unset: [],
  exitCommand: "/quit\r",
  interrupt: { keys: ["\u001b"], confirmedBy: "title ◇ Ready and `Request cancelled.`" },
  submit: submitAfterPause,
  boundary: "turn",
  routes: [pasteOnly],
  observation: {
    statusProtocol: false,
    titles: {
      rules: [
        { pattern: /^◇\s/u, means: "idle" },
        { pattern: /^✦\s/u, means: "working" },
        { pattern: /^✋\s/u, means: "blocked", kind: "permission" },
      ],
      fidelity: "exact",
    },
    contextScreen: true,
    promptText: "type your message",
    // The title says Ready also while its trust dialog is open, which may show a little later.
    ready: { settleMs: 600 },
  },
  contextSources: ["footer on the screen, if it is turned on (inferred)", "chat log: tokens (exact, not read yet)"],
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
  exits: { codes: { 41: "auth", 42: "startup_failure" }, patterns: commonExits },
  notes: [
    "Any submit key within 30 ms of the text is lost.",
    "Enter at its permission dialog approves the tool, so nothing is typed while it is blocked.",
    "It has no relay tools of its own: it answers through the `agent-relay` command, run in its shell.",
  ],
};
