/**
 * Pi on pipes: `pi --mode rpc`, commands and events as lines of JSON (0.87.1).
 *
 *   V1…V5  The promises of every conversation, see `conversation.ts` at the root of this package.
 *   P1  A message is accepted when its text comes back as the user's, for Pi says success of prompts that it drops: one that
 *       comes while another is being taken is lost. So one is on its way at a time, and if the program falls quiet
 *       without it, it is refused.
 *   P2  A turn is over when nothing will go on by itself: `agent_settled`, not `agent_end`.
 *   P3  What an extension asks is declined at once: nobody could answer it here.
 */
import {
  conversationOf,
  type ConversationFactory,
  type ConversationInput,
  type ConversationOptions,
  type ConversationStep,
  type ConversationWrite,
  type DeliveryOutcome,
} from "../../conversation.ts";
import { noJsonLines, takeJsonLines, type JsonLines } from "../../json-lines.ts";
import type { Observation } from "../../observe/observation.ts";
import { blockOfError } from "../../observe/program-status.ts";
import { promptCharactersMax } from "../hook-events.ts";
import { count, isObject } from "../../json-values.ts";

type Json = Readonly<Record<string, unknown>>;

interface Underway {
  readonly injection: string;
  readonly text: string;
  readonly steer: boolean;
  /** It said success. */
  readonly isHandled: boolean;
}

export interface PiTalk {
  readonly lines: JsonLines;
  readonly phase: "starting" | "idle" | "working";
  /** Of the running turn, so that an interrupt of it is asked for once. */
  readonly turn: number;
  readonly underway: Underway | undefined;
  /** Injections whose text came back, the newest. */
  readonly taken: readonly string[];
  readonly sessionId: string | undefined;
  readonly window: number;
  readonly pctLeft: number | undefined;
  readonly failed: { readonly kind: "auth" | "quota"; readonly what: string } | undefined;
  readonly blocked: boolean;
  /** Questions of extensions that were not declined while the past was read. */
  readonly declined: readonly string[];
}

const takenMax = 256;
const declinedMax = 64;

export const piConversation: ConversationFactory = (options) => conversationOf(initialPiTalk(options), stepPiTalk);

export function initialPiTalk({ known }: Pick<ConversationOptions, "known">): PiTalk {
  return {
    lines: noJsonLines,
    phase: known === undefined ? "starting" : "idle",
    turn: 0,
    underway: undefined,
    taken: [],
    sessionId: known?.sessionId,
    window: 0,
    pctLeft: undefined,
    failed: undefined,
    blocked: false,
    declined: [],
  };
}

type Draft = { -readonly [Key in keyof PiTalk]: PiTalk[Key] };

interface Out {
  readonly observations: Observation[];
  readonly writes: ConversationWrite[];
  readonly outcomes: DeliveryOutcome[];
}

export function stepPiTalk(before: PiTalk, input: ConversationInput): ConversationStep<PiTalk> {
  const state: Draft = { ...before };
  const out: Out = { observations: [], writes: [], outcomes: [] };
  switch (input.type) {
    case "started":
      askState(out);
      break;
    case "output": {
      const { lines, objects } = takeJsonLines(state.lines, input.data);
      state.lines = lines;
      for (const line of objects) takeLine(state, out, line, input.at, input.past);
      break;
    }
    case "caught_up":
      if (state.phase === "starting" || state.window === 0) askState(out);
      for (const id of state.declined) decline(out, id);
      break;
    case "deliver":
      deliver(state, out, input);
      break;
    case "interrupt":
      if (state.phase === "working") write(out, `interrupt/${state.turn}`, { type: "abort" });
      break;
    case "answer":
      // Whatever the answer is, a person has seen to it: the next message may try again.
      if (state.blocked) unblock(state, out, input.at);
      break;
    case "leave":
      out.writes.push({ id: "leave", data: "", end: true });
      break;
    case "tick":
      break;
    default:
      input satisfies never;
  }
  return { state, ...out };
}

function deliver(state: Draft, out: Out, input: Extract<ConversationInput, { type: "deliver" }>): void {
  const { injection, text } = input;
  const steer = input.steer && state.phase === "working";
  if (state.taken.includes(injection)) return accept(out, injection, steer);
  if (state.underway !== undefined && state.underway.injection !== injection)
    return refuse(out, injection, "another message is on its way");
  if (state.phase === "working" && !input.steer) return refuse(out, injection, "its turn runs");
  state.underway = { injection, text, steer, isHandled: state.underway?.isHandled ?? false };
  // Idle or not is known a moment late, and a plain prompt in the middle of a turn would be an error.
  write(out, `deliver/${injection}`, { type: "prompt", message: text, streamingBehavior: "steer" });
}

function takeLine(state: Draft, out: Out, line: Json, at: number, past: boolean): void {
  switch (line["type"]) {
    case "response":
      return takeResponse(state, out, line, at);
    case "agent_start":
      return turnRuns(state, out, at);
    case "message_end":
      if (isObject(line["message"])) takeMessage(state, out, line["message"], at);
      return;
    case "agent_settled":
      return settled(state, out, at);
    case "compaction_end":
      if (isObject(line["result"])) out.observations.push({ type: "compacted", ...said("compaction_end", at) });
      return;
    case "extension_ui_request": {
      const { id, method } = line;
      const waits = method === "select" || method === "confirm" || method === "input" || method === "editor";
      if (!waits || typeof id !== "string" || id === "" || id.length > 200) return;
      if (past) state.declined = [...state.declined.filter((it) => it !== id), id].slice(-declinedMax);
      else decline(out, id);
      return;
    }
    default:
  }
}

function takeResponse(state: Draft, out: Out, line: Json, at: number): void {
  const { data, id } = line;
  if (line["command"] === "get_state" && isObject(data)) {
    const { sessionId, model } = data;
    if (isObject(model)) state.window = count(model["contextWindow"]);
    if (typeof sessionId === "string" && sessionId !== "" && sessionId !== state.sessionId) {
      state.sessionId = sessionId.slice(0, 256);
      out.observations.push({ type: "session", sessionId: state.sessionId, ...said("get_state", at) });
    }
    if (state.phase !== "starting") return;
    state.phase = "idle";
    out.observations.push({ type: "ready", ...said("get_state", at) });
    return;
  }
  const { underway } = state;
  if (underway === undefined || id !== `deliver/${underway.injection}`) return;
  if (line["success"] === true) {
    state.underway = { ...underway, isHandled: true };
    return;
  }
  const { error } = line;
  state.underway = undefined;
  refuse(out, underway.injection, typeof error === "string" ? error.slice(0, 200) : "it was refused");
}

function takeMessage(state: Draft, out: Out, message: Json, at: number): void {
  if (message["role"] === "user") {
    const text = textOf(message["content"]);
    const { underway } = state;
    if (underway !== undefined && text.includes(underway.text.trim())) {
      state.underway = undefined;
      state.taken = [...state.taken, underway.injection].slice(-takenMax);
      accept(out, underway.injection, underway.steer);
    }
    if (text !== "") out.observations.push({ type: "prompt", text, ...said("message_end", at) });
  } else if (message["role"] === "assistant") takeAnswer(state, out, message, at);
}

function takeAnswer(state: Draft, out: Out, message: Json, at: number): void {
  const usage = isObject(message["usage"]) ? message["usage"] : {};
  const cachedInputTokens = count(usage["cacheRead"]);
  const inputTokens = count(usage["input"]) + cachedInputTokens + count(usage["cacheWrite"]);
  const outputTokens = count(usage["output"]);
  const model = typeof message["model"] === "string" ? message["model"].slice(0, 128) : undefined;
  if (inputTokens + outputTokens > 0) {
    out.observations.push({
      type: "tokens",
      inputTokens,
      cachedInputTokens,
      outputTokens,
      model,
      ...said("usage", at),
    });
    const pctLeft = Math.min(100, Math.max(0, Math.round(100 - (100 * (inputTokens + outputTokens)) / state.window)));
    if (state.window > 0 && pctLeft !== state.pctLeft) {
      state.pctLeft = pctLeft;
      out.observations.push({ type: "context", pctLeft, ...said("usage", at) });
    }
  }
  const text = textOf(message["content"]);
  // Others ask for tools, have failed or were cut off.
  if ((message["stopReason"] === "stop" || message["stopReason"] === "length") && text.trim() !== "")
    out.observations.push({ type: "said", text, ...said("message_end", at) });
  const error = message["stopReason"] === "error" ? message["errorMessage"] : undefined;
  state.failed = typeof error === "string" ? failureOf(error) : undefined;
}

function failureOf(error: string): PiTalk["failed"] {
  const status = /^(\d{3})\b/u.exec(error)?.[1];
  const kind =
    status === "401" || status === "403"
      ? "auth"
      : status === "402" || status === "429"
        ? "quota"
        : blockOfError(error);
  return kind === "auth" || kind === "quota" ? { kind, what: error.slice(0, 500) } : undefined;
}

function turnRuns(state: Draft, out: Out, at: number): void {
  if (state.phase === "working") return;
  if (state.blocked) unblock(state, out, at);
  state.phase = "working";
  state.turn += 1;
  state.failed = undefined;
  out.observations.push({ type: "working", ...said("agent_start", at) });
}

function settled(state: Draft, out: Out, at: number): void {
  const { underway, failed } = state;
  // One that it has not read yet begins the next turn.
  if (underway?.isHandled === true) {
    state.underway = undefined;
    refuse(out, underway.injection, "it was dropped");
  }
  if (state.phase !== "working") return;
  state.phase = "idle";
  out.observations.push({ type: "turn_ended", ...said("agent_settled", at) });
  if (failed === undefined) return;
  state.blocked = true;
  out.observations.push({ type: "blocked", ...failed, answerable: true, ...said("message_end", at) });
}

function unblock(state: Draft, out: Out, at: number): void {
  state.blocked = false;
  out.observations.push({ type: "unblocked", ...said("control", at) });
}

function accept(out: Out, injection: string, steer: boolean): void {
  out.outcomes.push({ injection, outcome: "accepted", evidence: steer ? "turn_steered" : "request_accepted" });
}

function refuse(out: Out, injection: string, reason: string): void {
  out.outcomes.push({ injection, outcome: "refused", evidence: "request_accepted", reason });
}

function askState(out: Out): void {
  write(out, "state", { type: "get_state" });
}

function decline(out: Out, id: string): void {
  const line = { type: "extension_ui_response", id, cancelled: true };
  out.writes.push({ id: `decline/${id}`, data: `${JSON.stringify(line)}\n`, end: false });
}

function write(out: Out, id: string, command: object): void {
  out.writes.push({ id, data: `${JSON.stringify({ id, ...command })}\n`, end: false });
}

function said(
  source: string,
  at: number,
): { readonly at: number; readonly source: string; readonly fidelity: "exact" } {
  return { at, source: `stream:${source}`, fidelity: "exact" };
}

function textOf(content: unknown): string {
  if (typeof content === "string") return content.slice(0, promptCharactersMax);
  if (!Array.isArray(content)) return "";
  return content
    .flatMap((part: unknown) => (isObject(part) && typeof part["text"] === "string" ? [part["text"]] : []))
    .join("\n")
    .slice(0, promptCharactersMax);
}
