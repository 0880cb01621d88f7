import type { EventFilter, RelayEvent } from "@agent-relay/protocol";

/**
 * Whether events are wanted by a filter. Each part that is present must match: one of the types, and one of the
 * agents, and so on.
 *
 * An event concerns an agent that it names as its `agent`, sender, member or recipient; a channel that it names or that
 * its message is addressed to; a message that it is about, answers, or brings the answer to.
 */
export function eventMatcher(filter: EventFilter): (event: RelayEvent) => boolean {
  const types = setOf(filter.types);
  const agents = setOf(filter.agents);
  const channels = setOf(filter.channels);
  const messages = setOf(filter.messages);
  const streams = setOf(filter.streams);
  return (event) =>
    (types === undefined || types.has(event.type)) &&
    (streams === undefined || streams.has(event.stream)) &&
    (agents === undefined || concernsAgent(event, agents)) &&
    (channels === undefined || concernsChannel(event, channels)) &&
    (messages === undefined || concernsMessage(event, messages));
}

function concernsAgent(event: RelayEvent, agents: ReadonlySet<string>): boolean {
  return (
    ("agent" in event && agents.has(event.agent)) ||
    ("from" in event && agents.has(event.from)) ||
    ("member" in event && agents.has(event.member)) ||
    ("recipients" in event && event.recipients.some((name) => agents.has(name)))
  );
}

function concernsChannel(event: RelayEvent, channels: ReadonlySet<string>): boolean {
  if ("channel" in event) return channels.has(event.channel);
  return "to" in event && event.to.kind === "channel" && channels.has(event.to.name);
}

function concernsMessage(event: RelayEvent, messages: ReadonlySet<string>): boolean {
  return (
    ("messageId" in event && messages.has(event.messageId)) ||
    ("replyTo" in event && event.replyTo !== undefined && messages.has(event.replyTo)) ||
    ("replyId" in event && messages.has(event.replyId))
  );
}

function setOf(values: readonly string[] | undefined): ReadonlySet<string> | undefined {
  return values === undefined ? undefined : new Set(values);
}
