/**
 * Finding the few escape sequences that tell something about a program in the stream of its output.
 *
 *   S1  A sequence cut anywhere, over any number of chunks, is found once, when its last byte arrives.
 *   S2  What is carried from chunk to chunk is bounded; a longer sequence is dropped, and nothing after it is lost.
 *   S3  Ordinary text costs one search for the escape byte.
 *
 * Text is binary: one character for each byte of output.
 */

export type Found =
  /** An operating system command: a title (0, 2) or a program status (7501). */
  | { readonly type: "osc"; readonly code: number; readonly data: string }
  | { readonly type: "bracketed_paste"; readonly on: boolean };

export interface Scan {
  readonly found: readonly Found[];
  /** An unfinished sequence, to be put before the next chunk. */
  readonly carry: string;
}

/** Titles and status messages are short; what is longer is not for us. */
const oscBytesMax = 8_192;
const csiBytesMax = 256;

const none: readonly Found[] = [];

export function scanEscapes(carry: string, chunk: string): Scan {
  const text = carry === "" ? chunk : carry + chunk;
  let found: Found[] | undefined;
  let at = text.indexOf("\u001b");
  while (at >= 0) {
    const kind = text.charCodeAt(at + 1);
    if (Number.isNaN(kind)) return { found: found ?? none, carry: text.slice(at) };
    let next = at + 2;
    if (kind === 0x5b) {
      const end = csiEnd(text, next);
      if (end < 0 && text.length - at < csiBytesMax) return { found: found ?? none, carry: text.slice(at) };
      if (end >= 0) {
        const mode = text.charCodeAt(next) === 0x3f ? pasteMode(text, next + 1, end) : undefined;
        if (mode !== undefined) (found ??= []).push({ type: "bracketed_paste", on: mode });
        next = end + 1;
      }
    } else if (kind === 0x5d) {
      const end = oscEnd(text, next);
      if (end === "unfinished") return { found: found ?? none, carry: text.slice(at) };
      if (end.complete) {
        const osc = readOsc(text.slice(next, end.at));
        if (osc !== undefined) (found ??= []).push(osc);
      }
      next = end.next;
    } else if (kind === 0x63) {
      // A full reset turns every mode off.
      (found ??= []).push({ type: "bracketed_paste", on: false });
    } else if (kind === 0x1b) {
      next = at + 1;
    } else if (kind >= 0x20 && kind <= 0x2f) {
      // A character set and the like: one more byte.
      if (next >= text.length) return { found: found ?? none, carry: text.slice(at) };
      if (text.charCodeAt(next) !== 0x1b) next += 1;
    }
    at = text.indexOf("\u001b", next);
  }
  return { found: found ?? none, carry: "" };
}

/** Position of the final byte of a control sequence, or -1 if it has not come. */
function csiEnd(text: string, from: number): number {
  for (let at = from; at < text.length && at - from < csiBytesMax; at += 1) {
    const code = text.charCodeAt(at);
    // Anything but parameters and intermediates ends it; a control byte ends it as nothing.
    if (code < 0x20 || code > 0x3f) return code === 0x1b ? at - 1 : at;
  }
  return -1;
}

function pasteMode(text: string, from: number, end: number): boolean | undefined {
  const final = text.charCodeAt(end);
  if (final !== 0x68 && final !== 0x6c) return undefined;
  return text.slice(from, end).split(";").includes("2004") ? final === 0x68 : undefined;
}

type OscEnd = "unfinished" | { readonly complete: boolean; readonly at: number; readonly next: number };

function oscEnd(text: string, from: number): OscEnd {
  const limit = Math.min(text.length, from + oscBytesMax);
  for (let at = from; at < limit; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x07) return { complete: true, at, next: at + 1 };
    if (code === 0x18 || code === 0x1a) return { complete: false, at, next: at + 1 };
    if (code !== 0x1b) continue;
    const after = text.charCodeAt(at + 1);
    if (Number.isNaN(after)) return "unfinished";
    // Another sequence begins: this one was given up.
    return after === 0x5c ? { complete: true, at, next: at + 2 } : { complete: false, at, next: at };
  }
  return limit === text.length && text.length - from < oscBytesMax
    ? "unfinished"
    : { complete: false, at: limit, next: limit };
}

function readOsc(body: string): Found | undefined {
  const semicolon = body.indexOf(";");
  if (semicolon < 1 || semicolon > 5) return undefined;
  const code = body.slice(0, semicolon);
  if (code !== "0" && code !== "2" && code !== "7501") return undefined;
  return { type: "osc", code: Number(code), data: body.slice(semicolon + 1) };
}

/** Output as binary text: one character per byte. */
export function binaryText(output: Uint8Array | string): string {
  if (typeof output !== "string")
    return Buffer.from(output.buffer, output.byteOffset, output.byteLength).toString("latin1");
  return isAscii(output) ? output : Buffer.from(output, "utf8").toString("latin1");
}

/** Binary text as what it says. */
export function readableText(binary: string): string {
  return isAscii(binary) ? binary : Buffer.from(binary, "latin1").toString("utf8");
}

function isAscii(text: string): boolean {
  // eslint-disable-next-line no-control-regex
  return !/[^\u0000-\u007f]/u.test(text);
}
