/**
 * Programs that take one prompt on their stdin, say on their stdout in lines of JSON what comes of it, and end.
 *
 *   V1…V5  The promises of every conversation, see `conversation.ts` at the root of this package.
 *   N1  The first message is the prompt, and nothing can follow it: every other one is refused.
 *   N2  It is accepted when the program says anything at all that its reader understands.
 *   N3  A reader is stateless and total: a line that says nothing known says nothing.
 *   N4  What the model said last is told at the end of the turn, unless the turn has failed.
 */
import {
  conversationOf,
  type ConversationFactory,
  type ConversationInput,
  type ConversationOptions,
  type ConversationStep,
  type ConversationWrite,
  type DeliveryOutcome,
} from "../conversation.ts";
import type { AgentSignal } from "../hook-report.ts";
import { answerOf, grown, noText, type GrowingText } from "../growing-text.ts";
import { noJsonLines, takeJsonLines, type JsonLines } from "../json-lines.ts";
import type { Observation } from "../observe/observation.ts";

type Line = Readonly<Record<string, unknown>>;

/** What one line says, of a session that is new or continued. */
export type LineReader = (line: Line, session: "new" | "continued") => readonly AgentSignal[];

/** Words of the model in one line, and in which of its messages they stand. */
export type WordReader = (line: Line) => { readonly message: string; readonly words: string } | undefined;

export interface Readers {
  readonly read: LineReader;
  readonly words?: WordReader;
}

export interface OneShot {
  readonly session: "new" | "continued";
  readonly lines: JsonLines;
  readonly phase: "starting" | "idle" | "working" | "over";
  /** The message that is its prompt; `true` where that was before this reader came. */
  readonly prompt: string | true | undefined;
  readonly isAccepted: boolean;
  readonly sessionId: string | undefined;
  /** The newest message of the model that has words. */
  readonly message: { readonly id: string; readonly words: GrowingText } | undefined;
}

export const oneShotConversation =
  (readers: Readers): ConversationFactory =>
  (options) =>
    conversationOf(initialOneShot(options), (state, input) => stepOneShot(readers, state, input));

export function initialOneShot({ known, resume }: Pick<ConversationOptions, "known" | "resume">): OneShot {
  return {
    session: resume === undefined ? "new" : "continued",
    lines: noJsonLines,
    phase: known === undefined ? "starting" : "idle",
    prompt: undefined,
    isAccepted: false,
    sessionId: known?.sessionId,
    message: undefined,
  };
}

type Draft = { -readonly [Key in keyof OneShot]: OneShot[Key] };

interface Out {
  readonly observations: Observation[];
  readonly writes: ConversationWrite[];
  readonly outcomes: DeliveryOutcome[];
}

export function stepOneShot(readers: Readers, before: OneShot, input: ConversationInput): ConversationStep<OneShot> {
  const state: Draft = { ...before };
  const out: Out = { observations: [], writes: [], outcomes: [] };
  switch (input.type) {
    case "started":
    case "caught_up":
      becomeReady(state, out, input.at);
      break;
    case "output": {
      const { lines, objects } = takeJsonLines(state.lines, input.data);
      state.lines = lines;
      for (const line of objects) {
        takeWords(state, readers.words?.(line));
        for (const signal of readers.read(line, state.session)) take(state, out, signal, input.at);
      }
      break;
    }
    case "deliver":
      deliver(state, out, input.injection, input.text);
      break;
    case "leave":
      // Without a prompt it ends at the end of its input; with one it ends by itself.
      if (state.prompt === undefined) out.writes.push({ id: "leave", data: "", end: true });
      break;
    case "interrupt":
    case "answer":
    case "tick":
      break;
    default:
      input satisfies never;
  }
  return { state, ...out };
}

function deliver(state: Draft, out: Out, injection: string, text: string): void {
  if (state.prompt !== undefined && state.prompt !== injection) {
    const reason = "it takes one prompt and ends";
    out.outcomes.push({ injection, outcome: "refused", evidence: "request_accepted", reason });
    return;
  }
  state.prompt = injection;
  if (state.isAccepted) out.outcomes.push({ injection, outcome: "accepted", evidence: "request_accepted" });
  else out.writes.push({ id: `deliver/${injection}`, data: `${text}\n`, end: true });
}

function takeWords(state: Draft, piece: ReturnType<WordReader>): void {
  if (piece === undefined || piece.words === "") return;
  const id = piece.message.slice(0, 256);
  const before = state.message?.id === id ? state.message.words : noText;
  state.message = { id, words: grown(before, piece.words) };
}

function take(state: Draft, out: Out, signal: AgentSignal, at: number): void {
  becomeReady(state, out, at);
  if (typeof state.prompt === "string" && !state.isAccepted)
    out.outcomes.push({ injection: state.prompt, outcome: "accepted", evidence: "request_accepted" });
  state.prompt ??= true;
  state.isAccepted = true;
  const said = { at, source: `stream:${signal.type}`, fidelity: "exact" } as const;
  if (state.phase === "idle" && signal.type !== "session") {
    state.phase = "working";
    out.observations.push({ type: "working", ...said });
  }
  switch (signal.type) {
    case "session":
      if (signal.sessionId === state.sessionId) return;
      state.sessionId = signal.sessionId;
      out.observations.push({ type: "session", sessionId: signal.sessionId, ...said });
      return;
    case "turn_ended":
      if (state.phase !== "working") return;
      state.phase = "over";
      if (state.message !== undefined)
        out.observations.push({ type: "said", text: answerOf(state.message.words), ...said });
      out.observations.push({ type: "turn_ended", ...said });
      return;
    case "blocked":
      state.message = undefined;
      // It ends by itself, so nobody can answer it.
      out.observations.push({ type: "blocked", kind: signal.kind, what: signal.what, answerable: false, ...said });
      return;
    case "tokens":
      out.observations.push({ ...signal, model: signal.model, ...said });
      return;
    case "said":
    case "prompt":
    case "context":
    case "compacted":
      out.observations.push({ ...signal, ...said });
      return;
    case "ready":
    case "turn_started":
    case "unblocked":
    case "boundary":
    case "served":
    case "takes_mail":
      return;
    default:
      signal satisfies never;
  }
}

function becomeReady(state: Draft, out: Out, at: number): void {
  if (state.phase !== "starting") return;
  state.phase = "idle";
  out.observations.push({ type: "ready", at, source: "stream:start", fidelity: "exact" });
}
