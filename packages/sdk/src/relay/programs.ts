/** The program of each harness, and the short name under which `relay` spawns it. */
export const programs = {
  "claude-code": "claude",
  codex: "codex",
  "gemini-cli": "gemini",
  opencode: "opencode",
  cursor: "cursor-agent",
  droid: "droid",
  aider: "aider",
  goose: "goose",
  amp: "amp",
  "github-copilot": "copilot",
  grok: "grok",
  "qwen-code": "qwen",
  pi: "pi",
  crush: "crush",
  auggie: "auggie",
  kiro: "kiro-cli",
} as const;

export type HarnessId = keyof typeof programs;

/** What a program is called for short, as in `relay.claude.spawn(…)`. */
export type ShortName =
  | "claude"
  | "codex"
  | "gemini"
  | "opencode"
  | "cursor"
  | "droid"
  | "aider"
  | "goose"
  | "amp"
  | "copilot"
  | "grok"
  | "qwen"
  | "pi"
  | "crush"
  | "auggie"
  | "kiro";

export const shortNames: Readonly<Record<ShortName, HarnessId>> = {
  claude: "claude-code",
  codex: "codex",
  gemini: "gemini-cli",
  opencode: "opencode",
  cursor: "cursor",
  droid: "droid",
  aider: "aider",
  goose: "goose",
  amp: "amp",
  copilot: "github-copilot",
  grok: "grok",
  qwen: "qwen-code",
  pi: "pi",
  crush: "crush",
  auggie: "auggie",
  kiro: "kiro",
};
