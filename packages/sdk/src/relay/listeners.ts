/**
 * Listeners: one subscription, shared by all who listen.
 *
 *   N1  A listener hears every event of its type after it was added, in order, each once, over reconnects.
 *   N2  A listener that throws is reported, and the others hear the event all the same.
 *   N3  Without listeners nothing is subscribed to.
 *   N4  A broker that stays away for long only delays them: they go on where they were when it is back.
 */
import type { EventOf, EventType, RelayEvent } from "@agent-relay/protocol";
import type { Client } from "../client.ts";

export type Listener<Type extends EventType> = (event: EventOf<Type>) => unknown;

export interface Listeners {
  /** Answers the way to stop listening. */
  readonly on: <Type extends EventType>(type: Type, listener: Listener<Type>) => () => void;
}

export function openListeners(
  client: Client,
  report: {
    readonly onListenerError: (error: unknown, event: RelayEvent) => void;
    readonly onLost: (error: unknown) => void;
  },
): Listeners {
  const listeners = new Map<string, Set<(event: RelayEvent) => unknown>>();
  let stop: AbortController | undefined;

  const start = (): void => {
    if (stop !== undefined) return;
    const controller = new AbortController();
    stop = controller;
    const events = client.events({ signal: controller.signal, patient: true });
    void run(events, controller);
  };

  const run = async (events: AsyncIterable<RelayEvent>, controller: AbortController): Promise<void> => {
    try {
      for await (const event of events) {
        if (controller.signal.aborted) return;
        for (const listener of [...(listeners.get(event.type) ?? [])]) tell(listener, event);
      }
    } catch (error) {
      report.onLost(error);
    } finally {
      if (stop === controller) stop = undefined;
    }
  };

  const tell = (listener: (event: RelayEvent) => unknown, event: RelayEvent): void => {
    const failed = (error: unknown): void => {
      try {
        report.onListenerError(error, event);
      } catch {
        // The reporter is a listener too: its own failure must not silence the others, and there is nobody left to tell.
      }
    };
    try {
      const answer = listener(event);
      if (answer instanceof Promise) answer.catch(failed);
    } catch (error) {
      failed(error);
    }
  };

  return {
    on: (type, listener) => {
      const own = (event: RelayEvent): unknown => (listener as (event: RelayEvent) => unknown)(event);
      const others = listeners.get(type) ?? new Set();
      others.add(own);
      listeners.set(type, others);
      start();
      return () => {
        others.delete(own);
        if (others.size === 0 && listeners.get(type) === others) listeners.delete(type);
        if (listeners.size > 0) return;
        stop?.abort();
        stop = undefined;
      };
    },
  };
}
