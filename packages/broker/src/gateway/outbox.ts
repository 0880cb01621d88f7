/**
 * Outbox: the frames of one connection on their way into its socket.
 *
 *   X1  Frames leave in the order in which they were pushed.
 *   X2  The frames of one turn of the event loop leave in one write.
 *   X3  At most `framesMax` frames and `bytesMax` bytes wait; a push beyond is refused.
 *   X4  A socket that does not finish a write for `stallTimeoutMs` is reported, once.
 */
import { boundedQueue } from "@agent-relay/kernel";
import type { Timers } from "./timers.ts";

/** One frame as it is written: UTF-8. */
export type Frame = Uint8Array;

/** The socket, as little of it as a connection needs. */
export interface Transport {
  /** Writes the frames together; `taken` is called later, when the system has taken all of them. */
  readonly write: (frames: readonly Frame[], taken: () => void) => void;
  /** Ends the connection in good order, after what was written. */
  readonly close: (code: number, reason: string) => void;
}

export interface Outbox {
  /** False when the frame was refused because too much waits. */
  readonly push: (frame: Frame) => boolean;
  /** Whether there is room for what can also be read later. Answers to requests may go beyond it. */
  readonly hasRoom: () => boolean;
  /** Writes what waits, then `last` even if there is no room for it, and closes. Nothing can be pushed afterwards. */
  readonly finish: (code: number, reason: string, last?: Frame) => void;
  /** The connection is gone. */
  readonly drop: () => void;
}

/** Bytes in one write. Each write that ends is progress, so a slow reader is told apart from a dead one. */
const writeBytesMax = 262_144;
/** Events and output take at most this part of the outbox; the rest is kept for answers. */
const streamShare = 0.5;

export function outbox(options: {
  readonly transport: Transport;
  readonly timers: Timers;
  readonly framesMax: number;
  readonly bytesMax: number;
  readonly stallTimeoutMs: number;
  /** There is room again after there was none. */
  readonly onRoom: () => void;
  readonly onStall: () => void;
}): Outbox {
  const { transport, timers } = options;
  const roomFrames = Math.max(1, Math.floor(options.framesMax * streamShare));
  const roomBytes = Math.max(1, Math.floor(options.bytesMax * streamShare));
  const waiting = boundedQueue<Frame>({ limit: options.framesMax, whenFull: "refuse" });
  let bytes = 0;
  let framesInFlight = 0;
  let scheduled = false;
  let roomWanted = false;
  let closed = false;
  let cancelStall = (): void => undefined;

  const frames = (): number => waiting.size() + framesInFlight;
  const fits = (): boolean => frames() < roomFrames && bytes < roomBytes;

  const takeChunk = (limit: number): { readonly chunk: Frame[]; readonly size: number } => {
    const chunk: Frame[] = [];
    let size = 0;
    while (size < limit) {
      const frame = waiting.shift();
      if (frame === undefined) break;
      chunk.push(frame);
      size += frame.byteLength;
    }
    return { chunk, size };
  };

  const flush = (): void => {
    scheduled = false;
    if (closed || waiting.size() === 0) return;
    const { chunk, size } = takeChunk(writeBytesMax);
    framesInFlight = chunk.length;
    cancelStall = timers.after(options.stallTimeoutMs, options.onStall);
    transport.write(chunk, () => {
      if (closed) return;
      cancelStall();
      framesInFlight = 0;
      bytes -= size;
      flush();
      if (roomWanted && fits()) {
        roomWanted = false;
        options.onRoom();
      }
    });
  };

  const drop = (): void => {
    closed = true;
    cancelStall();
    waiting.clear();
  };

  return {
    push: (frame) => {
      if (closed) return true;
      // A frame alone in the outbox always fits, or one larger than the bound could never leave.
      if (frames() > 0 && (frames() >= options.framesMax || bytes + frame.byteLength > options.bytesMax)) return false;
      waiting.push(frame);
      bytes += frame.byteLength;
      if (!scheduled && framesInFlight === 0) {
        scheduled = true;
        timers.defer(flush);
      }
      return true;
    },
    hasRoom: () => {
      if (fits()) return true;
      roomWanted = true;
      return false;
    },
    finish: (code, reason, last) => {
      if (closed) return;
      const { chunk } = takeChunk(Infinity);
      if (last !== undefined) chunk.push(last);
      drop();
      if (chunk.length > 0) transport.write(chunk, () => undefined);
      transport.close(code, reason);
    },
    drop,
  };
}
