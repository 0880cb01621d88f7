/**
 * Follow: one client's view of the output of one incarnation's terminal.
 *
 *   W1  Output comes in order of offset, without repeats; what is missing between two offsets is declared by a gap.
 *   W2  Nothing is kept for a client that has no room: it is read again from the terminal's ring later.
 *   W3  After the last output of the incarnation comes an end, and nothing after it.
 */
import type { ServerFrame } from "@agent-relay/protocol";
import type { BrokerService, TerminalNews } from "../service.ts";

export interface Follow {
  readonly pump: () => void;
  readonly stop: () => void;
}

/** Bytes of output in one frame, before base64. */
const pieceBytesMax = 65_536;

export function follow(options: {
  readonly id: number;
  readonly agent: string;
  /** Absent means everything that is still kept. */
  readonly from: number | undefined;
  readonly terminals: BrokerService["terminals"];
  readonly hasRoom: () => boolean;
  readonly tell: (frame: ServerFrame) => void;
  readonly onEnd: () => void;
  /** The terminal cannot be read. */
  readonly onFailure: (thrown: unknown) => void;
}): Follow {
  const { id, agent, terminals, tell } = options;
  let position = options.from ?? 0;
  let epoch: number | undefined;
  /** The end of the newest output that we heard of. */
  let newest = 0;
  let behind = true;
  let reading = false;
  let stopped = false;
  /** Output came before the first answer, which may not have it yet. */
  let early = false;
  /** The newest epoch whose terminal has ended. */
  let endedEpoch = 0;

  const stop = (): void => {
    stopped = true;
    unlisten();
  };

  const end = (reason: string): void => {
    stop();
    if (newest > position) gap(newest, "no_longer_kept");
    tell({ type: "end", id, reason });
    options.onEnd();
  };

  const gap = (to: number, reason: string): void => {
    tell({ type: "gap", id, from: position, to, reason });
    position = to;
  };

  /** Sends what is new in the output. Answers whether all of it was sent. */
  const send = (outputEpoch: number, offset: number, data: Uint8Array): boolean => {
    let start = Math.max(0, position - offset);
    while (start < data.byteLength) {
      if (!options.hasRoom()) return false;
      const piece = data.subarray(start, start + pieceBytesMax);
      tell({
        type: "output",
        id,
        epoch: outputEpoch,
        offset: offset + start,
        data: Buffer.from(piece).toString("base64"),
      });
      start += piece.byteLength;
      position = offset + start;
    }
    return true;
  };

  const readOn = async (): Promise<void> => {
    reading = true;
    try {
      while (!stopped && behind && options.hasRoom()) {
        const heardOf = newest;
        const kept = await terminals.read(agent, position);
        if (stopped) return;
        take(kept, heardOf);
      }
    } finally {
      // In the same step as the decision to stop reading, so that no news falls between the two.
      reading = false;
    }
    if (!stopped && !behind && epoch !== undefined && endedEpoch >= epoch) end("terminal_ended");
  };

  const take = (kept: Awaited<ReturnType<typeof terminals.read>>, heardOf: number): void => {
    if (epoch === undefined) {
      epoch = kept.epoch;
      // One beyond the end is an offset of an earlier incarnation: waiting for it would leave out all that comes before.
      if (options.from === undefined || kept.offset < position) position = kept.offset;
      tell({ type: "subscribed", id, from: position });
    }
    if (kept.epoch !== epoch) return end("incarnation_over");
    // Nobody tells it to who comes after the end.
    if (kept.isOver) endedEpoch = Math.max(endedEpoch, epoch);
    if (kept.offset > position) gap(kept.offset, "no_longer_kept");
    newest = Math.max(newest, kept.offset + kept.data.byteLength);
    // The ring has nothing of what was heard of before it was asked: asking again would spin. What came since then is in the
    // next answer.
    if (kept.data.byteLength === 0 && heardOf > position) gap(heardOf, "no_longer_kept");
    behind = !send(epoch, kept.offset, kept.data) || newest > position || early;
    early = false;
  };

  const pump = (): void => {
    if (reading || stopped || !behind) return;
    readOn().catch((thrown: unknown) => {
      if (stopped) return;
      if (epoch !== undefined && endedEpoch >= epoch) return end("terminal_ended");
      stop();
      options.onFailure(thrown);
    });
  };

  const onNews = (news: TerminalNews): void => {
    if (stopped || news.agent !== agent) return;
    if (epoch !== undefined && news.epoch !== epoch) {
      if (news.epoch > epoch) end("incarnation_over");
      return;
    }
    if (news.type === "ended") {
      endedEpoch = Math.max(endedEpoch, news.epoch);
      if (!behind) end("terminal_ended");
      return;
    }
    if (epoch === undefined) early = true;
    else newest = Math.max(newest, news.offset + news.data.byteLength);
    const live = epoch !== undefined && !behind && news.offset <= position;
    if (live && send(news.epoch, news.offset, news.data)) return;
    behind = true;
    pump();
  };
  const unlisten = terminals.onNews(onNews);

  return { pump, stop };
}
