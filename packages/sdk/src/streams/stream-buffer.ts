/**
 * Stream buffer: what has arrived and was not taken yet, for one reader.
 *
 *   B1  Items are read in the order in which they were put in, each once.
 *   B2  An end or a failure is read after everything before it; a stop is read at once.
 *   B3  `isFull` says that nothing more should be asked for; `onRoom` that it should again, once for each time it was full.
 *   B4  A reader that leaves is told to the source once.
 */
import type { RelayError } from "@agent-relay/protocol";

export interface StreamBuffer<Item> {
  readonly push: (item: Item, bytes: number) => void;
  readonly end: () => void;
  readonly fail: (error: RelayError) => void;
  /** Ends without what was not read yet. */
  readonly stop: () => void;
  readonly isFull: () => boolean;
  readonly size: () => number;
  readonly reader: AsyncIterable<Item>;
}

export function openStreamBuffer<Item>(options: {
  readonly itemsMax: number;
  readonly bytesMax: number;
  readonly onRoom: () => void;
  /** The reader left, or will read nothing more. */
  readonly onLeft: () => void;
}): StreamBuffer<Item> {
  let items: ({ readonly item: Item; readonly bytes: number } | undefined)[] = [];
  let first = 0;
  let bytes = 0;
  let full = false;
  let closing: { readonly error?: RelayError } | undefined;
  let left = false;
  const waiting: {
    readonly resolve: (result: IteratorResult<Item>) => void;
    readonly reject: (error: RelayError) => void;
  }[] = [];

  const size = (): number => items.length - first;
  const stop = (): void => {
    items = [];
    first = 0;
    bytes = 0;
    closing = {};
    settleWaiting();
  };

  const take = (): Item | undefined => {
    const taken = items[first];
    if (taken === undefined) return undefined;
    items[first++] = undefined;
    bytes -= taken.bytes;
    if (first > 64 && first * 2 > items.length) {
      items = items.slice(first);
      first = 0;
    }
    // A quarter rather than one place: each time costs a round trip.
    if (full && size() <= options.itemsMax / 4 && bytes <= options.bytesMax / 4) {
      full = false;
      options.onRoom();
    }
    return taken.item;
  };

  const settleWaiting = (): void => {
    if (closing === undefined) return;
    for (const reader of waiting.splice(0)) {
      if (closing.error === undefined) reader.resolve({ done: true, value: undefined });
      else {
        reader.reject(closing.error);
        closing = {}; // A failure is thrown once; afterwards the stream has ended.
      }
    }
  };

  const close = (how: { readonly error?: RelayError }): void => {
    if (closing !== undefined) return;
    closing = how;
    settleWaiting();
  };

  const iterator: AsyncIterator<Item> = {
    next: () => {
      if (size() > 0) return Promise.resolve({ done: false, value: take() as Item });
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        settleWaiting();
      });
    },
    return: () => {
      stop();
      if (!left) {
        left = true;
        options.onLeft();
      }
      return Promise.resolve({ done: true, value: undefined });
    },
  };

  return {
    push: (item, itemBytes) => {
      if (closing !== undefined) return;
      const reader = waiting.shift();
      if (reader !== undefined) {
        reader.resolve({ done: false, value: item });
        return;
      }
      items.push({ item, bytes: itemBytes });
      bytes += itemBytes;
      if (size() >= options.itemsMax || bytes >= options.bytesMax) full = true;
    },
    end: () => close({}),
    fail: (error) => close({ error }),
    stop,
    isFull: () => full,
    size,
    reader: { [Symbol.asyncIterator]: () => iterator },
  };
}
