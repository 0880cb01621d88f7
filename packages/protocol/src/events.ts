/**
 * Events: every fact in the log, and what subscribers read.
 *
 * Each is flat: its own fields beside `type`, and the recorder's `sequence`, `at`, `stream`, `revision` and `actor`.
 * Types and fields are only ever added; an event that was written once always parses.
 */
import { z } from "zod";
import { LaunchSpec, PermissionMode, Runtime } from "./launch.ts";
import { limits } from "./limits.ts";
import { AgentName, ChannelName, MessageId } from "./names.ts";

/** `exact` from the harness's own signals, `inferred` from what the terminal shows. */
export const Fidelity = z.enum(["exact", "inferred"]);
export const BlockKind = z.enum(["permission", "question", "auth", "quota", "trust", "error", "unknown"]);
export const DeliveryMode = z.enum(["wait", "steer"]);
/** The way a message takes. `reply` means that a client fetched it on its own connection. */
/**
 * The way of a message into a program: its language on pipes, the answer to one of its reports, a paste into its terminal,
 * its agent's own reading, a line of the file that it takes input from, a plugin of ours inside it.
 */
export const Route = z.enum(["structured", "hook", "paste", "inbox", "file", "plugin"]);
export const ExitReason = z.enum([
  "clean",
  "released",
  "killed",
  "crash",
  "signal",
  "oom",
  "auth",
  "quota",
  "context_exhausted",
  "startup_failure",
  "host_lost",
  "unknown",
]);
/** How policy sees an exit: `normal` and `stopped` are not failures. */
export const ExitClass = z.enum(["normal", "stopped", "crash"]);
export const DeadLetterReason = z.enum([
  "expired",
  "not_resumable",
  "permanently_dead",
  "released",
  "killed",
  "attempts",
  "mailbox_full",
  "rejected",
]);
export const StallReason = z.enum([
  "agent_blocked",
  "agent_held",
  "agent_not_running",
  "agent_starting",
  "agent_busy",
  /** A person's unsent text stands in the program's composer; ours would be joined to it. */
  "draft_in_composer",
  "interrupt_unconfirmed",
  "no_route",
  "no_evidence",
]);
/** What an agent's program says it does. */
export const Evidence = z.enum([
  "paste_drained",
  "host_ledger",
  "inbox_read",
  "inbox_ack",
  "prompt_hook",
  "hook_served",
  "request_accepted",
  "turn_started",
  "turn_steered",
  "transcript",
  "reply",
  "line_appended",
]);

/** A step of a workflow; one inside another is named by its path: `release/build`, `deploy[2]`. */
export const StepPath = z.string().min(1).max(300);
const reason = z.string().max(2_000).optional();
export const StepVerdict = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("owner"),
    decision: z.enum(["COMPLETE", "INCOMPLETE_RETRY", "INCOMPLETE_FAIL", "NEEDS_CLARIFICATION"]),
    reason,
  }),
  z.object({ kind: z.literal("review"), decision: z.enum(["APPROVE", "REJECT"]), reason }),
]);
export type StepVerdict = z.infer<typeof StepVerdict>;

/** What the core needs to know of a harness to deliver to it; frozen into the log when an incarnation starts. */
export const DeliveryTraits = z.object({
  /** Whether messages can be pushed into the program. If not, it fetches them. */
  push: z.boolean(),
  /** `turn`: only between turns. `anytime`: the program reads its input whenever it comes. */
  boundary: z.enum(["turn", "anytime"]),
  /** Whether the program itself reports which prompts it took. */
  provesSeen: z.boolean(),
  /** Whether a turn can be interrupted so that the interrupt can be confirmed. */
  interruptible: z.boolean(),
  /** The way that pushed messages take. */
  route: Route.default("paste"),
  /** Whether urgent mail can be put into a running turn without interrupting it. */
  steerable: z.boolean().default(false),
  /** Whether a native session can be continued by the next incarnation. */
  resumable: z.boolean().default(false),
});

/** How a blocked program's question is answered. */
export const Verdict = z.enum(["approve", "deny"]);

/** What the program was doing when it ended. */
export const Activity = z.object({
  status: z.enum(["starting", "idle", "working", "blocked"]),
  /** Since when. */
  since: z.number().int(),
  /** The messages of the turn that was cut off. */
  messageIds: z.array(MessageId).max(64).default([]),
});

const agent = AgentName;
const epoch = z.number().int().min(1);
const instant = z.number().int();
const source = z.string().max(64);

export const AddresseeKind = z.enum(["program", "person"]);

const agentEvents = [
  /** An addressee exists from now on: a program with what to launch, or a person with a mailbox only. */
  z.object({
    type: z.literal("agent_registered"),
    agent,
    kind: AddresseeKind,
    launch: LaunchSpec.optional(),
    by: z.string(),
  }),
  /** An incarnation is about to start; from here on its epoch is the only one that may report. */
  z.object({
    type: z.literal("agent_spawning"),
    agent,
    epoch,
    harness: z.string().optional(),
    runtime: Runtime,
    traits: DeliveryTraits,
    /** How many restarts came before, since the agent was last spawned by someone. */
    restarts: z.number().int(),
    /** The native session that this incarnation continues. */
    resume: z.string().max(256).optional(),
  }),
  /** The program runs. It is not ready for input yet. */
  z.object({
    type: z.literal("agent_spawned"),
    agent,
    epoch,
    pid: z.number().int(),
    cli: z.string(),
    harness: z.string().optional(),
    model: z.string().optional(),
    runtime: Runtime,
    cwd: z.string(),
    permissionMode: PermissionMode,
    originActor: z.string().optional(),
    /** Of the program, where it is known. */
    version: z.string().max(64).optional(),
    /** Whether this version was tried; of one that was not, only what it says of itself in known words counts. */
    versionTried: z.boolean().optional(),
  }),
  /** The program's own conversation has this id; with it, some programs can be continued. */
  z.object({
    type: z.literal("agent_session_started"),
    agent,
    epoch,
    sessionId: z.string().min(1).max(256),
    source,
  }),
  /** There is evidence that the program takes input: its first prompt, a hook, a structured greeting. */
  z.object({ type: z.literal("agent_ready"), agent, epoch, source, fidelity: Fidelity }),
  /** A turn has begun. */
  z.object({ type: z.literal("agent_working"), agent, epoch, source, fidelity: Fidelity }),
  /**
   * What the agent's model answered, in its own words: the last message of a turn, by the program's own report and never off
   * its screen. It comes with the end of the turn, mostly just before `agent_turn_ended`; a turn that takes in more mail may
   * have several, one that was interrupted or has failed has none. At most 16,000 characters, without control characters and
   * escape sequences; of a longer one the head and the tail, and between them `[… 1234 characters left out …]`.
   */
  z.object({
    type: z.literal("agent_said"),
    agent,
    epoch,
    text: z.string().min(1).max(limits.answerCharactersMax),
    source,
    fidelity: Fidelity,
  }),
  /** A turn has ended; `agent_idle` follows if nothing else happens. */
  z.object({ type: z.literal("agent_turn_ended"), agent, epoch, source, fidelity: Fidelity }),
  /** Once per silence: the turn ended at `since`, and nothing has happened for `idleSecs`. */
  z.object({ type: z.literal("agent_idle"), agent, epoch, since: instant, idleSecs: z.number() }),
  /** The program waits for a person. Nothing is typed into it meanwhile. */
  z.object({
    type: z.literal("agent_blocked"),
    agent,
    epoch,
    kind: BlockKind,
    what: z.string().max(2_000).optional(),
    source,
    fidelity: Fidelity,
    /** Whether `agent.answer` can answer it. */
    answerable: z.boolean().default(false),
  }),
  /** A person answered what the program waits for. `block` is the sequence of its `agent_blocked`; the first answer wins. */
  z.object({
    type: z.literal("agent_block_answered"),
    agent,
    epoch,
    block: z.number().int(),
    verdict: Verdict,
    by: z.string(),
  }),
  /** The program does not wait for a person any more. */
  z.object({ type: z.literal("agent_unblocked"), agent, epoch, source, fidelity: Fidelity }),
  /** The context window is nearly full. Once per threshold, again only after it recovered. */
  z.object({
    type: z.literal("agent_context_low"),
    agent,
    epoch,
    /** Percent of the context window that is left. */
    pct: z.number().min(0).max(100),
    /** The threshold that was crossed: 20, 10 or 5. */
    threshold: z.number(),
    source,
    fidelity: Fidelity,
  }),
  /** There is room in the context window again, for example after a compaction. */
  z.object({
    type: z.literal("agent_context_recovered"),
    agent,
    epoch,
    pct: z.number().min(0).max(100),
    source,
    fidelity: Fidelity,
  }),
  /** The program has replaced its conversation by a summary. */
  z.object({ type: z.literal("agent_compacted"), agent, epoch, source, fidelity: Fidelity }),
  /** What the model took and gave since the last event of this kind, by the program's own count; children included. */
  z.object({
    type: z.literal("agent_tokens_used"),
    agent,
    epoch,
    /** All that was sent to the model, what came from a cache included. */
    inputTokens: z.number().int().min(0),
    /** The part of `inputTokens` that came from a cache. */
    cachedInputTokens: z.number().int().min(0).default(0),
    outputTokens: z.number().int().min(0),
    model: z.string().max(128).optional(),
    source,
  }),
  /** From now on mail goes in this way: one that needs no keys has opened, or has closed again. */
  z.object({ type: z.literal("agent_route_changed"), agent, epoch, route: Route, source }),
  /** A person has begun to type into the program's composer, and has not sent it. Nothing is pasted meanwhile. */
  z.object({ type: z.literal("agent_draft_begun"), agent, epoch }),
  /** The composer is empty again: the draft was sent or taken back. */
  z.object({ type: z.literal("agent_draft_ended"), agent, epoch }),
  /** The agent said of itself what it is doing. */
  z.object({ type: z.literal("agent_status_reported"), agent, epoch, text: z.string().max(500) }),
  /** What an agent that answers for a step of a workflow, or reviews one, has decided, with its own tools. */
  z.object({ type: z.literal("agent_verdict_submitted"), agent, epoch, step: StepPath, verdict: StepVerdict }),
  /** Someone asked the agent to leave, or ended it. */
  z.object({
    type: z.literal("agent_releasing"),
    agent,
    epoch,
    how: z.enum(["release", "kill"]),
    reason: z.string().max(500).optional(),
    by: z.string(),
  }),
  /** Every termination has one. */
  z.object({
    type: z.literal("agent_exited"),
    agent,
    epoch,
    reason: ExitReason,
    class: ExitClass,
    code: z.number().int().nullable(),
    signal: z.string().nullable(),
    uptimeSecs: z.number(),
    /** The newest lines of the terminal, without control sequences, secrets redacted. */
    lastLines: z.array(z.string()).max(20),
    /** Mail that had not reached the agent. */
    undelivered: z.number().int(),
    /** What it was doing. */
    doing: Activity.optional(),
  }),
  /** The agent has left for good on request, and no process of it is left. */
  z.object({ type: z.literal("agent_released"), agent, epoch, reason: z.string().max(500).optional() }),
  /** The program ended in a way that policy restarts; it will start at `restartAt`. */
  z.object({
    type: z.literal("agent_restarting"),
    agent,
    epoch,
    attempt: z.number().int(),
    delayMs: z.number(),
    restartAt: instant,
  }),
  /** The new incarnation runs. */
  z.object({ type: z.literal("agent_restarted"), agent, epoch, attempt: z.number().int() }),
  /** The broker gives up on the agent: nothing will start it again but a person. */
  z.object({ type: z.literal("agent_permanently_dead"), agent, epoch, reason: z.string() }),
  /** A client holds the right to type: nothing is delivered to the terminal until it ends. */
  z.object({ type: z.literal("agent_held"), agent, leaseId: z.string(), holder: z.string(), expiresAt: instant }),
  /** The program was asked to stop its turn, so that urgent mail can reach it. */
  z.object({ type: z.literal("agent_interrupting"), agent, epoch, messageId: MessageId }),
  /**
   * The submit key was pressed once more: what was pasted has led to no turn, and the program is one that would have said
   * so. `repeat` counts from 1.
   */
  z.object({
    type: z.literal("agent_submit_repeated"),
    agent,
    epoch,
    injection: z.string(),
    repeat: z.number().int().min(1),
  }),
  /** The right to type is free again. */
  z.object({
    type: z.literal("agent_unheld"),
    agent,
    leaseId: z.string(),
    how: z.enum(["dropped", "expired", "taken_over"]),
  }),
] as const;

const channelEvents = [
  /** A channel exists from now on. */
  z.object({
    type: z.literal("channel_created"),
    channel: ChannelName,
    by: z.string(),
    topic: z.string().max(500).optional(),
  }),
  /** A member will get what is sent to the channel from now on. */
  z.object({ type: z.literal("channel_joined"), channel: ChannelName, member: agent, by: z.string() }),
  /** A member gets nothing more from the channel. */
  z.object({ type: z.literal("channel_left"), channel: ChannelName, member: agent, by: z.string() }),
] as const;

export const Address = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("agent"), name: AgentName }),
  z.object({ kind: z.literal("channel"), name: ChannelName }),
]);

const messageId = MessageId;
const attempt = z.number().int().min(0);

const messageEvents = [
  /** The message is on disk, and owed to each recipient. */
  z.object({
    type: z.literal("message_accepted"),
    messageId,
    from: z.string(),
    /** The sender's epoch, if a program sent it. */
    fromEpoch: epoch.optional(),
    to: Address,
    body: z.string(),
    mode: DeliveryMode,
    /** The message that this one answers. */
    replyTo: MessageId.optional(),
    /** The first message of the reply chain; its own id if it starts one. */
    threadId: MessageId,
    /** Who it is owed to: one delivery each. */
    recipients: z.array(agent),
    /** After this instant it is not delivered any more. */
    expiresAt: instant.optional(),
  }),
  /** One try to bring the message to the agent begins. */
  z.object({
    type: z.literal("delivery_attempt_started"),
    messageId,
    agent,
    epoch,
    attempt,
    route: Route,
    possibleRepeat: z.boolean(),
    /** Messages that go in together share one injection. */
    injection: z.string(),
  }),
  /** The try failed, and certainly did not reach the program. The next is at `retryAt`. */
  z.object({
    type: z.literal("delivery_attempt_failed"),
    messageId,
    agent,
    epoch,
    attempt,
    reason: z.string(),
    retryAt: instant,
  }),
  /** The incarnation's own intake took the message. */
  z.object({
    type: z.literal("delivery_handed_over"),
    messageId,
    agent,
    epoch,
    attempt,
    route: Route,
    evidence: Evidence,
    possibleRepeat: z.boolean(),
  }),
  /** There is proof from inside the program that the message is in front of the model. */
  z.object({ type: z.literal("delivery_seen"), messageId, agent, epoch, evidence: Evidence }),
  /** The agent sent a reply that refers to the message. */
  z.object({ type: z.literal("delivery_answered"), messageId, agent, replyId: MessageId }),
  /** Nobody can say whether the agent got it. It goes out again, marked as a possible repeat. */
  z.object({ type: z.literal("delivery_uncertain"), messageId, agent, epoch, attempt, reason: z.string() }),
  /** The delivery waits, and this is why. Nothing is lost and nothing has moved. */
  z.object({ type: z.literal("delivery_stalled"), messageId, agent, reason: StallReason }),
  /** The delivery has failed for good. The sender is told once. */
  z.object({ type: z.literal("delivery_dead_lettered"), messageId, agent, reason: DeadLetterReason }),
  /** A dead letter is owed again. It repeats what the mailbox needs to know of the message. */
  z.object({
    type: z.literal("delivery_redelivered"),
    messageId,
    agent,
    by: z.string(),
    from: z.string(),
    mode: DeliveryMode,
    bytes: z.number().int(),
    messageSequence: z.number().int(),
  }),
  /** Someone put a reaction on the message. */
  z.object({ type: z.literal("message_reacted"), messageId, by: z.string(), emoji: z.string().max(32) }),
  /** Someone took a reaction back. */
  z.object({ type: z.literal("message_unreacted"), messageId, by: z.string(), emoji: z.string().max(32) }),
] as const;

const readerEvents = [
  /** `reader` has read everything in the conversation up to `upTo`. */
  z.object({ type: z.literal("read_marked"), reader: z.string(), conversation: z.string(), upTo: z.number().int() }),
] as const;

const lease = z.string().max(200);
/** A fencing number: of any two holders of a lease, the later has the greater one. */
const token = z.number().int().min(1);

const lentEvents = [
  /** A client has appended an entry to a stream of its own. */
  z.object({
    type: z.literal("stream_appended"),
    stream: z.string().max(200),
    /** Position within the stream, from 1. */
    revision: z.number().int().min(1),
    /** What the entry is, in the client's own words. */
    kind: z.string().max(100),
    data: z.record(z.string(), z.unknown()),
    /** What the stream is like from here on, for whoever lists streams. */
    summary: z.record(z.string(), z.unknown()).optional(),
  }),
  /** A client holds the lease until it gives it back or does not renew it in time. Renewals are not recorded. */
  z.object({ type: z.literal("lease_acquired"), lease, token, holder: z.string(), ttlMs: z.number().int().min(1) }),
  /** Nobody holds the lease any more. */
  z.object({
    type: z.literal("lease_ended"),
    lease,
    token,
    holder: z.string(),
    how: z.enum(["released", "expired"]),
  }),
] as const;

const brokerEvents = [
  /** A broker has opened the log. */
  z.object({ type: z.literal("broker_started"), pid: z.number().int(), version: z.string() }),
  /** The broker has shut down in order. After a crash this is missing. */
  z.object({ type: z.literal("broker_stopped"), pid: z.number().int() }),
] as const;

/** One fact, without what the recorder adds. */
export const Fact = z.discriminatedUnion("type", [
  ...agentEvents,
  ...channelEvents,
  ...messageEvents,
  ...readerEvents,
  ...lentEvents,
  ...brokerEvents,
]);

/** What the recorder adds to a fact. */
export const Recording = z.object({
  /** Position in the whole log; also the cursor to read on from. */
  sequence: z.number().int().min(1),
  /** Milliseconds since the Unix epoch. */
  at: instant,
  /** The aggregate, for example `agent/ada` or `message/msg_…`. */
  stream: z.string(),
  revision: z.number().int().min(1),
  /** The origin actor of whoever caused it. */
  actor: z.string().optional(),
});

/** One event as subscribers get it. */
export const RelayEvent = z.intersection(Fact, Recording);

export const eventTypes = Fact.options.map((option) => option.shape.type.value);

export type Fidelity = z.infer<typeof Fidelity>;
export type BlockKind = z.infer<typeof BlockKind>;
export type DeliveryMode = z.infer<typeof DeliveryMode>;
export type Route = z.infer<typeof Route>;
export type ExitReason = z.infer<typeof ExitReason>;
export type ExitClass = z.infer<typeof ExitClass>;
export type DeadLetterReason = z.infer<typeof DeadLetterReason>;
export type StallReason = z.infer<typeof StallReason>;
export type Evidence = z.infer<typeof Evidence>;
export type DeliveryTraits = z.infer<typeof DeliveryTraits>;
export type Verdict = z.infer<typeof Verdict>;
export type Activity = z.infer<typeof Activity>;
export type AddresseeKind = z.infer<typeof AddresseeKind>;
export type Address = z.infer<typeof Address>;
export type Fact = z.infer<typeof Fact>;
export type EventType = Fact["type"];
export type Recording = z.infer<typeof Recording>;
export type RelayEvent = Fact & Recording;
/** The event of one type, for example `EventOf<"agent_exited">`. */
export type EventOf<Type extends EventType> = Extract<Fact, { type: Type }> & Recording;
