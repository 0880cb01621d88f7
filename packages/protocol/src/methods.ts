/**
 * Methods: what a client can ask of a broker.
 *
 * `command: true` changes something: such a request carries a `commandId`, and the same id twice gives the same
 * answer once. `agent: true` may be asked by an agent with its own token; everything else needs the operator.
 */
import { z } from "zod";
import { Address, BlockKind, DeliveryMode, StepPath, StepVerdict, Verdict } from "./events.ts";
import { LaunchSpec } from "./launch.ts";
import { limits } from "./limits.ts";
import { AgentName, ChannelName, LeaseName, MessageId, StreamName } from "./names.ts";
import {
  AgentView,
  BrokerView,
  ChannelView,
  DeliveryStage,
  DeliveryView,
  InboxMessage,
  MessageView,
  StatsRow,
  StreamEntry,
  StreamView,
  TraceView,
} from "./views.ts";

interface MethodInfo {
  readonly params: z.ZodType;
  readonly result: z.ZodType;
  readonly command: boolean;
  readonly agent: boolean;
  readonly summary: string;
}

const none = z.object({});
const done = z.object({});
const timeoutMs = z.number().int().min(0).max(3_600_000);
const limit = z.number().int().min(1).max(limits.pageMax).default(50);
const cursor = z.number().int().min(0);
const revision = z.number().int().min(0);
const token = z.number().int().min(1);
const ttlMs = z.number().int().min(limits.leaseMsMin).max(limits.leaseMsMax);

/** `ada`, `#general`, or an address object. */
export const AddressInput = z.union([
  z.string().transform((text, context) => {
    const channel = text.startsWith("#");
    const parsed = channel ? ChannelName.safeParse(text.slice(1)) : AgentName.safeParse(text);
    if (!parsed.success) {
      context.addIssue({ code: "custom", message: parsed.error.issues[0]?.message ?? "expected an address" });
      return z.NEVER;
    }
    return channel ? { kind: "channel" as const, name: parsed.data } : { kind: "agent" as const, name: parsed.data };
  }),
  Address,
]);

export const EventFilter = z.object({
  types: z.array(z.string()).max(100).optional(),
  agents: z.array(AgentName).max(100).optional(),
  channels: z.array(ChannelName).max(100).optional(),
  messages: z.array(MessageId).max(100).optional(),
  /** Streams by their whole name, of the broker's own or of clients: `agent/ada`, `run/01k…`. */
  streams: z.array(z.string().max(200)).max(100).optional(),
});

export const methods = {
  "broker.status": {
    params: none,
    result: BrokerView,
    command: false,
    agent: false,
    summary: "What the broker is doing.",
  },
  "broker.shutdown": {
    params: z.object({
      /** Leave the agents running in the pty host for the next broker. */
      keepAgents: z.boolean().default(false),
    }),
    result: done,
    command: false,
    agent: false,
    summary: "Ends the broker, and its agents unless they are to be kept.",
  },
  "broker.backup": {
    params: z.object({ file: z.string().min(1) }),
    result: z.object({ file: z.string(), bytes: z.number(), sequence: z.number() }),
    command: false,
    agent: false,
    summary: "Writes a consistent copy of the event log to a new file.",
  },

  "agent.spawn": {
    params: z.object({
      name: AgentName,
      launch: LaunchSpec,
      /**
       * Laid over the broker's own environment for the first incarnation and never stored: for a program that a person
       * starts from a shell and that is not started again.
       */
      transientEnv: z.record(z.string(), z.string().max(131_072)).optional(),
    }),
    result: z.object({
      agent: AgentName,
      epoch: z.number().int(),
      harness: z.string().nullable(),
      pid: z.number().int().nullable(),
      /** What whoever spawned it should know: an option that the program does not have, a version that was not tried. */
      notes: z.array(z.string().max(1_000)).max(50).optional(),
    }),
    command: true,
    agent: true,
    summary: "Starts a program as an agent. Answers when it runs, or with why it does not.",
  },
  "agent.release": {
    params: z.object({ name: AgentName, reason: z.string().max(500).optional() }),
    result: done,
    command: true,
    agent: true,
    summary: "Asks an agent to leave, then makes it: exit request, TERM, KILL. Answers when its process group is gone.",
  },
  "agent.kill": {
    params: z.object({ name: AgentName, reason: z.string().max(500).optional() }),
    result: done,
    command: true,
    agent: false,
    summary: "Ends an agent's process group with KILL at once.",
  },
  "agent.register": {
    params: z.object({ name: AgentName }),
    result: done,
    command: true,
    agent: false,
    summary: "Makes a mailbox for a person or a script, without a program.",
  },
  "agent.list": {
    params: z.object({ all: z.boolean().default(false) }),
    result: z.object({ agents: z.array(AgentView) }),
    command: false,
    agent: true,
    summary: "Who is there, and how each is doing. Ended agents only with `all`.",
  },
  "agent.wait": {
    params: z.object({
      names: z.array(AgentName).min(1).max(100),
      until: z.enum(["ready", "idle", "blocked", "exited", "dead"]),
      /** Answer for the first, or when all have. */
      any: z.boolean().default(false),
      timeoutMs,
    }),
    result: z.object({ agents: z.array(AgentView) }),
    command: false,
    agent: true,
    summary: "Waits until agents reach a state. Fails with `timeout`.",
  },
  "agent.hold": {
    params: z.object({
      name: AgentName,
      leaseId: z.string().min(8).max(64),
      ttlMs: z.number().int().min(1_000).max(600_000),
      takeOver: z.boolean().default(false),
    }),
    result: z.object({ leaseId: z.string(), expiresAt: z.number() }),
    command: false,
    agent: false,
    summary: "Takes or renews the right to type: nothing is delivered to the terminal meanwhile.",
  },
  "agent.unhold": {
    params: z.object({ name: AgentName, leaseId: z.string() }),
    result: done,
    command: false,
    agent: false,
    summary: "Gives the right to type back.",
  },
  "agent.answer": {
    params: z.object({
      name: AgentName,
      verdict: Verdict,
      /** The sequence of the `agent_blocked` that is meant; without it, whatever it waits for now. */
      block: z.number().int().min(1).optional(),
    }),
    result: z.object({ block: z.number().int() }),
    command: true,
    agent: false,
    summary:
      "Answers what a blocked program waits for. The first answer wins; a later one fails with `already_answered`.",
  },
  "agent.report": {
    params: z.object({ text: z.string().min(1).max(500) }),
    result: done,
    command: false,
    agent: true,
    summary: "An agent says what it is doing; shown in `who`.",
  },
  "verdict.submit": {
    params: z.object({ step: StepPath, verdict: StepVerdict }),
    result: done,
    command: false,
    agent: true,
    summary:
      "An agent decides about the step of a workflow that it answers for or reviews. Whoever runs the workflow judges it.",
  },
  "agent.signal": {
    params: z.object({
      signal: z.discriminatedUnion("type", [
        z.object({ type: z.literal("ready") }),
        z.object({ type: z.literal("turn_started") }),
        z.object({ type: z.literal("turn_ended") }),
        /** The text that the program took as a prompt; messages in it are recognised by their ids. */
        z.object({ type: z.literal("prompt"), text: z.string() }),
        /** What its model answered, whole. It ends the turn, or is followed by what does. */
        z.object({ type: z.literal("said"), text: z.string() }),
        z.object({ type: z.literal("blocked"), kind: BlockKind, what: z.string().max(2_000).optional() }),
        /** It goes on after it was blocked. */
        z.object({ type: z.literal("unblocked") }),
        z.object({ type: z.literal("context"), pctLeft: z.number().min(0).max(100) }),
        /** Its conversation was replaced by a summary. */
        z.object({ type: z.literal("compacted") }),
        /** The id of its conversation, with which it can be continued. */
        z.object({
          type: z.literal("session"),
          sessionId: z.string().min(1).max(256),
          /** The file in which the program records it, one JSON object on each line. It is read on from here. */
          record: z.string().min(1).max(4_096).optional(),
        }),
        /** It is between two steps of its turn, and takes context in the answer to this report. */
        z.object({ type: z.literal("boundary") }),
        /** What became of the mail that was given in an answer. */
        z.object({ type: z.literal("served"), handover: z.string().max(256), arrived: z.boolean() }),
        /** It takes mail in the answer to this report, which may come late, and says in the next what it did with it. */
        z.object({
          type: z.literal("takes_mail"),
          last: z.object({ injection: z.string().max(256), failed: z.string().max(500).optional() }).optional(),
        }),
        /** Tokens of one answer of the model, or of several since the last report. */
        z.object({
          type: z.literal("tokens"),
          inputTokens: z.number().int().min(0),
          cachedInputTokens: z.number().int().min(0).default(0),
          outputTokens: z.number().int().min(0),
          model: z.string().max(128).optional(),
        }),
      ]),
      source: z.string().max(64).default("hook"),
    }),
    result: z.object({
      /** Mail for the model, to be put into the answer to the program's report; then say `served`. */
      handover: z.object({ id: z.string(), text: z.string() }).optional(),
      /** A prompt for a program that said `takes_mail`. It may come again, and is to be taken once for each id. */
      mail: z.object({ injection: z.string(), text: z.string() }).optional(),
      /** To a program that said `takes_mail`: it is to end the turn that runs. */
      interrupt: z.literal(true).optional(),
    }),
    command: false,
    agent: true,
    summary: "A hook inside an agent's program reports what happens there.",
  },

  "terminal.read": {
    params: z.object({
      name: AgentName,
      from: cursor.default(0),
      /** Instead of the output, the standard error of a program on pipes, which has offsets of its own. */
      errors: z.boolean().default(false),
    }),
    result: z.object({ offset: z.number(), next: z.number(), data: z.string() }),
    command: false,
    agent: false,
    summary: "Output kept since an offset, base64.",
  },
  "terminal.write": {
    params: z.object({ name: AgentName, leaseId: z.string(), data: z.string().max(65_536) }),
    result: done,
    command: false,
    agent: false,
    summary: "Types into a terminal, base64; needs a hold.",
  },
  "terminal.resize": {
    params: z.object({
      name: AgentName,
      cols: z.number().int().min(20).max(500),
      rows: z.number().int().min(5).max(200),
    }),
    result: done,
    command: false,
    agent: false,
    summary: "Tells the program the size of its terminal.",
  },

  "message.send": {
    params: z.object({
      to: AddressInput,
      body: z.string(),
      mode: DeliveryMode.default("wait"),
      replyTo: MessageId.optional(),
      /** Not delivered later than this from now. */
      ttlMs: z.number().int().min(1).max(2_592_000_000).optional(),
      /** Of a channel's members those that it is brought to. The others find it in the channel's history. All if absent. */
      notify: z.array(AgentName).max(100).optional(),
    }),
    result: z.object({
      messageId: MessageId,
      sequence: z.number().int(),
      threadId: MessageId,
      recipients: z.array(z.string()),
    }),
    command: true,
    agent: true,
    summary: "Sends. The answer means accepted: on disk, and owed to each recipient.",
  },
  "message.reply": {
    params: z.object({ replyTo: MessageId, body: z.string(), mode: DeliveryMode.default("wait") }),
    result: z.object({
      messageId: MessageId,
      sequence: z.number().int(),
      threadId: MessageId,
      recipients: z.array(z.string()),
    }),
    command: true,
    agent: true,
    summary: "Answers a message: to its sender, or to the channel it came through.",
  },
  "message.await": {
    params: z.object({ messageId: MessageId, until: DeliveryStage.exclude(["dead_lettered"]), timeoutMs }),
    result: z.object({ deliveries: z.array(DeliveryView) }),
    command: false,
    agent: true,
    summary:
      "Waits until every delivery reaches a stage or is a dead letter. Fails with `timeout`, which changes nothing.",
  },
  "message.get": {
    params: z.object({ messageId: MessageId }),
    result: MessageView,
    command: false,
    agent: true,
    summary: "One message.",
  },
  "message.trace": {
    params: z.object({ messageId: MessageId }),
    result: TraceView,
    command: false,
    agent: false,
    summary: "What became of a message, step by step, with the evidence.",
  },
  "message.react": {
    params: z.object({ messageId: MessageId, emoji: z.string().min(1).max(32), remove: z.boolean().default(false) }),
    result: done,
    command: true,
    agent: true,
    summary: "Puts a reaction on a message, or takes it back.",
  },
  "message.history": {
    params: z.object({
      channel: ChannelName.optional(),
      /** Between the caller and this agent; for the operator, everything that this agent sent or got. */
      with: AgentName.optional(),
      thread: MessageId.optional(),
      before: cursor.optional(),
      after: cursor.optional(),
      limit,
    }),
    result: z.object({ messages: z.array(MessageView), before: z.number().nullable(), after: z.number().nullable() }),
    command: false,
    agent: true,
    summary: "Messages in order, a page at a time; newest page first unless `after` is given.",
  },
  "message.search": {
    params: z.object({
      query: z.string().min(1).max(500),
      channel: ChannelName.optional(),
      from: AgentName.optional(),
      limit,
    }),
    result: z.object({ messages: z.array(MessageView) }),
    command: false,
    agent: true,
    summary: "Full-text search, best first.",
  },
  "inbox.check": {
    params: z.object({
      /** Only for the operator: whose inbox. */
      name: AgentName.optional(),
      limit,
      /** Look without taking: nothing is handed over. */
      peek: z.boolean().default(false),
      /** Wait this long for mail if there is none. */
      waitMs: timeoutMs.default(0),
    }),
    result: z.object({ messages: z.array(InboxMessage), remaining: z.number().int() }),
    command: false,
    agent: true,
    summary: "Takes waiting mail. It counts as seen when acknowledged; until then it is offered again, marked.",
  },
  "inbox.ack": {
    params: z.object({ name: AgentName.optional(), messageIds: z.array(MessageId).min(1).max(limits.pageMax) }),
    result: z.object({ acknowledged: z.number().int() }),
    command: false,
    agent: true,
    summary: "Confirms that messages arrived: they are seen.",
  },
  "inbox.pending": {
    params: z.object({ name: AgentName.optional() }),
    result: z.object({ count: z.number().int(), from: z.array(z.string()) }),
    command: false,
    agent: true,
    summary: "How much mail waits, and from whom.",
  },
  "read.mark": {
    params: z.object({ channel: ChannelName.optional(), with: AgentName.optional(), upTo: cursor }),
    result: done,
    command: false,
    agent: true,
    summary: "Remembers how far the caller has read a conversation.",
  },
  "read.list": {
    params: z.object({ channel: ChannelName.optional(), with: AgentName.optional() }),
    result: z.object({ readers: z.array(z.object({ reader: z.string(), upTo: z.number().int() })) }),
    command: false,
    agent: true,
    summary: "Who has read a conversation how far.",
  },

  "channel.create": {
    params: z.object({ channel: ChannelName, topic: z.string().max(500).optional() }),
    result: ChannelView,
    command: true,
    agent: true,
    summary: "Makes a channel and joins it.",
  },
  "channel.join": {
    params: z.object({ channel: ChannelName, member: AgentName.optional() }),
    result: ChannelView,
    command: true,
    agent: true,
    summary: "Joins a channel; the operator can name another member.",
  },
  "channel.leave": {
    params: z.object({ channel: ChannelName, member: AgentName.optional() }),
    result: done,
    command: true,
    agent: true,
    summary: "Leaves a channel.",
  },
  "channel.list": {
    params: none,
    result: z.object({ channels: z.array(ChannelView) }),
    command: false,
    agent: true,
    summary: "Every channel with its members.",
  },

  "deadletter.list": {
    params: z.object({ agent: AgentName.optional(), limit }),
    result: z.object({ deliveries: z.array(DeliveryView) }),
    command: false,
    agent: false,
    summary: "Deliveries that failed for good, newest first.",
  },
  "deadletter.redeliver": {
    params: z.object({ messageId: MessageId, agent: AgentName }),
    result: done,
    command: true,
    agent: false,
    summary: "Puts a dead letter back into the mailbox, marked as a possible repeat.",
  },

  "stream.append": {
    params: z.object({
      stream: StreamName,
      /** What the caller has read it up to; 0 for a stream that does not exist yet. */
      expectedRevision: revision,
      /** Only as long as this token holds this lease. */
      lease: z.object({ name: LeaseName, token }).optional(),
      entries: z
        .array(z.object({ kind: z.string().min(1).max(100), data: z.record(z.string(), z.unknown()) }))
        .min(1)
        .max(limits.streamEntriesMax),
      /** What the stream is like from here on; without it, the one before stays. */
      summary: z.record(z.string(), z.unknown()).optional(),
    }),
    result: z.object({
      /** Of the last of the entries, and its place in the log. */
      revision,
      sequence: z.number().int(),
    }),
    command: true,
    agent: false,
    summary:
      "Appends entries to a stream of one's own, all or none. Fails with `wrong_revision` if someone else has, and with `lease_lost`.",
  },
  "stream.read": {
    params: z.object({
      stream: StreamName,
      /** Entries with a greater revision. */
      after: revision.default(0),
      limit,
    }),
    result: z.object({
      entries: z.array(StreamEntry),
      /** Of the newest entry; 0 if there is none. */
      revision,
      /** The sequence of the newest event: what is appended later comes after it. */
      head: z.number().int(),
    }),
    command: false,
    agent: false,
    summary: "A page of a stream's entries, in order.",
  },
  "stream.list": {
    params: z.object({
      /** Streams whose names begin so. */
      prefix: z.string().max(200).default(""),
      /** By the first entry of each. */
      order: z.enum(["newest", "oldest"]).default("newest"),
      /** The `next` of the page before. */
      after: cursor.optional(),
      limit,
    }),
    result: z.object({ streams: z.array(StreamView), next: z.number().int().nullable() }),
    command: false,
    agent: false,
    summary: "Streams of clients that are open, with the newest summary of each.",
  },
  "lease.acquire": {
    params: z.object({
      name: LeaseName,
      ttlMs,
      /** Who it is, for people and for whoever finds it taken. */
      holder: z.string().min(1).max(128),
    }),
    result: z.object({
      /** Grows for ever and never comes again: of two holders, the later has the greater one. */
      token,
      expiresAt: z.number(),
    }),
    command: true,
    agent: false,
    summary: "Takes a lease that nobody holds, until it is released or not renewed in time. Fails with `lease_taken`.",
  },
  "lease.renew": {
    params: z.object({
      name: LeaseName,
      token,
      /** From now. After a restart of the broker, a lease lasts as long as it was acquired for. */
      ttlMs,
    }),
    result: z.object({ expiresAt: z.number() }),
    command: false,
    agent: false,
    summary: "Keeps a lease. Fails with `lease_lost` if it is not the caller's any more.",
  },
  "lease.release": {
    params: z.object({ name: LeaseName, token }),
    result: done,
    command: true,
    agent: false,
    summary: "Gives a lease back. One that is gone already is what was wanted.",
  },

  "events.read": {
    params: z.object({ from: cursor.default(0), limit, filter: EventFilter.default({}) }),
    result: z.object({ events: z.array(z.unknown()), next: z.number().int(), head: z.number().int() }),
    command: false,
    agent: false,
    summary: "A page of events after a cursor.",
  },
  "stats.read": {
    params: z.object({ by: z.enum(["harness", "model", "agent"]).default("harness") }),
    result: z.object({ rows: z.array(StatsRow), orchestrator: z.string() }),
    command: false,
    agent: false,
    summary: "Messages and turns, counted by who really did them.",
  },
} as const satisfies Record<string, MethodInfo>;

export type Method = keyof typeof methods;
/** Parameters as a client writes them: what has a default may be left out. */
export type MethodParams<M extends Method> = z.input<(typeof methods)[M]["params"]>;
/** Parameters after validation. */
export type ParsedParams<M extends Method> = z.output<(typeof methods)[M]["params"]>;
export type MethodResult<M extends Method> = z.output<(typeof methods)[M]["result"]>;
export type EventFilter = z.infer<typeof EventFilter>;

export function isMethod(name: string): name is Method {
  return Object.hasOwn(methods, name);
}
