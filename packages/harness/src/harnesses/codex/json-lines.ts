/** Whole lines of JSON out of bytes, however they were cut. */

/** A longer line is skipped: an answer of a tool can be large, and nothing that matters here is. */
const lineBytesMax = 4 * 1_048_576;

/** The beginning of a line whose end has not come; `skipping` while one that is too long goes on. */
export interface LineState {
  readonly begun: readonly Uint8Array[];
  readonly bytes: number;
  readonly skipping: boolean;
}

export const noLine: LineState = { begun: [], bytes: 0, skipping: false };

const newline = 0x0a;

export function takeLines(
  before: LineState,
  data: Uint8Array,
): { readonly state: LineState; readonly lines: readonly Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  let begun = before.begun;
  let { bytes, skipping } = before;
  let from = 0;
  for (let end = data.indexOf(newline); end >= 0; end = data.indexOf(newline, from)) {
    if (!skipping && bytes + end - from <= lineBytesMax) {
      const line = parsed([...begun, data.subarray(from, end)]);
      if (line !== undefined) lines.push(line);
    }
    begun = [];
    bytes = 0;
    skipping = false;
    from = end + 1;
  }
  const rest = data.length - from;
  if (skipping || bytes + rest > lineBytesMax) return { state: { begun: [], bytes: 0, skipping: true }, lines };
  // Copied, because the caller may use its buffer again.
  return {
    state: {
      begun: rest === 0 ? begun : [...begun, new Uint8Array(data.subarray(from))],
      bytes: bytes + rest,
      skipping,
    },
    lines,
  };
}

function parsed(parts: readonly Uint8Array[]): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.concat(parts).toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
