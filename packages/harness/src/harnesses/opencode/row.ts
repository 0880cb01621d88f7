import type { Harness } from "../../harness.ts";
import { commonExits, inboxRoute, pasteWithPromptHook, permissions, submitAfterPause } from "../baseline.ts";
import { wireOpencode } from "./wiring.ts";

export const opencode: Harness = {
  id: "opencode",
  title: "OpenCode",
  about: "An open source coding agent for many models.",
  recognition: { programs: ["opencode"], npmPackages: ["opencode-ai"] },
  versions: {
    tried: ["1.18.33"],
    note: "Run against a scripted model, November 2026; the remote MCP entry is from its documentation.",
  },
  nonInteractive: "opencode run --format json TASK",
  permission: permissions({}),
  permissionsConfigured: true,
  ownDefault: "everything is allowed; `ask` and `auto` are laid into its configuration",
  model: { flags: ["--model", "-m"], inject: (model) => ["--model", model] },
  connection: {
    tools: "over HTTP, `OPENCODE_CONFIG_CONTENT`",
    reports: "a plugin from a private file",
    wire: wireOpencode,
  },
  resume: (sessionId) => ["-s", sessionId],
  set: { OPENCODE_DISABLE_AUTOUPDATE: "1" },
  unset: [],
  exitCommand: "/exit\r",
  interrupt: { keys: ["\u001b", "\u001b"], confirmedBy: "session.idle from the plugin" },
  submit: submitAfterPause,
  boundary: "turn",
  routes: [pasteWithPromptHook, inboxRoute],
  observation: {
    statusProtocol: false,
    contextScreen: false,
    // 5 s warm, 17 s cold until it takes input.
    ready: { settleMs: 0, quietMs: 3_000, atMostMs: 45_000 },
  },
  contextSources: ["none read yet: answers carry their tokens, but not the model's limit"],
  dialogs: [],
  exits: { patterns: [{ pattern: /^(?:error: )?session not found/i, reason: "startup_failure" }, ...commonExits] },
  notes: ["It takes 800 to 970 MB and 5 to 17 s to start."],
};
