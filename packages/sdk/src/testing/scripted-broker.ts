/** A broker for tests: real frames over any transport, with a log, and with answers that the test writes. */
import { ClientFrame, errorEnvelope } from "@agent-relay/protocol";
import type { ErrorEnvelope, RelayEvent } from "@agent-relay/protocol";
import type { Transport } from "../wire/transport.ts";

export type Hello = Extract<ClientFrame, { type: "hello" }>;
export type Request = Extract<ClientFrame, { type: "request" }>;
type ServerNote = Record<string, unknown> & { readonly type: string };

/** `silence` never answers; `hang-up` ends the connection instead of answering. */
export type Answer = { readonly result: unknown } | { readonly error: ErrorEnvelope } | "silence" | "hang-up";

/** A subscription: how far it is, and what it wants. */
interface Subscribed {
  from: number;
  readonly types: readonly string[] | undefined;
  readonly streams: readonly string[] | undefined;
}

export interface Connection {
  readonly hello: () => Hello | undefined;
  readonly send: (frame: ServerNote | string) => void;
  readonly close: () => void;
  readonly subscriptions: ReadonlyMap<number, Subscribed>;
  readonly follows: ReadonlyMap<number, { readonly agent: string; readonly from: number }>;
  readonly isOpen: () => boolean;
}

export interface ScriptedBroker {
  readonly accept: (transport: Transport) => void;
  readonly requests: Request[];
  readonly cancelled: number[];
  readonly connections: Connection[];
  readonly log: RelayEvent[];
  /** Appends and publishes. */
  readonly append: (...facts: readonly Partial<RelayEvent>[]) => RelayEvent[];
  answer: (request: Request, connection: Connection) => Answer;
  /** Refuses a hello. */
  refuse: (hello: Hello) => ErrorEnvelope | undefined;
  /** Called before each event goes out; false keeps it back. */
  publishing: (event: RelayEvent, id: number, connection: Connection) => boolean;
  welcome: Record<string, unknown>;
  followed: (id: number, agent: string, from: number, connection: Connection) => void;
  subscribed: (id: number, connection: Connection) => boolean;
}

export function scriptedBroker(): ScriptedBroker {
  const log: RelayEvent[] = [];
  const connections: Connection[] = [];

  const publish = (event: RelayEvent): void => {
    for (const connection of connections) {
      if (!connection.isOpen()) continue;
      for (const [id, subscription] of connection.subscriptions) push(connection, id, subscription, event);
    }
  };
  const push = (connection: Connection, id: number, subscription: Subscribed, event: RelayEvent): void => {
    if (event.sequence <= subscription.from) return;
    subscription.from = event.sequence;
    if (subscription.types !== undefined && !subscription.types.includes(event.type)) return;
    if (subscription.streams !== undefined && !subscription.streams.includes(event.stream)) return;
    if (broker.publishing(event, id, connection)) connection.send({ type: "event", id, event });
  };

  const broker: ScriptedBroker = {
    requests: [],
    cancelled: [],
    connections,
    log,
    answer: () => ({ error: errorEnvelope("unknown_method", "the test has no answer") }),
    refuse: () => undefined,
    publishing: () => true,
    welcome: {},
    followed: () => undefined,
    subscribed: () => true,
    append: (...facts) =>
      facts.map((fact) => {
        const sequence = log.length + 1;
        const event = {
          type: "agent_status_reported",
          agent: "ada",
          epoch: 1,
          text: `event ${sequence}`,
          sequence,
          at: Date.now(),
          stream: "agent/ada",
          revision: sequence,
          ...fact,
        } as RelayEvent;
        log.push(event);
        publish(event);
        return event;
      }),
    accept: (transport) => {
      let open = true;
      let hello: Hello | undefined;
      const subscriptions: Map<number, Subscribed> = new Map();
      const follows: Map<number, { readonly agent: string; readonly from: number }> = new Map();
      const connection: Connection = {
        hello: () => hello,
        isOpen: () => open,
        subscriptions,
        follows,
        send: (frame) => transport.send(typeof frame === "string" ? frame : JSON.stringify(frame)),
        close: () => {
          open = false;
          transport.close();
        },
      };
      connections.push(connection);
      transport.onClose(() => {
        open = false;
      });
      transport.onMessage((text) => {
        const frame = ClientFrame.parse(JSON.parse(text));
        switch (frame.type) {
          case "hello": {
            hello = frame;
            const error = broker.refuse(frame);
            if (error !== undefined) {
              connection.send({ type: "error", error });
              connection.close();
              return;
            }
            connection.send({
              type: "welcome",
              version: 1,
              broker: { pid: 1, version: "0.0.0", startedAt: 1, nonce: "first" },
              principal: { kind: "operator", name: frame.as ?? "operator" },
              head: log.length,
              ...broker.welcome,
            });
            return;
          }
          case "request": {
            broker.requests.push(frame);
            const answer = broker.answer(frame, connection);
            if (answer === "hang-up") connection.close();
            else if (answer === "silence") return;
            else if ("result" in answer) connection.send({ type: "result", id: frame.id, result: answer.result });
            else connection.send({ type: "error", id: frame.id, error: answer.error });
            return;
          }
          case "cancel":
            broker.cancelled.push(frame.id);
            connection.send({ type: "error", id: frame.id, error: errorEnvelope("cancelled", "cancelled") });
            return;
          case "subscribe": {
            const { types, streams } = frame.filter;
            const subscription = { from: frame.from ?? log.length, types, streams };
            subscriptions.set(frame.id, subscription);
            if (!broker.subscribed(frame.id, connection)) return;
            connection.send({ type: "subscribed", id: frame.id, from: subscription.from });
            for (const event of [...log]) {
              if (!connection.isOpen() || !subscriptions.has(frame.id)) return;
              push(connection, frame.id, subscription, event);
            }
            return;
          }
          case "follow":
            follows.set(frame.id, { agent: frame.agent, from: frame.from ?? 0 });
            broker.followed(frame.id, frame.agent, frame.from ?? 0, connection);
            return;
          case "unsubscribe":
            if (subscriptions.delete(frame.id) || follows.delete(frame.id))
              connection.send({ type: "end", id: frame.id, reason: "unsubscribed" });
            return;
        }
      });
    },
  };
  return broker;
}

/** What `events.read` answers, from the log of the scripted broker. */
export function readLog(broker: ScriptedBroker, request: Request): Answer {
  const { from, limit } = request.params as { from: number; limit: number };
  const events = broker.log.filter((event) => event.sequence > from).slice(0, limit);
  return { result: { events, next: events.at(-1)?.sequence ?? from, head: broker.log.length } };
}
