/**
 * Programs that take one prompt on their stdin, say on their stdout in lines of JSON what comes of it, and end.
 *
 *   V1…V5  The promises of every conversation, see `conversation.ts` at the root of this package.
 *   N1  The first message is the prompt, and nothing can follow it: every other one is refused.
 *   N2  It is accepted when the program says anything at all that its reader understands.
 *   N3  A reader is stateless and total: a line that says nothing known says nothing.
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
import { noJsonLines, takeJsonLines, type JsonLines } from "../json-lines.ts";
import type { Observation } from "../observe/observation.ts";

type Line = Readonly<Record<string, unknown>>;

/** What one line says, of a session that is new or continued. */
export type LineReader = (line: Line, session: "new" | "continued") => readonly AgentSignal[];

export interface OneShot {
  readonly session: "new" | "continued";
  readonly lines: JsonLines;
  readonly phase: "starting" | "idle" | "working" | "over";
  /** The message that is its prompt; `true` where that was before this reader came. */
  readonly prompt: string | true | undefined;
  readonly isAccepted: boolean;
  readonly sessionId: string | undefined;
}

export const oneShotConversation =
  (read: LineReader): ConversationFactory =>
  (options) =>
    conversationOf(initialOneShot(options), (state, input) => stepOneShot(read, state, input));

export function initialOneShot({ known, resume }: Pick<ConversationOptions, "known" | "resume">): OneShot {
  return {
    session: resume === undefined ? "new" : "continued",
    lines: noJsonLines,
    phase: known === undefined ? "starting" : "idle",
    prompt: undefined,
    isAccepted: false,
    sessionId: known?.sessionId,
  };
}

type Draft = { -readonly [Key in keyof OneShot]: OneShot[Key] };

interface Out {
  readonly observations: Observation[];
  readonly writes: ConversationWrite[];
  readonly outcomes: DeliveryOutcome[];
}

export function stepOneShot(read: LineReader, before: OneShot, input: ConversationInput): ConversationStep<OneShot> {
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
      for (const line of objects) for (const signal of read(line, state.session)) take(state, out, signal, input.at);
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
      out.observations.push({ type: "turn_ended", ...said });
      return;
    case "blocked":
      // It ends by itself, so nobody can answer it.
      out.observations.push({ type: "blocked", kind: signal.kind, what: signal.what, answerable: false, ...said });
      return;
    case "tokens":
      out.observations.push({ ...signal, model: signal.model, ...said });
      return;
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
