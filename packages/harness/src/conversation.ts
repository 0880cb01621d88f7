/**
 * Conversations: what is said to a headless program on its stdin, and what its stdout says. One for each language.
 *
 *   V1  Pure: time comes with each input, and the same inputs give the same steps.
 *   V2  Bytes that are not understood change nothing; a line cut anywhere is read once, when its end has come.
 *   V3  Whatever is written has an id that follows from what caused it, so that the same write asked for twice, by a
 *       broker and by the next one, happens once.
 *   V4  Past output read again leads to the same state, and writes nothing until `caught_up`, which asks for whatever
 *       is still owed.
 *   V5  State is bounded, whatever the program writes.
 */
import type { Evidence, PermissionMode, Verdict } from "@agent-relay/protocol";
import type { Observation } from "./observe/observation.ts";

export interface ConversationOptions {
  readonly agent: string;
  readonly cwd: string;
  readonly model: string | undefined;
  readonly permissionMode: PermissionMode;
  /** Continue this native session. */
  readonly resume: string | undefined;
  /** What is known of a program that runs already and whose first output is not kept any more. */
  readonly known?: { readonly sessionId: string | undefined } | undefined;
}

export type ConversationInput =
  /** The program runs. Never said again to one that is taken up after a restart. */
  | { readonly type: "started"; readonly at: number }
  /** Bytes of stdout. `past` while output of the time before a restart is read again. */
  | { readonly type: "output"; readonly data: Uint8Array; readonly at: number; readonly past: boolean }
  | { readonly type: "caught_up"; readonly at: number }
  /** `steer`: into the running turn, where the program can take it. */
  | {
      readonly type: "deliver";
      readonly injection: string;
      readonly text: string;
      readonly steer: boolean;
      readonly at: number;
    }
  | { readonly type: "interrupt"; readonly at: number }
  /** Answers what the program waits for now. */
  | { readonly type: "answer"; readonly verdict: Verdict; readonly at: number }
  | { readonly type: "leave"; readonly at: number }
  | { readonly type: "tick"; readonly at: number };

export interface ConversationWrite {
  readonly id: string;
  readonly data: string;
  /** Nothing more will be written. */
  readonly end: boolean;
}

/** What became of a delivery that was asked for. */
export interface DeliveryOutcome {
  readonly injection: string;
  readonly outcome: "accepted" | "refused";
  readonly evidence: Evidence;
  /** Why it was refused. */
  readonly reason?: string | undefined;
}

export interface ConversationStep<State> {
  readonly state: State;
  readonly observations: readonly Observation[];
  readonly writes: readonly ConversationWrite[];
  readonly outcomes: readonly DeliveryOutcome[];
  /** Ask again with a `tick` at this time. */
  readonly wakeAt?: number | undefined;
}

/** One program's side of the talk, behind a closed state. */
export interface Conversation {
  readonly step: (input: ConversationInput) => Omit<ConversationStep<never>, "state">;
}

export type ConversationFactory = (options: ConversationOptions) => Conversation;

/** A pure machine with its state kept for it. */
export function conversationOf<State>(
  initial: State,
  step: (state: State, input: ConversationInput) => ConversationStep<State>,
): Conversation {
  let state = initial;
  return {
    step: (input) => {
      const { state: next, ...rest } = step(state, input);
      state = next;
      return rest;
    },
  };
}
