/**
 * Events: every fact in the log, and what subscribers read.
 *
 * Each is flat: its own fields beside `type`, and the recorder's `sequence`, `at`, `stream`, `revision` and `actor`.
 * Types and fields are only ever added; an event that was written once always parses.
 */
import { z } from "zod";
import { LaunchSpec, PermissionMode, Runtime } from "./launch.ts";
import { AgentName, ChannelName, MessageId } from "./names.ts";

/** `exact` from the harness's own signals, `inferred` from what the terminal shows. */
export const Fidelity = z.enum(["exact", "inferred"]);
export const BlockKind = z.enum(["permission", "question", "auth", "quota", "trust", "error", "unknown"]);
export const DeliveryMode = z.enum(["wait", "steer"]);
/** The way a message takes. `reply` means that a client fetched it on its own connection. */
export const Route = z.enum(["structured", "hook", "paste", "inbox"]);
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
  "rejected",
]);
export const StallReason = z.enum([
  "agent_blocked",
  "agent_held",
  "agent_not_running",
  "agent_starting",
  "agent_busy",
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
  "transcript",
  "reply",
]);

const agent = AgentName;
const epoch = z.number().int().min(1);
const instant = z.number().int();
const source = z.string().max(64);

export const AddresseeKind = z.enum(["program", "person"]);

const agentEvents = [
  z.object({ type: z.literal("agent_registered"), agent, kind: AddresseeKind, launch: LaunchSpec.optional(), by: z.string() }),
  z.object({
    type: z.literal("agent_spawning"),
    agent,
    epoch,
    harness: z.string().optional(),
    runtime: Runtime,
    /** How many restarts came before, since the agent was last spawned by someone. */
    restarts: z.number().int(),
  }),
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
  }),
  z.object({ type: z.literal("agent_ready"), agent, epoch, source, fidelity: Fidelity }),
  z.object({ type: z.literal("agent_working"), agent, epoch, source, fidelity: Fidelity }),
  z.object({ type: z.literal("agent_turn_ended"), agent, epoch, source, fidelity: Fidelity }),
  /** Once per silence: the turn ended at `since`, and nothing has happened for `idleSecs`. */
  z.object({ type: z.literal("agent_idle"), agent, epoch, since: instant, idleSecs: z.number() }),
  z.object({
    type: z.literal("agent_blocked"),
    agent,
    epoch,
    kind: BlockKind,
    what: z.string().max(2_000).optional(),
    source,
    fidelity: Fidelity,
  }),
  z.object({ type: z.literal("agent_unblocked"), agent, epoch, source, fidelity: Fidelity }),
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
  z.object({ type: z.literal("agent_context_recovered"), agent, epoch, pct: z.number().min(0).max(100), source, fidelity: Fidelity }),
  z.object({ type: z.literal("agent_status_reported"), agent, epoch, text: z.string().max(500) }),
  z.object({ type: z.literal("agent_releasing"), agent, epoch, how: z.enum(["release", "kill"]), reason: z.string().max(500).optional(), by: z.string() }),
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
  }),
  z.object({ type: z.literal("agent_released"), agent, epoch, reason: z.string().max(500).optional() }),
  z.object({ type: z.literal("agent_restarting"), agent, epoch, attempt: z.number().int(), delayMs: z.number(), restartAt: instant }),
  z.object({ type: z.literal("agent_restarted"), agent, epoch, attempt: z.number().int() }),
  z.object({ type: z.literal("agent_permanently_dead"), agent, epoch, reason: z.string() }),
  z.object({ type: z.literal("agent_held"), agent, leaseId: z.string(), holder: z.string(), expiresAt: instant }),
  z.object({ type: z.literal("agent_unheld"), agent, leaseId: z.string(), how: z.enum(["dropped", "expired", "taken_over"]) }),
] as const;

const channelEvents = [
  z.object({ type: z.literal("channel_created"), channel: ChannelName, by: z.string(), topic: z.string().max(500).optional() }),
  z.object({ type: z.literal("channel_joined"), channel: ChannelName, member: agent, by: z.string() }),
  z.object({ type: z.literal("channel_left"), channel: ChannelName, member: agent, by: z.string() }),
] as const;

export const Address = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("agent"), name: AgentName }),
  z.object({ kind: z.literal("channel"), name: ChannelName }),
]);

const messageId = MessageId;
const attempt = z.number().int().min(0);

const messageEvents = [
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
  z.object({ type: z.literal("delivery_attempt_started"), messageId, agent, epoch, attempt, route: Route, possibleRepeat: z.boolean() }),
  z.object({ type: z.literal("delivery_attempt_failed"), messageId, agent, epoch, attempt, reason: z.string(), retryAt: instant }),
  z.object({ type: z.literal("delivery_handed_over"), messageId, agent, epoch, attempt, route: Route, evidence: Evidence, possibleRepeat: z.boolean() }),
  z.object({ type: z.literal("delivery_seen"), messageId, agent, epoch, evidence: Evidence }),
  z.object({ type: z.literal("delivery_answered"), messageId, agent, replyId: MessageId }),
  /** Nobody can say whether the agent got it. It goes out again, marked as a possible repeat. */
  z.object({ type: z.literal("delivery_uncertain"), messageId, agent, epoch, attempt, reason: z.string() }),
  z.object({ type: z.literal("delivery_stalled"), messageId, agent, reason: StallReason }),
  z.object({ type: z.literal("delivery_dead_lettered"), messageId, agent, reason: DeadLetterReason }),
  z.object({ type: z.literal("delivery_redelivered"), messageId, agent, by: z.string() }),
  z.object({ type: z.literal("message_reacted"), messageId, by: z.string(), emoji: z.string().max(32) }),
  z.object({ type: z.literal("message_unreacted"), messageId, by: z.string(), emoji: z.string().max(32) }),
] as const;

const readerEvents = [
  /** `reader` has read everything in the conversation up to `upTo`. */
  z.object({ type: z.literal("read_marked"), reader: z.string(), conversation: z.string(), upTo: z.number().int() }),
] as const;

const brokerEvents = [
  z.object({ type: z.literal("broker_started"), pid: z.number().int(), version: z.string() }),
  z.object({ type: z.literal("broker_stopped"), pid: z.number().int() }),
] as const;

/** One fact, without what the recorder adds. */
export const Fact = z.discriminatedUnion("type", [
  ...agentEvents,
  ...channelEvents,
  ...messageEvents,
  ...readerEvents,
  ...brokerEvents,
]);

const recorder = z.object({
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
export const RelayEvent = z.intersection(Fact, recorder);

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
export type AddresseeKind = z.infer<typeof AddresseeKind>;
export type Address = z.infer<typeof Address>;
export type Fact = z.infer<typeof Fact>;
export type EventType = Fact["type"];
export type RelayEvent = Fact & z.infer<typeof recorder>;
/** The event of one type, for example `EventOf<"agent_exited">`. */
export type EventOf<Type extends EventType> = Extract<Fact, { type: Type }> & z.infer<typeof recorder>;
