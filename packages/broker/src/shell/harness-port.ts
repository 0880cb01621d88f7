/** What the shell needs of the knowledge about agent programs. The core knows none of it by name. */
import type { ConversationInput, ConversationWrite, DeliveryOutcome } from "@agent-relay/harness";
import type { WriteStep } from "@agent-relay/kernel";
import type {
  BlockKind,
  DeliveryTraits,
  ExitReason,
  LaunchSpec,
  ParsedParams,
  PermissionMode,
  Verdict,
} from "@agent-relay/protocol";
import type { Observation } from "../core/commands.ts";

export interface Described {
  /** Absent when no known program is recognised. */
  readonly harness: string | undefined;
  readonly traits: DeliveryTraits;
}

/** An incarnation and what runs in it. */
export interface Incarnated {
  readonly name: string;
  readonly epoch: number;
  readonly harness: string | undefined;
}

/** What belongs to one start and to nothing that is stored. */
export interface StartOptions {
  /** The native session to continue. */
  readonly resume?: string | undefined;
  /** Laid over the broker's own environment. */
  readonly transientEnv?: Readonly<Record<string, string>> | undefined;
}

export interface Prepared {
  readonly argv: readonly [string, ...string[]];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly originActor: string | undefined;
  /** What the program is really allowed, which its own arguments may have decided. */
  readonly permissionMode: PermissionMode;
  /** Values that must not appear in anything that is recorded. */
  readonly secrets: readonly string[];
  /** Of the program, where it is known, and whether that version was tried. */
  readonly version?: string | undefined;
  readonly versionTried?: boolean | undefined;
  /** The native session that it will have, where that is known before the start. */
  readonly sessionId?: string | undefined;
}

export type HookSignal = ParsedParams<"agent.signal">["signal"];

/** Watches one incarnation in a terminal. Not shared, holds bounded memory, and sets no timers of its own. */
export interface Watcher {
  readonly output: (data: Uint8Array, at: number) => readonly Observation[];
  readonly signal: (signal: HookSignal, source: string, at: number) => readonly Observation[];
  /** A line of the program's own record of its session. */
  readonly recorded: (line: Readonly<Record<string, unknown>>, at: number) => readonly Observation[];
  /** What still counts of a line that was written before anybody watched: the prompts that the program took. */
  readonly recordedBefore: (line: Readonly<Record<string, unknown>>) => readonly Observation[];
  readonly tick: (at: number) => readonly Observation[];
  /**
   * Text of ours went in: what of it comes back on the screen proves nothing. Without a text, a turn that began before
   * anyone here was watching.
   */
  readonly injected: (text: string, at: number) => readonly Observation[];
  /** Text that reached the program, or left it, in another way: on its screen it is not the program's own word. */
  readonly told: (text: string, at: number) => void;
  /** When to be asked again if nothing happens before. */
  readonly wakeAt: () => number | undefined;
  readonly bracketedPaste: () => boolean;
  /** What the program waits for us to answer on its terminal, once. */
  readonly takeReply: () => string | undefined;
  readonly contextPctLeft: () => number | undefined;
}

/** Speaks with one incarnation on pipes. As `Conversation` of the harness package, saying what the core is told. */
export interface Talk {
  readonly step: (input: ConversationInput) => TalkStep;
}

export interface TalkStep {
  readonly observations: readonly Observation[];
  readonly writes: readonly ConversationWrite[];
  readonly outcomes: readonly DeliveryOutcome[];
  readonly wakeAt?: number | undefined;
}

export interface TalkOptions {
  readonly launch: LaunchSpec;
  readonly resume: string | undefined;
  /** Of one that runs already: its native session, as far as the log knows. */
  readonly known?: { readonly sessionId: string | undefined } | undefined;
}

export interface WatchOptions {
  readonly startedAt: number;
  /** Whether this version of the program was tried; of another, only what it says in known words counts. */
  readonly tried: boolean;
  /** Of one that runs already: what it has turned on may have been written longer ago than its output is kept. */
  readonly bracketedPaste?: boolean;
}

/** A file of one incarnation from which its program takes each new line as a prompt. */
export interface LineFile {
  readonly path: string;
  /** One line, its end included, with the injection's id in it as a string of JSON. */
  readonly line: (injection: string, text: string) => string;
}

/** A way into a program in a terminal that is not its keyboard. */
export type InletPlan = ({ readonly route: "file" } & LineFile) | { readonly route: "plugin" };

export interface Harnesses {
  /** What a launch would run. Throws a `RelayError` for a command line that cannot be split. */
  readonly describe: (launch: LaunchSpec) => Described;
  /**
   * Whether the program and the directory exist, and what the program would be allowed, its own arguments included.
   * Throws a `RelayError`: `program_not_found`, `cwd_not_found`, `not_supported`.
   */
  readonly check: (
    launch: LaunchSpec,
    transientEnv?: Readonly<Record<string, string>>,
  ) => { readonly permissionMode: PermissionMode; readonly notes: readonly string[] };
  /**
   * Makes everything ready to spawn: private files, environment, arguments. Throws a `RelayError`:
   * `program_not_found`, `cwd_not_found`, `state_unwritable`.
   */
  readonly prepare: (of: Incarnated, launch: LaunchSpec, options?: StartOptions) => Promise<Prepared>;
  readonly watch: (of: Incarnated, options: WatchOptions) => Watcher;
  /** For a harness that runs on pipes; throws for another. */
  readonly converse: (of: Incarnated, options: TalkOptions) => Talk;
  /** The way into it beside its keyboard, if it has one. Whether that is open is seen once it runs. */
  readonly inlet: (of: Incarnated) => InletPlan | undefined;
  readonly pasteSteps: (harness: string | undefined, text: string, bracketedPaste: boolean) => readonly WriteStep[];
  /** The key that submits what stands in the composer. */
  readonly submitSteps: (harness: string | undefined) => readonly WriteStep[];
  readonly interruptSteps: (harness: string | undefined) => readonly WriteStep[];
  /** The keys that answer a dialog of this kind; none where only a person at the terminal can. */
  readonly answerSteps: (harness: string | undefined, kind: BlockKind, verdict: Verdict) => readonly WriteStep[];
  /** What a person types to leave; none where only a signal ends it. */
  readonly leaveSteps: (harness: string | undefined) => readonly WriteStep[];
  readonly classifyExit: (
    harness: string | undefined,
    exit: {
      readonly code: number | undefined;
      readonly signal: string | undefined;
      readonly lastLines: readonly string[];
      readonly uptimeMs: number;
      readonly wasReady: boolean;
    },
  ) => ExitReason;
}
