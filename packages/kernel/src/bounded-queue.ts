/** What a full queue does with one more item. */
export type WhenFull = "refuse" | "drop-oldest";

/**
 * A first-in, first-out queue with a bound. `push` and `shift` take time independent of the length.
 *
 * `push` answers false when the item was refused; under `drop-oldest` it always answers true and `dropped` counts.
 */
export interface BoundedQueue<Item> {
  readonly push: (item: Item) => boolean;
  readonly shift: () => Item | undefined;
  readonly peek: () => Item | undefined;
  readonly clear: () => void;
  readonly size: () => number;
  readonly dropped: () => number;
}

export function boundedQueue<Item>(options: {
  readonly limit: number;
  readonly whenFull: WhenFull;
}): BoundedQueue<Item> {
  let items: (Item | undefined)[] = [];
  let head = 0;
  let dropped = 0;
  const size = (): number => items.length - head;
  const shift = (): Item | undefined => {
    if (size() === 0) return undefined;
    const item = items[head];
    items[head++] = undefined;
    // Moving the rest down once per doubling keeps the cost of a shift constant on average.
    if (head > 32 && head * 2 > items.length) {
      items = items.slice(head);
      head = 0;
    }
    return item;
  };
  return {
    push: (item) => {
      if (size() >= options.limit) {
        if (options.whenFull === "refuse") return false;
        shift();
        dropped += 1;
      }
      items.push(item);
      return true;
    },
    shift,
    peek: () => items[head],
    clear: () => {
      items = [];
      head = 0;
    },
    size,
    dropped: () => dropped,
  };
}
