/** The names most like one that does not exist, for a helpful refusal. */
export function nearestNames(wanted: string, names: Iterable<string>, count = 3): readonly string[] {
  // One slip in a short name, two in a longer one: with more, every short name is near every other.
  const worst = wanted.length <= 4 ? 1 : wanted.length <= 8 ? 2 : 3;
  return [...names]
    .map((name) => ({ name, distance: editDistance(wanted, name) }))
    .filter((it) => it.distance <= worst || it.name.startsWith(wanted) || wanted.startsWith(it.name))
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, count)
    .map((it) => it.name);
}

/** How many letters must be put in, taken out, changed or swapped with their neighbour. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + change);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1);
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
