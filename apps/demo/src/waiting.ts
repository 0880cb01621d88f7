/** Waiting: for what the log says, for so long, and with what stands in the way if it does not come. */
import type { AgentView, EventOf, EventType, Relay, RelayEvent } from "@agent-relay/sdk";

export interface Log {
  /** All events so far, oldest first. */
  readonly events: readonly RelayEvent[];
  /** The first event of a type that fits; throws with what was waited for. */
  readonly next: <Type extends EventType>(
    type: Type,
    matches: (event: EventOf<Type>) => boolean,
    options: { readonly what: string; readonly withinMs: number },
  ) => Promise<EventOf<Type>>;
  /** Resolves when nothing has happened for so long, or when that has been waited for long enough. */
  readonly quiet: (forMs: number, withinMs: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

export function followLog(relay: Relay): Log {
  const events: RelayEvent[] = [];
  const over = new AbortController();
  const following = (async () => {
    try {
      for await (const event of relay.events({ from: 0, signal: over.signal })) events.push(event);
    } catch (error) {
      // The relay was closed first, which ends what follows it.
      if (!over.signal.aborted) throw error;
    }
  })();
  // Whoever waits for an event that does not come says so.
  following.catch(() => undefined);
  return {
    events,
    next: async (type, matches, { what, withinMs }) => {
      const until = Date.now() + withinMs;
      for (let from = 0; ;) {
        const found = events
          .slice(from)
          .find((it): it is EventOf<typeof type> => it.type === type && matches(it as EventOf<typeof type>));
        if (found !== undefined) return found;
        from = events.length;
        if (Date.now() > until) throw new Error(`not within ${withinMs / 1_000} s: ${what}${await inTheWay(relay)}`);
        await pause(15);
      }
    },
    quiet: async (forMs, withinMs) => {
      const until = Date.now() + withinMs;
      while (Date.now() - (events.at(-1)?.at ?? 0) < forMs && Date.now() < until) await pause(50);
    },
    close: async () => {
      over.abort();
      await following.catch(() => undefined);
    },
  };
}

export async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/** Agents that cannot go on by themselves, for the end of a sentence. */
async function inTheWay(relay: Relay): Promise<string> {
  const views = await relay.who({ all: true }).catch((): readonly AgentView[] => []);
  const stuck = views.filter(({ status }) => ["blocked", "exited", "permanently_dead"].includes(status));
  return stuck.map(({ name, status, reason }) => `; ${name} is ${status}: ${reason ?? "nothing says why"}`).join("");
}
