/** Executor calls: functions of an executor under way, each of which can be called off. */
import { messageOf } from "@agent-relay/kernel";

export interface ExecutorCalls {
  /** Calls one. Nothing comes of it once it has been called off. One that throws has failed. */
  readonly call: <Outcome>(
    key: string,
    work: (signal: AbortSignal) => Outcome | Promise<Outcome>,
    then: (outcome: Outcome) => void,
    failed: (message: string) => void,
  ) => void;
  /** Answers whether there was anything. */
  readonly callOff: (key: string) => boolean;
  readonly callOffAll: () => void;
}

export function executorCalls(): ExecutorCalls {
  const underWay = new Map<string, AbortController>();
  return {
    call: (key, work, then, failed) => {
      const stop = new AbortController();
      underWay.set(key, stop);
      const isWanted = (): boolean => underWay.get(key) === stop && underWay.delete(key);
      (async () => work(stop.signal))().then(
        (outcome) => {
          if (isWanted()) then(outcome);
        },
        (error: unknown) => {
          if (isWanted()) failed(messageOf(error));
        },
      );
    },
    callOff: (key) => {
      underWay.get(key)?.abort();
      return underWay.delete(key);
    },
    callOffAll: () => {
      for (const stop of underWay.values()) stop.abort();
      underWay.clear();
    },
  };
}
