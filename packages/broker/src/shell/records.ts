/**
 * Records: the files in which programs record their own sessions, one set for each incarnation.
 *
 *   R1  What stood in a record before this incarnation is not news. Nor is what stood there before this broker took it
 *       up, but for the prompts: nobody was there to take the report of one that came meanwhile.
 *   R2  What a program wrote before it reported something is read before the report counts.
 *   R3  An incarnation follows a few records at most, the newest it named; none after its end.
 */
import type { Clock, Logger } from "@agent-relay/kernel";
import type { Live } from "./live-incarnations.ts";
import { tailRecord, type RecordTail } from "./record-tail.ts";

/** A conversation is cleared or left for another now and then; subagents name records of their own. */
const FOLLOWED_MAX = 4;

export interface Records {
  readonly follow: (it: Live, file: string) => void;
  /** Reads what is new. Never rejects. */
  readonly read: (it: Live) => Promise<void>;
  readonly forget: (it: Live) => void;
  readonly close: () => void;
}

export function createRecords(options: {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onLine: (it: Live, line: Readonly<Record<string, unknown>>, isPast: boolean) => void;
}): Records {
  const { clock, logger } = options;
  const followed = new Map<string, Map<string, RecordTail>>();
  let count = 0;

  const forget = (id: string): void => {
    for (const tail of followed.get(id)?.values() ?? []) tail.close();
    followed.delete(id);
  };

  return {
    follow: (it, file) => {
      const own = followed.get(it.id) ?? new Map<string, RecordTail>();
      followed.set(it.id, own);
      if (it.ended || own.has(file)) return;
      const tail = tailRecord({
        file,
        from: it.takenUp && own.size === 0 ? "end" : it.startedAt,
        name: `${it.id}/${(count += 1)}`,
        clock,
        logger,
        onLine: (line, isPast) => {
          options.onLine(it, line, isPast);
        },
      });
      own.set(file, tail);
      const [oldest] = own.keys();
      if (own.size <= FOLLOWED_MAX || oldest === undefined) return;
      own.get(oldest)?.close();
      own.delete(oldest);
    },
    read: async (it) => {
      await Promise.all([...(followed.get(it.id)?.values() ?? [])].map((tail) => tail.read()));
    },
    forget: (it) => {
      forget(it.id);
    },
    close: () => {
      for (const id of [...followed.keys()]) forget(id);
    },
  };
}
