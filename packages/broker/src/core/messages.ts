/**
 * Messages: accepting them, fetching them, answering for them.
 *
 *   S1  An accepted message is owed to every recipient that it names: one delivery each, from the same fact.
 *   S2  A full mailbox refuses new mail and keeps the old.
 *   S3  A message that was fetched counts as seen when it is acknowledged; until then it is offered again, marked.
 *   S4  An answer proves that what it answers was seen.
 *   S5  Mail from one sender to one recipient keeps its order.
 *   S6  Whoever sends to a channel is told once which of its members the message could not reach.
 *   S7  A message to a channel that names whom to notify is owed to them alone, and to nobody who is not in the channel.
 *   S8  A program that was told whom it may write to reaches no other program directly, nor does what it has spawned;
 *       channels and people they do, and each whoever it spawned or was spawned by.
 */
import { accept, reject, type Decision } from "@agent-relay/kernel";
import { errorEnvelope, limits, stripControls, type Fact } from "@agent-relay/protocol";
import type { ClientCommand, Refusal } from "./commands.ts";
import type { Delivery } from "./mailbox.ts";
import { notice, noticeId, takesNotices } from "./notices.ts";
import { agentEnded, notItsToTell, unknownAgent, unknownChannel } from "./refusals.ts";
import { isLive, type Agent, type BrokerState } from "./state.ts";

type CommandOf<Type extends ClientCommand["type"]> = Extract<ClientCommand, { type: Type }>;
type Judgement = Decision<Fact, Refusal>;

export function send(command: CommandOf<"message.send">, state: BrokerState): Judgement {
  const unfit = unfitBody(command);
  if (unfit !== undefined) return reject(unfit);
  const audience = command.to.kind === "agent" ? oneRecipient(command, state) : channelRecipients(command, state);
  if ("refusal" in audience) return reject(audience.refusal);
  const { messageId, from, replyTo } = command;
  const facts: Fact[] = [];
  if (!state.agents.has(from)) facts.push({ type: "agent_registered", agent: from, kind: "person", by: from });
  facts.push({
    type: "message_accepted",
    messageId,
    from,
    ...(command.fromEpoch === undefined ? {} : { fromEpoch: command.fromEpoch }),
    to: command.to,
    body: command.body,
    mode: command.mode,
    ...(replyTo === undefined ? {} : { replyTo: replyTo.messageId }),
    threadId: replyTo?.threadId ?? messageId,
    recipients: [...audience.recipients],
    ...(command.expiresAt === undefined ? {} : { expiresAt: command.expiresAt }),
  });
  for (const agent of audience.full)
    facts.push({ type: "delivery_dead_lettered", messageId, agent, reason: "mailbox_full" });
  if (audience.full.length > 0) facts.push(...fullNotice(command, audience.full, state, facts.length));
  if (replyTo !== undefined) facts.push(...answeredFacts(state, from, replyTo.messageId, messageId));
  return accept(...facts);
}

export function takeInbox(command: CommandOf<"inbox.take">, state: BrokerState): Judgement {
  const agent = state.agents.get(command.name);
  if (agent === undefined) return reject(unknownAgent(state, command.name));
  const facts: Fact[] = [];
  let bytes = 0;
  /** Whether one more fits into the answer. */
  const fits = (delivery: Delivery): boolean => {
    bytes += delivery.bytes;
    return facts.length < command.limit && (facts.length === 0 || bytes <= limits.pageBytesMax);
  };
  const offer = (delivery: Delivery, again: boolean): void => {
    facts.push({
      type: "delivery_handed_over",
      messageId: delivery.messageId,
      agent: agent.name,
      epoch: Math.max(1, agent.epoch),
      attempt: delivery.attempts + 1,
      route: "inbox",
      evidence: "inbox_read",
      possibleRepeat: again || delivery.possibleRepeat,
    });
  };
  const again = [...agent.mailbox.open()].filter((it) => it.handedOver?.route === "inbox" && it.seenAt === undefined);
  for (const delivery of again.sort((a, b) => a.sequence - b.sequence)) {
    if (!fits(delivery)) break;
    offer(delivery, true);
  }
  for (const delivery of agent.mailbox.waiting()) {
    if (delivery.expiresAt !== undefined && delivery.expiresAt <= command.at) continue;
    if (!fits(delivery)) break;
    offer(delivery, false);
  }
  return accept(...facts);
}

export function acknowledge(command: CommandOf<"inbox.ack">, state: BrokerState): Judgement {
  const agent = state.agents.get(command.name);
  if (agent === undefined) return reject(unknownAgent(state, command.name));
  const facts: Fact[] = [];
  for (const messageId of new Set(command.messageIds)) {
    const delivery = agent.mailbox.find(messageId);
    if (delivery === undefined || delivery.seenAt !== undefined || delivery.place === "waiting") continue;
    const who = { messageId, agent: agent.name, epoch: Math.max(1, agent.epoch) };
    if (delivery.place === "in_flight") facts.push(handedOverBy(delivery, agent, "inbox_ack"));
    facts.push({ type: "delivery_seen", ...who, evidence: "inbox_ack" });
  }
  return accept(...facts);
}

export function react(command: CommandOf<"message.react">): Judgement {
  const emoji = stripControls(command.emoji).trim();
  if (emoji.length === 0)
    return reject(
      errorEnvelope("invalid_text", "The reaction has no visible character.", {
        hint: "Send an emoji or a short word.",
      }),
    );
  const { messageId, by } = command;
  return accept({ type: command.remove ? "message_unreacted" : "message_reacted", messageId, by, emoji });
}

export function markRead(command: CommandOf<"read.mark">): Judgement {
  return accept({
    type: "read_marked",
    reader: command.reader,
    conversation: command.conversation,
    upTo: command.upTo,
  });
}

export function redeliver(command: CommandOf<"deadletter.redeliver">, state: BrokerState): Judgement {
  const agent = state.agents.get(command.agent);
  if (agent === undefined) return reject(unknownAgent(state, command.agent));
  if (agent.ended !== undefined) return reject(agentEnded(agent));
  if (isFull(agent)) return reject(mailboxFull(agent));
  const { messageId, from, mode, bytes, sequence } = command.message;
  if (agent.mailbox.find(messageId) !== undefined) return accept();
  return accept({
    type: "delivery_redelivered",
    messageId,
    agent: agent.name,
    by: command.by,
    from,
    mode,
    bytes,
    messageSequence: sequence,
  });
}

/** Whoever sends to a channel learns which members did not get it. */
function fullNotice(
  { from, to, messageId }: CommandOf<"message.send">,
  full: readonly string[],
  state: BrokerState,
  before: number,
): readonly Fact[] {
  const shown = full.slice(0, 5).join(", ");
  const more = full.length > 5 ? ` and ${full.length - 5} more` : "";
  const body = `Your message to #${to.name} could not be delivered to ${shown}${more} (mailbox_full): ${messageId}.`;
  const id = noticeId(messageId, state.head + before + 1);
  return takesNotices(from, state) ? [notice(id, from, body)] : [];
}

/** Answering proves reading, whatever way the message took. */
function answeredFacts(state: BrokerState, from: string, original: string, replyId: string): readonly Fact[] {
  const agent = state.agents.get(from);
  const delivery = agent?.mailbox.find(original);
  if (agent === undefined || delivery === undefined) return [];
  const facts: Fact[] = [];
  if (delivery.place !== "open") facts.push(handedOverBy(delivery, agent, "reply"));
  if (delivery.seenAt === undefined)
    facts.push({
      type: "delivery_seen",
      messageId: original,
      agent: from,
      epoch: Math.max(1, agent.epoch),
      evidence: "reply",
    });
  facts.push({ type: "delivery_answered", messageId: original, agent: from, replyId });
  return facts;
}

function handedOverBy(delivery: Delivery, agent: Agent, evidence: "reply" | "inbox_ack"): Fact {
  return {
    type: "delivery_handed_over",
    messageId: delivery.messageId,
    agent: agent.name,
    epoch: Math.max(1, agent.epoch),
    attempt: delivery.attempts,
    route: delivery.place === "in_flight" ? (agent.injection?.route ?? "paste") : "inbox",
    evidence,
    possibleRepeat: delivery.possibleRepeat,
  };
}

type Audience =
  | { readonly recipients: readonly string[]; readonly full: readonly string[] }
  | { readonly refusal: Refusal };

function notifiedWithoutChannel(name: string): Refusal {
  return errorEnvelope("invalid_request", `Expected a channel beside \`notify\`, found the agent '${name}'.`, {
    hint: "Send to a channel, or leave `notify` out: a message to an agent is brought to it alone.",
  });
}

function notifiedStranger(channel: string, name: string, members: readonly string[]): Refusal {
  return errorEnvelope("not_a_member", `'${name}' is not a member of '#${channel}', so it cannot be notified there.`, {
    hint: members.length === 0 ? "The channel has no members." : `Its members: ${members.slice(0, 10).join(", ")}.`,
    data: { channel, name },
  });
}

function oneRecipient(command: CommandOf<"message.send">, state: BrokerState): Audience {
  if (command.notify !== undefined) return { refusal: notifiedWithoutChannel(command.to.name) };
  const agent = state.agents.get(command.to.name);
  if (agent === undefined) return { refusal: unknownAgent(state, command.to.name) };
  if (agent.ended !== undefined && !isLive(agent)) return { refusal: agentEnded(agent) };
  const sender = state.agents.get(command.from);
  const bound = sender === undefined ? undefined : boundOf(sender, agent);
  if (bound !== undefined) return { refusal: notItsToTell(command.from, agent.name, bound) };
  if (isFull(agent)) return { refusal: mailboxFull(agent) };
  return { recipients: [agent.name], full: [] };
}

/** What keeps the one from writing to the other, if anything does: whom itself, or whoever spawned it, may write to. */
function boundOf(sender: Agent, recipient: Agent): readonly string[] | undefined {
  if (sender.kind !== "program" || recipient.kind !== "program") return undefined;
  if (sender.spawnedBy === recipient.name || recipient.spawnedBy === sender.name) return undefined;
  const team = recipient.launch?.team;
  return sender.bounds.find((it) => !it.includes(recipient.name) && (team === undefined || !it.includes(team)));
}

function channelRecipients(command: CommandOf<"message.send">, state: BrokerState): Audience {
  const channel = state.channels.get(command.to.name);
  if (channel === undefined) return { refusal: unknownChannel(state, command.to.name) };
  const sender = state.agents.get(command.from);
  if (sender?.kind === "program" && !channel.members.has(command.from)) {
    return {
      refusal: errorEnvelope("not_a_member", `'${command.from}' is not a member of '#${channel.name}'.`, {
        hint: `Join the channel first: join_channel, or \`agent-relay channels join ${channel.name} ${command.from}\`.`,
        data: { channel: channel.name },
      }),
    };
  }
  const stranger = command.notify?.find((name) => !channel.members.has(name));
  if (stranger !== undefined) return { refusal: notifiedStranger(channel.name, stranger, [...channel.members]) };
  const members = [...channel.members]
    .filter((name) => name !== command.from && command.notify?.includes(name) !== false)
    .map((name) => state.agents.get(name))
    .filter((agent): agent is Agent => agent !== undefined && agent.ended === undefined);
  // One member with a full mailbox must not silence the channel for the others: its copy is a dead letter at once.
  return { recipients: members.map((it) => it.name), full: members.filter(isFull).map((it) => it.name) };
}

function isFull(agent: Agent): boolean {
  return agent.mailbox.waitingCount + (agent.injection?.items.length ?? 0) >= limits.mailboxDepthMax;
}

function mailboxFull(agent: Agent): Refusal {
  return errorEnvelope(
    "mailbox_full",
    `The mailbox of '${agent.name}' holds ${limits.mailboxDepthMax} messages, which is as many as it may.`,
    {
      hint: `See why it takes no mail with \`agent-relay who\`; it is ${agent.status}.`,
      data: { name: agent.name, status: agent.status },
    },
  );
}

function unfitBody(command: CommandOf<"message.send">): Refusal | undefined {
  if (command.bytes > limits.messageBytesMax) {
    return errorEnvelope(
      "message_too_large",
      `The message has ${command.bytes} bytes; at most ${limits.messageBytesMax} are allowed.`,
      { hint: "Put the content into a file and send its path." },
    );
  }
  if (!isWellFormed(command.body))
    return errorEnvelope("invalid_text", "The message is not valid Unicode: it holds half of a surrogate pair.", {
      hint: "Send valid UTF-8.",
    });
  if (stripControls(command.body).trim().length === 0)
    return errorEnvelope("invalid_text", "The message has no visible content.", {
      hint: "Write something; control characters alone are not delivered.",
    });
  return undefined;
}

/** Half of a surrogate pair cannot be written as UTF-8. With the `u` flag only such halves match. */
function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}
