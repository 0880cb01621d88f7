/**
 * Waits: what a `wait_for` step waits for, found in the broker's events.
 *
 *   WA1  What came after the attempt had begun counts, also while no runner ran.
 *   WA2  An approval comes from a person, through the run's asks, and never from a message.
 *   WA3  Events that the broker gives up, because they came faster than they were read or it was away for long, are read on
 *        from where they were.
 */
import type { Relay } from "@agent-relay/sdk";
import { isRelayError } from "@agent-relay/sdk";
import type { WaitUntil } from "../core/actions.ts";
import { mayPass } from "./ask-again.ts";
import { pauseUnless } from "./pause.ts";

/** Before events that were given up are asked for again. */
const AGAIN_MS = 200;

type Waited = Exclude<WaitUntil, { what: "approval" }>;

/** Resolves with what came, as the step's output; nothing if it was called off. */
export async function waitFor(
  relay: Pick<Relay, "events" | "client">,
  until: Waited,
  { since, signal }: { readonly since: number; readonly signal: AbortSignal },
): Promise<string | undefined> {
  const types = until.what === "message" ? ["message_accepted"] : [until.event];
  const agents = until.what === "event" && until.agent !== undefined ? { agents: [until.agent] } : {};
  let from: number | undefined;
  while (!signal.aborted) {
    try {
      from ??= await sequenceBefore(relay, since);
      for await (const event of relay.events({ from, filter: { types, ...agents }, signal })) {
        from = event.sequence;
        if (event.at < since) continue;
        if (until.what === "event") return JSON.stringify(event);
        if (event.type !== "message_accepted") continue;
        if (fits(until, { from: event.from, body: event.body, channel: channelOf(event.to) })) return event.body;
      }
      return undefined;
    } catch (error) {
      if (isRelayError(error, "cancelled")) return undefined;
      if (!mayPass(error)) throw error;
      await pauseUnless(signal, AGAIN_MS);
    }
  }
  return undefined;
}

/** A place in the log after which everything from an instant on stands; found by halving, however long the log is. */
async function sequenceBefore({ client }: Pick<Relay, "client">, since: number): Promise<number> {
  let low = 0;
  let high = client.head();
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const page = await client.call("events.read", { from: middle, limit: 1 });
    const [next] = page.events as readonly { readonly sequence: number; readonly at: number }[];
    if (next === undefined || next.at >= since) high = middle;
    else low = next.sequence;
  }
  return low;
}

interface Said {
  readonly from: string;
  readonly body: string;
  readonly channel: string | undefined;
}

function fits(until: Extract<Waited, { what: "message" }>, said: Said): boolean {
  return (
    (until.channel === undefined || said.channel === until.channel.replace(/^#/u, "")) &&
    (until.from === undefined || said.from === until.from) &&
    (until.contains === undefined || said.body.includes(until.contains))
  );
}

function channelOf(to: { readonly kind: string; readonly name: string }): string | undefined {
  return to.kind === "channel" ? to.name : undefined;
}
