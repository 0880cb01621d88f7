/**
 * Terminal logs: what agents printed, on disk, addressed by the same byte offsets as the terminal itself.
 *
 *   T1  A log is a directory of segments whose names are their first offset, so a new broker knows where to go on.
 *   T2  The newest SEGMENTS_MAX segments of an incarnation and the newest EPOCHS_MAX incarnations of an agent are kept;
 *       older ones are deleted.
 *   T3  What could not be written is missing here and nowhere else: a full disk never stops an agent.
 *   T4  What waits to be written is bounded; behind a slow disk the newest output is missing instead.
 *   T5  The standard error of a program on pipes lies beside its output, with offsets of its own.
 *   T6  That output finds no place is said once for each log, until something finds its place again.
 */
import { mkdir, open, readdir, readFile, rm, stat, type FileHandle } from "node:fs/promises";
import path from "node:path";
import { codeOf, messageOf, type Logger } from "@agent-relay/kernel";

/** With four segments an agent keeps between 3 and 4 MiB: some 40,000 lines. */
const SEGMENT_BYTES = 1_048_576;
const SEGMENTS_MAX = 4;
/** Enough to see what the lives before this one ended with, however often an agent is restarted. */
const EPOCHS_MAX = 5;
/** Of all agents together: a disk that hangs must not fill the memory of the broker. */
const WAITING_BYTES_MAX = 32 * SEGMENT_BYTES;
/** The folder of the standard error, beside the segments of the output. */
const ERRORS = "stderr";

export interface TerminalLogs {
  /** Where the log of an incarnation ends; 0 if there is none. */
  readonly end: (name: string, epoch: number) => Promise<number>;
  /** Writes are buffered and done in order. */
  readonly append: (name: string, epoch: number, offset: number, data: Uint8Array) => void;
  /** The same for the standard error of a program on pipes. */
  readonly appendErrors: (name: string, epoch: number, offset: number, data: Uint8Array) => void;
  readonly read: (
    name: string,
    epoch: number,
    from: number,
  ) => Promise<{ readonly offset: number; readonly data: Uint8Array }>;
  readonly readErrors: TerminalLogs["read"];
  /** Nothing follows of this incarnation; its file is closed once what was appended is written. */
  readonly finish: (name: string, epoch: number) => void;
  /** The newest epoch that has a log. */
  readonly newestEpoch: (name: string) => Promise<number | undefined>;
  /** Resolves when everything is written. */
  readonly close: () => Promise<void>;
}

interface Log {
  end: number;
  segmentStart: number;
  file: FileHandle | undefined;
}

export function openTerminalLogs(options: {
  readonly directory: string;
  readonly logger: Logger;
  readonly waitingBytesMax?: number;
}): TerminalLogs {
  const { directory, logger } = options;
  const waitingBytesMax = options.waitingBytesMax ?? WAITING_BYTES_MAX;
  /** By folder, as everything here. */
  const logs = new Map<string, Promise<Log>>();
  const tails = new Map<string, Promise<void>>();
  /** Whose output finds no place. */
  const failing = new Set<string>();
  let waitingBytes = 0;
  let missing = 0;
  const folderOf = (name: string, epoch: number, part = ""): string => path.join(directory, name, String(epoch), part);

  const logOf = (folder: string, name: string, epoch: number): Promise<Log> => {
    const known = logs.get(folder);
    if (known !== undefined) return known;
    const opened = openLog(folder).then(async (log) => {
      await dropOldEpochs(path.join(directory, name), epoch);
      return log;
    });
    logs.set(folder, opened);
    // A directory that could not be made now may be possible later.
    opened.catch(() => logs.delete(folder));
    return opened;
  };

  /** Work on one log, one after the other. */
  const inOrder = (folder: string, work: () => Promise<void>): void => {
    const tail = (tails.get(folder) ?? Promise.resolve()).then(work).then(
      () => void failing.delete(folder),
      (error: unknown) => {
        if (failing.has(folder)) return;
        failing.add(folder);
        logger.warn("terminal output was not logged", { log: folder, error: messageOf(error) });
      },
    );
    tails.set(folder, tail);
    void tail.then(() => {
      if (tails.get(folder) === tail) tails.delete(folder);
    });
  };

  const append = (part: string) => (name: string, epoch: number, offset: number, data: Uint8Array) => {
    if (waitingBytes + data.length > waitingBytesMax) {
      if (missing === 0) logger.warn("the disk is too slow for the output of agents; some is not logged", {});
      missing += data.length;
      return;
    }
    missing = 0;
    waitingBytes += data.length;
    const folder = folderOf(name, epoch, part);
    inOrder(folder, async () => {
      try {
        await appendTo(folder, await logOf(folder, name, epoch), offset, data);
      } finally {
        waitingBytes -= data.length;
      }
    });
  };

  const read = (part: string) => async (name: string, epoch: number, from: number) => {
    const folder = folderOf(name, epoch, part);
    await tails.get(folder);
    return readFrom(folder, from);
  };

  return {
    end: (name, epoch) =>
      logOf(folderOf(name, epoch), name, epoch).then(
        (log) => log.end,
        () => 0,
      ),
    append: append(""),
    appendErrors: append(ERRORS),
    finish: (name, epoch) => {
      for (const folder of [folderOf(name, epoch), folderOf(name, epoch, ERRORS)]) {
        failing.delete(folder);
        if (!logs.has(folder) && !tails.has(folder)) continue;
        inOrder(folder, async () => {
          const log = await logs.get(folder);
          logs.delete(folder);
          await log?.file?.close();
        });
      }
    },
    read: read(""),
    readErrors: read(ERRORS),
    newestEpoch: async (name) => {
      const epochs = (await listOrNothing(path.join(directory, name))).map(Number).filter(Number.isInteger);
      return epochs.length === 0 ? undefined : Math.max(...epochs);
    },
    close: async () => {
      await Promise.all(tails.values());
      for (const log of logs.values()) await (await log.catch(() => undefined))?.file?.close();
      logs.clear();
      tails.clear();
    },
  };
}

async function openLog(folder: string): Promise<Log> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const last = (await segmentsOf(folder)).at(-1);
  if (last === undefined) return { end: 0, segmentStart: 0, file: undefined };
  const { size } = await stat(segmentPath(folder, last));
  return { end: last + size, segmentStart: last, file: undefined };
}

async function appendTo(folder: string, log: Log, offset: number, data: Uint8Array): Promise<void> {
  const skip = Math.max(0, log.end - offset);
  if (skip >= data.length) return;
  const fresh = data.subarray(skip);
  const start = offset + skip;
  // A gap begins a new segment, so that offsets stay true.
  if (log.file === undefined || start !== log.end || log.end - log.segmentStart >= SEGMENT_BYTES) {
    await log.file?.close();
    if (start !== log.end || log.end - log.segmentStart >= SEGMENT_BYTES) log.segmentStart = start;
    log.file = await open(segmentPath(folder, log.segmentStart), "a", 0o600);
    await dropOldSegments(folder);
  }
  await log.file.appendFile(fresh);
  log.end = start + fresh.length;
}

async function readFrom(folder: string, from: number): Promise<{ offset: number; data: Uint8Array }> {
  const chunks: Uint8Array[] = [];
  let offset = from;
  let next: number | undefined;
  for (const start of await segmentsOf(folder)) {
    const content = await readOrNothing(segmentPath(folder, start));
    if (content === undefined || start + content.length <= from) continue;
    // Only what is contiguous with the end belongs together: after a gap, what lies before it is left out.
    const chunkStart = Math.max(start, from);
    if (next !== chunkStart) {
      chunks.length = 0;
      offset = chunkStart;
    }
    chunks.push(content.subarray(chunkStart - start));
    next = start + content.length;
  }
  return { offset, data: Buffer.concat(chunks) };
}

async function dropOldSegments(folder: string): Promise<void> {
  const segments = await segmentsOf(folder);
  for (const start of segments.slice(0, Math.max(0, segments.length - SEGMENTS_MAX)))
    await rm(segmentPath(folder, start), { force: true });
}

async function dropOldEpochs(folder: string, newest: number): Promise<void> {
  for (const epoch of (await listOrNothing(folder)).map(Number))
    if (Number.isInteger(epoch) && epoch <= newest - EPOCHS_MAX)
      await rm(path.join(folder, String(epoch)), { recursive: true, force: true });
}

/** A segment may be dropped between being listed and being read. */
async function readOrNothing(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function segmentsOf(folder: string): Promise<readonly number[]> {
  return (await listOrNothing(folder))
    .filter((it) => /^\d+\.log$/u.test(it))
    .map((it) => Number.parseInt(it, 10))
    .sort((a, b) => a - b);
}

async function listOrNothing(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch {
    // An agent that never printed has no folder.
    return [];
  }
}

function segmentPath(folder: string, start: number): string {
  return path.join(folder, `${start}.log`);
}
