/** Facts about this machine that need no permission and start no program. */

interface ReportHeader {
  readonly glibcVersionRuntime?: string;
}

/** `glibc 2.36`, `musl`, or nothing where there is neither. */
export function libcOf(): string | null {
  if (process.platform !== "linux") return null;
  const version = glibcVersion();
  return version === undefined ? "musl" : `glibc ${version}`;
}

export function glibcVersion(): string | undefined {
  const { report } = process;
  // Looking up the names of every network address takes seconds on some machines.
  Object.assign(report, { excludeNetwork: true });
  const found = report.getReport() as unknown as { readonly header: ReportHeader };
  return found.header.glibcVersionRuntime;
}

/** Whether a dotted version is at least as new as another. */
export function isAtLeast(version: string, wanted: string): boolean {
  const parts = (text: string): number[] => text.replace(/^v/, "").split(/[.-]/).map(Number);
  const [have, want] = [parts(version), parts(wanted)];
  for (let at = 0; at < want.length; at += 1) {
    const difference = (have[at] ?? 0) - (want[at] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
