/**
 * The newest bytes of a stream, addressed by their offset from its beginning.
 *
 *   B1  Holds at most `limit` bytes; the oldest go first.
 *   B2  A byte keeps its offset for ever, and reading never invents or repeats one.
 *   B3  Memory follows what is held: an idle stream costs a few hundred bytes.
 */
export interface ByteRing {
  readonly append: (data: Uint8Array) => void;
  /** A copy of what is held from `fromOffset` on; the answered offset says where it really starts. */
  readonly read: (fromOffset: number, limit?: number) => { readonly offset: number; readonly data: Uint8Array };
  readonly firstOffset: () => number;
  readonly nextOffset: () => number;
}

/** Small enough for an idle terminal, large enough that a shell prompt does not make it grow twice. */
const INITIAL_BYTES = 512;

export function byteRing(limit: number): ByteRing {
  let buffer = new Uint8Array(0);
  let length = 0;
  let next = 0;

  /** Byte `offset` lies at `offset % capacity`, so that nothing moves until the capacity changes. */
  const copyInto = (target: Uint8Array, fromOffset: number): void => {
    const start = fromOffset % buffer.length;
    const head = Math.min(target.length, buffer.length - start);
    target.set(buffer.subarray(start, start + head));
    target.set(buffer.subarray(0, target.length - head), head);
  };

  const place = (data: Uint8Array, offset: number): void => {
    const start = offset % buffer.length;
    const head = Math.min(data.length, buffer.length - start);
    buffer.set(data.subarray(0, head), start);
    buffer.set(data.subarray(head), 0);
  };

  const grow = (wanted: number): void => {
    const held = new Uint8Array(length);
    if (length > 0) copyInto(held, next - length);
    buffer = new Uint8Array(Math.min(limit, Math.max(INITIAL_BYTES, buffer.length * 2, wanted)));
    place(held, next - length);
  };

  return {
    append: (data) => {
      if (data.length === 0) return;
      const kept = data.length > limit ? data.subarray(data.length - limit) : data;
      if (buffer.length < limit && length + kept.length > buffer.length) grow(length + kept.length);
      next += data.length;
      place(kept, next - kept.length);
      length = Math.min(buffer.length, length + data.length);
    },
    read: (fromOffset, most = Number.POSITIVE_INFINITY) => {
      const offset = Math.min(next, Math.max(fromOffset, next - length));
      const data = new Uint8Array(Math.min(most, next - offset));
      if (data.length > 0) copyInto(data, offset);
      return { offset, data };
    },
    firstOffset: () => next - length,
    nextOffset: () => next,
  };
}
