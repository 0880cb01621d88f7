/** Methods about messages: sending, fetching, history, channels, dead letters. */
import { relayError, wireBytes, type Address, type MethodResult } from "@agent-relay/protocol";
import {
  actorOf,
  callerName,
  conversationKey,
  findMessage,
  mailboxOwner,
  maySee,
  messageBytes,
  once,
  pageOf,
  requireAgent,
  requireChannel,
  requireMessage,
  wasDone,
  type Handlers,
  type Office,
  type Request,
} from "./calls.ts";
import type { Mailbox } from "../core/mailbox.ts";
import type { Agent } from "../core/state.ts";
import { describeStep } from "./trace.ts";
import { channelView, inboxMessage } from "./views.ts";

type Accepted = MethodResult<"message.send">;

export const messageCalls: Handlers<
  | "message.send"
  | "message.reply"
  | "message.await"
  | "message.get"
  | "message.trace"
  | "message.react"
  | "message.history"
  | "message.search"
  | "inbox.check"
  | "inbox.ack"
  | "inbox.pending"
  | "read.mark"
  | "read.list"
  | "channel.create"
  | "channel.join"
  | "channel.leave"
  | "channel.list"
  | "deadletter.list"
  | "deadletter.redeliver"
> = {
  "message.send": (request, office) => {
    const { to, replyTo, ttlMs, notify } = request.params;
    return send("message.send", request, office, to, replyTo, { ttlMs, notify });
  },
  "message.reply": (request, office) => {
    const { message } = requireMessage(office, request.params.replyTo);
    return send(
      "message.reply",
      request,
      office,
      answerAddress(message, callerName(request.caller)),
      message.messageId,
    );
  },
  "message.await": async ({ params, options, caller }, office) => {
    const { messageId, until, timeoutMs } = params;
    requireVisible(office, caller, messageId);
    const order = ["accepted", "handed_over", "seen", "answered"];
    const deliveries = await office.waits.until({
      answer: () => {
        const all = office.archive.deliveries(messageId);
        const done = all.every((it) => it.stage === "dead_lettered" || order.indexOf(it.stage) >= order.indexOf(until));
        return done ? all : undefined;
      },
      concerns: (fact) => "messageId" in fact && fact.messageId === messageId,
      timeoutMs,
      expectation: `every delivery of ${messageId} was expected to be ${until}`,
      signal: options.signal,
    });
    return { deliveries: [...deliveries] };
  },
  "message.get": ({ params, caller }, office) => {
    const message = office.archive.message(params.messageId);
    const hidden =
      caller.principal.kind === "agent" &&
      message !== undefined &&
      !maySee(office.engine.state(), callerName(caller), message);
    if (message === undefined || hidden) throw notFound(params.messageId);
    return message;
  },
  "message.trace": ({ params }, office) => {
    const message = office.archive.message(params.messageId);
    if (message === undefined) throw notFound(params.messageId);
    const facts = office.log.read({ after: 0, limit: 10_000, stream: `message/${params.messageId}` });
    return {
      message,
      deliveries: [...office.archive.deliveries(params.messageId)],
      steps: facts.map((it) => describeStep(it, message.at)),
    };
  },
  "message.react": (request, office) => {
    const { messageId, emoji, remove } = request.params;
    if (!wasDone(office, request)) requireVisible(office, request.caller, messageId);
    const by = callerName(request.caller);
    return once(
      office,
      "message.react",
      request,
      { type: "message.react", messageId, by, emoji, remove, at: office.clock.now() },
      () => ({}),
    );
  },
  "message.history": ({ params, caller }, office) => {
    const state = office.engine.state();
    const me = callerName(caller);
    const isAgent = caller.principal.kind === "agent";
    if (params.channel !== undefined) {
      requireChannel(state, params.channel);
      if (isAgent && state.channels.get(params.channel)?.members.has(me) !== true)
        throw relayError("not_a_member", `'${me}' is not a member of '#${params.channel}'.`, {
          hint: "Join the channel first.",
        });
    }
    if (params.with !== undefined) requireAgent(state, params.with);
    const { before, after, limit } = params;
    const found = office.archive.history({
      limit,
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
      ...(params.channel === undefined ? {} : { channel: params.channel }),
      ...(params.thread === undefined ? {} : { thread: params.thread }),
      ...(params.with === undefined ? {} : isAgent ? { between: [me, params.with] as const } : { about: params.with }),
      ...(isAgent && params.with === undefined && params.channel === undefined && params.thread === undefined
        ? { about: me }
        : {}),
    });
    // Newest first unless a reader goes forward, so it is the far end that waits for the next page.
    const messages =
      after === undefined ? [...pageOf([...found].reverse(), messageBytes)].reverse() : pageOf(found, messageBytes);
    const visible = isAgent ? messages.filter((it) => maySee(state, me, it)) : messages;
    const full = found.length === limit || messages.length < found.length;
    return {
      messages: [...visible],
      before: full || after !== undefined ? (messages[0]?.sequence ?? null) : null,
      after: messages.at(-1)?.sequence ?? null,
    };
  },
  "message.search": ({ params, caller }, office) => {
    const state = office.engine.state();
    const me = callerName(caller);
    const channels = [...state.channels.values()].filter((it) => it.members.has(me)).map((it) => it.name);
    const messages = office.archive.search({
      query: params.query,
      limit: params.limit,
      ...(params.channel === undefined ? {} : { channel: params.channel }),
      ...(params.from === undefined ? {} : { from: params.from }),
      ...(caller.principal.kind === "agent" ? { visibleTo: { agent: me, channels } } : {}),
    });
    return { messages: [...pageOf(messages, messageBytes)] };
  },
  "inbox.check": checkInbox,
  "inbox.ack": async ({ params, caller }, office) => {
    const name = mailboxOwner(caller, params.name);
    const facts = await office.engine.submit(
      { type: "inbox.ack", name, messageIds: params.messageIds, at: office.clock.now() },
      actorOf(office, caller),
    );
    return { acknowledged: facts.filter((it) => it.event.type === "delivery_seen").length };
  },
  "inbox.pending": ({ params, caller }, office) => {
    const agent = office.engine.state().agents.get(mailboxOwner(caller, params.name));
    if (agent === undefined) return { count: 0, from: [] };
    const from = new Set<string>();
    for (const delivery of agent.mailbox.waiting()) {
      from.add(delivery.from);
      if (from.size >= 10) break;
    }
    return { count: agent.mailbox.waitingCount, from: [...from] };
  },
  "read.mark": async ({ params, caller }, office) => {
    const conversation = conversationKey(caller, params);
    const command = {
      type: "read.mark",
      reader: callerName(caller),
      conversation,
      upTo: params.upTo,
      at: office.clock.now(),
    } as const;
    await office.engine.submit(command, actorOf(office, caller));
    return {};
  },
  "read.list": ({ params, caller }, office) => ({
    readers: [...office.archive.readers(conversationKey(caller, params))],
  }),
  "channel.create": async (request, office) => {
    const { channel, topic } = request.params;
    const by = callerName(request.caller);
    const at = office.clock.now();
    return once(office, "channel.create", request, { type: "channel.create", channel, topic, by, at }, () => ({
      name: channel,
      topic: topic ?? null,
      members: [by],
      createdBy: by,
      createdAt: at,
    }));
  },
  "channel.join": async (request, office) => {
    const { channel } = request.params;
    const member = memberOf(request);
    const command = {
      type: "channel.join",
      channel,
      member,
      by: callerName(request.caller),
      at: office.clock.now(),
    } as const;
    return once(office, "channel.join", request, command, () => viewOfChannel(office, channel));
  },
  "channel.leave": (request, office) => {
    const { channel } = request.params;
    const member = memberOf(request);
    const command = {
      type: "channel.leave",
      channel,
      member,
      by: callerName(request.caller),
      at: office.clock.now(),
    } as const;
    return once(office, "channel.leave", request, command, () => ({}));
  },
  "channel.list": (_request, office) => ({ channels: [...office.engine.state().channels.values()].map(channelView) }),
  "deadletter.list": ({ params }, office) => ({
    deliveries: [
      ...office.archive.deadLetters(
        params.agent === undefined ? { limit: params.limit } : { agent: params.agent, limit: params.limit },
      ),
    ],
  }),
  "deadletter.redeliver": (request, office) => {
    const { messageId, agent } = request.params;
    const { message, sequence } = requireMessage(office, messageId);
    const delivery = office.archive.deliveries(messageId).find((it) => it.agent === agent);
    if (delivery === undefined)
      throw relayError("unknown_delivery", `${messageId} was not addressed to '${agent}'.`, {
        hint: "`agent-relay trace` shows to whom it was.",
      });
    if (delivery.stage !== "dead_lettered" && !wasDone(office, request))
      throw relayError("not_a_dead_letter", `The delivery of ${messageId} to '${agent}' is ${delivery.stage}.`);
    const command = {
      type: "deadletter.redeliver",
      agent,
      by: callerName(request.caller),
      message: { messageId, from: message.from, mode: message.mode, bytes: wireBytes(message.body), sequence },
      at: office.clock.now(),
    } as const;
    return once(office, "deadletter.redeliver", request, command, () => ({}));
  },
};

async function send<M extends "message.send" | "message.reply">(
  method: M,
  request: Request<M>,
  office: Office,
  to: Address,
  replyTo: string | undefined,
  { ttlMs, notify }: { readonly ttlMs?: number | undefined; readonly notify?: readonly string[] | undefined } = {},
): Promise<MethodResult<M>> {
  const { caller, params } = request;
  const { body, mode } = params;
  const at = office.clock.now();
  if (caller.principal.kind === "agent") office.incarnations.told(caller.principal.name, caller.principal.epoch, body);
  const original =
    replyTo === undefined
      ? undefined
      : wasDone(office, request)
        ? requireMessage(office, replyTo).message
        : requireVisible(office, caller, replyTo);
  const accepted = await once<"message.send" | "message.reply">(
    office,
    method,
    request,
    {
      type: "message.send",
      messageId: office.ids.next("msg"),
      from: callerName(caller),
      fromEpoch: caller.principal.kind === "agent" ? caller.principal.epoch : undefined,
      to,
      body,
      bytes: wireBytes(body),
      mode,
      replyTo: original === undefined ? undefined : { messageId: original.messageId, threadId: original.threadId },
      notify,
      expiresAt: ttlMs === undefined ? undefined : at + ttlMs,
      at,
    },
    (facts): Accepted => {
      const fact = facts.find((it) => it.event.type === "message_accepted" && it.event.from === callerName(caller));
      if (fact?.event.type !== "message_accepted") throw relayError("internal", "An accepted message left no fact.");
      const { messageId, threadId, recipients } = fact.event;
      return { messageId, sequence: fact.sequence, threadId, recipients: [...recipients] };
    },
  );
  return accepted as MethodResult<M>;
}

/** An answer goes to the channel that the message came through, else to whoever else was part of it. */
function answerAddress(message: { readonly from: string; readonly to: Address }, me: string): Address {
  if (message.to.kind === "channel") return message.to;
  return { kind: "agent", name: message.from === me ? message.to.name : message.from };
}

async function checkInbox(request: Request<"inbox.check">, office: Office): Promise<MethodResult<"inbox.check">> {
  const { params, caller, options } = request;
  const name = mailboxOwner(caller, params.name);
  // Asked anew each time: after an append that failed, the state is another object.
  const find = (): Agent | undefined => office.engine.state().agents.get(name);
  const agent = find();
  // A person's mailbox begins with the first message to it; before that it is empty, not unknown.
  if (agent === undefined) {
    if (params.name !== undefined && caller.principal.name !== params.name) requireAgent(office.engine.state(), name);
    return { messages: [], remaining: 0 };
  }
  const mailbox = (): Mailbox => find()?.mailbox ?? agent.mailbox;
  if (params.peek) {
    const waiting = [...mailbox().waiting()];
    const shown = pageOf(waiting.slice(0, params.limit), (it) => it.bytes);
    return {
      messages: shown.flatMap((it) => readMessage(office, it.sequence, it.possibleRepeat)),
      remaining: waiting.length - shown.length,
    };
  }
  const offered = (): boolean =>
    mailbox().waitingCount > 0 ||
    [...mailbox().open()].some((it) => it.handedOver?.route === "inbox" && it.seenAt === undefined);
  if (!offered() && params.waitMs > 0) {
    await office.waits
      .until({
        answer: () => (mailbox().waitingCount > 0 ? true : undefined),
        concerns: (fact) =>
          fact.type === "message_accepted" ? fact.recipients.includes(name) : "agent" in fact && fact.agent === name,
        timeoutMs: params.waitMs,
        expectation: "mail was expected",
        signal: options.signal,
      })
      .catch((error: unknown) => {
        // No mail in time is an answer, not a failure.
        if ((error as { code?: unknown }).code !== "timeout") throw error;
      });
  }
  if (!offered()) return { messages: [], remaining: 0 };
  const facts = await office.engine.submit(
    { type: "inbox.take", name, limit: params.limit, at: office.clock.now() },
    actorOf(office, caller),
  );
  const messages = facts.flatMap(({ event }) => {
    if (event.type !== "delivery_handed_over" || event.agent !== name) return [];
    const delivery = mailbox().find(event.messageId);
    return delivery === undefined ? [] : readMessage(office, delivery.sequence, event.possibleRepeat);
  });
  const { principal } = caller;
  if (principal.kind === "agent")
    for (const { body } of messages) office.incarnations.told(principal.name, principal.epoch, body);
  return { messages, remaining: mailbox().waitingCount };
}

function readMessage(office: Office, sequence: number, possibleRepeat: boolean): ReturnType<typeof inboxMessage>[] {
  const recorded = office.log.get(sequence);
  return recorded?.event.type === "message_accepted" ? [inboxMessage(recorded, recorded.event, possibleRepeat)] : [];
}

function requireVisible(
  office: Office,
  caller: Request<"message.get">["caller"],
  messageId: string,
): { readonly messageId: string; readonly threadId: string } {
  const found = findMessage(office, messageId);
  const state = office.engine.state();
  if (found === undefined || (caller.principal.kind === "agent" && !maySee(state, callerName(caller), found.message)))
    throw notFound(messageId);
  return found.message;
}

function memberOf(request: {
  readonly caller: Request<"channel.join">["caller"];
  readonly params: { readonly member?: string | undefined };
}): string {
  const { caller, params } = request;
  const me = callerName(caller);
  if (params.member === undefined || params.member === me) return me;
  if (caller.principal.kind === "agent")
    throw relayError("not_allowed", "An agent joins and leaves for itself only.", { hint: "Leave the member out." });
  return params.member;
}

function viewOfChannel(office: Office, name: string): MethodResult<"channel.join"> {
  const channel = office.engine.state().channels.get(name);
  if (channel === undefined) throw relayError("internal", "A channel that was joined does not exist.");
  return channelView(channel);
}

function notFound(messageId: string): ReturnType<typeof relayError> {
  return relayError("unknown_message", `No message has the id '${messageId}'.`, {
    hint: "`agent-relay history` lists messages with their ids.",
    data: { messageId },
  });
}
