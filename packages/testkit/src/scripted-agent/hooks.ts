/**
 * Reports to the broker's hook endpoint what happens inside the program.
 *
 *   H1  Signals arrive in the order in which they were reported; one at a time is under way.
 *   H2  While the broker is away a signal is tried again, for at most `giveUpAfterMs`; then it is dropped and journalled.
 *   H3  The queue is bounded: beyond it the oldest signal is dropped.
 *   H4  A refusal (a token that has expired, say) is final for that signal.
 */
import { boundedQueue, messageOf } from "@agent-relay/kernel";
import { backOffMs, isTemporary, post, sleep } from "./http.ts";
import type { Journal } from "./journal.ts";

export interface Signal extends Readonly<Record<string, unknown>> {
  readonly type?: string;
}

export interface HookReporter {
  /** Resolves when the signal was taken, refused or given up. Nobody needs to wait for it. */
  readonly report: (signal: Signal) => Promise<void>;
  /** Resolves when nothing is under way any more, or after so many milliseconds. */
  readonly flush: (withinMs: number) => Promise<void>;
}

export interface HookOptions {
  readonly url: string;
  readonly token: string;
  readonly journal: Journal;
  readonly giveUpAfterMs: number;
}

/** More than a test's story reports while its broker restarts. */
const queueLimit = 256;
const requestTimeoutMs = 5_000;

interface Entry {
  readonly signal: Signal;
  readonly giveUpAt: number;
  readonly settle: () => void;
}

export function hookReporter(options: HookOptions): HookReporter {
  const queue = boundedQueue<Entry>({ limit: queueLimit, whenFull: "refuse" });
  let running: Promise<void> | undefined;

  const conclude = (entry: Entry, outcome: string, attempts: number): void => {
    options.journal.write({ type: "hook", signal: String(entry.signal.type), outcome, attempts });
    entry.settle();
  };

  const deliver = async (entry: Entry): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      const failure = await tryOnce(options, entry.signal);
      if (!failure.again) return conclude(entry, failure.what, attempt);
      if (Date.now() + backOffMs(attempt) > entry.giveUpAt) return conclude(entry, `gave up: ${failure.what}`, attempt);
      await sleep(backOffMs(attempt));
    }
  };

  const run = async (): Promise<void> => {
    for (let entry = queue.shift(); entry !== undefined; entry = queue.shift()) await deliver(entry);
    running = undefined;
  };

  return {
    report: (signal) =>
      new Promise((resolve) => {
        const entry: Entry = { signal, giveUpAt: Date.now() + options.giveUpAfterMs, settle: resolve };
        if (!queue.push(entry)) {
          const oldest = queue.shift();
          if (oldest !== undefined) conclude(oldest, "dropped: the queue was full", 0);
          queue.push(entry);
        }
        running ??= run();
      }),
    flush: async (withinMs) => {
      if (running !== undefined) await Promise.race([running, sleep(withinMs)]);
    },
  };
}

async function tryOnce(
  options: HookOptions,
  signal: Signal,
): Promise<{ readonly again: boolean; readonly what: string }> {
  try {
    const { status, body } = await post({
      url: options.url,
      headers: { authorization: `Bearer ${options.token}` },
      json: { signal, source: "hook" },
      timeoutMs: requestTimeoutMs,
    });
    if (status >= 200 && status < 300) return { again: false, what: "ok" };
    return { again: isTemporary(status), what: `${status} ${body.slice(0, 200)}` };
  } catch (error) {
    return { again: true, what: messageOf(error) };
  }
}
