/** How far each stream is, for the streams used last: a map with a bound, the least recently used leaves first. */
export class NewestRevisions {
  readonly #limit: number;
  readonly #revisions = new Map<string, number>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(stream: string): number | undefined {
    const revision = this.#revisions.get(stream);
    if (revision !== undefined) this.set(stream, revision);
    return revision;
  }

  set(stream: string, revision: number): void {
    this.#revisions.delete(stream);
    this.#revisions.set(stream, revision);
    if (this.#revisions.size <= this.#limit) return;
    const oldest = this.#revisions.keys().next().value;
    if (oldest !== undefined) this.#revisions.delete(oldest);
  }

  clear(): void {
    this.#revisions.clear();
  }

  get size(): number {
    return this.#revisions.size;
  }
}
