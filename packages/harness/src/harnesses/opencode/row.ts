import type { Harness } from "../../harness.ts";
import { commonExits, inboxRoute, pasteWithPromptHook, permissions, submitAfterPause } from "../baseline.ts";
import { opencodeConversation } from "./conversation.ts";
import { pluginMark } from "./plugin.ts";
import { wireOpencode } from "./wiring.ts";

export const opencode: Harness = {
  id: "opencode",
  title: "OpenCode",
  about: "An open source coding agent for many models.",
  recognition: { programs: ["opencode"], npmPackages: ["opencode-ai"] },
  versions: {
    tried: ["1.18.33"],
    note: "Run against a scripted model, November 2026.",
  },
  nonInteractive: "opencode run --format json TASK",
  headless: {
    kind: "conversation",
    args: () => ["acp"],
    conversation: opencodeConversation,
    interruptible: true,
    takesNoOptions: true,
  },
  subcommands: ["run", "acp"],
  permission: permissions({ bypass: { flags: ["--auto"], chosenBy: ["--auto"] } }),
  permissionsConfigured: true,
  ownDefault: "bypass, but for what is outside its directory, `.env` files and loops",
  model: { flags: ["--model", "-m"], inject: (model) => ["--model", model] },
  connection: {
    tools: "over HTTP, `OPENCODE_CONFIG_CONTENT`",
    reports: "a plugin from a private file; mail goes through it, too",
    wire: wireOpencode,
    says: {
      turns: "plugin: session.status",
      answers: "plugin: the parts of its newest message",
      prompts: "plugin: chat.message",
      blocked: "plugin: permission.asked",
      tokens: "plugin",
      compaction: "plugin: session.compacted",
      session: "plugin",
    },
  },
  resume: (sessionId) => ["-s", sessionId],
  set: { OPENCODE_DISABLE_AUTOUPDATE: "1" },
  // Without its title nothing tells when it has come up.
  unset: ["OPENCODE_DISABLE_TERMINAL_TITLE", pluginMark],
  answers: {
    // "Allow once" is chosen when the dialog comes up, also for what a subagent asks. Esc refuses, and ends the turn.
    permission: { afterMs: 500, approve: ["\r"], deny: ["\u001b"] },
  },
  // A command typed in one go stays in the composer; the first key clears a draft or ends it, the second ends it.
  exitCommand: "\u0003\u0004",
  // On a busy machine its terminal may take no notice of them; its plugin ends a turn without keys, once it asks for mail.
  interrupt: { keys: ["\u001b", "\u001b"], confirmedBy: "session.idle from the plugin" },
  submit: submitAfterPause,
  boundary: "turn",
  routes: [
    { route: "structured", handedOver: "headless: the turn that the message asked for shows itself" },
    {
      route: "plugin",
      handedOver: "its server accepted the prompt, which our plugin inside it submits",
      seen: "the prompt hook quotes the message id",
    },
    pasteWithPromptHook,
    inboxRoute,
  ],
  inlet: { route: "plugin" },
  observation: {
    statusProtocol: false,
    contextScreen: false,
    // Its title comes when its screen does, up to a second before its composer; it draws nothing for 5 s to 25 s before.
    titles: { rules: [{ pattern: /^(?:OpenCode$|OC \| )/u, means: "idle" }], fidelity: "inferred" },
    promptText: "commands",
    ready: { settleMs: 300 },
  },
  contextSources: [
    "plugin: tokens of the newest answer against the model's limit (exact)",
    "headless: usage of the session (exact)",
  ],
  dialogs: [],
  exits: { patterns: [{ pattern: /^(?:error: )?session not found/i, reason: "startup_failure" }, ...commonExits] },
  notes: [
    "It takes 800 to 970 MB and 5 to 17 s to start, 40 s on a busy machine; its first turn may begin before it has connected the relay's tools.",
    "In a terminal the first message of each start is pasted, and waits for a draft: only then are there a conversation, a model and a mode that its plugin can know. From then on the plugin submits messages to the program's own server, and ends the turn when an urgent one comes, within the process: no port is opened, no key is pressed, and what a person has begun to type stays where it is. Without the plugin (`--pure`) all of them are pasted.",
    "What its plugin submits goes on in the conversation of the newest prompt, with the mode and the model of that. A person who has left it with /new is not taken back there; their first prompt moves the mail with them.",
    "Permissions that an agent of the project sets for itself come before those of the mode, so in mode ask its own plan agent asks where it would refuse.",
    "Headless it speaks the Agent Client Protocol. Of each turn only the tokens of the last answer are counted, and it does not say of a failure whether it is the key or the quota unless the words of the API do.",
    "When its window is full it compacts by itself and goes on.",
  ],
};
