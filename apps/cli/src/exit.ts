import { exit } from "./exit-codes.ts";
import type { Explained } from "./system-error.ts";

/** Leaves the process. Output to files, pipes and terminals is written synchronously, so nothing is cut off. */
export function leave(code: number): never {
  process.exit(code);
}

/** The same after a failure of the machine, where nothing else may be there to print it. */
export function leaveFailed({ code, message, hint }: Explained, isJson: boolean): never {
  const error = { code, message, retryable: false, hint };
  process.stderr.write(isJson ? `${JSON.stringify({ error })}\n` : `error: ${message}\n→ ${hint}\n`);
  leave(exit.unavailable);
}
