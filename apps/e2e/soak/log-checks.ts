/** What must be true of a log and of what the agents got, whatever happened to the broker and to them. */
import type { EventOf, Relay, RelayEvent } from "@agent-relay/sdk";
import type { ReceivedMessage } from "@agent-relay/testkit";

/** The whole log, page by page. */
export async function allEvents(relay: Relay): Promise<readonly RelayEvent[]> {
  const events: RelayEvent[] = [];
  for (let from = 0; ;) {
    const page = await relay.client.call("events.read", { from, limit: 500 });
    events.push(...(page.events as RelayEvent[]));
    if (page.next >= page.head) return events;
    from = page.next;
  }
}

export type Ending = "seen" | "answered" | `dead letter: ${string}`;

export interface Ledger {
  readonly accepted: ReadonlyMap<string, EventOf<"message_accepted">>;
  /** How each delivery ended, by message and agent; those that did not are missing. */
  readonly endings: ReadonlyMap<string, Ending>;
  /** Deliveries that were said to be uncertain, by message and agent. */
  readonly uncertain: ReadonlySet<string>;
}

export const deliveryKey = (messageId: string, agent: string): string => `${messageId} ${agent}`;

export function ledgerOf(events: readonly RelayEvent[]): Ledger {
  const accepted = new Map<string, EventOf<"message_accepted">>();
  const endings = new Map<string, Ending>();
  const uncertain = new Set<string>();
  for (const event of events) {
    if (event.type === "message_accepted") accepted.set(event.messageId, event);
    if (!("messageId" in event) || !("agent" in event)) continue;
    const key = deliveryKey(event.messageId, event.agent);
    if (event.type === "delivery_seen" && !endings.has(key)) endings.set(key, "seen");
    if (event.type === "delivery_answered") endings.set(key, "answered");
    if (event.type === "delivery_dead_lettered") endings.set(key, `dead letter: ${event.reason}`);
    if (event.type === "delivery_uncertain") uncertain.add(key);
  }
  return { accepted, endings, uncertain };
}

/** Every event has its place, and every delivery an end. */
export function brokenInLog(events: readonly RelayEvent[], { accepted, endings }: Ledger): readonly string[] {
  return [
    ...events.flatMap((it, index) =>
      it.sequence === index + 1 ? [] : [`event ${it.sequence} stands at place ${index + 1}`],
    ),
    ...[...accepted.values()].flatMap(({ messageId, recipients, body }) =>
      recipients
        .filter((agent) => agent !== "operator" && !endings.has(deliveryKey(messageId, agent)))
        .map((agent) => `${messageId} (${body}) has no end at ${agent}`),
    ),
  ];
}

/** Everything came as it was sent, nothing came twice without a mark, and what one sender sent came in its order. */
export function brokenAtAgent(
  agent: string,
  shown: readonly ReceivedMessage[],
  { accepted }: Ledger,
): readonly string[] {
  const broken: string[] = [];
  const known = new Set<string>();
  const newest = new Map<string, number>();
  for (const { id = "none", from = "nobody", body, repeat, complete } of shown) {
    const fact = accepted.get(id);
    if (fact === undefined || body !== fact.body || from !== fact.from || !complete)
      broken.push(`${agent} got ${id} ${JSON.stringify(body)} from ${from}, which nobody sent like that`);
    if (known.has(id)) {
      if (!repeat) broken.push(`${agent} was shown ${id} (${body}) again without a mark`);
      continue;
    }
    known.add(id);
    const sequence = fact?.sequence ?? 0;
    if (sequence < (newest.get(from) ?? 0)) broken.push(`${agent} got ${id} of ${from} after a later one`);
    newest.set(from, Math.max(sequence, newest.get(from) ?? 0));
  }
  return broken;
}

/** Messages of turns that ended with their program, by agent: nobody can say what the model made of them. */
export function cutOff(events: readonly RelayEvent[]): ReadonlySet<string> {
  return new Set(
    events.flatMap((it) =>
      it.type === "agent_exited" ? (it.doing?.messageIds ?? []).map((id) => deliveryKey(id, it.agent)) : [],
    ),
  );
}
