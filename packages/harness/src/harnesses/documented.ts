/** Programs that were not driven: a row each, and nothing claimed that was not seen. */
import type { Harness } from "../harness.ts";
import { permissions, plainRow } from "./baseline.ts";

const documentation = { tried: [], note: "From its documentation; not run." } as const;
const sharedConfiguration = {
  noToolsBecause: "its servers come from configuration that other processes share",
} as const;

export const cursor: Harness = {
  ...plainRow,
  id: "cursor",
  title: "Cursor CLI",
  about: "Cursor's agent on the command line.",
  recognition: { programs: ["cursor", "cursor-agent"], programsWhenExpected: ["agent"], appBundles: ["Cursor"] },
  versions: documentation,
  nonInteractive: "cursor-agent -p TASK",
  permission: permissions({ bypass: { flags: ["--force"], chosenBy: ["--force", "-f"] } }),
  model: { flags: ["--model", "-m"], inject: (model) => ["--model", model] },
  connection: sharedConfiguration,
  resume: (sessionId) => ["--resume", sessionId],
  exitCommand: "/quit\r",
  notes: ["Its program may be called just `agent`; that name counts only when the spawn says `harness: cursor`."],
};

export const aider: Harness = {
  ...plainRow,
  id: "aider",
  title: "Aider",
  about: "A pair programmer that reads lines.",
  recognition: { programs: ["aider"], pythonPackages: ["aider-chat", "aider"], pythonModules: ["aider"] },
  versions: documentation,
  nonInteractive: "aider --message TASK",
  permission: permissions({ bypass: { flags: ["--yes-always"], chosenBy: ["--yes-always", "--yes"] } }),
  model: { flags: ["--model"], inject: (model) => ["--model", model] },
  connection: { noToolsBecause: "it has no MCP client" },
  set: { AIDER_CHECK_UPDATE: "false" },
  notes: ["It asks questions in line with its output; they cannot be told from other output."],
};

export const droid: Harness = {
  ...plainRow,
  id: "droid",
  title: "Droid",
  about: "Factory's coding agent.",
  recognition: { programs: ["droid"], npmPackages: ["droid", "@factory/cli"] },
  versions: { tried: [], note: "0.215.0 was run up to its sign-in; it cannot be driven offline." },
  nonInteractive: "droid exec TASK",
  connection: sharedConfiguration,
};

export const amp: Harness = {
  ...plainRow,
  id: "amp",
  title: "Amp",
  about: "Sourcegraph's coding agent.",
  recognition: { programs: ["amp"], npmPackages: ["@sourcegraph/amp", "@ampcode/cli"] },
  versions: documentation,
  nonInteractive: "amp -x TASK",
  permission: permissions({ bypass: { flags: ["--dangerously-allow-all"], chosenBy: ["--dangerously-allow-all"] } }),
  connection: sharedConfiguration,
};

export const zed: Harness = {
  ...plainRow,
  id: "zed",
  title: "Zed",
  about: "An editor with an agent inside; recognised as an orchestrator, not driven.",
  recognition: { programs: ["zed", "zeditor"], appBundles: ["Zed"] },
  versions: documentation,
  connection: { noToolsBecause: "it is an editor, not a terminal program" },
  exitCommand: undefined,
  routes: [],
};

export const grok: Harness = {
  ...plainRow,
  id: "grok",
  title: "Grok CLI",
  about: "A coding agent for Grok models.",
  recognition: { programs: ["grok"], npmPackages: ["@vibe-kit/grok-cli"] },
  versions: { tried: ["1.0.1"], note: "Run against a scripted model, November 2026." },
  model: { flags: ["--model", "-m"], inject: (model) => ["-m", model] },
  connection: sharedConfiguration,
  notes: ["It does not take bracketed paste; line breaks in a message become spaces."],
};

export const crush: Harness = {
  ...plainRow,
  id: "crush",
  title: "Crush",
  about: "Charm's coding agent.",
  recognition: { programs: ["crush"], npmPackages: ["@charmland/crush"] },
  versions: documentation,
  nonInteractive: "crush run TASK",
  permission: permissions({ bypass: { flags: ["--yolo"], chosenBy: ["--yolo", "-y"] } }),
  connection: sharedConfiguration,
  exitCommand: undefined,
};

export const auggie: Harness = {
  ...plainRow,
  id: "auggie",
  title: "Auggie",
  about: "Augment's coding agent.",
  recognition: { programs: ["auggie"], npmPackages: ["@augmentcode/auggie"] },
  versions: { tried: [], note: "0.36.0 was run up to its sign-in; it cannot be driven offline." },
  nonInteractive: "auggie --print TASK",
  model: { flags: ["--model", "-m"], inject: (model) => ["--model", model] },
  connection: sharedConfiguration,
};

export const kiro: Harness = {
  ...plainRow,
  id: "kiro",
  title: "Kiro CLI",
  about: "Amazon's coding agent.",
  recognition: { programs: ["kiro", "kiro-cli"], appBundles: ["Kiro"] },
  versions: documentation,
  nonInteractive: "kiro-cli chat --no-interactive TASK",
  connection: sharedConfiguration,
  exitCommand: "/quit\r",
};
