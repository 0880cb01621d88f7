import {
  ERROR_BYTES_MAX,
  PIPE_AHEAD_AT_END_BYTES_MAX,
  PIPE_AHEAD_BYTES_MAX,
  PIPE_RING_BYTES_MAX,
  RING_BYTES_MAX,
} from "../bounds.ts";
import { byteRing } from "../byte-ring.ts";
import { receipts } from "../receipts.ts";
import type { ByteRing } from "../byte-ring.ts";
import type { PtyHostEvent, TerminalSpec } from "@agent-relay/kernel";

/** What a fake program prints, and how far it may get ahead of its clients when it prints on a pipe. */
export interface FakeOutput {
  readonly ring: ByteRing;
  readonly errors: ByteRing;
  readonly print: (data: Uint8Array) => void;
  readonly complain: (data: Uint8Array) => void;
  readonly read: (fromOffset: number) => { readonly offset: number; readonly data: Uint8Array };
  /** The program waits in a write to its pipe, and does nothing else. */
  readonly isStuck: () => boolean;
  /** The program has ended: what the pipe has room for is still printed. */
  readonly end: () => void;
}

export function fakeOutput(options: {
  readonly spec: TerminalSpec;
  /** Answers whether anyone listened. */
  readonly broadcast: (event: PtyHostEvent) => boolean;
  /** The program is no longer stuck. */
  readonly onFree: () => void;
}): FakeOutput {
  const { spec, broadcast } = options;
  const { id } = spec;
  const piped = spec.stdio === "pipes";
  const ring = byteRing(piped ? PIPE_RING_BYTES_MAX : RING_BYTES_MAX);
  const errors = byteRing(ERROR_BYTES_MAX);
  const taken = receipts();
  let held: Uint8Array[] = [];

  const pump = (aheadMax: number): void => {
    for (let head = held[0]; head !== undefined; head = held[0]) {
      const room = piped ? aheadMax - (ring.nextOffset() - taken.upTo()) : head.length;
      if (room <= 0) return;
      const data = head.subarray(0, room);
      if (data.length === head.length) held.shift();
      else held[0] = head.subarray(data.length);
      const offset = ring.nextOffset();
      ring.append(data);
      if (broadcast({ type: "output", id, offset, data })) taken.got(offset, offset + data.length);
    }
  };

  return {
    ring,
    errors,
    print: (data) => {
      held.push(data);
      pump(PIPE_AHEAD_BYTES_MAX);
    },
    complain: (data) => {
      const offset = errors.nextOffset();
      errors.append(data);
      broadcast({ type: "stderr", id, offset, data });
    },
    read: (fromOffset) => {
      const { offset, data } = ring.read(fromOffset);
      taken.got(0, offset + data.length);
      if (held.length > 0) {
        queueMicrotask(() => {
          pump(PIPE_AHEAD_BYTES_MAX);
          if (held.length === 0) options.onFree();
        });
      }
      return { offset, data };
    },
    isStuck: () => held.length > 0,
    end: () => {
      pump(PIPE_AHEAD_AT_END_BYTES_MAX);
      held = [];
    },
  };
}
