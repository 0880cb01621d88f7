/**
 * The Agent Client Protocol, as its client: JSON-RPC on lines of a program's stdin and stdout.
 *
 * The promises are those of `conversation.ts`; here is how they are kept.
 *
 *   - What is written has an id made of its cause: of the delivery, of the request that it answers. The same id stands in
 *     the JSON-RPC message, so that an answer says by itself what it answers (V3, V4).
 *   - One prompt at a time: some programs take a second one for the end of the first.
 *   - A verdict permits once or refuses once. Where a program does not offer that, nothing can be permitted from here.
 *   - A message ends where a tool is called or another one begins; the last of a turn is its answer.
 *   - What is said of the past when a session is continued is nobody's turn.
 */
import { oneLine, type Verdict } from "@agent-relay/protocol";
import {
  conversationOf,
  type Conversation,
  type ConversationInput,
  type ConversationOptions,
  type ConversationStep,
  type ConversationWrite,
  type DeliveryOutcome,
} from "../../conversation.ts";
import { answerOf, grown, noText, type GrowingText } from "../../growing-text.ts";
import { noJsonLines, takeJsonLines, type JsonLines } from "../../json-lines.ts";
import type { Observation, Said } from "../../observe/observation.ts";
import { isObject } from "../../json-values.ts";
import { askedOf, idCharactersMax, whatCharactersMax, type Asked } from "./asked.ts";
import { percentLeft, usageSince, type AcpUsage } from "./usage.ts";

type Json = Readonly<Record<string, unknown>>;

/** What programs say in their own words on top of the protocol. */
export interface AcpDialect {
  /** What the end of a turn says of tokens. */
  readonly usage: (result: Json) => readonly AcpUsage[];
  /** Why a turn failed, where a person has to remove that first. */
  readonly failure: (message: string) => "auth" | "quota" | "context" | undefined;
  /** What an update says of tokens; `own` is what its conversation used, and not that of a subagent. */
  readonly usageTold?: (update: Json) => readonly (AcpUsage & { readonly own: boolean })[];
  /** The size of the context window, which the answer to the opening of a session says. */
  readonly window?: (session: Json) => number | undefined;
  /** Its usage counts from the beginning of the session on, so that only what has been added is new. */
  readonly sumsUsage?: boolean;
  /** What its answers say of a failure, where it ends a turn that failed as any other. */
  readonly failureSaid?: (text: string) => "auth" | "quota" | "context" | undefined;
  /** It says that a tool is in progress before anybody has permitted it. */
  readonly runsBeforeAsking?: boolean;
  /** Whether the error that ended a turn says that the prompt was taken all the same. */
  readonly tookPrompt?: (error: Json) => boolean;
}

export interface AcpState {
  readonly lines: JsonLines;
  /** Which answer it waits for; `open` once it has a session, `failed` when it will not get one. */
  readonly phase: "hello" | "session" | "open" | "failed";
  readonly sessionId: string | undefined;
  /** The size of its context window, where it says that. */
  readonly window: number | undefined;
  /** What is left of that window, as it was said last. */
  readonly pctLeft: number | undefined;
  /** What the session has used up to now; nothing of one that is continued until it says so itself. */
  readonly counted: AcpUsage | undefined;
  /** What the turn that runs said of its failure, and why. */
  readonly failing: { readonly kind: "auth" | "quota" | "context"; readonly why: string } | undefined;
  /** The newest message of the turn that runs. */
  readonly message: Message | undefined;
  /** The delivery whose turn runs. */
  readonly turn: string | undefined;
  /** That turn has shown itself, so the prompt was taken. */
  readonly taken: boolean;
  /** It was said that it works, and not yet that the turn is over; absent while that is not known. */
  readonly working: boolean | undefined;
  /** Its last turn failed for a reason that a person has to remove. */
  readonly stuck: boolean;
  /** Requests that wait for a verdict, the oldest first, which is the one that is shown. */
  readonly asked: readonly Asked[];
}

interface Message {
  /** Where the program tells it. */
  readonly id: string | undefined;
  readonly words: GrowingText;
  /** More words belong to another one. */
  readonly isOver: boolean;
}

interface Draft {
  state: AcpState;
  readonly past: boolean;
  readonly at: number;
  readonly observations: Observation[];
  readonly writes: ConversationWrite[];
  readonly outcomes: DeliveryOutcome[];
}

const askedMax = 64;
/** Of the protocol itself: the program has not taken the request. Others are what its model's API says. */
const protocolErrors = { from: -32_768, to: -32_000 } as const;
const authRequired = -32_000;

export function acpConversation(options: ConversationOptions, dialect: AcpDialect): Conversation {
  return conversationOf(initialState(options), (state, input) => step(options, dialect, state, input));
}

function initialState({ known }: ConversationOptions): AcpState {
  const sessionId = known?.sessionId;
  return {
    lines: noJsonLines,
    phase: sessionId === undefined ? "hello" : "open",
    sessionId,
    window: undefined,
    pctLeft: undefined,
    counted: undefined,
    failing: undefined,
    message: undefined,
    turn: undefined,
    taken: false,
    working: sessionId === undefined ? false : undefined,
    stuck: false,
    asked: [],
  };
}

function step(
  options: ConversationOptions,
  dialect: AcpDialect,
  before: AcpState,
  input: ConversationInput,
): ConversationStep<AcpState> {
  const past = input.type === "output" && input.past;
  const draft: Draft = { state: before, past, at: input.at, observations: [], writes: [], outcomes: [] };
  switch (input.type) {
    case "started":
    case "caught_up":
      open(options, draft);
      break;
    case "output": {
      const { lines, objects } = takeJsonLines(before.lines, input.data);
      draft.state = { ...before, lines };
      for (const message of objects) takeMessage(options, dialect, draft, message);
      break;
    }
    case "deliver":
      deliver(draft, input.injection, input.text);
      break;
    case "interrupt":
      interrupt(draft);
      break;
    case "answer":
      answer(draft, input.verdict);
      break;
    case "leave":
      write(draft, "leave", undefined);
      break;
    case "tick":
      break;
    default:
      input satisfies never;
  }
  const { state, observations, writes, outcomes } = draft;
  return { state, observations, writes, outcomes };
}

/** The next step of the opening that has not been answered. */
function open({ cwd, resume }: ConversationOptions, draft: Draft): void {
  switch (draft.state.phase) {
    case "hello":
      request(draft, "initialize", "initialize", {
        protocolVersion: 1,
        clientCapabilities: { fs: { readTextFile: false, writeTextFile: false }, terminal: false },
        clientInfo: { name: "agent-relay", title: "agent-relay", version: "1" },
      });
      return;
    case "session":
      // Servers, permissions and the model come from options and settings.
      if (resume === undefined) request(draft, "session", "session/new", { cwd, mcpServers: [] });
      else request(draft, "session", "session/load", { sessionId: resume, cwd, mcpServers: [] });
      return;
    case "failed":
      write(draft, "give-up", undefined);
      return;
    case "open":
      return;
    default:
      draft.state.phase satisfies never;
  }
}

function deliver(draft: Draft, injection: string, text: string): void {
  const { phase, sessionId, turn } = draft.state;
  if (phase !== "open" || sessionId === undefined) refuse(draft, injection, "it has no session yet");
  else if (turn !== undefined && turn !== injection) refuse(draft, injection, "a turn runs");
  else {
    draft.state = { ...draft.state, turn: injection };
    request(draft, `turn/${injection}`, "session/prompt", { sessionId, prompt: [{ type: "text", text }] });
  }
}

function interrupt(draft: Draft): void {
  const { sessionId, turn, asked } = draft.state;
  if (sessionId === undefined) return;
  for (const { id } of asked) write(draft, `cancelled/${id}`, { id, result: { outcome: { outcome: "cancelled" } } });
  write(draft, `cancel/${turn ?? draft.at}`, { method: "session/cancel", params: { sessionId } });
}

function answer(draft: Draft, verdict: Verdict): void {
  const [asked] = draft.state.asked;
  if (asked === undefined) return unstick(draft);
  const optionId = verdict === "approve" ? asked.approve : asked.deny;
  if (optionId === undefined && verdict === "approve") return;
  const outcome = optionId === undefined ? { outcome: "cancelled" } : { outcome: "selected", optionId };
  write(draft, `answer/${asked.id}`, { id: asked.id, result: { outcome } });
  settle(draft, (one) => one.id === asked.id);
}

function takeMessage(options: ConversationOptions, dialect: AcpDialect, draft: Draft, message: Json): void {
  const { id, method } = message;
  const params = isObject(message["params"]) ? message["params"] : {};
  if (typeof method === "string") {
    if (typeof id === "string" || typeof id === "number") takeRequest(options, draft, id, method, params);
    else if (method === "session/update") takeUpdate(dialect, draft, params);
  } else if (typeof id === "string") takeAnswer(options, dialect, draft, id, message);
}

function takeAnswer(options: ConversationOptions, dialect: AcpDialect, draft: Draft, id: string, message: Json): void {
  const error = isObject(message["error"]) ? message["error"] : undefined;
  const result = isObject(message["result"]) ? message["result"] : {};
  const { phase } = draft.state;
  if (id === "initialize" && phase === "hello") {
    draft.state = { ...draft.state, phase: "session" };
    open(options, draft);
  } else if (id === "session" && phase === "session") {
    const named = options.resume ?? result["sessionId"];
    if (error !== undefined || typeof named !== "string" || named === "") return failed(options, draft, error);
    const sessionId = named.slice(0, idCharactersMax);
    draft.state = { ...draft.state, phase: "open", sessionId, window: dialect.window?.(result) };
    say(draft, { type: "session", sessionId });
    say(draft, { type: "ready" });
  } else if (id.startsWith("turn/") && phase === "open")
    turnOver(options, dialect, draft, id.slice("turn/".length), result, error);
}

/** Without a session it will never take anything, so it is told to end. */
function failed(options: ConversationOptions, draft: Draft, error: Json | undefined): void {
  draft.state = { ...draft.state, phase: "failed" };
  const kind = error?.["code"] === authRequired ? "auth" : "error";
  say(draft, { type: "blocked", kind, what: reasonOf(error), answerable: false });
  open(options, draft);
}

function turnOver(
  options: ConversationOptions,
  dialect: AcpDialect,
  draft: Draft,
  injection: string,
  result: Json,
  error: Json | undefined,
): void {
  const why = reasonOf(error);
  const mine = draft.state.turn === injection;
  const code = error?.["code"];
  const isProtocols = typeof code === "number" && code >= protocolErrors.from && code <= protocolErrors.to;
  const wasTaken = draft.state.taken || (error !== undefined && dialect.tookPrompt?.(error) === true);
  if (isProtocols && !wasTaken) {
    if (mine) draft.state = { ...draft.state, turn: undefined, taken: false };
    refuse(draft, injection, why);
    endWork(draft);
    return;
  }
  if (mine) take(draft);
  // The turn of a time before a restart.
  else accept(draft, injection);
  if (draft.state.turn === undefined || mine) {
    draft.state = { ...draft.state, turn: undefined, taken: false };
    settle(draft, () => true);
    for (const usage of dialect.usage(result)) {
      const added = dialect.sumsUsage === true ? addedUsage(options, draft, usage) : usage;
      if (added.inputTokens + added.outputTokens > 0) say(draft, { type: "tokens", ...added });
    }
    if (error === undefined && result["stopReason"] !== "cancelled") sayAnswer(draft);
    endWork(draft);
  }
  const { failing } = draft.state;
  draft.state = { ...draft.state, failing: undefined, message: undefined };
  const kind = error === undefined ? failing?.kind : dialect.failure(why);
  if (kind === "context") say(draft, { type: "context", pctLeft: 0 });
  else if (kind !== undefined) {
    draft.state = { ...draft.state, stuck: true };
    // Whoever answers has seen to it, and the next message is another attempt.
    say(draft, { type: "blocked", kind, what: error === undefined ? failing?.why : why, answerable: true });
  }
}

function sayAnswer(draft: Draft): void {
  const { message, failing } = draft.state;
  // What it says of its failure is not its model's.
  if (message === undefined || failing !== undefined) return;
  const text = answerOf(message.words);
  if (text.trim() !== "") say(draft, { type: "said", text });
}

/** Of a sum. What a session that is continued used in its earlier lives is not known, so its first sum counts as old. */
function addedUsage({ resume }: ConversationOptions, draft: Draft, sum: AcpUsage): AcpUsage {
  const before = draft.state.counted ?? (resume === undefined ? undefined : sum);
  draft.state = { ...draft.state, counted: sum };
  return usageSince(sum, before);
}

function takeRequest(
  { permissionMode }: ConversationOptions,
  draft: Draft,
  id: string | number,
  method: string,
  params: Json,
): void {
  if (method !== "session/request_permission") {
    // Nobody can answer it here, so it never waits for it.
    write(draft, `given/${id}`, { id, error: { code: -32_601, message: "not supported by this client" } });
    return;
  }
  take(draft);
  const asked = askedOf(id, params);
  if (permissionMode === "bypass" && asked.approve !== undefined) {
    // Nobody is to be asked, and the program has no mode for that.
    write(draft, `answer/${id}`, { id, result: { outcome: { outcome: "selected", optionId: asked.approve } } });
    return;
  }
  const first = draft.state.asked.length === 0;
  draft.state = { ...draft.state, asked: [...draft.state.asked, asked].slice(-askedMax) };
  if (first) show(draft);
}

function takeUpdate(dialect: AcpDialect, draft: Draft, params: Json): void {
  const update = isObject(params["update"]) ? params["update"] : {};
  // While a session is loaded, all of its past is said once more.
  if (draft.state.phase === "open") for (const told of dialect.usageTold?.(update) ?? []) sayUsage(draft, told);
  switch (update["sessionUpdate"]) {
    case "tool_call_update": {
      // It goes on, so it does not wait for a verdict any more: after a restart that is not known otherwise.
      const { toolCallId, status } = update;
      const goesOn = status !== "pending" && !(dialect.runsBeforeAsking === true && status === "in_progress");
      if (typeof toolCallId === "string" && goesOn) settle(draft, (one) => one.toolCall === toolCallId);
      take(draft);
      return;
    }
    case "agent_message_chunk":
      takeFailure(dialect, draft, update["content"]);
      takeWords(draft, update);
      take(draft);
      return;
    case "usage_update":
      takeContext(draft, update);
      return;
    case "tool_call":
      if (draft.state.message !== undefined)
        draft.state = { ...draft.state, message: { ...draft.state.message, isOver: true } };
      take(draft);
      return;
    case "agent_thought_chunk":
    case "plan":
      take(draft);
      return;
    default:
      return;
  }
}

function takeWords(draft: Draft, { content, messageId, _meta: meta }: Json): void {
  const piece = isObject(content) && typeof content["text"] === "string" ? content["text"] : "";
  // What a subagent says is part of a tool's work.
  const isOwn = !isObject(meta) || meta["parentToolCallId"] === undefined;
  if (piece === "" || !isOwn || draft.state.phase !== "open") return;
  const id = typeof messageId === "string" ? messageId.slice(0, idCharactersMax) : undefined;
  const { message } = draft.state;
  const goesOn = message !== undefined && !message.isOver && message.id === id;
  draft.state = {
    ...draft.state,
    message: { id, words: grown(goesOn ? message.words : noText, piece), isOver: false },
  };
}

function sayUsage(draft: Draft, { own, ...usage }: AcpUsage & { readonly own: boolean }): void {
  const { window } = draft.state;
  say(draft, { type: "tokens", ...usage });
  if (!own || window === undefined || usage.inputTokens === 0) return;
  say(draft, { type: "context", pctLeft: Math.max(0, Math.floor(100 - (100 * usage.inputTokens) / window)) });
}

/** Its last words count: what goes on after a failure has got over it. */
function takeFailure(dialect: AcpDialect, draft: Draft, content: unknown): void {
  if (dialect.failureSaid === undefined || draft.state.phase !== "open") return;
  const text = isObject(content) && typeof content["text"] === "string" ? content["text"] : "";
  const kind = dialect.failureSaid(text);
  const why = oneLine(text, whatCharactersMax);
  draft.state = { ...draft.state, failing: kind === undefined ? undefined : { kind, why } };
}

function takeContext(draft: Draft, { used, size }: Json): void {
  if (draft.state.phase !== "open" || typeof used !== "number" || typeof size !== "number") return;
  if (!(used > 0 && size > 0)) return;
  const pctLeft = percentLeft(used, size);
  if (pctLeft === draft.state.pctLeft) return;
  draft.state = { ...draft.state, pctLeft };
  say(draft, { type: "context", pctLeft });
}

/** The turn that was asked for shows itself. */
function take(draft: Draft): void {
  const { turn, taken } = draft.state;
  if (turn === undefined || taken) return;
  draft.state = { ...draft.state, taken: true };
  accept(draft, turn);
  unstick(draft);
  if (draft.state.working !== true) say(draft, { type: "working" });
  draft.state = { ...draft.state, working: true };
}

function endWork(draft: Draft): void {
  if (draft.state.working === false) return;
  draft.state = { ...draft.state, working: false };
  say(draft, { type: "turn_ended" });
}

function settle(draft: Draft, isOver: (asked: Asked) => boolean): void {
  const { asked } = draft.state;
  const [shown] = asked;
  if (!asked.some(isOver)) return;
  draft.state = { ...draft.state, asked: asked.filter((one) => !isOver(one)) };
  if (shown === undefined || !isOver(shown)) return;
  say(draft, { type: "unblocked" });
  show(draft);
}

function show(draft: Draft): void {
  const [asked] = draft.state.asked;
  if (asked === undefined) return;
  say(draft, { type: "blocked", kind: "permission", what: asked.what, answerable: asked.approve !== undefined });
}

function unstick(draft: Draft): void {
  if (!draft.state.stuck) return;
  draft.state = { ...draft.state, stuck: false };
  say(draft, { type: "unblocked" });
}

function reasonOf(error: Json | undefined): string {
  const data = isObject(error?.["data"]) ? error["data"]["details"] : undefined;
  const message = typeof data === "string" ? data : error?.["message"];
  return typeof message === "string" && message !== "" ? oneLine(message, whatCharactersMax) : "it was refused";
}

function accept(draft: Draft, injection: string): void {
  draft.outcomes.push({ injection, outcome: "accepted", evidence: "request_accepted" });
}

function refuse(draft: Draft, injection: string, reason: string): void {
  draft.outcomes.push({ injection, outcome: "refused", evidence: "request_accepted", reason });
}

function request(draft: Draft, id: string, method: string, params: Json): void {
  write(draft, id, { id, method, params });
}

/** `undefined` ends its stdin. While the past is read again nothing is written. */
function write(draft: Draft, id: string, message: Json | undefined): void {
  if (draft.past) return;
  const data = message === undefined ? "" : `${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`;
  draft.writes.push({ id, data, end: message === undefined });
}

type Unsaid<T> = T extends unknown ? Omit<T, keyof Said> : never;

function say(draft: Draft, observation: Unsaid<Observation>): void {
  draft.observations.push({ ...observation, at: draft.at, source: "acp", fidelity: "exact" });
}
