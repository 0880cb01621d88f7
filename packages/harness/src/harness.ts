/**
 * The shape of an adapter: everything that agent-relay knows of one kind of agent program.
 *
 *   H1  An adapter is a folder: a row of data, and pure functions where the program speaks a language of its own.
 *       Whatever two programs do differently is a field here, never an `if` on an id elsewhere.
 *   H2  What was not tried on a real program says so: in `versions`, and in the notes.
 */
import type { BlockKind, ExitReason, Fidelity, PermissionMode, Route } from "@agent-relay/protocol";
import type { ConversationFactory } from "./conversation.ts";
import type { AgentSignal, HookReport } from "./hook-report.ts";
import type { Wiring, WiringInput } from "./launch/wiring.ts";

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

/** How a program is given the relay's tools and reports what happens inside it, for this process alone. */
export interface Connection {
  /** How it gets the tools, for people; absent when it gets none. */
  readonly tools?: string;
  /** Why it gets no tools. */
  readonly noToolsBecause?: string;
  /** How it reports beyond what its terminal shows, for people; absent when it does not. */
  readonly reports?: string;
  /** Options, variables and private files; absent when nothing has to be given. */
  readonly wire?: (input: WiringInput) => Wiring;
  /** What a report posted to the hook address under this harness's id says. Total: never throws. */
  readonly readReport?: (payload: Readonly<Record<string, unknown>>) => HookReport;
  /**
   * The answer to a report that said `boundary`, so that the model gets this text as context. Without it no report of
   * this program says `boundary`.
   */
  readonly answerReport?: (
    payload: Readonly<Record<string, unknown>>,
    text: string,
  ) => Readonly<Record<string, unknown>>;
  /** Which of its reports and records tell what, for people. What is missing they do not tell. */
  readonly says?: Readonly<Partial<Record<Told, string>>>;
  /** What one line (parsed JSON) of the program's own record of its session says. Total: never throws. */
  readonly readRecord?: (line: Readonly<Record<string, unknown>>) => readonly AgentSignal[];
}

/** What reports and records of a program can tell. */
export type Told = "ready" | "turns" | "answers" | "prompts" | "blocked" | "tokens" | "compaction" | "session";

/** Keys that answer a dialog at its terminal, each written on its own with a pause between. */
export interface AnswerKeys {
  /** A dialog takes no key for as long as this after it has come up. */
  readonly afterMs?: number;
  readonly approve: readonly string[];
  readonly deny: readonly string[];
}

/** Versions that were run, and where facts come from. */
export interface Versions {
  /** Each was run against a scripted model; empty when none was. */
  readonly tried: readonly string[];
  readonly note: string;
}

/** What a title of the terminal says about the program. */
export interface TitleRule {
  readonly pattern: RegExp;
  readonly means: "idle" | "working" | "blocked";
  readonly kind?: BlockKind;
}

/** What a status report with a message means, where it is not what it says. */
export interface StatusRule {
  readonly says: "working" | "blocked";
  /** Compared with the kind that the report itself names, `none` if it names none. */
  readonly kind?: BlockKind | "none";
  readonly message: RegExp;
  readonly means: "idle" | { readonly blocked: BlockKind };
}

/** How its states are told from outside, and how far each way is to be trusted. */
export interface ObservationRules {
  /** Speaks the Program Status Protocol, OSC 7501. Once heard, nothing weaker decides the state. */
  readonly statusProtocol: boolean;
  /** Where a status report's own word misleads; of these the first that fits counts. */
  readonly statusRules?: readonly StatusRule[];
  /** Titles that tell the state, and how far to trust them. */
  readonly titles?: { readonly rules: readonly TitleRule[]; readonly fidelity: Fidelity };
  /** Bracketed paste is on exactly while the program waits at its empty composer. */
  readonly pasteMode?: "composer";
  /**
   * Its record tells every message of its model, and the newest is its answer when a report of this source ends the turn.
   * Absent: whatever says an answer says it once and at the end.
   */
  readonly answersAt?: string;
  /** Questions in the middle of a turn, read off the screen because the program says them in no other way. */
  readonly asks?: readonly AskRule[];
  /** A title that carries what is left of the context window. It counts once it has stood for a moment: it may flicker. */
  readonly contextTitle?: RegExp;
  /** A title beside which the status `working` says that its tool servers start, and not that a turn runs. */
  readonly serversTitle?: RegExp;
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

/** Compared as a dialog's text is. Drawn again it may begin with `text` again; once it is answered, with one of `over`. */
export interface AskRule {
  readonly text: string;
  readonly over: readonly string[];
  readonly kind: BlockKind;
  readonly what: string;
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

/** A way into it that is not the keyboard of its terminal. Whether it is open is seen once the program runs. */
export type Inlet =
  | {
      readonly route: "file";
      /** The name of the private file, which its wiring plans and gives to the program where that reads it. */
      readonly file: string;
      /** A line that it takes as a prompt, its end included, with the injection's id in it as a string of JSON. */
      readonly line: (injection: string, text: string) => string;
    }
  /** A plugin of ours inside it says `takes_mail`, and submits what it is answered. */
  | { readonly route: "plugin" };

export interface ExitPattern {
  readonly pattern: RegExp;
  readonly reason: ExitReason;
}

/** Running a program on pipes. */
export interface Headless {
  /** Words after the program (a subcommand first, where one is needed). */
  readonly args: (options: HeadlessOptions) => readonly string[];
  /** `conversation`: turns follow each other in one process. `one-shot`: one prompt on stdin, and it ends. */
  readonly kind: "conversation" | "one-shot";
  /** Speaks its language on stdin and stdout. */
  readonly conversation: ConversationFactory;
  /** A turn that runs takes messages without being interrupted. */
  readonly steerable?: boolean;
  /** A turn can be interrupted, and the program says that it was. */
  readonly interruptible?: boolean;
  /** It takes no options for mode and model; its wiring and its language do all that they would. */
  readonly takesNoOptions?: boolean;
  /** It names its session itself, whatever its options say. */
  readonly namesSession?: boolean;
}

export interface HeadlessOptions {
  readonly permissionMode: PermissionMode;
  readonly model: string | undefined;
  readonly resume: string | undefined;
  readonly sessionId: string | undefined;
  readonly cwd: string;
}

export interface Harness {
  readonly id: HarnessId;
  readonly title: string;
  /** What it is in one sentence. */
  readonly about: string;
  readonly recognition: Recognition;
  readonly versions: Versions;

  /** How to run one prompt without a terminal, for people. */
  readonly nonInteractive: string | undefined;
  /** `runtime: headless`: how it runs on pipes. Absent: it only runs in a terminal. */
  readonly headless?: Headless;
  /** Options are inserted after one of these subcommands when the command has it. */
  readonly subcommands?: readonly string[];
  /** The subcommand that the program runs without one, where options need it to be said. */
  readonly defaultSubcommand?: string;
  readonly permission: Readonly<Record<PermissionMode, PermissionRule>>;
  /** Every mode is configuration that its wiring writes; there are no options for it. */
  readonly permissionsConfigured?: boolean;
  /** As root it refuses bypass mode unless this variable is `1`. */
  readonly rootBypassVariable?: string;
  /** Its one mode: it has no other, so that whoever asks for another is refused. */
  readonly onlyMode?: PermissionMode;
  /** What the program does when nobody chooses a mode, if it is not to ask. */
  readonly ownDefault?: string;
  /** Options by which the user names a model, and the one by which we do. */
  readonly model:
    | { readonly flags: readonly string[]; readonly inject: (model: string) => readonly string[] }
    | undefined;
  readonly connection: Connection;
  /** Continues a native session, for people and for waking. */
  readonly resume: ((sessionId: string) => readonly string[]) | undefined;
  /** The option that sets the native session id, where the program lets the caller choose. */
  readonly sessionFlag?: string;
  readonly set: Readonly<Record<string, string>>;
  readonly unset: readonly string[];

  /** How dialogs of each kind are answered at the terminal; a kind that is missing only a person can answer there. */
  readonly answers?: Readonly<Partial<Record<BlockKind, AnswerKeys>>>;
  /** Added or set when the spawn trusts the directory, so that the program does not ask. */
  readonly trust?: {
    readonly flags?: (cwd: string) => readonly string[];
    readonly env?: Readonly<Record<string, string>>;
  };
  /** Typed to ask the program to leave, submit key included. */
  readonly exitCommand: string | undefined;
  readonly interrupt: { readonly keys: readonly string[]; readonly confirmedBy: string } | undefined;
  readonly submit: {
    readonly pauseMs: number;
    readonly key: string;
    /** Places in a text at which the program would do something of its own, such as to read the file that is named there. */
    readonly disarm?: RegExp;
  };
  /** `turn`: deliver only when it is idle. `anytime`: a plain line reader takes lines at any time. */
  readonly boundary: "turn" | "anytime";
  readonly routes: readonly RouteProof[];
  readonly inlet?: Inlet;
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
