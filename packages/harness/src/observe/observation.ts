/** What goes into an observer and what comes out of it. */
import type { BlockKind, Fidelity } from "@agent-relay/protocol";
import type { AgentSignal } from "../hook-report.ts";
import type { Opening } from "./opening.ts";

export type ObserverInput =
  | { readonly type: "output"; readonly data: Uint8Array | string; readonly at: number }
  | { readonly type: "tick"; readonly at: number }
  /** A report from inside the program. */
  | { readonly type: "signal"; readonly signal: AgentSignal; readonly source?: string | undefined; readonly at: number }
  /** This text was pasted and submitted. */
  | { readonly type: "submitted"; readonly text: string; readonly at: number }
  /** This text reached the program, or left it, in another way: it may show on its screen and is not its own word. */
  | { readonly type: "told"; readonly text: string; readonly at: number };

export interface Said {
  /** When it became true, which for the end of a turn told by silence is before it was noticed. */
  readonly at: number;
  readonly source: string;
  readonly fidelity: Fidelity;
}

export type Observation =
  | (Said & { readonly type: "ready" })
  | (Said & { readonly type: "working" })
  | (Said & { readonly type: "turn_ended" })
  | (Said & {
      readonly type: "blocked";
      readonly kind: BlockKind;
      readonly what: string | undefined;
      /** Whether it can be answered from outside its terminal. */
      readonly answerable: boolean;
    })
  | (Said & { readonly type: "unblocked" })
  | (Said & { readonly type: "context"; readonly pctLeft: number })
  /** The program took this text as a prompt. */
  | (Said & { readonly type: "prompt"; readonly text: string })
  /** What its model answered, whole. */
  | (Said & { readonly type: "said"; readonly text: string })
  | (Said & { readonly type: "session"; readonly sessionId: string })
  | (Said & { readonly type: "compacted" })
  | (Said & {
      readonly type: "tokens";
      readonly inputTokens: number;
      readonly cachedInputTokens: number;
      readonly outputTokens: number;
      readonly model: string | undefined;
    })
  | (Said & { readonly type: "bracketed_paste"; readonly on: boolean })
  /** Output came; said at most once a second. */
  | (Said & { readonly type: "activity" });

/** Opaque to callers but for what it may show. */
export interface ObserverState {
  readonly phase: "starting" | "idle" | "working" | "blocked";
  readonly bracketedPaste: boolean;
  readonly startedAt: number;
  readonly lastOutputAt: number | undefined;
  readonly contextPctLeft: number | undefined;
  /** Whether its conversation was compacted since it last said how much of its window is left, and a turn begun since then. */
  readonly compaction: "none" | "past" | "turn since";
  /** The rank of the best source that has told the state so far. */
  readonly rank: Rank;
  /** The phase to go back to, and who said that it is blocked. */
  readonly blocked:
    | { readonly before: "starting" | "idle" | "working"; readonly by: Rank; readonly kind: BlockKind }
    | undefined;
  /** While starting: what it says of itself, and since when. */
  readonly starting: Starting | undefined;
  /** Its newest title says that its tool servers start. */
  readonly serversTitled: boolean;
  /** It worked beside such a title. Once another one stands, it may be in a turn without having said so again. */
  readonly servers: { readonly doneSince: number | undefined } | undefined;
  /** What its title says is left of its context, and since when. */
  readonly titledContext: { readonly pctLeft: number; readonly since: number } | undefined;
  /** The last title of a program that should rather report its status. */
  readonly earlyTitle: string | undefined;
  readonly saidActivityAt: number | undefined;
  readonly carry: string;
  readonly tail: string;
  /** The end of what was seen, squeezed, for a program whose questions are read off its screen. */
  readonly asking: { readonly tail: string; readonly pending: string };
  readonly undecidedSince: number | undefined;
  readonly exactContext: boolean;
  readonly quoted: readonly (readonly number[])[];
  readonly opening: Opening | undefined;
  /** Where the record tells every message of the model: the newest of this turn. */
  readonly answer: string | undefined;
  /** A turn that hooks tell and that nothing of a higher rank has shown. */
  readonly toldTurn: ToldTurn | undefined;
  /** What a hook last said that the program asks. */
  readonly asked: { readonly kind: BlockKind; readonly what: string; readonly at: number } | undefined;
}

export interface ObserverStep {
  readonly state: ObserverState;
  readonly observations: readonly Observation[];
  /** Ask again with a `tick` at this time, unless another step says otherwise before. */
  readonly wakeAt?: number;
  /** To be written to the program's terminal now, as it is. */
  readonly reply?: string;
}

export interface KnownState {
  readonly phase: "idle" | "working";
  readonly bracketedPaste: boolean;
}

export interface Observer {
  /** `known` is what is known of a program that runs already, so that it need not start again. */
  readonly initial: (at: number, known?: KnownState) => ObserverState;
  readonly step: (state: ObserverState, input: ObserverInput) => ObserverStep;
}

export interface ToldTurn {
  readonly started: Said;
  readonly ended: Said | undefined;
}

export interface Starting {
  readonly says: "idle" | "working";
  readonly since: number;
  readonly source: string;
  readonly fidelity: Fidelity;
  /** It says idle, but its composer is not on the screen: something else may take the input. */
  readonly awaitsComposer: boolean;
}

/** How much a source is worth. */
export type Rank = 0 | 1 | 2 | 3 | 4;
export const silence: Rank = 1;
export const title: Rank = 2;
export const hook: Rank = 3;
export const status: Rank = 4;
