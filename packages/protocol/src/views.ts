/** Views: what questions are answered with. Each is derived from events and never stored on its own. */
import { z } from "zod";
import {
  Address,
  AddresseeKind,
  BlockKind,
  DeadLetterReason,
  DeliveryMode,
  Evidence,
  ExitReason,
  Fidelity,
  Route,
  StallReason,
} from "./events.ts";
import { PermissionMode, Runtime } from "./launch.ts";

export const AgentStatus = z.enum([
  "starting",
  "working",
  "idle",
  "blocked",
  "exited",
  "dormant",
  "waking",
  "permanently_dead",
]);

/** One row of `who`. */
export const AgentView = z.object({
  name: z.string(),
  kind: AddresseeKind,
  cli: z.string().nullable(),
  harness: z.string().nullable(),
  model: z.string().nullable(),
  team: z.string().nullable(),
  runtime: Runtime.nullable(),
  cwd: z.string().nullable(),
  permissionMode: PermissionMode.nullable(),
  status: AgentStatus,
  /** What it does as a worker: `blocked_on_send` means that mail is due and it cannot take it. */
  state: z.enum(["working", "idle", "blocked", "blocked_on_send", "starting", "ended"]),
  /** Why it is in this state. */
  reason: z.string().nullable(),
  /** Since when, in milliseconds since the Unix epoch. */
  since: z.number(),
  fidelity: Fidelity.nullable(),
  blockedKind: BlockKind.nullable(),
  /** What it waits for: the sequence of its `agent_blocked`, for `agent.answer`. */
  block: z.object({ sequence: z.number().int(), what: z.string().nullable(), answerable: z.boolean() }).nullable(),
  epoch: z.number().int(),
  /** Of the program, where it is known, and whether this version was tried. */
  version: z.string().nullable(),
  versionTried: z.boolean().nullable(),
  /** The program's own conversation. */
  sessionId: z.string().nullable(),
  pid: z.number().int().nullable(),
  uptimeSecs: z.number().nullable(),
  /** Resident memory of the whole process group. */
  memoryBytes: z.number().nullable(),
  lastActivityAt: z.number().nullable(),
  contextPctLeft: z.number().nullable(),
  /** Mail that waits. */
  pending: z.number().int(),
  restarts: z.number().int(),
  heldBy: z.string().nullable(),
  /** A person's unsent text stands in its composer. */
  drafting: z.boolean(),
  /** What the agent last said of itself. */
  reported: z.string().nullable(),
  originActor: z.string().nullable(),
  lastExit: z
    .object({ reason: ExitReason, code: z.number().nullable(), signal: z.string().nullable(), at: z.number() })
    .nullable(),
});

export const DeliveryStage = z.enum(["accepted", "handed_over", "seen", "answered", "dead_lettered"]);

export const DeliveryView = z.object({
  messageId: z.string(),
  agent: z.string(),
  stage: DeliveryStage,
  attempts: z.number().int(),
  route: Route.nullable(),
  evidence: Evidence.nullable(),
  /** Why it is not further along. */
  stalled: StallReason.nullable(),
  uncertain: z.boolean(),
  /** It was, or will be, presented more than once, and says so. */
  possibleRepeat: z.boolean(),
  deadLetterReason: DeadLetterReason.nullable(),
  at: z.number(),
});

export const MessageView = z.object({
  messageId: z.string(),
  sequence: z.number().int(),
  at: z.number(),
  from: z.string(),
  to: Address,
  body: z.string(),
  mode: DeliveryMode,
  replyTo: z.string().nullable(),
  threadId: z.string(),
  actor: z.string().nullable(),
  /** Emoji and who put it. */
  reactions: z.record(z.string(), z.array(z.string())),
});

/** A message as its recipient gets it. */
export const InboxMessage = MessageView.extend({
  /** It may have been presented before. */
  possibleRepeat: z.boolean(),
});

export const TraceStep = z.object({
  sequence: z.number().int(),
  at: z.number(),
  /** Since the message was accepted. */
  afterMs: z.number(),
  agent: z.string().nullable(),
  what: z.string(),
  detail: z.string(),
});

export const TraceView = z.object({
  message: MessageView,
  deliveries: z.array(DeliveryView),
  steps: z.array(TraceStep),
});

export const ChannelView = z.object({
  name: z.string(),
  topic: z.string().nullable(),
  members: z.array(z.string()),
  createdBy: z.string(),
  createdAt: z.number(),
});

/** One entry of a stream that clients write. */
export const StreamEntry = z.object({
  /** Position within the stream, from 1. */
  revision: z.number().int().min(1),
  /** Position in the whole log. */
  sequence: z.number().int().min(1),
  at: z.number(),
  kind: z.string(),
  data: z.record(z.string(), z.unknown()),
  actor: z.string().nullable(),
});

/** Who has a lease. */
export const LeaseView = z.object({
  name: z.string(),
  token: z.number().int(),
  holder: z.string(),
  /** When it ends if it is not renewed. */
  expiresAt: z.number(),
});

/** A stream that clients write. */
export const StreamView = z.object({
  stream: z.string(),
  /** Of the newest entry. */
  revision: z.number().int(),
  /** When the first and the newest entry were appended, and where they stand in the log. */
  createdAt: z.number(),
  updatedAt: z.number(),
  firstSequence: z.number().int(),
  lastSequence: z.number().int(),
  /** The newest that an append gave. */
  summary: z.record(z.string(), z.unknown()).nullable(),
  /** The lease of the same name, if someone holds it. */
  lease: LeaseView.nullable(),
});

export const StatsRow = z.object({
  key: z.string(),
  agents: z.number().int(),
  sent: z.number().int(),
  received: z.number().int(),
  turns: z.number().int(),
  inputTokens: z.number().int(),
  cachedInputTokens: z.number().int(),
  outputTokens: z.number().int(),
});

export const BrokerView = z.object({
  pid: z.number().int(),
  version: z.string(),
  protocol: z.number().int(),
  project: z.string(),
  stateDir: z.string(),
  startedAt: z.number(),
  uptimeSecs: z.number(),
  sequence: z.number().int(),
  agents: z.object({ live: z.number().int(), known: z.number().int() }),
  pendingDeliveries: z.number().int(),
  deadLetters: z.number().int(),
  clients: z.number().int(),
  memoryBytes: z.number(),
  ptyHost: z.object({ pid: z.number().int().nullable(), connected: z.boolean() }),
  mcp: z.object({ url: z.string().nullable() }),
  tcp: z.object({ url: z.string().nullable() }),
});

export type AgentStatus = z.infer<typeof AgentStatus>;
export type AgentView = z.infer<typeof AgentView>;
export type DeliveryStage = z.infer<typeof DeliveryStage>;
export type DeliveryView = z.infer<typeof DeliveryView>;
export type MessageView = z.infer<typeof MessageView>;
export type InboxMessage = z.infer<typeof InboxMessage>;
export type TraceStep = z.infer<typeof TraceStep>;
export type TraceView = z.infer<typeof TraceView>;
export type ChannelView = z.infer<typeof ChannelView>;
export type StreamEntry = z.infer<typeof StreamEntry>;
export type LeaseView = z.infer<typeof LeaseView>;
export type StreamView = z.infer<typeof StreamView>;
export type StatsRow = z.infer<typeof StatsRow>;
export type BrokerView = z.infer<typeof BrokerView>;
