/** What is known of a talk with Claude Code, and what its lines come to. */
import type { ConversationOptions, ConversationWrite, DeliveryOutcome } from "../../conversation.ts";
import { noJsonLines, type JsonLines } from "../../json-lines.ts";
import type { Observation } from "../../observe/observation.ts";
import type { Usage } from "./usage.ts";

export type Line = Readonly<Record<string, unknown>>;

export interface Question {
  readonly requestId: string;
  readonly kind: "permission" | "question";
  readonly what: string;
  /** As JSON: it goes back as it came. */
  readonly input: string;
}

export interface Underway {
  readonly injection: string;
  readonly uuid: string;
  readonly text: string;
  readonly evidence: DeliveryOutcome["evidence"];
}

export interface ClaudeTalk {
  readonly lines: JsonLines;
  readonly phase: "starting" | "idle" | "working";
  /** What names the running turn; its interrupt is asked for under this name. */
  readonly turn: string;
  /** A result has come, and no turn has begun since. */
  readonly resultCame: boolean;
  readonly sessionId: string | undefined;
  /** In the order of asking; the first is the one that is shown. */
  readonly questions: readonly Question[];
  /** The turn failed for want of this, and nothing goes on until a person has seen to it. */
  readonly failed: "auth" | "quota" | undefined;
  /** Requests of its that are not understood, and whose refusal it has not echoed. */
  readonly refused: readonly string[];
  readonly underway: readonly Underway[];
  /** Uuids of prompts that it has, the newest. */
  readonly taken: readonly string[];
  /** Subagents in the background. */
  readonly agents: number;
  readonly agentsEndedAt: number | undefined;
  readonly windows: Readonly<Record<string, number>>;
  /** What was sent for the parent's newest answer, and to which model. */
  readonly sent: { readonly model: string; readonly tokens: number } | undefined;
  readonly pctLeft: number | undefined;
  /** The program's own sums, where it does not tell what is new; absent until they are known. */
  readonly sums: Readonly<Record<string, Usage>> | undefined;
}

export const underwayMax = 64;
const takenMax = 256;
/** After the last subagent its report begins a turn, which took 70 ms. */
export const nextTurnMs = 3_000;

export type TalkDraft = { -readonly [Key in keyof ClaudeTalk]: ClaudeTalk[Key] };

export interface TalkOut {
  readonly observations: Observation[];
  readonly writes: ConversationWrite[];
  readonly outcomes: DeliveryOutcome[];
}

export function initialTalk({ known, resume }: Pick<ConversationOptions, "known" | "resume">): ClaudeTalk {
  return {
    lines: noJsonLines,
    phase: known === undefined ? "starting" : "idle",
    turn: "",
    resultCame: false,
    sessionId: known?.sessionId,
    questions: [],
    failed: undefined,
    refused: [],
    underway: [],
    taken: [],
    agents: 0,
    agentsEndedAt: undefined,
    windows: {},
    sent: undefined,
    pctLeft: undefined,
    // A session that is continued, and a program whose beginning is not known, bring sums of what was counted before.
    sums: known === undefined && resume === undefined ? {} : undefined,
  };
}

export function becomeReady(state: TalkDraft, out: TalkOut, source: string, at: number): void {
  if (state.phase !== "starting") return;
  state.phase = "idle";
  out.observations.push({ type: "ready", ...said(source, at) });
}

export function turnRuns(state: TalkDraft, out: TalkOut, source: string, at: number): void {
  becomeReady(state, out, source, at);
  state.resultCame = false;
  state.agentsEndedAt = undefined;
  if (state.failed !== undefined) unblock(state, out, at);
  // That a turn begins says that whatever waited for it was taken; 2.1.197 says so in no other way before it answers.
  if (source === "init") accepted(state, out, (it) => it.evidence === "request_accepted");
  if (state.phase === "working") return;
  state.phase = "working";
  out.observations.push({ type: "working", ...said(source, at) });
}

export function turnEnds(state: TalkDraft, out: TalkOut, at: number): void {
  state.agentsEndedAt = undefined;
  if (state.phase !== "working") return;
  state.phase = "idle";
  out.observations.push({ type: "turn_ended", ...said("result", at) });
}

export function passTime(state: TalkDraft, out: TalkOut, at: number): void {
  if (state.agentsEndedAt !== undefined && at >= state.agentsEndedAt + nextTurnMs) turnEnds(state, out, at);
}

export function unblock(state: TalkDraft, out: TalkOut, at: number): void {
  state.failed = undefined;
  if (state.questions.length === 0) out.observations.push({ type: "unblocked", ...said("control", at) });
}

export function sayBlocked(
  out: TalkOut,
  kind: Question["kind"] | "auth" | "quota",
  what: string | undefined,
  at: number,
): void {
  out.observations.push({ type: "blocked", kind, what, answerable: true, ...said("control", at) });
}

export function said(
  source: string,
  at: number,
): { readonly at: number; readonly source: string; readonly fidelity: "exact" } {
  return { at, source: `stream:${source}`, fidelity: "exact" };
}

export function accepted(state: TalkDraft, out: TalkOut, isIt: (it: Underway) => boolean): void {
  for (const it of state.underway.filter(isIt)) {
    out.outcomes.push({ injection: it.injection, outcome: "accepted", evidence: it.evidence });
    remember(state, it.uuid);
  }
  state.underway = state.underway.filter((it) => !isIt(it));
}

export function remember(state: TalkDraft, uuid: string): void {
  if (!state.taken.includes(uuid)) state.taken = [...state.taken, uuid.slice(0, 64)].slice(-takenMax);
}
