/**
 * The shape of a row: everything that agent-relay knows of one kind of agent program.
 *
 *   H1  A row is data. Whatever two programs do differently is a field here, never an `if` on an id elsewhere.
 *   H2  What was not tried on a real program says so in `provenance`.
 */
import type { BlockKind, ExitReason, Fidelity, PermissionMode, Route } from "@agent-relay/protocol";

/** The ids that traffic may be attributed to. */
export const attributableIds = [
  "claude-code",
  "codex",
  "cursor",
  "gemini-cli",
  "aider",
  "opencode",
  "goose",
  "droid",
  "amp",
  "github-copilot",
  "zed",
  "grok",
  "qwen-code",
  "pi",
  "crush",
  "auggie",
  "kiro",
  "scripted",
  "scripted-inbox",
  "scripted-reader",
] as const;

export type AttributableId = (typeof attributableIds)[number];
/** `generic` stands for any program that the table does not know; nothing is ever attributed to it. */
export type HarnessId = AttributableId | "generic";

/** The whole words by which a command is recognised. Matching ignores case and the extensions of scripts. */
export interface Recognition {
  /** Basenames of the program, without `.exe`, `.js` and the like. */
  readonly programs: readonly string[];
  /** Basenames too common to prove anything alone; they count when the caller already expects this harness. */
  readonly programsWhenExpected?: readonly string[];
  readonly npmPackages?: readonly string[];
  readonly pythonPackages?: readonly string[];
  readonly pythonModules?: readonly string[];
  /** Application bundles, without `.app`. */
  readonly appBundles?: readonly string[];
}

/** Options of one permission mode, and how it shows in options that the user wrote. */
export interface PermissionRule {
  /** Added when the spawn asks for this mode. */
  readonly flags: readonly string[];
  /**
   * Options by which the user chose this mode. Each is a word, or a word and its value joined by `=`; both spellings
   * `--option value` and `--option=value` match.
   */
  readonly chosenBy: readonly string[];
  /** Variables that select this mode: set for it, and the user's choice where the spawn's environment has them. */
  readonly env?: Readonly<Record<string, string>>;
}

/** How the relay's MCP server is given to the program, for this process alone. */
export type McpWiring =
  /** A 0600 file whose path follows `flag`; `prefix` stands before the path in the same word. */
  | { readonly kind: "file"; readonly flag: string; readonly prefix?: string; readonly shape: "claude" | "copilot" }
  /** Options that name the URL and the environment variable that holds the token. */
  | { readonly kind: "flags"; readonly flags: (url: string, tokenVariable: string) => readonly string[] }
  /** An environment variable that holds configuration. */
  | { readonly kind: "opencode-env"; readonly variable: string }
  /** An extension started as a command on stdio; it finds its token in the environment that it inherits. */
  | { readonly kind: "stdio-flag"; readonly flag: string }
  | { readonly kind: "none"; readonly because: string };

/** How the program reports what happens inside it, beyond what its terminal shows. */
export type HookWiring =
  /** Claude Code settings: HTTP hooks and a status line. */
  | "claude-settings"
  /** Codex: a notify program and terminal title items. */
  | "codex-notify"
  /** OpenCode: a plugin file. */
  | "opencode-plugin"
  /** The program itself posts to `AGENT_RELAY_HOOK_URL`. */
  | "own"
  | "none";

/** What a title of the terminal says about the program. */
export interface TitleRule {
  readonly pattern: RegExp;
  readonly means: "idle" | "working" | "blocked";
  readonly kind?: BlockKind;
}

/** How its states are told from outside, and how far each way is to be trusted. */
export interface ObservationRules {
  /** Speaks the Program Status Protocol, OSC 7501. Once heard, nothing weaker decides the state. */
  readonly statusProtocol: boolean;
  /** Titles that tell the state, and how far to trust them. */
  readonly titles?: { readonly rules: readonly TitleRule[]; readonly fidelity: Fidelity };
  /** A title that carries what is left of the context window. */
  readonly contextTitle?: RegExp;
  /** Read `Context 6% left` off the screen, if nothing better ever spoke. */
  readonly contextScreen: boolean;
  /** Shown beside an empty composer: ready on a title only after it, and a first-run dialog is over when it comes back. */
  readonly promptText?: string;
  readonly ready: {
    /** Idle must hold this long after the start: some programs start up in between. */
    readonly settleMs: number;
    /** Without any signal: ready after the first output and this much silence. Absent: never ready on silence alone. */
    readonly quietMs?: number;
    /** Without any signal: ready this long after the start at the latest. */
    readonly atMostMs?: number;
  };
  /** Without any signal, a submitted turn has ended after this much silence. Absent: silence ends no turn. */
  readonly turnQuietMs?: number;
}

/** A dialog of the first run. The text is compared without white space and without regard to case. */
export interface Dialog {
  readonly text: string;
  readonly kind: BlockKind;
  readonly what: string;
  /** How a person avoids it. */
  readonly avoid: string;
}

/** How far a route can bring a delivery, and by which evidence. */
export interface RouteProof {
  readonly route: Route;
  readonly handedOver: string;
  /** Absent when this route can never prove that the model saw the message. */
  readonly seen?: string;
}

export interface ExitPattern {
  readonly pattern: RegExp;
  readonly reason: ExitReason;
}

export interface Harness {
  readonly id: HarnessId;
  readonly title: string;
  /** What it is in one sentence. */
  readonly about: string;
  readonly recognition: Recognition;
  /** Where facts come from: a version that was run, or documentation only. */
  readonly provenance: { readonly seen: string | undefined; readonly note: string };

  /** How to run one prompt without a terminal, for people. */
  readonly nonInteractive: string | undefined;
  /** Added for `runtime: headless`: a structured stream on stdin and stdout. Absent: it only runs in a terminal. */
  readonly headlessFlags?: readonly string[];
  /** Options are inserted after one of these subcommands when the command has it. */
  readonly subcommands?: readonly string[];
  /** The subcommand that the program runs without one, where options need it to be said. */
  readonly defaultSubcommand?: string;
  readonly permission: Readonly<Record<PermissionMode, PermissionRule>>;
  /** As root it refuses bypass mode unless this variable is `1`. */
  readonly rootBypassVariable?: string;
  /** What the program does when nobody chooses a mode, if it is not to ask. */
  readonly ownDefault?: string;
  /** Options by which the user names a model, and the one by which we do. */
  readonly model:
    | { readonly flags: readonly string[]; readonly inject: (model: string) => readonly string[] }
    | undefined;
  readonly mcp: McpWiring;
  readonly hooks: HookWiring;
  /** Continues a native session, for people and for waking. */
  readonly resume: ((sessionId: string) => readonly string[]) | undefined;
  /** The option that sets the native session id, where the program lets the caller choose. */
  readonly sessionFlag?: string;
  readonly set: Readonly<Record<string, string>>;
  readonly unset: readonly string[];

  /** Typed to ask the program to leave, submit key included. */
  readonly exitCommand: string | undefined;
  readonly interrupt: { readonly keys: readonly string[]; readonly confirmedBy: string } | undefined;
  readonly submit: { readonly pauseMs: number; readonly key: string };
  /** `turn`: deliver only when it is idle. `anytime`: a plain line reader takes lines at any time. */
  readonly boundary: "turn" | "anytime";
  readonly routes: readonly RouteProof[];
  readonly observation: ObservationRules;
  readonly contextSources: readonly string[];
  readonly dialogs: readonly Dialog[];
  readonly exits: {
    readonly codes?: Readonly<Record<number, ExitReason>>;
    readonly patterns: readonly ExitPattern[];
  };
  /** Worth knowing before using it. */
  readonly notes: readonly string[];
}
