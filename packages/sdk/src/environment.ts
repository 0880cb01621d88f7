/** What surrounds the program: read in this one place, so that everything else can be given another. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface Surroundings {
  readonly environment: Environment;
  readonly cwd: string;
  /** The script that runs, if there is one. */
  readonly script: string | undefined;
  /** The program that runs scripts: Node. */
  readonly execPath: string;
}

export function surroundings(): Surroundings {
  return { environment: process.env, cwd: process.cwd(), script: process.argv[1], execPath: process.execPath };
}

/** For failures that nobody asked to hear of: shown on stderr by Node, once each, unless warnings are turned off. */
export function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
}
