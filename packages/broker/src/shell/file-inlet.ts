/**
 * File inlet: a program that takes each line appended to a file of its own as a prompt.
 *
 *   F1  A line is on the disk before its injection counts as handed over.
 *   F2  One injection is one line, also if the broker dies while it writes: its id stands in the line, and is looked for
 *       before anything is appended.
 *   F3  What a broker that died, or a full disk, has left of a line is taken away: the program reads whole lines alone.
 *   F4  Nothing but the end of the file ever changes: the program keeps its place in it. A file that has become too large,
 *       or is gone, is no way in any more; the route is then the paste again.
 */
import { open, stat, type FileHandle } from "node:fs/promises";
import { messageOf } from "@agent-relay/kernel";
import type { LineFile } from "./harness-port.ts";
import type { Inlet } from "./inlet.ts";
import type { Surroundings } from "./intake.ts";

/** The program reads the whole file again for each new line, to see that it is the same: 64 MiB take it 50 ms. */
const fileBytesMax = 67_108_864;
const CHUNK_BYTES = 65_536;
const NEWLINE = 10;

export function fileInlet({ path, line }: LineFile, around: Surroundings): Inlet {
  const { name, clock } = around;

  const observe = (route: "file" | "paste"): void => {
    around.observe([{ type: "route", route, source: "input-file", fidelity: "exact" }]);
  };

  return {
    route: "file",
    begin: () => {
      void isThere(path).then((there) => {
        observe(there ? "file" : "paste");
      });
    },
    put: async (injection, text) => {
      try {
        await appendOnce(path, injection, line(injection, text));
        around.report({ type: "injection.drained", name, injection, evidence: "line_appended", at: clock.now() });
      } catch (error) {
        const reason = messageOf(error);
        around.report({ type: "injection.failed", name, injection, reason, partial: false, at: clock.now() });
        if (!(await isThere(path))) observe("paste");
      }
    },
    writeState: async (injection) => ((await hasLine(path, injection)) ? "drained" : "unknown"),
    interrupt: () => false,
    takesMail: () => Promise.resolve({}),
    close: () => undefined,
  };
}

async function isThere(path: string): Promise<boolean> {
  try {
    const found = await stat(path);
    return found.isFile() && found.size < fileBytesMax;
  } catch {
    // Whatever keeps us from looking keeps us from writing.
    return false;
  }
}

async function hasLine(path: string, injection: string): Promise<boolean> {
  try {
    return await withFile(path, async (file) => isOf(injection, (await ending(file)).last));
  } catch {
    // No file, no line.
    return false;
  }
}

async function appendOnce(path: string, injection: string, line: string): Promise<void> {
  await withFile(path, async (file) => {
    const { last, end, size } = await ending(file);
    if (!isOf(injection, last)) {
      const bytes = Buffer.from(line);
      if (end + bytes.length > fileBytesMax) throw new Error("the input file has become too large");
      if (size > end) await file.truncate(end);
      await written(file, bytes, end);
    }
    await file.sync();
  });
}

/** All of it or nothing. */
async function written(file: FileHandle, bytes: Buffer, at: number): Promise<void> {
  try {
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done);
      done += bytesWritten;
    }
  } catch (error) {
    await file.truncate(at);
    throw error;
  }
}

/** In a line of JSON a quotation mark of a text is escaped, so the id in bare ones is the line's own. */
function isOf(injection: string, line: string): boolean {
  return line.includes(JSON.stringify(injection));
}

/** The last whole line, where it ends, and where the file does. */
async function ending(
  file: FileHandle,
): Promise<{ readonly last: string; readonly end: number; readonly size: number }> {
  const { size } = await file.stat();
  let tail = Buffer.alloc(0);
  for (let from = size; from > 0;) {
    const length = Math.min(CHUNK_BYTES, from);
    from -= length;
    const chunk = Buffer.alloc(length);
    await file.read(chunk, 0, length, from);
    tail = Buffer.concat([chunk, tail]);
    const close = tail.lastIndexOf(NEWLINE);
    const before = close <= 0 ? -1 : tail.lastIndexOf(NEWLINE, close - 1);
    if (close < 0 || (before < 0 && from > 0)) continue;
    return { last: tail.toString("utf8", before + 1, close), end: from + close + 1, size };
  }
  return { last: "", end: 0, size };
}

async function withFile<Answer>(path: string, use: (file: FileHandle) => Promise<Answer>): Promise<Answer> {
  // Never made here: the program was started with it, or reads nothing.
  const file = await open(path, "r+");
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}
