import { WRITES_REMEMBERED_MAX } from "./bounds.ts";
import type { Fault, WriteState } from "@agent-relay/kernel";

export interface RememberedWrite {
  readonly state: WriteState;
  /** Settles with the write, and may be waited for by any number of callers. */
  readonly outcome: Promise<"drained">;
}

/** The first of `drained` and `failed` counts. */
export interface PendingWrite {
  readonly outcome: Promise<"drained">;
  readonly drained: () => void;
  readonly failed: (fault: Fault) => void;
}

/**
 * What became of the newest writes of one terminal.
 *
 *   M1  An id that is remembered keeps its one outcome.
 *   M2  A write that is still pending is never forgotten; beyond the bound the oldest settled one is.
 */
export interface WriteMemory {
  readonly find: (writeId: string) => RememberedWrite | undefined;
  readonly begin: (writeId: string) => PendingWrite;
}

interface Entry {
  state: WriteState;
  readonly outcome: Promise<"drained">;
}

export function writeMemory(limit: number = WRITES_REMEMBERED_MAX): WriteMemory {
  /** In order of arrival, as maps are. */
  const entries = new Map<string, Entry>();

  const forgetOldestSettled = (): void => {
    for (const [writeId, entry] of entries) {
      if (entry.state === "pending") continue;
      entries.delete(writeId);
      return;
    }
  };

  return {
    find: (writeId) => entries.get(writeId),
    begin: (writeId) => {
      let resolve: (value: "drained") => void = () => undefined;
      let reject: (fault: Fault) => void = () => undefined;
      const outcome = new Promise<"drained">((onDrained, onFailed) => {
        resolve = onDrained;
        reject = onFailed;
      });
      // Nobody may be left to hear of a failure; it is kept here for whoever asks.
      outcome.catch(() => undefined);
      const entry: Entry = { state: "pending", outcome };
      if (entries.size >= limit) forgetOldestSettled();
      entries.set(writeId, entry);
      return {
        outcome,
        drained: () => {
          if (entry.state !== "pending") return;
          entry.state = "drained";
          resolve("drained");
        },
        failed: (fault) => {
          if (entry.state !== "pending") return;
          entry.state = "failed";
          reject(fault);
        },
      };
    },
  };
}
