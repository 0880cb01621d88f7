/**
 * Subscription: one client's reading of the log, first from the past and then live.
 *
 *   S1  Every event after the start that the filter wants is sent once, in order of sequence.
 *   S2  Nothing is kept for a client that has no room: its cursor stays, and reading goes on from there later.
 *   S3  The cursor is told when the past is caught up with, and whenever many events in a row were not wanted.
 *   S4  An event that is too large for a frame is declared by a gap.
 */
import type { EventFilter, ServerFrame } from "@agent-relay/protocol";
import type { EventFeed, FeedEvent } from "./event-feed.ts";
import { eventMatcher } from "./event-filter.ts";
import type { Frame } from "./outbox.ts";

export interface Subscription {
  /** Everything up to here was looked at, and sent if it was wanted. */
  readonly cursor: () => number;
  /** Events that were just appended. */
  readonly offer: (events: readonly FeedEvent[]) => void;
  /** Reads one page of the past. True if there is more, or may be. */
  readonly pump: () => boolean;
}

/** Small enough that one page does not hold up the others, large enough to cost few reads. */
const pageSize = 128;
/** Events that were not wanted until the cursor is told. Reading them again costs less than a millisecond. */
const cursorEvery = 1_000;

export function subscription(options: {
  readonly id: number;
  readonly from: number;
  readonly filter: EventFilter;
  readonly feed: EventFeed;
  readonly frameBytesMax: number;
  readonly hasRoom: () => boolean;
  readonly send: (frame: Frame) => void;
  readonly tell: (frame: ServerFrame) => void;
  /** Pumping is needed, now or when there is room. */
  readonly onBehind: () => void;
}): Subscription {
  const { id, feed } = options;
  const wants = eventMatcher(options.filter);
  let cursor = options.from;
  let told = options.from;
  let behind = true;

  const deliver = (item: FeedEvent): void => {
    const { event } = item;
    if (wants(event)) {
      const frame = item.frame(id);
      if (frame.byteLength <= options.frameBytesMax) options.send(frame);
      else options.tell({ type: "gap", id, from: event.sequence - 1, to: event.sequence, reason: "frame_too_large" });
      told = event.sequence;
    }
    cursor = event.sequence;
    if (cursor - told >= cursorEvery) tellCursor();
  };

  const tellCursor = (): void => {
    told = cursor;
    options.tell({ type: "cursor", id, next: cursor });
  };

  /** Answers whether all of them were delivered. */
  const deliverAll = (items: readonly FeedEvent[]): boolean => {
    for (const item of items) {
      if (item.event.sequence <= cursor) continue;
      if (!options.hasRoom()) return false;
      deliver(item);
    }
    return true;
  };

  return {
    cursor: () => cursor,
    offer: (items) => {
      if (behind) return;
      const next = items.find((item) => item.event.sequence > cursor);
      if (next === undefined) return;
      if (next.event.sequence === cursor + 1 && deliverAll(items)) return;
      behind = true;
      options.onBehind();
    },
    pump: () => {
      if (!behind || !options.hasRoom()) return false;
      const page = feed.read(cursor, pageSize);
      if (!deliverAll(page)) return false;
      if (page.length > 0 && cursor < feed.head()) return true;
      behind = false;
      if (cursor > told) tellCursor();
      return false;
    },
  };
}
