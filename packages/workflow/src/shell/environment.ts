/** What surrounds a script that runs workflows: read in this one place, so that everything else can be given another. */
export type Environment = Readonly<Record<string, string | undefined>>;

export function environment(): Environment {
  return process.env;
}

/** For what nobody asked to hear of: shown on stderr by Node, unless warnings are turned off. */
export function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
}

/** Where this program works, and its number, by which people find it. */
export function workplace(): { readonly cwd: string; readonly pid: number } {
  return { cwd: process.cwd(), pid: process.pid };
}
