/**
 * Record tail: reads on in the JSONL file in which a program records its own session.
 *
 *   T1  Each whole line is said once, in order, however its bytes arrive; a line over 1 MiB is skipped whole.
 *   T2  Only a regular file that belongs to this user is read, and reading never waits for anything but the disk.
 *   T3  A file that became shorter, or another file in its place, is read from its beginning; one that was read before
 *       is read on from where that was.
 *   T4  What is no JSON object says nothing. Memory is bounded by one line.
 *   T5  It reads when it is asked to, and a moment after the file was seen to change. One that is not there yet is looked
 *       for every second of the minute after that: a program may name its record before it begins it.
 *   T6  What stood there at the beginning is told as past, and of a long file only the end.
 */
import { watch, type FSWatcher } from "node:fs";
import { constants, open, type FileHandle } from "node:fs/promises";
import { messageOf, type Clock, type Logger } from "@agent-relay/kernel";

/** The largest lines are answers of tools that the adapters have no use for. */
const LINE_BYTES_MAX = 1_048_576;
const CHUNK_BYTES = 65_536;
/** Programs write a line in several goes; within this time they have finished. */
const SETTLE_MS = 250;
/** How often a file that is not there is looked for, and how many times after each time that it was asked for. */
const LOOK_AGAIN_MS = 1_000;
const LOOKS_MAX = 60;
/** Far more than a program writes while a broker is replaced. */
const PAST_BYTES_MAX = 4_194_304;
/** Where files were left that may come back to this path. */
const PLACES_MAX = 8;
/** Dates of a file are coarser than the clock on some disks. */
const DATE_SLACK_MS = 2_000;

export interface RecordTail {
  /** Says what is new. Calls that come while it reads are answered when everything up to now is read. Never rejects. */
  readonly read: () => Promise<void>;
  readonly close: () => void;
}

export interface RecordTailOptions {
  readonly file: string;
  /**
   * `end`: what stands there now is of the past, and is told as such. A number: a file that was begun before that
   * instant is of the past, which is not told, and any other is read from its beginning.
   */
  readonly from: "end" | number;
  readonly onLine: (line: Readonly<Record<string, unknown>>, isPast: boolean) => void;
  /** Tells its timer from others of the clock. */
  readonly name: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Place {
  readonly id: string;
  offset: number;
  /** Lines that end before it are of the past. */
  readonly pastUntil: number;
  /** The beginning of a line whose end has not come; nothing while a line is skipped. */
  begun: Buffer[] | undefined;
  begunBytes: number;
}

export function tailRecord(options: RecordTailOptions): RecordTail {
  const { file, clock, logger } = options;
  const timer = `record/${options.name}`;
  const places = new Map<string, Place>();
  let watcher: FSWatcher | undefined;
  let watched: string | undefined;
  let reading: Promise<void> | undefined;
  let again: Promise<void> | undefined;
  /** It was looked for before it was there: then all of it is new. */
  let missed = false;
  let looks = 0;
  let warned = false;
  let closed = false;

  const read = (): Promise<void> => {
    if (closed) return Promise.resolve();
    looks = 0;
    return readNow();
  };

  const readNow = (): Promise<void> => {
    // Whoever asks while it reads may mean bytes that were already passed.
    if (reading !== undefined) return (again ??= reading.then(() => start()));
    return start();
  };

  const start = (): Promise<void> => {
    again = undefined;
    reading = readOn()
      .catch((error: unknown) => {
        if (!warned) logger.warn("a program's record was not read", { file, error: messageOf(error) });
        warned = true;
      })
      .finally(() => {
        // Where another waits for it, that one begins next, and nobody in between.
        if (again === undefined) reading = undefined;
      });
    return reading;
  };

  const readOn = async (): Promise<void> => {
    if (closed) return;
    const handle = await openOwn(file);
    if (handle === undefined) {
      missed ||= places.size === 0;
      if (watcher === undefined && (looks += 1) <= LOOKS_MAX && !closed)
        clock.setTimer(timer, clock.now() + LOOK_AGAIN_MS, () => void readNow());
      return;
    }
    try {
      const { dev, ino, size, birthtimeMs } = await handle.stat();
      const place = placeOf(`${dev}/${ino}`, size, birthtimeMs);
      watchFile(place.id);
      await readFrom(handle, place);
    } finally {
      await handle.close();
    }
  };

  const placeOf = (id: string, size: number, begunAt: number): Place => {
    const known = places.get(id);
    if (known !== undefined) {
      if (size < known.offset) Object.assign(known, { offset: 0, begun: [], begunBytes: 0 });
      return known;
    }
    const past =
      options.from === "end" ? places.size === 0 && !missed : begunAt > 0 && begunAt < options.from - DATE_SLACK_MS;
    const isTold = options.from === "end";
    const offset = !past ? 0 : isTold ? Math.max(0, size - PAST_BYTES_MAX) : size;
    const place: Place = { id, offset, pastUntil: past ? size : 0, begun: [], begunBytes: 0 };
    places.set(id, place);
    const [oldest] = places.keys();
    if (places.size > PLACES_MAX && oldest !== undefined) places.delete(oldest);
    return place;
  };

  const readFrom = async (handle: FileHandle, place: Place): Promise<void> => {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, CHUNK_BYTES, place.offset);
      if (bytesRead === 0 || closed) return;
      take(place, buffer.subarray(0, bytesRead));
      place.offset += bytesRead;
    }
  };

  const take = (place: Place, bytes: Buffer): void => {
    for (let from = 0; from < bytes.length;) {
      const end = bytes.indexOf(0x0a, from);
      const part = bytes.subarray(from, end < 0 ? bytes.length : end);
      place.begunBytes += part.length;
      if (place.begunBytes > LINE_BYTES_MAX) place.begun = undefined;
      else place.begun?.push(Buffer.from(part));
      if (end < 0) return;
      const line = place.begun;
      place.begun = [];
      place.begunBytes = 0;
      if (line !== undefined) say(Buffer.concat(line).toString("utf8"), place.offset + end < place.pastUntil);
      from = end + 1;
    }
  };

  const say = (text: string, isPast: boolean): void => {
    const line = objectIn(text);
    if (line !== undefined && !closed) options.onLine(line, isPast);
  };

  const watchFile = (id: string): void => {
    if (watched === id || closed) return;
    watcher?.close();
    watched = id;
    try {
      watcher = watch(file, { persistent: false }, () => {
        clock.setTimer(timer, clock.now() + SETTLE_MS, () => void read());
      });
      // It is read on the program's own reports, too.
      watcher.on("error", () => watcher?.close());
    } catch (error) {
      logger.debug("a program's record cannot be watched", { file, error: messageOf(error) });
    }
  };

  return {
    read,
    close: () => {
      closed = true;
      clock.clearTimer(timer);
      watcher?.close();
    },
  };
}

/** Nothing if it is not there (yet), or not a regular file of ours. */
async function openOwn(file: string): Promise<FileHandle | undefined> {
  let handle: FileHandle;
  try {
    // Without waiting, and without following: a pipe would wait for its writer, and a link may lead anywhere.
    handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch {
    // Many programs make it with the first turn.
    return undefined;
  }
  const found = await handle.stat();
  if (found.isFile() && found.uid === (process.getuid?.() ?? found.uid)) return handle;
  await handle.close();
  return undefined;
}

function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  if (!text.trimStart().startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    // A line that was torn, or of another format: it says nothing.
    return undefined;
  }
}
