/** Waiting for facts: one question asked again after each append, until it has an answer. */
import { messageOf, type Clock, type IdSource, type Recorded } from "@agent-relay/kernel";
import { relayError, type Fact } from "@agent-relay/protocol";
import type { Engine } from "./engine.ts";

export interface Waits {
  /**
   * Resolves with the first answer that is not `undefined`. `concerns` saves asking for appends that cannot matter.
   * Throws a `RelayError`: `timeout` with `expectation` in its message, `cancelled`.
   */
  readonly until: <Answer>(options: {
    readonly answer: () => Answer | undefined;
    readonly concerns: (fact: Fact) => boolean;
    readonly timeoutMs: number;
    readonly expectation: string;
    readonly signal?: AbortSignal | undefined;
  }) => Promise<Answer>;
}

export function createWaits(engine: Engine, clock: Clock, ids: IdSource): Waits {
  return {
    until: ({ answer, concerns, timeoutMs, expectation, signal }) =>
      new Promise((resolve, reject) => {
        const timer = ids.next("wait");
        const finish = (settle: () => void): void => {
          off();
          clock.clearTimer(timer);
          signal?.removeEventListener("abort", onAbort);
          settle();
        };
        const ask = (): boolean => {
          try {
            const found = answer();
            if (found === undefined) return false;
            finish(() => {
              resolve(found);
            });
          } catch (error) {
            finish(() => {
              reject(error instanceof Error ? error : new Error(messageOf(error)));
            });
          }
          return true;
        };
        const onAbort = (): void => {
          finish(() => {
            reject(relayError("cancelled", "The request was cancelled."));
          });
        };
        const off = engine.onAppended((recorded: readonly Recorded<Fact>[]) => {
          if (recorded.some((it) => concerns(it.event))) ask();
        });
        if (ask()) return;
        if (signal?.aborted === true) {
          onAbort();
          return;
        }
        signal?.addEventListener("abort", onAbort);
        clock.setTimer(timer, clock.now() + timeoutMs, () => {
          finish(() => {
            reject(
              relayError("timeout", `Not within ${timeoutMs} ms: ${expectation}.`, {
                hint: "Nothing was undone. Ask again, or give it more time.",
              }),
            );
          });
        });
      }),
  };
}
