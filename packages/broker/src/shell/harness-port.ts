/** What the shell needs of the knowledge about agent programs. The core knows none of it by name. */
import type { WriteStep } from "@agent-relay/kernel";
import type { DeliveryTraits, ExitReason, LaunchSpec, MethodParams, PermissionMode } from "@agent-relay/protocol";
import type { Observation } from "../core/commands.ts";

export interface Described {
  /** Absent when no known program is recognised. */
  readonly harness: string | undefined;
  readonly traits: DeliveryTraits;
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
}

export type HookSignal = MethodParams<"agent.signal">["signal"];

/** Watches one incarnation. Not shared, holds bounded memory, and sets no timers of its own. */
export interface Watcher {
  readonly output: (data: Uint8Array, at: number) => readonly Observation[];
  readonly signal: (signal: HookSignal, source: string, at: number) => readonly Observation[];
  readonly tick: (at: number) => readonly Observation[];
  /** Text of ours went in: what of it comes back on the screen proves nothing. */
  readonly injected: (text: string, at: number) => void;
  /** Text that reached the program, or left it, in another way: on its screen it is not the program's own word. */
  readonly told: (text: string, at: number) => void;
  /** When to be asked again if nothing happens before. */
  readonly wakeAt: () => number | undefined;
  readonly bracketedPaste: () => boolean;
  /** What the program waits for us to answer on its terminal, once. */
  readonly takeReply: () => string | undefined;
  readonly contextPctLeft: () => number | undefined;
}

export interface Harnesses {
  /** What a launch would run. Throws a `RelayError` for a command line that cannot be split. */
  readonly describe: (launch: LaunchSpec) => Described;
  /**
   * Whether the program and the directory exist, and what the program would be allowed, its own arguments included.
   * Throws a `RelayError`: `program_not_found`, `cwd_not_found`.
   */
  readonly check: (launch: LaunchSpec) => { readonly permissionMode: PermissionMode };
  /**
   * Makes everything ready to spawn: private files, environment, arguments. Throws a `RelayError`:
   * `program_not_found`, `cwd_not_found`, `state_unwritable`.
   */
  readonly prepare: (
    who: { readonly name: string; readonly epoch: number },
    launch: LaunchSpec,
    harness: string | undefined,
  ) => Promise<Prepared>;
  readonly watch: (harness: string | undefined, startedAt: number) => Watcher;
  readonly pasteSteps: (harness: string | undefined, text: string, bracketedPaste: boolean) => readonly WriteStep[];
  readonly interruptSteps: (harness: string | undefined) => readonly WriteStep[];
  /** What a person types to leave. */
  readonly exitCommand: (harness: string | undefined) => string | undefined;
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
