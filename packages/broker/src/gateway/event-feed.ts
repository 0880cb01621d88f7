/**
 * The event feed: the broker's events, made ready for the wire once for all subscribers.
 *
 * A message to a hundred subscribers is serialised once, not a hundred times; and clients made by the same library
 * number their subscriptions alike, so even the finished frame is mostly shared.
 */
import type { RelayEvent } from "@agent-relay/protocol";
import type { BrokerService } from "../service.ts";
import type { Frame } from "./outbox.ts";

export interface FeedEvent {
  readonly event: RelayEvent;
  /** The `event` frame for a subscription's id. */
  readonly frame: (id: number) => Frame;
}

export interface EventFeed {
  readonly head: () => number;
  readonly read: (after: number, limit: number) => readonly FeedEvent[];
  /** Events after they are durable, in order. Returns the way to stop. */
  readonly listen: (listener: (events: readonly FeedEvent[]) => void) => () => void;
  readonly close: () => void;
}

export function eventFeed(source: BrokerService["events"]): EventFeed {
  const known = new WeakMap<RelayEvent, FeedEvent>();
  const listeners = new Set<(events: readonly FeedEvent[]) => void>();
  const ready = (event: RelayEvent): FeedEvent => {
    const before = known.get(event);
    if (before !== undefined) return before;
    const made = feedEvent(event);
    known.set(event, made);
    return made;
  };
  const stop = source.onAppended((events) => {
    if (listeners.size === 0) return;
    const feedEvents = events.map(ready);
    for (const listener of listeners) listener(feedEvents);
  });
  return {
    head: source.head,
    read: (after, limit) => source.read(after, limit).map(ready),
    listen: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => {
      listeners.clear();
      stop();
    },
  };
}

function feedEvent(event: RelayEvent): FeedEvent {
  const frames = new Map<number, Frame>();
  let json: string | undefined;
  return {
    event,
    frame: (id) => {
      const before = frames.get(id);
      if (before !== undefined) return before;
      json ??= JSON.stringify(event);
      const frame = Buffer.from(`{"type":"event","id":${id},"event":${json}}`);
      frames.set(id, frame);
      return frame;
    },
  };
}
