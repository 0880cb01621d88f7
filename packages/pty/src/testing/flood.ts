/** Numbered lines are told apart by their place, so that a lost or repeated one shows. */
export const FLOOD_LINE = "the quick brown fox jumps over the lazy dog";

/** At least `bytes` bytes of numbered lines. Self-contained: its source also runs in another process. */
export function flooded(bytes: number, line: string): string {
  const lines: string[] = [];
  for (let length = 0, n = 0; length < bytes; n += 1) {
    const next = `${String(n)} ${line}\n`;
    length += next.length;
    lines.push(next);
  }
  return lines.join("");
}
