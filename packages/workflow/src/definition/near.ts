/** The name that was probably meant, or nothing where none is near. */
function nearest(name: string, candidates: Iterable<string>): string | undefined {
  const wanted = plain(name);
  if (wanted.length > nameLengthMax) return undefined;
  // A third of the letters may differ; beyond it a suggestion is a guess.
  let best: { readonly candidate: string; readonly distance: number } | undefined;
  for (const candidate of candidates) {
    const other = plain(candidate);
    if (other.length > nameLengthMax) continue;
    const distance = distanceBetween(wanted, other);
    if (distance > Math.max(1, Math.floor(Math.max(wanted.length, other.length) / 3))) continue;
    if (best === undefined || distance < best.distance) best = { candidate, distance };
  }
  return best?.candidate;
}

/** "did you mean …?", or what there is to choose from. */
export function suggestion(name: string, candidates: Iterable<string>): string | undefined {
  const known = [...candidates];
  const near = nearest(name, known);
  if (near !== undefined) return `did you mean ${JSON.stringify(near)}?`;
  if (known.length === 0) return undefined;
  const shown = known.slice(0, listedMax).join(", ");
  return known.length > listedMax ? `known are ${shown}, …` : `known are ${shown}`;
}

const nameLengthMax = 80;
const listedMax = 24;

/** `depends_on`, `dependson` and `dependsOn` are one word. */
const plain = (name: string): string => name.toLowerCase().replaceAll(/[-_ ]/gu, "");

/** Insertions, deletions, replacements and swaps of neighbours from one to the other. */
function distanceBetween(a: string, b: string): number {
  let before: readonly number[] = [];
  let row: readonly number[] = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwapped ? (before[j - 2] ?? 0) + 1 : Infinity;
      next.push(Math.min(replaced, swapped, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    [before, row] = [row, next];
  }
  return row[b.length] ?? 0;
}
