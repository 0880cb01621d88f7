/** The machine behind `codexConversation`: pure, and its state is bounded. */
import { headAndTail, limits } from "@agent-relay/protocol";
import type {
  ConversationInput,
  ConversationOptions,
  ConversationStep,
  ConversationWrite,
  DeliveryOutcome,
} from "../../conversation.ts";
import type { Observation, Said } from "../../observe/observation.ts";
import { blockOfCodexError, contextLeft } from "./errors.ts";
import { textOf } from "./reports.ts";
import { readRequest, verdictOn, type Asked } from "./requests.ts";
import { addedSince, usageOf, type Usage } from "./usage.ts";
import { count, isObject } from "../../json-values.ts";
import { noJsonLines, takeJsonLines, type JsonLines } from "../../json-lines.ts";

type Json = Readonly<Record<string, unknown>>;

/** More threads, requests or deliveries at once than any program has; the oldest is forgotten. */
const boundedTo = 64;
/** A longer line is skipped: an answer of a tool can be large, and nothing that matters here is. */
const lineBytesMax = 4 * 1_048_576;

interface Delivery {
  readonly injection: string;
  readonly text: string;
}

export interface CodexState {
  readonly lines: JsonLines;
  /** `hello`: waits for the answer to `initialize`; `thread`: to the start of its thread, which may have `failed`. */
  readonly phase: "hello" | "thread" | "open" | "failed";
  readonly threadId: string | undefined;
  /** The turn that runs in its own thread. */
  readonly turn: string | undefined;
  /** It has said `working` and not yet that the turn is over; absent while that is not known. */
  readonly working: boolean | undefined;
  /** The newest message of the turn that runs. */
  readonly answer: string | undefined;
  /** Its last turn failed for a reason that a person has to remove. */
  readonly stuck: boolean;
  /** Subagents that work. */
  readonly children: readonly string[];
  /** Requests that wait for a verdict, the oldest first, which is the one that is shown. */
  readonly asked: readonly Asked[];
  /** Answers that this client gave by itself and whose arrival is not confirmed, by the request's id. */
  readonly given: readonly { readonly id: string | number; readonly data: string }[];
  /** Not answered yet. */
  readonly deliveries: readonly Delivery[];
  /** What each thread has used up to now. */
  readonly used: readonly { readonly thread: string; readonly usage: Usage }[];
  readonly contextPctLeft: number | undefined;
}

interface Draft {
  state: CodexState;
  readonly past: boolean;
  readonly at: number;
  readonly observations: Observation[];
  readonly writes: ConversationWrite[];
  readonly outcomes: DeliveryOutcome[];
}

export function initialState(options: ConversationOptions): CodexState {
  const threadId = options.known?.sessionId;
  return {
    lines: noJsonLines,
    phase: threadId === undefined ? "hello" : "open",
    threadId,
    turn: undefined,
    working: threadId === undefined ? false : undefined,
    answer: undefined,
    stuck: false,
    children: [],
    asked: [],
    given: [],
    deliveries: [],
    used: [],
    contextPctLeft: undefined,
  };
}

export function step(
  options: ConversationOptions,
  before: CodexState,
  input: ConversationInput,
): ConversationStep<CodexState> {
  const past = input.type === "output" && input.past;
  const draft: Draft = { state: before, past, at: input.at, observations: [], writes: [], outcomes: [] };
  switch (input.type) {
    case "started":
      open(options, draft);
      break;
    case "output": {
      const { lines, objects } = takeJsonLines(before.lines, input.data, lineBytesMax);
      draft.state = { ...before, lines };
      for (const line of objects) takeMessage(options, draft, line);
      break;
    }
    case "caught_up":
      open(options, draft);
      for (const { id, data } of draft.state.given) write(draft, `given/${id}`, data);
      break;
    case "deliver":
      deliver(draft, input);
      break;
    case "interrupt": {
      const { threadId, turn } = draft.state;
      if (threadId !== undefined && turn !== undefined) {
        request(draft, `interrupt/${turn}`, "turn/interrupt", { threadId, turnId: turn });
      }
      break;
    }
    case "answer": {
      const [asked] = draft.state.asked;
      if (asked !== undefined) {
        write(draft, `answer/${asked.id}`, { id: asked.id, result: verdictOn(asked, input.verdict) });
        settle(draft, asked.id);
      } else unstick(draft);
      break;
    }
    case "leave":
      write(draft, "leave", undefined);
      break;
    case "tick":
      break;
    default:
      input satisfies never;
  }
  return {
    state: draft.state,
    observations: draft.observations,
    writes: draft.writes,
    outcomes: draft.outcomes,
  };
}

/** The next step of the opening that has not been answered. */
function open(options: ConversationOptions, draft: Draft): void {
  if (draft.state.phase === "hello") {
    const clientInfo = { name: "agent-relay", title: "agent-relay", version: "1" };
    request(draft, "initialize", "initialize", { clientInfo });
  } else if (draft.state.phase === "thread") {
    write(draft, "initialized", { method: "initialized" });
    const { cwd, resume } = options;
    // Permissions and the model are options of the command; turns of the past would be one very long line.
    if (resume === undefined) request(draft, "thread", "thread/start", { cwd });
    else request(draft, "thread", "thread/resume", { threadId: resume, cwd, excludeTurns: true });
  } else if (draft.state.phase === "failed") write(draft, "give-up", undefined);
}

function deliver(draft: Draft, input: Extract<ConversationInput, { type: "deliver" }>): void {
  const { threadId, turn } = draft.state;
  const { injection, text } = input;
  if (threadId === undefined || draft.state.phase !== "open") {
    refuse(draft, injection, "it has no session yet");
    return;
  }
  draft.state = { ...draft.state, deliveries: bounded([...draft.state.deliveries, { injection, text }]) };
  if (input.steer && turn !== undefined) {
    request(draft, `steer/${injection}`, "turn/steer", { threadId, expectedTurnId: turn, input: [inputOf(text)] });
  } else {
    request(draft, `turn/${injection}`, "turn/start", { threadId, input: [inputOf(text)] });
  }
}

function inputOf(text: string): Json {
  return { type: "text", text, text_elements: [] };
}

function takeMessage(options: ConversationOptions, draft: Draft, message: Json): void {
  const { id, method } = message;
  const params = isObject(message["params"]) ? message["params"] : {};
  if (typeof method === "string") {
    if (typeof id === "string" || typeof id === "number") takeRequest(draft, id, method, params);
    else takeNotification(draft, method, params);
  } else if (typeof id === "string") takeAnswer(options, draft, id, message);
}

function takeAnswer(options: ConversationOptions, draft: Draft, id: string, message: Json): void {
  const error = isObject(message["error"]) ? message["error"] : undefined;
  const why = typeof error?.["message"] === "string" ? error["message"].slice(0, 500) : "it was refused";
  if (id === "initialize" && draft.state.phase === "hello") {
    // An error says that it was initialized before.
    draft.state = { ...draft.state, phase: "thread" };
    open(options, draft);
    return;
  }
  if (id === "thread" && draft.state.phase === "thread") {
    const thread = isObject(message["result"]) ? message["result"]["thread"] : undefined;
    const threadId = isObject(thread) && typeof thread["id"] === "string" ? thread["id"].slice(0, 256) : undefined;
    if (threadId !== undefined && threadId !== "") return opened(draft, threadId);
    // Such as an unknown session: it ends without ever having been ready.
    draft.state = { ...draft.state, phase: "failed" };
    say(draft, { type: "blocked", kind: "error", what: why, answerable: false });
    open(options, draft);
    return;
  }
  const [verb, injection] = cut(id);
  if (injection === "" || (verb !== "turn" && verb !== "steer")) return;
  const delivery = draft.state.deliveries.find((one) => one.injection === injection);
  const { threadId } = draft.state;
  if (error !== undefined && verb === "steer" && delivery !== undefined && threadId !== undefined) {
    // The turn ended meanwhile, or is of a kind that takes nothing; then it is a turn of its own.
    request(draft, `turn/${injection}`, "turn/start", { threadId, input: [inputOf(delivery.text)] });
    return;
  }
  draft.state = {
    ...draft.state,
    deliveries: draft.state.deliveries.filter((one) => one.injection !== injection),
  };
  if (error !== undefined) refuse(draft, injection, why);
  else {
    const evidence = verb === "steer" ? "turn_steered" : "request_accepted";
    draft.outcomes.push({ injection, outcome: "accepted", evidence });
  }
}

function opened(draft: Draft, threadId: string): void {
  draft.state = { ...draft.state, phase: "open", threadId };
  say(draft, { type: "session", sessionId: threadId });
  say(draft, { type: "ready" });
}

function takeRequest(draft: Draft, id: string | number, method: string, params: Json): void {
  const read = readRequest(id, method, params);
  if (read.type === "answered") {
    const data = line({ id, ...read.answer });
    draft.state = { ...draft.state, given: bounded([...draft.state.given, { id, data }]) };
    write(draft, `given/${id}`, data);
    return;
  }
  const first = draft.state.asked.length === 0;
  draft.state = { ...draft.state, asked: bounded([...draft.state.asked, read.asked]) };
  if (first) showAsked(draft);
}

function showAsked(draft: Draft): void {
  const [asked] = draft.state.asked;
  if (asked !== undefined) say(draft, { type: "blocked", kind: "permission", what: asked.what, answerable: true });
}

/** It is not asked any more. */
function settle(draft: Draft, id: unknown): void {
  const { asked, given } = draft.state;
  const shown = asked[0]?.id === id;
  draft.state = {
    ...draft.state,
    asked: asked.filter((one) => one.id !== id),
    given: given.filter((one) => one.id !== id),
  };
  if (!shown) return;
  say(draft, { type: "unblocked" });
  showAsked(draft);
}

function takeNotification(draft: Draft, method: string, params: Json): void {
  if (method === "serverRequest/resolved") return settle(draft, params["requestId"]);
  const thread = params["threadId"];
  if (typeof thread !== "string" || draft.state.threadId === undefined) return;
  if (method === "thread/tokenUsage/updated") return takeUsage(draft, thread, params["tokenUsage"]);
  if (thread !== draft.state.threadId) return takeChild(draft, thread, method, params);
  const turn = isObject(params["turn"]) ? params["turn"] : {};
  const item = isObject(params["item"]) ? params["item"] : {};
  switch (method) {
    case "turn/started":
      draft.state = {
        ...draft.state,
        turn: typeof turn["id"] === "string" ? turn["id"].slice(0, 256) : undefined,
        answer: undefined,
      };
      unstick(draft);
      if (draft.state.working !== true) say(draft, { type: "working" });
      draft.state = { ...draft.state, working: true };
      return;
    case "turn/completed":
      return turnCompleted(draft, turn);
    case "item/started":
      if (item["type"] === "userMessage") {
        const text = textOf(item["content"]);
        if (text !== "") say(draft, { type: "prompt", text });
      }
      return;
    case "item/completed":
      if (item["type"] === "contextCompaction") say(draft, { type: "compacted" });
      if (item["type"] === "agentMessage" && typeof item["text"] === "string" && item["text"].trim() !== "")
        draft.state = { ...draft.state, answer: headAndTail(item["text"], limits.answerCharactersMax) };
      return;
    default:
      return;
  }
}

function turnCompleted(draft: Draft, turn: Json): void {
  const { answer } = draft.state;
  draft.state = { ...draft.state, turn: undefined, answer: undefined };
  // Whatever it asked, it asks no more.
  const [shown] = draft.state.asked;
  if (shown !== undefined) {
    draft.state = { ...draft.state, asked: [] };
    say(draft, { type: "unblocked" });
  }
  if (turn["status"] === "interrupted") draft.state = { ...draft.state, children: [] };
  const error = turn["status"] === "failed" && isObject(turn["error"]) ? turn["error"] : undefined;
  const kind = blockOfCodexError(error?.["codexErrorInfo"]);
  if (turn["status"] === "completed" && answer !== undefined) say(draft, { type: "said", text: answer });
  endTurn(draft);
  if (kind === "context") sayContext(draft, 0);
  else if (kind !== undefined) {
    const what = typeof error?.["message"] === "string" ? error["message"].slice(0, 500) : undefined;
    draft.state = { ...draft.state, stuck: true };
    // Whoever answers has seen to it, and the next message is another attempt.
    say(draft, { type: "blocked", kind, what, answerable: true });
  }
}

function unstick(draft: Draft): void {
  if (!draft.state.stuck) return;
  draft.state = { ...draft.state, stuck: false };
  say(draft, { type: "unblocked" });
}

/** Its turn is over when its subagents are done, too. */
function endTurn(draft: Draft): void {
  const { turn, children, working } = draft.state;
  if (working === false || turn !== undefined || children.length > 0) return;
  draft.state = { ...draft.state, working: false };
  say(draft, { type: "turn_ended" });
}

function takeChild(draft: Draft, thread: string, method: string, params: Json): void {
  const { children } = draft.state;
  const status = isObject(params["status"]) ? params["status"]["type"] : undefined;
  if (method === "turn/started") {
    if (!children.includes(thread)) draft.state = { ...draft.state, children: bounded([...children, thread]) };
  } else if (
    method === "turn/completed" ||
    method === "thread/closed" ||
    (method === "thread/status/changed" && status !== "active")
  ) {
    draft.state = { ...draft.state, children: children.filter((one) => one !== thread) };
    endTurn(draft);
  }
}

/** The same figures come several times, so only what was added counts. */
function takeUsage(draft: Draft, thread: string, tokenUsage: unknown): void {
  if (!isObject(tokenUsage)) return;
  const total = usageOf(tokenUsage["total"]);
  const last = usageOf(tokenUsage["last"]);
  const { used, turn, threadId } = draft.state;
  const before = used.find((one) => one.thread === thread)?.usage;
  draft.state = {
    ...draft.state,
    used: bounded([...used.filter((one) => one.thread !== thread), { thread, usage: total }]),
  };
  // Of a thread that is continued, the first figures are of the past, unless a turn of this one brought them.
  const inTurn = thread !== threadId || turn !== undefined;
  const added = before === undefined ? (inTurn ? last : undefined) : addedSince(before, total);
  if (added !== undefined && added.input + added.output > 0) {
    say(draft, {
      type: "tokens",
      inputTokens: added.input,
      cachedInputTokens: Math.min(added.cached, added.input),
      outputTokens: added.output,
      model: undefined,
    });
  }
  if (thread !== threadId) return;
  const lastUsage = isObject(tokenUsage["last"]) ? tokenUsage["last"] : {};
  const left = contextLeft(count(lastUsage["totalTokens"]), count(tokenUsage["modelContextWindow"]));
  if (left !== undefined) sayContext(draft, left);
}

function sayContext(draft: Draft, pctLeft: number): void {
  if (pctLeft === draft.state.contextPctLeft) return;
  draft.state = { ...draft.state, contextPctLeft: pctLeft };
  say(draft, { type: "context", pctLeft });
}

function refuse(draft: Draft, injection: string, reason: string): void {
  draft.outcomes.push({ injection, outcome: "refused", evidence: "request_accepted", reason });
}

type Unsaid<Each> = Each extends Observation ? Omit<Each, keyof Said> : never;

function say(draft: Draft, observation: Unsaid<Observation>): void {
  const said: Said = { at: draft.at, source: "app-server", fidelity: "exact" };
  draft.observations.push({ ...observation, ...said });
}

function request(draft: Draft, id: string, method: string, params: Json): void {
  write(draft, id, { id, method, params });
}

/** Nothing is written while the past is read; without data, it is the end. */
function write(draft: Draft, id: string, message: Json | string | undefined): void {
  if (draft.past) return;
  if (message === undefined) draft.writes.push({ id, data: "", end: true });
  else draft.writes.push({ id, data: typeof message === "string" ? message : line(message), end: false });
}

function line(message: Json): string {
  return `${JSON.stringify(message)}\n`;
}

function cut(id: string): readonly [string, string] {
  const slash = id.indexOf("/");
  return slash < 0 ? [id, ""] : [id.slice(0, slash), id.slice(slash + 1)];
}

function bounded<Each>(all: readonly Each[]): readonly Each[] {
  return all.slice(-boundedTo);
}
