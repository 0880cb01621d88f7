/**
 * Command within: a command that has a time, and that somebody may want no more.
 *
 *   CW1  It resolves when nothing of its group is left, whether it ended by itself or was ended.
 *   CW2  What survives even SIGKILL is an error, and keeps nobody waiting.
 */
import { startCommand, type CommandEnd, type CommandSpec } from "./commands.ts";

export interface EndedWithin extends CommandEnd {
  /** Why it was ended, if it did not end by itself, as the end of a sentence about it. */
  readonly stopped: string | undefined;
  readonly lastLine: string;
}

/** Throws if it cannot be started, or not be ended. */
export async function commandWithin(
  spec: CommandSpec,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
): Promise<EndedWithin> {
  const running = await startCommand(spec);
  let stopped: string | undefined;
  let stop = (_why: string): void => undefined;
  const survived = new Promise<never>((_resolve, reject) => {
    stop = (why) => {
      stopped ??= why;
      running.end().catch(reject);
    };
  });
  const timer = setTimeout(() => stop(`took longer than ${timeoutMs} ms`), timeoutMs);
  const aborted = (): void => stop("was stopped");
  signal?.addEventListener("abort", aborted, { once: true });
  if (signal?.aborted === true) aborted();
  try {
    const end = await Promise.race([running.ended, survived]);
    return { ...end, stopped, lastLine: running.lastLine() };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", aborted);
  }
}
