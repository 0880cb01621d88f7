/**
 * How far clients have got the output of one program on pipes.
 *
 *   E1  Only what is in one piece from the beginning counts: of a hole nobody knows whether anyone has it.
 *   E2  It makes no difference in which order an answer to `read` and the events around it are acknowledged.
 */
export interface Receipts {
  /** A client has got the bytes from `from` up to `to`. */
  readonly got: (from: number, to: number) => void;
  /** Every byte before this one was got. */
  readonly upTo: () => number;
}

export function receipts(): Receipts {
  let upTo = 0;
  /** What was got beyond a hole: events that came before the answer to `read` that fills it. */
  let beyond = { from: 0, to: 0 };

  return {
    got: (from, to) => {
      if (from > upTo) {
        beyond = from === beyond.to ? { from: beyond.from, to } : { from, to };
        return;
      }
      upTo = Math.max(upTo, to);
      if (beyond.from <= upTo) upTo = Math.max(upTo, beyond.to);
    },
    upTo: () => upTo,
  };
}
