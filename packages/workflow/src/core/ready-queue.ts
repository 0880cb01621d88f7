/**
 * Ready queue: steps that may start, the one that stands first in the plan first.
 *
 *   Q1  Adding and taking cost O(log n); looking at the first costs nothing. A step is in it at most once.
 */

export interface Ordered {
  readonly order: number;
}

export class ReadyQueue<Item extends Ordered> {
  readonly #heap: Item[] = [];
  readonly #members = new Set<Item>();

  get size(): number {
    return this.#members.size;
  }

  first(): Item | undefined {
    this.#dropLeft();
    return this.#heap[0];
  }

  add(item: Item): void {
    if (this.#members.has(item)) return;
    this.#members.add(item);
    // One that left lies in the heap until it comes up; adding it again would make two of it.
    if (this.#heap.length > this.#members.size * 2 + 16) this.#rebuild();
    else this.#siftUp(this.#heap.push(item) - 1);
  }

  remove(item: Item): void {
    this.#members.delete(item);
  }

  #dropLeft(): void {
    for (let top = this.#heap[0]; top !== undefined && !this.#members.has(top); top = this.#heap[0]) this.#pop();
  }

  #rebuild(): void {
    this.#heap.length = 0;
    for (const item of this.#members) this.#siftUp(this.#heap.push(item) - 1);
  }

  #pop(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#siftDown(0);
  }

  #siftUp(from: number): void {
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#isBefore(index, parent)) return;
      this.#swap(index, parent);
      index = parent;
    }
  }

  #siftDown(from: number): void {
    let index = from;
    for (;;) {
      let least = index;
      for (const child of [2 * index + 1, 2 * index + 2])
        if (child < this.#heap.length && this.#isBefore(child, least)) least = child;
      if (least === index) return;
      this.#swap(index, least);
      index = least;
    }
  }

  #isBefore(a: number, b: number): boolean {
    return (this.#heap[a]?.order ?? 0) < (this.#heap[b]?.order ?? 0);
  }

  #swap(a: number, b: number): void {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    if (one === undefined || other === undefined) return;
    this.#heap[a] = other;
    this.#heap[b] = one;
  }
}
