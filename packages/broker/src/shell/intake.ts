/** Intake: how one incarnation is listened to and spoken to. There is one kind for each runtime. */
import type { Clock, IdSource, Logger, WriteState, WriteStep } from "@agent-relay/kernel";
import type { Route } from "@agent-relay/protocol";
import type { Observation } from "../core/commands.ts";
import type { BrokerEffect } from "../core/effects.ts";
import type { HookSignal } from "./harness-port.ts";
import type { Report } from "./reports.ts";

type EffectOf<Type extends BrokerEffect["type"]> = Extract<BrokerEffect, { type: Type }>;

/** Holds bounded memory and sets no timers of its own. */
export interface Intake {
  /** The program runs from now on. Never said of one that was found again. */
  readonly started: () => void;
  /** Its output, in order, each byte once. */
  readonly hear: (data: Uint8Array) => void;
  /** Output of the time before this broker: what it says of now. `whole` if none of it is missing. */
  readonly recall: (data: Uint8Array, whole: boolean) => readonly Observation[];
  /** The past has been read. `working`: as far as the log knows it is in a turn. */
  readonly caughtUp: (working: boolean) => void;
  /** What a hook says. */
  readonly signal: (signal: HookSignal, source: string) => readonly Observation[];
  /** A line of the program's own record of its session. */
  readonly recorded: (line: Readonly<Record<string, unknown>>) => readonly Observation[];
  /** One that stood there before the program was taken up. */
  readonly recordedBefore: (line: Readonly<Record<string, unknown>>) => readonly Observation[];
  /** Text that reached the program, or left it, in another way. */
  readonly told: (text: string) => void;
  readonly tick: () => void;
  /** When to be asked again if nothing happens before. */
  readonly wakeAt: () => number | undefined;
  readonly contextPctLeft: () => number | undefined;
  /** Resolves when it is written, or was found to be impossible, which has been reported then. Never rejects. */
  readonly deliver: (effect: EffectOf<"inject">, text: string) => Promise<void>;
  /** What became of an injection that an earlier broker may have begun. */
  readonly writeState: (injection: string, route: Route) => Promise<WriteState>;
  /** The program takes mail by itself, and says what it did with the last; answered with the next, or nothing after a while. */
  readonly takesMail: (last: TakenMail | undefined) => Promise<MailAnswer>;
  readonly interrupt: () => Promise<void>;
  /** Only terminals lose keys. */
  readonly submitAgain: (effect: EffectOf<"submit">) => Promise<void>;
  readonly answer: (effect: EffectOf<"answer">) => Promise<void>;
  /** Asks it to leave by itself, or says what the host is to type; nothing if it cannot be asked. */
  readonly leave: () => Promise<{ readonly polite?: readonly WriteStep[] } | undefined>;
  /** Whoever waits here for an answer gets one: the broker ends. */
  readonly close: () => void;
}

/** A prompt for a program that takes mail by itself. */
export interface Mail {
  readonly injection: string;
  readonly text: string;
}

/** With nothing it asks again. */
export type MailAnswer = { readonly mail: Mail } | { readonly interrupt: true } | Readonly<Record<string, never>>;

/** What such a program did with one: it took it, or it could not. */
export interface TakenMail {
  readonly injection: string;
  readonly failed?: string | undefined;
}

/** What an intake knows of the world around it. */
export interface Surroundings {
  readonly name: string;
  readonly epoch: number;
  readonly harness: string | undefined;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
  /** What the terminals' host knows of a write. */
  readonly writeState: (writeId: string) => Promise<WriteState>;
  /** Writes to this incarnation's program under an id, which happens once. */
  readonly write: (writeId: string, steps: readonly WriteStep[]) => Promise<unknown>;
  readonly observe: (observations: readonly Observation[]) => void;
  readonly report: (report: Report) => void;
}

/** Of an incarnation whose program does not run yet: nothing can be heard or said. */
export const noIntake: Intake = {
  started: () => undefined,
  hear: () => undefined,
  recall: () => [],
  caughtUp: () => undefined,
  signal: () => [],
  recorded: () => [],
  recordedBefore: () => [],
  told: () => undefined,
  tick: () => undefined,
  wakeAt: () => undefined,
  contextPctLeft: () => undefined,
  deliver: () => Promise.resolve(),
  writeState: () => Promise.resolve("unknown"),
  takesMail: () => Promise.resolve({}),
  interrupt: () => Promise.resolve(),
  submitAgain: () => Promise.resolve(),
  answer: () => Promise.resolve(),
  leave: () => Promise.resolve(undefined),
  close: () => undefined,
};

/** The end of the program is reported by itself, and takes with it whatever was on its way in. */
export function endedMeanwhile(code: string | undefined): boolean {
  return code === "terminal_ended" || code === "pty_host_lost" || code === "unknown_terminal";
}
