/** Programs that were tried little or not at all: a row each, and nothing claimed that was not seen. */
import type { Harness } from "../harness.ts";
import { commonExits, inboxRoute, pasteOnly, permissions, silentObservation, submitAfterPause } from "./baseline.ts";

/** What a row has when nothing else is known of the program. */
const plain = {
  nonInteractive: undefined,
  permission: permissions({}),
  model: undefined,
  hooks: "none",
  resume: undefined,
  set: {},
  unset: [],
  exitCommand: "/exit\r",
  interrupt: undefined,
  submit: submitAfterPause,
  boundary: "turn",
  routes: [pasteOnly],
  observation: silentObservation,
  contextSources: ["screen (inferred)"],
  dialogs: [],
  exits: { patterns: commonExits },
  notes: [],
} as const satisfies Partial<Harness>;

const documentation = { seen: undefined, note: "From its documentation; not run." } as const;
const sharedConfiguration = {
  kind: "none",
  because: "its servers come from configuration that other processes share",
} as const;

export const cursor: Harness = {
  ...plain,
  id: "cursor",
  title: "Cursor CLI",
  about: "Cursor's agent on the command line.",
  recognition: { programs: ["cursor", "cursor-agent"], programsWhenExpected: ["agent"], appBundles: ["Cursor"] },
  provenance: documentation,
  nonInteractive: "cursor-agent -p TASK",
  permission: permissions({ bypass: { flags: ["--force"], chosenBy: ["--force", "-f"] } }),
  model: { flags: ["--model", "-m"], inject: (model) => ["--model", model] },
  mcp: sharedConfiguration,
  resume: (sessionId) => ["--resume", sessionId],
  exitCommand: "/quit\r",
  notes: ["Its program may be called just `agent`; that name counts only when the spawn says `harness: cursor`."],
};

export const aider: Harness = {
  ...plain,
  id: "aider",
  title: "Aider",
  about: "A pair programmer that reads lines.",
  recognition: { programs: ["aider"], pythonPackages: ["aider-chat", "aider"], pythonModules: ["aider"] },
  provenance: documentation,
  nonInteractive: "aider --message TASK",
  permission: permissions({ bypass: { flags: ["--yes-always"], chosenBy: ["--yes-always", "--yes"] } }),
  model: { flags: ["--model"], inject: (model) => ["--model", model] },
  mcp: { kind: "none", because: "it has no MCP client" },
  set: { AIDER_CHECK_UPDATE: "false" },
  notes: ["It asks questions in line with its output; they cannot be told from other output."],
};

export const goose: Harness = {
  ...plain,
  id: "goose",
  title: "Goose",
  about: "Block's agent, a line reader.",
  recognition: { programs: ["goose"], npmPackages: ["@aaif/goose"] },
  provenance: { seen: "1.34.0", note: "Run against a scripted model, November 2026." },
  nonInteractive: "goose run -t TASK",
  subcommands: ["session", "run"],
  defaultSubcommand: "session",
  permission: permissions({
    ask: { flags: [], chosenBy: [], env: { GOOSE_MODE: "approve" } },
    auto: { flags: [], chosenBy: [], env: { GOOSE_MODE: "smart_approve" } },
    bypass: { flags: [], chosenBy: [], env: { GOOSE_MODE: "auto" } },
  }),
  mcp: { kind: "stdio-flag", flag: "--with-extension" },
  resume: (name) => ["session", "--resume", "--name", name],
  sessionFlag: "--name",
  routes: [pasteOnly, inboxRoute],
  notes: [
    "What is typed while it works waits in its prompt and joins the next input, so mail waits for the end of its turn.",
  ],
};

export const droid: Harness = {
  ...plain,
  id: "droid",
  title: "Droid",
  about: "Factory's coding agent.",
  recognition: { programs: ["droid"], npmPackages: ["droid", "@factory/cli"] },
  provenance: { seen: "0.215.0 up to its sign-in", note: "It cannot be driven offline." },
  nonInteractive: "droid exec TASK",
  mcp: sharedConfiguration,
};

export const amp: Harness = {
  ...plain,
  id: "amp",
  title: "Amp",
  about: "Sourcegraph's coding agent.",
  recognition: { programs: ["amp"], npmPackages: ["@sourcegraph/amp", "@ampcode/cli"] },
  provenance: documentation,
  nonInteractive: "amp -x TASK",
  permission: permissions({ bypass: { flags: ["--dangerously-allow-all"], chosenBy: ["--dangerously-allow-all"] } }),
  mcp: sharedConfiguration,
};

export const githubCopilot: Harness = {
  ...plain,
  id: "github-copilot",
  title: "GitHub Copilot CLI",
  about: "GitHub's coding agent.",
  recognition: { programs: ["copilot"], npmPackages: ["@github/copilot"] },
  provenance: {
    seen: "1.0.102",
    note: "Run against a scripted model, November 2026; the HTTP entry in its MCP file is from its documentation.",
  },
  nonInteractive: "copilot -p TASK --output-format json",
  permission: permissions({
    bypass: { flags: ["--yolo"], chosenBy: ["--yolo", "--allow-all", "--allow-all-tools"] },
  }),
  model: { flags: ["--model"], inject: (model) => ["--model", model] },
  mcp: { kind: "file", flag: "--additional-mcp-config", prefix: "@", shape: "copilot" },
  resume: (sessionId) => [`--resume=${sessionId}`],
  sessionFlag: "--session-id",
  set: { COPILOT_AUTO_UPDATE: "false" },
  interrupt: { keys: ["\u001b"], confirmedBy: "nothing that we read yet" },
  routes: [pasteOnly, inboxRoute],
};

export const zed: Harness = {
  ...plain,
  id: "zed",
  title: "Zed",
  about: "An editor with an agent inside; recognised as an orchestrator, not driven.",
  recognition: { programs: ["zed", "zeditor"], appBundles: ["Zed"] },
  provenance: documentation,
  mcp: { kind: "none", because: "it is an editor, not a terminal program" },
  exitCommand: undefined,
  routes: [],
};

export const grok: Harness = {
  ...plain,
  id: "grok",
  title: "Grok CLI",
  about: "A coding agent for Grok models.",
  recognition: { programs: ["grok"], npmPackages: ["@vibe-kit/grok-cli"] },
  provenance: { seen: "1.0.1", note: "Run against a scripted model, November 2026." },
  model: { flags: ["--model", "-m"], inject: (model) => ["-m", model] },
  mcp: sharedConfiguration,
  notes: ["It does not take bracketed paste; line breaks in a message become spaces."],
};

export const qwenCode: Harness = {
  ...plain,
  id: "qwen-code",
  title: "Qwen Code",
  about: "Alibaba's coding agent, related to Gemini CLI.",
  recognition: { programs: ["qwen"], npmPackages: ["@qwen-code/qwen-code"] },
  provenance: { seen: "0.24.4", note: "Run against a scripted model, November 2026." },
  permission: permissions({ bypass: { flags: ["--yolo"], chosenBy: ["--yolo", "-y", "--approval-mode=yolo"] } }),
  model: { flags: ["--model", "-m"], inject: (model) => ["-m", model] },
  mcp: { kind: "none", because: "its option takes configuration in line, and a token must not stand among arguments" },
  resume: (sessionId) => ["--resume", sessionId],
  sessionFlag: "--session-id",
  set: { QWEN_CODE_NO_RELAUNCH: "1" },
  exitCommand: "/quit\r",
  interrupt: { keys: ["\u001b"], confirmedBy: "`Request cancelled.`" },
  observation: {
    ...silentObservation,
    titles: {
      rules: [
        { pattern: /^Qwen - /u, means: "idle" },
        { pattern: /^[◐◑◒◓]\ufe0e? Qwen - /u, means: "working" },
      ],
      fidelity: "inferred",
    },
  },
};

export const pi: Harness = {
  ...plain,
  id: "pi",
  title: "Pi",
  about: "A small coding agent.",
  recognition: { programs: ["pi"], npmPackages: ["@earendil-works/pi-coding-agent", "@mariozechner/pi-coding-agent"] },
  provenance: { seen: "0.87.1", note: "Run against a scripted model, November 2026." },
  model: { flags: ["--model"], inject: (model) => ["--model", model] },
  mcp: { kind: "none", because: "it has no MCP client" },
  sessionFlag: "--session-id",
  set: {},
  exitCommand: "\u0004",
};

export const crush: Harness = {
  ...plain,
  id: "crush",
  title: "Crush",
  about: "Charm's coding agent.",
  recognition: { programs: ["crush"], npmPackages: ["@charmland/crush"] },
  provenance: documentation,
  nonInteractive: "crush run TASK",
  permission: permissions({ bypass: { flags: ["--yolo"], chosenBy: ["--yolo", "-y"] } }),
  mcp: sharedConfiguration,
  exitCommand: undefined,
};

export const auggie: Harness = {
  ...plain,
  id: "auggie",
  title: "Auggie",
  about: "Augment's coding agent.",
  recognition: { programs: ["auggie"], npmPackages: ["@augmentcode/auggie"] },
  provenance: { seen: "0.36.0 up to its sign-in", note: "It cannot be driven offline." },
  nonInteractive: "auggie --print TASK",
  model: { flags: ["--model", "-m"], inject: (model) => ["--model", model] },
  mcp: sharedConfiguration,
};

export const kiro: Harness = {
  ...plain,
  id: "kiro",
  title: "Kiro CLI",
  about: "Amazon's coding agent.",
  recognition: { programs: ["kiro", "kiro-cli"], appBundles: ["Kiro"] },
  provenance: documentation,
  nonInteractive: "kiro-cli chat --no-interactive TASK",
  mcp: sharedConfiguration,
  exitCommand: "/quit\r",
};
