/**
 * Output stream: what an agent's terminal shows, by incarnation and byte offset.
 *
 *   O1  Bytes of one incarnation come in order, each once; what could not be had is told as a gap.
 *   O2  A new incarnation starts at its own offset 0; offsets of different incarnations are never mixed.
 *   O3  A reader that is slow costs bounded memory: the following is given up and taken again at the offset.
 */
import { RelayError, relayError } from "@agent-relay/protocol";
import type { ServerFrame } from "@agent-relay/protocol";
import type { TerminalChunk } from "../client.ts";
import { fruitlessMax, type Stream, type StreamHost } from "./source.ts";
import { openStreamBuffer } from "./stream-buffer.ts";

const outputBuffer = { itemsMax: 4_096, bytesMax: 4 * 1_048_576 } as const;

type OutputFrame = Extract<ServerFrame, { type: "output" }>;

export interface OutputStream extends Stream {
  readonly reader: AsyncIterable<TerminalChunk>;
}

export function openOutputStream(
  host: StreamHost,
  options: { readonly agent: string; readonly from: number | undefined; readonly signal: AbortSignal | undefined },
): OutputStream {
  let mode: "waiting" | "following" | "full" | "over" = "waiting";
  /** Where the next byte is expected. */
  let position: { readonly epoch: number; readonly offset: number } | undefined;
  /** From where the broker was asked to send. */
  let askedFrom = options.from;
  let reconnected = false;
  /** Output of this following has told its incarnation. */
  let isPlaced = false;
  /** A gap that cannot be placed before the next output tells its incarnation. */
  let openGap: { readonly from: number; readonly to: number; readonly reason: string } | undefined;
  let follow: number | undefined;
  let fruitless = 0;

  const finish = (): void => {
    if (mode === "over") return;
    mode = "over";
    unfollow();
    options.signal?.removeEventListener("abort", end);
    host.forget(stream);
  };
  const buffer = openStreamBuffer<TerminalChunk>({
    ...outputBuffer,
    onRoom: () => {
      if (mode === "full") resume();
    },
    onLeft: () => finish(),
  });
  const end = (): void => {
    finish();
    buffer.stop();
  };
  const fail = (error: RelayError): void => {
    finish();
    buffer.fail(error);
  };

  const resume = (): void => {
    mode = "waiting";
    start();
  };

  const start = (): void => {
    if (mode !== "waiting" || !host.isUp()) return;
    mode = "following";
    // After a reconnect the agent may be another incarnation with offsets of its own: ask for all, pass over what we have.
    if (position !== undefined) askedFrom = reconnected ? 0 : position.offset;
    reconnected = false;
    isPlaced = false;
    const id = host.openId(hear);
    follow = id;
    const frame = { type: "follow", id, agent: options.agent } as const;
    host.send(askedFrom === undefined ? frame : { ...frame, from: askedFrom });
  };

  const unfollow = (): void => {
    if (follow === undefined) return;
    host.dropId(follow);
    host.send({ type: "unsubscribe", id: follow });
    follow = undefined;
  };

  const hear = (frame: ServerFrame): void => {
    switch (frame.type) {
      case "output":
        fruitless = 0;
        take(frame);
        if (!buffer.isFull() || mode !== "following") return;
        unfollow();
        mode = "full";
        return;
      case "gap":
        if (position === undefined) pushGap(frame);
        else {
          openGap = frame;
          if (isPlaced) placeGap();
        }
        return;
      case "end":
        if (frame.reason === "slow_consumer") interrupted(frame.reason);
        else {
          placeGap();
          finish();
          buffer.end();
        }
        return;
      case "error":
        if (frame.error.code === "slow_consumer" || frame.error.code === "broker_stopping")
          interrupted(frame.error.code);
        else fail(new RelayError(frame.error));
        return;
      case "subscribed":
        // It has not come as far: the offset was another incarnation's.
        if (askedFrom !== undefined && frame.from < askedFrom) startAnew();
        return;
      case "cursor":
        return;
      default:
        fail(relayError("invalid_frame", `a follow got a frame of type "${frame.type}"`));
    }
  };

  const take = (frame: OutputFrame): void => {
    const { epoch, offset } = frame;
    if (position !== undefined && epoch < position.epoch) return;
    if (position === undefined || epoch > position.epoch) {
      if (position !== undefined && offset > 0 && askedFrom !== undefined && askedFrom > 0) {
        // The offset that we asked for was the old incarnation's.
        position = { epoch, offset: 0 };
        startAnew();
        return;
      }
      if (position !== undefined) position = { epoch, offset: 0 };
    }
    isPlaced = true;
    placeGap();
    const start = position?.offset ?? offset;
    if (offset > start) pushGap({ from: start, to: offset, reason: "not_sent" });
    const data = Buffer.from(frame.data, "base64");
    const known = Math.max(0, start - offset);
    position = { epoch, offset: Math.max(start, offset + data.length) };
    if (known >= data.length) return;
    const fresh = known === 0 ? data : data.subarray(known);
    buffer.push({ type: "output", epoch, offset: offset + known, data: fresh }, fresh.length);
  };

  /** From the beginning of the incarnation that is there now. */
  const startAnew = (): void => {
    openGap = undefined;
    unfollow();
    askedFrom = 0;
    reconnected = true;
    resume();
  };

  const placeGap = (): void => {
    if (openGap === undefined || position === undefined) return;
    const { to, reason } = openGap;
    openGap = undefined;
    if (to <= position.offset) return;
    pushGap({ from: position.offset, to, reason });
    position = { epoch: position.epoch, offset: to };
  };

  const pushGap = (gap: { readonly from: number; readonly to: number; readonly reason: string }): void => {
    buffer.push({ type: "gap", from: gap.from, to: gap.to, reason: gap.reason }, 64);
  };

  const interrupted = (reason: string): void => {
    unfollow();
    fruitless += 1;
    if (fruitless >= fruitlessMax) {
      fail(relayError("slow_consumer", `the broker ended the output ${fruitless} times without any: ${reason}`));
      return;
    }
    if (buffer.isFull()) mode = "full";
    else resume();
  };

  const stream: OutputStream = {
    reader: buffer.reader,
    up: start,
    down: () => {
      if (follow !== undefined) host.dropId(follow);
      follow = undefined;
      openGap = undefined;
      reconnected = true;
      if (mode === "following") mode = "waiting";
    },
    lost: fail,
    fail,
    end,
  };
  if (options.signal?.aborted === true) end();
  else {
    options.signal?.addEventListener("abort", end, { once: true });
    start();
  }
  return stream;
}
