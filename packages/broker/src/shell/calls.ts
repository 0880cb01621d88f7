/** Answering methods: one handler for each, over the engine, the archive and the live incarnations. */
import { createHash } from "node:crypto";
import type { Clock, EventLog, IdSource } from "@agent-relay/kernel";
import {
  limits,
  methods,
  relayError,
  utf8Bytes,
  wireBytes,
  type Address,
  type BrokerView,
  type Fact,
  type Method,
  type MethodResult,
  type ParsedParams,
} from "@agent-relay/protocol";
import type { Archive } from "../archive.ts";
import type { ClientCommand } from "../core/commands.ts";
import { unknownAgent, unknownChannel } from "../core/refusals.ts";
import type { Agent, BrokerState } from "../core/state.ts";
import type { CallOptions, Caller } from "../service.ts";
import type { Engine } from "./engine.ts";
import type { AcceptedMessage } from "./envelope.ts";
import type { Harnesses } from "./harness-port.ts";
import type { Incarnations } from "./incarnations.ts";
import type { Waits } from "./waiting.ts";
import { agentView } from "./views.ts";

/** What every handler works with. */
export interface Office {
  readonly engine: Engine;
  readonly log: EventLog<Fact>;
  readonly archive: Archive;
  readonly incarnations: Incarnations;
  readonly harnesses: Harnesses;
  readonly waits: Waits;
  readonly clock: Clock;
  readonly ids: IdSource;
  /** Who started the broker, as far as it can be known. */
  readonly orchestrator: string;
  readonly status: () => Omit<BrokerView, "sequence" | "agents" | "pendingDeliveries" | "deadLetters">;
  readonly shutdown: (options: { readonly keepAgents: boolean }) => void;
}

export interface Request<M extends Method> {
  readonly caller: Caller;
  readonly params: ParsedParams<M>;
  readonly options: CallOptions;
}

export type Handler<M extends Method> = (
  request: Request<M>,
  office: Office,
) => Promise<MethodResult<M>> | MethodResult<M>;
export type Handlers<Chosen extends Method> = { readonly [M in Chosen]: Handler<M> };

export function callerName(caller: Caller): string {
  return caller.principal.name;
}

/**
 * Submits a client command under its id, so that asking again answers the same. The answer is stored with the command:
 * what a handler needs of it to go on, it must hold.
 */
export async function once<M extends Method, Answer = MethodResult<M>>(
  office: Office,
  method: M,
  request: Request<M>,
  command: ClientCommand,
  answer: (facts: readonly { readonly sequence: number; readonly event: Fact }[]) => Answer,
): Promise<Answer> {
  const { caller, options, params } = request;
  const id = options.commandId;
  if (methods[method].command && id === undefined)
    throw relayError("invalid_request", `${method} needs a commandId.`, {
      hint: "Choose one for each command and repeat it when you retry.",
    });
  const digest = createHash("sha256")
    .update(JSON.stringify([method, callerName(caller), params]))
    .digest("base64url");
  const actor = actorOf(office, caller);
  if (id === undefined) return answer(await office.engine.submit(command, actor));
  return office.engine.submitOnce(command, actor, { id: commandKey(caller, id), digest, answer });
}

/** Whether this very command was carried out before: then it gets its answer again, whatever is true by now. */
export function wasDone(office: Office, { caller, options }: Request<Method>): boolean {
  return options.commandId !== undefined && office.log.findCommand(commandKey(caller, options.commandId)) !== undefined;
}

/** Two callers may choose the same id. */
function commandKey(caller: Caller, commandId: string): string {
  return `${callerName(caller)}/${commandId}`;
}

/** An agent's actor is what the broker stamped it with; only others say for themselves who they are. */
export function actorOf(office: Office, caller: Caller): string | undefined {
  if (caller.principal.kind === "agent")
    return office.engine.state().agents.get(caller.principal.name)?.originActor ?? caller.actor;
  return caller.actor;
}

export function requireAgent(state: BrokerState, name: string): Agent {
  const agent = state.agents.get(name);
  if (agent === undefined) {
    const { code: _code, message, hint, data } = unknownAgent(state, name);
    throw relayError("unknown_agent", message, { hint, data });
  }
  return agent;
}

/** Whose mailbox a request is about: an agent's is its own, the operator may name another. */
export function mailboxOwner(caller: Caller, name: string | undefined): string {
  if (name === undefined || name === callerName(caller)) return callerName(caller);
  if (caller.principal.kind === "agent")
    throw relayError("not_allowed", "An agent reads its own inbox only.", { hint: "Leave the name out." });
  return name;
}

export async function viewOf(office: Office, agent: Agent): Promise<Awaited<ReturnType<typeof agentView>>> {
  const usage =
    agent.pid === undefined
      ? undefined
      : await office.incarnations.usage(agent.name, agent.epoch).catch(() => undefined);
  return agentView(agent, office.clock.now(), office.incarnations.vitals(agent.name, agent.epoch), usage?.memoryBytes);
}

/** The accepted message behind an id, straight from the log. */
export function findMessage(
  office: Office,
  messageId: string,
): { readonly message: AcceptedMessage; readonly sequence: number; readonly at: number } | undefined {
  const [first] = office.log.read({ after: 0, limit: 1, stream: `message/${messageId}` });
  return first?.event.type === "message_accepted"
    ? { message: first.event, sequence: first.sequence, at: first.at }
    : undefined;
}

export function requireMessage(office: Office, messageId: string): NonNullable<ReturnType<typeof findMessage>> {
  const found = findMessage(office, messageId);
  if (found === undefined)
    throw relayError("unknown_message", `No message has the id '${messageId}'.`, {
      hint: "`agent-relay history` lists messages with their ids.",
      data: { messageId },
    });
  return found;
}

/** Whether an agent may read a message: it wrote it, it was owed it, or it is in its channel. */
export function maySee(
  state: BrokerState,
  name: string,
  message: { readonly from: string; readonly to: Address },
): boolean {
  if (message.from === name) return true;
  if (message.to.kind === "agent") return message.to.name === name;
  return state.channels.get(message.to.name)?.members.has(name) === true;
}

export function requireChannel(state: BrokerState, channel: string): void {
  if (state.channels.has(channel)) return;
  const { message, hint, data } = unknownChannel(state, channel);
  throw relayError("unknown_channel", message, { hint, data });
}

/** The key of a conversation for read marks: a channel, or two names in order. */
export function conversationKey(
  caller: Caller,
  params: { readonly channel?: string | undefined; readonly with?: string | undefined },
): string {
  if (params.channel !== undefined) return `#${params.channel}`;
  if (params.with === undefined)
    throw relayError("invalid_request", "Expected `channel` or `with`; found neither.", {
      hint: "Name the conversation.",
    });
  return [callerName(caller), params.with].sort().join("&");
}

/** The items that fit into one answer together, from the front, at least one. */
export function pageOf<Item>(items: readonly Item[], bytesOf: (item: Item) => number): readonly Item[] {
  let bytes = 0;
  const end = items.findIndex((item, index) => {
    bytes += bytesOf(item);
    return index > 0 && bytes > limits.pageBytesMax;
  });
  return end < 0 ? items : items.slice(0, end);
}

/** Facts that are read at once: even of the largest, so many are held easily. */
const READ_AT_ONCE = 32;

/** The items that fit into one answer together, at least one, read piece by piece; and whether these are all. */
export function readPage<Item>(options: {
  readonly limit: number;
  /** What follows `last`, or the first. */
  readonly read: (limit: number, last: Item | undefined) => readonly Item[];
  readonly bytesOf: (item: Item) => number;
}): { readonly items: readonly Item[]; readonly isLast: boolean } {
  const items: Item[] = [];
  let bytes = 0;
  while (items.length < options.limit) {
    const atOnce = Math.min(READ_AT_ONCE, options.limit - items.length);
    const read = options.read(atOnce, items.at(-1));
    for (const item of read) {
      bytes += options.bytesOf(item);
      if (items.length > 0 && bytes > limits.pageBytesMax) return { items, isLast: false };
      items.push(item);
    }
    if (read.length < atOnce) return { items, isLast: true };
  }
  return { items, isLast: false };
}

/** What stands around the text or the data of something in an answer, roughly. */
const AROUND_BYTES = 512;

/** What an event takes in an answer, roughly. */
export function eventBytes(event: Fact): number {
  if (event.type === "message_accepted") return messageBytes(event);
  if (event.type !== "stream_appended") return AROUND_BYTES;
  return jsonBytes(event.data) + jsonBytes(event.summary ?? {}) + AROUND_BYTES;
}

export function jsonBytes(value: unknown): number {
  return utf8Bytes(JSON.stringify(value));
}

/** What a message takes in an answer, roughly: its body and the fields around it. */
export function messageBytes(message: { readonly body: string }): number {
  return wireBytes(message.body) + AROUND_BYTES;
}
