/**
 * Relay: what an orchestrating script says to a broker, in the words of agents, messages and channels.
 *
 *   R1  Every failure is a `RelayError` with a code of the table.
 *   R2  Closing ends what this program follows and waits for, and nothing else: agents go on.
 */
import { relayError } from "@agent-relay/protocol";
import type {
  AgentView,
  BrokerView,
  ChannelView,
  DeliveryView,
  EventFilter,
  EventType,
  MessageView,
  MethodParams,
  MethodResult,
  RelayEvent,
  TraceView,
  Verdict,
} from "@agent-relay/protocol";
import type { Client } from "../client.ts";
import type { Timers } from "../wire/timers.ts";
import { agentHandle, answer, type AgentHandle, type Answered, type AnswerOptions } from "./agent-handle.ts";
import { channelHandle, type Channel } from "./channels.ts";
import { openLeases, type Leases } from "./leases.ts";
import { openListeners, type Listener } from "./listeners.ts";
import {
  openInbox,
  reply,
  send,
  type HistoryPage,
  type HistoryQuestion,
  type Inbox,
  type Receipt,
  type SendMore,
} from "./messages.ts";
import { shortNames, type ShortName } from "./programs.ts";
import { spawnParams, type SpawnOptions } from "./spawning.ts";
import { openStreams, type Streams } from "./streams.ts";

/** Spawns one kind of agent. */
export interface Spawner {
  readonly spawn: (options: Omit<SpawnOptions, "harness">) => Promise<AgentHandle>;
}

export type Spawners = Readonly<Record<ShortName, Spawner>>;

export interface Relay extends Spawners {
  /** The typed requests below all this. */
  readonly client: Client;
  /** The name in which this program speaks, and whose inbox is `inbox`. */
  readonly name: string;

  /** Resolves when the program runs; it may not take input yet. */
  readonly spawn: (options: SpawnOptions) => Promise<AgentHandle>;
  /** A handle for an agent by name. Nothing is asked before a method is called. */
  readonly agent: (name: string) => AgentHandle;
  readonly who: (options?: { readonly all?: boolean }) => Promise<readonly AgentView[]>;
  /** Answers what a blocked agent waits for, as `approve` and `deny` of its handle do. */
  readonly answer: (name: string, verdict: Verdict, options?: AnswerOptions) => Promise<Answered>;
  /** The first of several agents to reach a state. Fails with `timeout`. */
  readonly waitAny: (
    handles: readonly AgentHandle[],
    options: {
      readonly until: "ready" | "idle" | "blocked" | "exited" | "dead";
      readonly timeoutMs: number;
      readonly signal?: AbortSignal;
    },
  ) => Promise<{ readonly handle: AgentHandle; readonly view: AgentView }>;

  /** Sends to an agent, or to a `#channel`. */
  readonly send: (message: { readonly to: string; readonly body: string } & SendMore) => Promise<Receipt>;
  readonly reply: (
    messageId: string,
    body: string,
    more?: Omit<SendMore, "replyTo" | "ttlMs" | "notify">,
  ) => Promise<Receipt>;
  readonly inbox: Inbox;
  readonly channel: (name: string) => Channel;
  readonly channels: () => Promise<readonly ChannelView[]>;
  readonly history: (question?: HistoryQuestion) => Promise<HistoryPage>;
  readonly search: (query: string | MethodParams<"message.search">) => Promise<readonly MessageView[]>;
  /** What became of a message, step by step, with the evidence. */
  readonly trace: (messageId: string) => Promise<TraceView>;

  /** Events from a cursor, or from now on, without gap or repeat. */
  readonly events: (options?: {
    readonly from?: number;
    readonly filter?: EventFilter;
    readonly signal?: AbortSignal;
  }) => AsyncIterable<RelayEvent>;
  /** Calls a listener for each event of a type from now on. Answers the way to stop. */
  readonly on: <Type extends EventType>(type: Type, listener: Listener<Type>) => () => void;

  /** What programs keep in the broker's log. */
  readonly streams: Streams;
  /** The right to be the one who does something. */
  readonly leases: Leases;

  readonly stats: (by?: "harness" | "model" | "agent") => Promise<MethodResult<"stats.read">>;
  readonly deadLetters: (options?: {
    readonly agent?: string;
    readonly limit?: number;
  }) => Promise<readonly DeliveryView[]>;
  readonly redeliver: (messageId: string, agent: string) => Promise<void>;
  readonly status: () => Promise<BrokerView>;
  /** Idempotent. The broker and its agents go on. */
  readonly close: () => Promise<void>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

export function relayOver(options: {
  readonly client: Client;
  readonly timers: Timers;
  /** What relative working directories start from. */
  readonly cwd: string;
  readonly onListenerError: (error: unknown, event: RelayEvent) => void;
  readonly onLost: (error: unknown) => void;
}): Relay {
  const { client, timers, cwd } = options;
  const listeners = openListeners(client, options);
  const leases = openLeases(client, timers);
  const close = (): Promise<void> => {
    leases.close();
    return client.close();
  };
  const sendTo = (to: string, body: string, more: SendMore): Promise<Receipt> => send(client, to, body, more);
  const handle = (name: string, epoch: number | undefined, since: number): AgentHandle =>
    agentHandle({ client, timers, name, epoch, since, send: sendTo });

  const spawn = async (given: SpawnOptions): Promise<AgentHandle> => {
    const since = client.head();
    const { commandId, signal } = given;
    const { agent, epoch } = await client.call("agent.spawn", spawnParams(given, cwd), {
      ...(commandId === undefined ? {} : { commandId }),
      ...(signal === undefined ? {} : { signal }),
    });
    return handle(agent, epoch, since);
  };

  const spawners = Object.fromEntries(
    Object.entries(shortNames).map(([short, harness]): [string, Spawner] => [
      short,
      { spawn: (given) => spawn({ ...given, harness }) },
    ]),
  ) as Spawners;

  return {
    ...spawners,
    client,
    name: client.principal().name,
    spawn,
    agent: (name) => handle(name, undefined, 0),
    who: async ({ all = false } = {}) => (await client.call("agent.list", { all })).agents,
    answer: (name, verdict, more) => answer(client, name, verdict, more),
    waitAny: async (handles, { until, timeoutMs, signal }) => {
      const params = { names: handles.map(({ name }) => name), until, any: true, timeoutMs };
      const { agents } = await client.call("agent.wait", params, signal === undefined ? {} : { signal });
      for (const view of agents) {
        const found = handles.find(({ name }) => name === view.name);
        if (found !== undefined) return { handle: found, view };
      }
      throw relayError("invalid_frame", "the broker answered agent.wait without any of the agents that were asked for");
    },
    send: ({ to, body, ...more }) => sendTo(to, body, more),
    reply: (messageId, body, more = {}) => reply(client, messageId, body, more),
    inbox: openInbox(client),
    channel: (name) => channelHandle(client, name, sendTo),
    channels: async () => (await client.call("channel.list", {})).channels,
    history: (question = {}) => client.call("message.history", question),
    search: async (query) =>
      (await client.call("message.search", typeof query === "string" ? { query } : query)).messages,
    trace: (messageId) => client.call("message.trace", { messageId }),
    events: client.events,
    on: listeners.on,
    streams: openStreams(client),
    leases: { acquire: leases.acquire },
    stats: (by = "harness") => client.call("stats.read", { by }),
    deadLetters: async (question = {}) => (await client.call("deadletter.list", question)).deliveries,
    redeliver: async (messageId, agent) => {
      await client.call("deadletter.redeliver", { messageId, agent });
    },
    status: () => client.call("broker.status", {}),
    close,
    [Symbol.asyncDispose]: close,
  };
}
