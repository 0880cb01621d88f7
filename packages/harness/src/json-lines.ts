/**
 * JSON lines: a stream of bytes as the objects that its lines hold.
 *
 *   J1  Pure: the same bytes give the same objects, however they are cut.
 *   J2  A line that is no JSON object says nothing; one that is too long is passed over to its end.
 *   J3  At most one line is kept.
 */

/** A tool's input is asked about in one line, and may be a whole file. */
const jsonLineBytesMax = 8 * 1024 * 1024;

export interface JsonLines {
  /** The beginning of a line whose end has not come; `undefined` while a line is passed over. */
  readonly begun: readonly Uint8Array[] | undefined;
  readonly bytes: number;
}

export const noJsonLines: JsonLines = { begun: [], bytes: 0 };

export interface JsonLinesStep {
  readonly lines: JsonLines;
  readonly objects: readonly Readonly<Record<string, unknown>>[];
}

export function takeJsonLines(before: JsonLines, data: Uint8Array, bytesMax = jsonLineBytesMax): JsonLinesStep {
  const objects: Readonly<Record<string, unknown>>[] = [];
  let { begun, bytes } = before;
  let from = 0;
  for (let end = data.indexOf(0x0a); end >= 0; end = data.indexOf(0x0a, from)) {
    const rest = data.subarray(from, end);
    if (begun !== undefined && bytes + rest.length <= bytesMax) {
      const object = objectIn(Buffer.concat([...begun, rest]).toString("utf8"));
      if (object !== undefined) objects.push(object);
    }
    begun = [];
    bytes = 0;
    from = end + 1;
  }
  const rest = data.subarray(from);
  bytes += rest.length;
  if (bytes > bytesMax) begun = undefined;
  // A copy, because whoever gave the bytes may use their memory again.
  else if (rest.length > 0 && begun !== undefined) begun = joined([...begun, Uint8Array.from(rest)]);
  return { lines: { begun, bytes: begun === undefined ? bytesMax + 1 : bytes }, objects };
}

/** Few pieces, and none is copied often: the last two become one when the newer is as long as the older. */
function joined(pieces: readonly Uint8Array[]): readonly Uint8Array[] {
  const kept = [...pieces];
  for (;;) {
    const [older, newer] = kept.slice(-2);
    if (older === undefined || newer === undefined || newer.length < older.length) return kept;
    kept.splice(-2, 2, Buffer.concat([older, newer]));
  }
}

function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  if (!text.trimStart().startsWith("{")) return undefined;
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}
