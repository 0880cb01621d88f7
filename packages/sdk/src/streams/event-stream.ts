/**
 * Event stream: the log from a cursor on, over however many subscriptions it takes.
 *
 *   E1  Events come in order of sequence, each once, none left out, over reconnects, slow spells and gaps.
 *   E2  A stream "from now on" misses nothing after the call that made it, even if the connection is lost before the
 *       broker has confirmed.
 *   E3  A reader that is slow costs bounded memory: the subscription is given up and taken again at the cursor. The
 *       socket itself is never stopped, since the reader may be waiting for an answer that comes over it.
 *   E4  What the broker declares as a gap is read back from the log.
 *   E5  A log that ends before the cursor is another log, and a failure.
 */
import { RelayError, isErrorCode, relayError } from "@agent-relay/protocol";
import type { EventFilter, RelayEvent, ServerFrame } from "@agent-relay/protocol";
import { asRelayError, isRelayError } from "../errors.ts";
import { parseEvents } from "../wire/frames.ts";
import { fruitlessMax, type Stream, type StreamHost } from "./source.ts";
import { openStreamBuffer } from "./stream-buffer.ts";

export const eventBuffer = { itemsMax: 1_024, bytesMax: 8 * 1_048_576 } as const;

type Mode = "waiting" | "subscribed" | "full" | "rereading" | "over";

export interface EventStream extends Stream {
  readonly reader: AsyncIterable<RelayEvent>;
  readonly buffered: () => number;
}

export function openEventStream(
  host: StreamHost,
  options: {
    readonly from: number | undefined;
    readonly filter: EventFilter | undefined;
    readonly signal: AbortSignal | undefined;
    readonly patient: boolean;
  },
): EventStream {
  let mode: Mode = "waiting";
  let cursor = options.from;
  /** For E2: where to look again, and which events there are older than the call. */
  const floor = { sequence: host.head(), at: host.now() };
  let asked = false;
  let fromFloor = !host.isUp();
  let subscription: number | undefined;
  let fruitless = 0;
  let roomAgain: (() => void) | undefined;
  const stopRereading = new AbortController();

  const finish = (): void => {
    if (mode === "over") return;
    mode = "over";
    unsubscribe();
    stopRereading.abort();
    roomAgain?.();
    options.signal?.removeEventListener("abort", end);
    host.forget(stream);
  };

  const buffer = openStreamBuffer<RelayEvent>({
    ...eventBuffer,
    onRoom: () => {
      roomAgain?.();
      if (mode !== "full") return;
      mode = "waiting";
      subscribe();
    },
    onLeft: () => finish(),
  });

  const end = (): void => {
    finish();
    buffer.stop();
  };
  const fail = (error: unknown): void => {
    finish();
    buffer.fail(asRelayError(error));
  };

  const subscribe = (): void => {
    if (mode !== "waiting" || !host.isUp()) return;
    mode = "subscribed";
    if (cursor === undefined && asked) fromFloor = true;
    const from = cursor ?? (fromFloor ? floor.sequence : undefined);
    asked = true;
    const id = host.openId(hear);
    subscription = id;
    const filter = options.filter ?? {};
    host.send(from === undefined ? { type: "subscribe", id, filter } : { type: "subscribe", id, from, filter });
  };

  const unsubscribe = (): void => {
    if (subscription === undefined) return;
    host.dropId(subscription);
    host.send({ type: "unsubscribe", id: subscription });
    subscription = undefined;
  };

  const hear = (frame: ServerFrame, bytes: number): void => {
    switch (frame.type) {
      case "subscribed":
        advance(frame.from);
        return;
      case "event":
        take(frame.event, bytes);
        if (!buffer.isFull() || mode !== "subscribed") return;
        unsubscribe();
        mode = "full";
        return;
      case "cursor":
        advance(frame.next);
        return;
      case "gap":
        unsubscribe();
        advance(Math.min(frame.from, cursor ?? frame.from));
        void reread(frame.to);
        return;
      case "end":
        ended(frame.reason);
        return;
      case "error":
        if (frame.error.retryable && frame.error.code !== "too_many_requests") ended(frame.error.code);
        else fail(new RelayError(frame.error));
        return;
      default:
        fail(relayError("invalid_frame", `a subscription got a frame of type "${frame.type}"`));
    }
  };

  const take = (event: RelayEvent, bytes: number): void => {
    if (cursor !== undefined && event.sequence <= cursor) return;
    const old = fromFloor && event.at < floor.at;
    advance(event.sequence);
    if (!old) buffer.push(event, bytes);
  };

  const advance = (to: number): void => {
    if (cursor !== undefined && to <= cursor) return;
    cursor = to;
    fruitless = 0;
  };

  /** The broker ended the subscription, most likely because we were slow. */
  const ended = (reason: string): void => {
    unsubscribe();
    fruitless += 1;
    if (fruitless >= fruitlessMax) {
      fail(
        relayError(
          isErrorCode(reason) ? reason : "slow_consumer",
          `the broker ended the subscription ${fruitless} times without an event: ${reason}`,
        ),
      );
      return;
    }
    mode = buffer.isFull() ? "full" : "waiting";
    subscribe();
  };

  const isRereading = (): boolean => mode === "rereading";

  const reread = async (to: number): Promise<void> => {
    mode = "rereading";
    try {
      while ((cursor ?? 0) < to) {
        const from = cursor ?? 0;
        const page = await host.call(
          "events.read",
          { from, limit: 500, filter: options.filter ?? {} },
          { signal: stopRereading.signal },
        );
        for (const event of parseEvents(page.events)) take(event, 0);
        advance(page.next);
        if (cursor === from)
          throw relayError("log_corrupt", `the events after ${from} up to ${to} were not sent and cannot be read`);
        if (buffer.isFull()) await new Promise<void>((resolve) => (roomAgain = resolve));
        roomAgain = undefined;
        // It has ended, or the broker was lost meanwhile: then a new subscription goes on from the cursor.
        if (!isRereading()) return;
      }
      mode = "waiting";
      subscribe();
    } catch (error) {
      if (isRelayError(error, "cancelled")) return;
      if (options.patient && !isRereading()) return;
      fail(error);
    }
  };

  const stream: EventStream = {
    reader: buffer.reader,
    buffered: buffer.size,
    up: (welcome) => {
      if (cursor !== undefined && welcome.head < cursor) {
        fail(
          relayError(
            "log_corrupt",
            `the broker's log ends at ${welcome.head}, before the cursor ${cursor}: it is another log`,
            {
              hint: "Start again from 0, or from now on.",
            },
          ),
        );
        return;
      }
      subscribe();
    },
    down: () => {
      if (subscription !== undefined) host.dropId(subscription);
      subscription = undefined;
      if (mode === "subscribed") mode = "waiting";
    },
    lost: (error) => {
      // A reread under way has failed with its call; it starts again with the next connection.
      if (!options.patient) fail(error);
      else if (mode === "rereading") mode = buffer.isFull() ? "full" : "waiting";
    },
    fail,
    end,
  };

  if (options.signal?.aborted === true) end();
  else {
    options.signal?.addEventListener("abort", end, { once: true });
    subscribe();
  }
  return stream;
}
