/** Git: each of its commands is one like those of steps, so that what it has started ends with it, wherever it was cut. */
import { commandWithin } from "./command-within.ts";
import type { Environment } from "./environment.ts";

export interface GitPlace {
  readonly cwd: string;
  readonly env: Environment;
  readonly timeoutMs: number;
  /** Ends it. */
  readonly signal?: AbortSignal | undefined;
}

/** More than that is said only of a tree that is too large to be looked at. */
const saidMax = 16 * 1_048_576;

/** Answers what it says. Throws what it complains of, what it was ended for, and if it says too much. */
export async function git({ cwd, env, timeoutMs, signal }: GitPlace, ...args: readonly string[]): Promise<string> {
  const spec = { argv: ["git", ...args], cwd, env, keep: saidMax } as const;
  const { code, signal: endedBy, stopped, isWhole, output, errors } = await commandWithin(spec, { timeoutMs, signal });
  const fault = (what: string): Error => new Error(`git ${args[0]}: ${what}`);
  if (stopped !== undefined) throw fault(`it ${stopped}`);
  if (endedBy !== null) throw fault(`it was ended by ${endedBy}`);
  if (code !== 0) throw fault(errors.trim() || `it ended with ${code}`);
  if (!isWhole) throw fault(`it said more than ${saidMax} characters`);
  return output;
}
