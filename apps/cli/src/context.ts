/** What every command is given. */
import type { Environment } from "./environment.ts";
import type { Output } from "./terminal-output.ts";

export interface Context {
  readonly output: Output;
  readonly environment: Environment;
  /** The directory of `--project`, absolute. Without it the project is looked for from `cwd` upwards. */
  readonly givenProject: string | undefined;
  readonly verbose: boolean;
  /** Aborts on Ctrl-C, SIGTERM and SIGHUP. */
  readonly signal: AbortSignal;
  /** Where the person stands. */
  readonly cwd: string;
  readonly now: () => number;
}

/**
 * An action ends with a status of its own, or with nothing for 0. It is one of `exitCodes`, except where another program's
 * own status is passed on. Failures are thrown.
 */
export type ActionResult = Promise<number | undefined>;
