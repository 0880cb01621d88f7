/**
 * Arrivals: which messages have really stood in front of a model, read off the conversations that it was sent.
 *
 *   N1  A conversation that is sent again, as it is with every request, shows nothing twice; a message that stands in it
 *       twice was shown twice.
 */
import { messagesIn } from "@agent-relay/testkit";
import type { Arrival } from "./team.ts";

export interface ArrivalLedger {
  /** A conversation as it stands in one request. `who` tells whose it is. */
  readonly take: (who: string, prompts: readonly string[]) => void;
  readonly of: (who: string) => readonly Arrival[];
}

export function arrivalLedger(): ArrivalLedger {
  const known = new Map<string, Map<string, readonly Arrival[]>>();
  return {
    take: (who, prompts) => {
      const mine = known.get(who) ?? new Map<string, readonly Arrival[]>();
      known.set(who, mine);
      const now = prompts
        .flatMap(messagesIn)
        .flatMap(({ id, repeat }) => (id === undefined ? [] : [{ messageId: id, isMarkedRepeat: repeat, where: who }]));
      for (const { messageId } of now) {
        const times = now.filter((it) => it.messageId === messageId);
        if (times.length > (mine.get(messageId)?.length ?? 0)) mine.set(messageId, times);
      }
    },
    of: (who) => [...(known.get(who)?.values() ?? [])].flat(),
  };
}
