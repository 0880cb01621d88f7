/** The subscriptions and follows of one connection. */
import { errorEnvelope, type ClientFrame, type ErrorEnvelope, type ServerFrame } from "@agent-relay/protocol";
import type { BrokerService } from "../service.ts";
import type { EventFeed, FeedEvent } from "./event-feed.ts";
import { follow, type Follow } from "./follow.ts";
import type { GatewayLimits } from "./gateway-limits.ts";
import type { Frame } from "./outbox.ts";
import { subscription, type Subscription } from "./subscription.ts";

type Subscribe = Extract<ClientFrame, { type: "subscribe" }>;
type FollowFrame = Extract<ClientFrame, { type: "follow" }>;

export interface Streams {
  readonly has: (id: number) => boolean;
  readonly open: (frame: Subscribe | FollowFrame) => void;
  /** Ends one and says so; one that is not there is over already. */
  readonly end: (id: number) => void;
  /** There is room again. */
  readonly pump: () => void;
  /** Where each subscription stands. */
  readonly cursors: () => Readonly<Record<string, number>>;
  readonly close: () => void;
}

export function openStreams(options: {
  readonly service: BrokerService;
  readonly feed: EventFeed;
  readonly limits: GatewayLimits;
  readonly hasRoom: () => boolean;
  readonly send: (frame: Frame) => void;
  readonly tell: (frame: ServerFrame) => void;
  readonly refuse: (id: number, error: ErrorEnvelope) => void;
  readonly envelope: (thrown: unknown) => ErrorEnvelope;
  readonly pumpSoon: (pump: () => void) => void;
}): Streams {
  const { feed, hasRoom, tell, refuse } = options;
  const subscriptions = new Map<number, Subscription>();
  const follows = new Map<number, Follow>();
  let stopListening: (() => void) | undefined;
  let pumping = false;

  const pump = (): void => {
    pumping = false;
    let more = false;
    for (const item of subscriptions.values()) more = item.pump() || more;
    for (const item of follows.values()) item.pump();
    if (more) schedule();
  };

  const schedule = (): void => {
    if (pumping) return;
    pumping = true;
    options.pumpSoon(pump);
  };

  const onAppended = (events: readonly FeedEvent[]): void => {
    for (const item of subscriptions.values()) item.offer(events);
  };

  const subscribe = (frame: Subscribe): void => {
    const { id } = frame;
    const head = feed.head();
    const from = frame.from ?? head;
    if (from > head) {
      return refuse(
        id,
        errorEnvelope("invalid_request", `expected a cursor of at most ${head}, found ${from}`, {
          hint: "The log is older than this cursor; read again from 0.",
          data: { head },
        }),
      );
    }
    const made = subscription({
      id,
      from,
      filter: frame.filter,
      feed,
      frameBytesMax: options.limits.frameBytesMax,
      hasRoom,
      send: options.send,
      tell,
      onBehind: schedule,
    });
    subscriptions.set(id, made);
    stopListening ??= feed.listen(onAppended);
    tell({ type: "subscribed", id, from });
    schedule();
  };

  const startFollow = (frame: FollowFrame): void => {
    const { id } = frame;
    const made = follow({
      id,
      agent: frame.agent,
      from: frame.from,
      terminals: options.service.terminals,
      hasRoom,
      tell,
      onEnd: () => follows.delete(id),
      onFailure: (thrown) => {
        follows.delete(id);
        refuse(id, options.envelope(thrown));
      },
    });
    follows.set(id, made);
    made.pump();
  };

  return {
    has: (id) => subscriptions.has(id) || follows.has(id),
    open: (frame) => {
      const count = subscriptions.size + follows.size;
      if (count >= options.limits.subscriptionsMax) {
        return refuse(
          frame.id,
          errorEnvelope("too_many_requests", `${count} subscriptions of this connection are open`),
        );
      }
      if (frame.type === "subscribe") subscribe(frame);
      else startFollow(frame);
    },
    end: (id) => {
      const followed = follows.get(id);
      followed?.stop();
      if (follows.delete(id) || subscriptions.delete(id)) tell({ type: "end", id, reason: "unsubscribed" });
    },
    pump,
    cursors: () => Object.fromEntries([...subscriptions].map(([id, item]) => [String(id), item.cursor()])),
    close: () => {
      stopListening?.();
      for (const item of follows.values()) item.stop();
      subscriptions.clear();
      follows.clear();
    },
  };
}
