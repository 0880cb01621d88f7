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

export const shortNames = {
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
} as const satisfies Record<string, HarnessId>;

export type ShortName = keyof typeof shortNames;
