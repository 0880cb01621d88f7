/** Timers by key, the earliest first: a binary heap whose cleared entries are dropped when they come to the top. */
import type { Instant } from "@agent-relay/kernel";

export interface Timer {
  readonly key: string;
  readonly at: Instant;
  /** Tells timers of one instant apart: the one that was set first has the smaller. */
  readonly order: number;
  readonly fire: () => void;
}

export interface TimerHeap {
  readonly set: (key: string, at: Instant, fire: () => void) => void;
  readonly clear: (key: string) => void;
  readonly first: () => Timer | undefined;
  /** In the order of firing. */
  readonly all: () => readonly Timer[];
  readonly forget: () => void;
}

export function timerHeap(): TimerHeap {
  const live = new Map<string, Timer>();
  let heap: Timer[] = [];
  let order = 0;

  const isLive = (timer: Timer): boolean => live.get(timer.key) === timer;

  return {
    set: (key, at, fire) => {
      const timer: Timer = { key, at, order: order++, fire };
      live.set(key, timer);
      // Timers that are set again and again would fill the heap with their cleared selves.
      if (heap.length > 64 && heap.length > live.size * 2) heap = [...live.values()].sort(byFiring);
      else push(heap, timer);
    },
    clear: (key) => {
      live.delete(key);
    },
    first: () => {
      for (let top = heap[0]; top !== undefined; top = heap[0]) {
        if (isLive(top)) return top;
        pop(heap);
      }
      return undefined;
    },
    all: () => [...live.values()].sort(byFiring),
    forget: () => {
      live.clear();
      heap = [];
    },
  };
}

function byFiring(a: Timer, b: Timer): number {
  return a.at - b.at || a.order - b.order;
}

function push(heap: Timer[], timer: Timer): void {
  let index = heap.length;
  heap.push(timer);
  while (index > 0) {
    const parentIndex = (index - 1) >> 1;
    const parent = heap[parentIndex];
    if (parent === undefined || byFiring(parent, timer) <= 0) break;
    heap[index] = parent;
    index = parentIndex;
  }
  heap[index] = timer;
}

/** Takes the top away: the last entry sinks from the root to its place. */
function pop(heap: Timer[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let index = 0;
  for (;;) {
    const left = heap[2 * index + 1];
    if (left === undefined) break;
    const right = heap[2 * index + 2];
    const [child, childIndex] =
      right !== undefined && byFiring(right, left) < 0 ? [right, 2 * index + 2] : [left, 2 * index + 1];
    if (byFiring(last, child) <= 0) break;
    heap[index] = child;
    index = childIndex;
  }
  heap[index] = last;
}
