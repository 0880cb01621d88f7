/**
 * Frames: one JSON text message of a WebSocket each.
 *
 *   F1  The client's first frame is `hello`, the broker's first is `welcome` or `error` and a close.
 *   F2  Every request gets exactly one `result` or `error` with its id, in any order.
 *   F3  Events of a subscription come in order of sequence. What could not be sent is declared by a `gap`.
 *   F4  Fields that a peer does not know are ignored; frames that it does not know are a violation.
 */
import { z } from "zod";
import { ErrorEnvelope } from "./errors.ts";
import { RelayEvent } from "./events.ts";
import { EventFilter } from "./methods.ts";
import { AgentName, CommandId } from "./names.ts";

/** The newest version of this protocol, and the oldest that is still spoken. */
export const protocolVersion = 1;
export const protocolVersionMin = 1;

const id = z.number().int().min(1);

export const ClientFrame = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("hello"),
    /** Versions that the client speaks. */
    versions: z.object({ min: z.number().int(), max: z.number().int() }),
    client: z.object({ name: z.string().max(64), version: z.string().max(32) }),
    /** The operator's token (TCP only) or an incarnation's. */
    token: z.string().max(512).optional(),
    /** In whose name an operator speaks: a mailbox without a program. `operator` if absent. */
    as: AgentName.optional(),
    originActor: z.string().max(256).optional(),
  }),
  z.object({
    type: z.literal("request"),
    id,
    method: z.string().max(64),
    params: z.unknown(),
    /** Required for commands. */
    commandId: CommandId.optional(),
  }),
  /** Stops waiting for a request; it still gets its one answer, `cancelled`. */
  z.object({ type: z.literal("cancel"), id }),
  /** Events after `from`; without it, from now on. */
  z.object({
    type: z.literal("subscribe"),
    id,
    from: z.number().int().min(0).optional(),
    filter: EventFilter.default({}),
  }),
  /** Output of one agent's terminals, from an offset in the current incarnation. */
  z.object({ type: z.literal("follow"), id, agent: AgentName, from: z.number().int().min(0).optional() }),
  /** Ends a subscription or a follow. */
  z.object({ type: z.literal("unsubscribe"), id }),
]);

export const ServerFrame = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("welcome"),
    version: z.number().int(),
    broker: z.object({ pid: z.number().int(), version: z.string(), startedAt: z.number(), nonce: z.string() }),
    /** Who the client is taken for. */
    principal: z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("operator"), name: z.string() }),
      z.object({ kind: z.literal("agent"), name: z.string(), epoch: z.number().int() }),
    ]),
    head: z.number().int(),
  }),
  z.object({ type: z.literal("result"), id, result: z.unknown() }),
  /** Without an id it concerns the connection, which is closed after it. */
  z.object({ type: z.literal("error"), id: id.optional(), error: ErrorEnvelope }),
  /** The subscription runs; events after `from` follow. */
  z.object({ type: z.literal("subscribed"), id, from: z.number().int() }),
  z.object({ type: z.literal("event"), id, event: RelayEvent }),
  /** Everything up to `next` was looked at; for a filter that matches rarely this moves the cursor. */
  z.object({ type: z.literal("cursor"), id, next: z.number().int() }),
  /** Events or output between the two positions were not sent and cannot be had here; read on from `to`. */
  z.object({ type: z.literal("gap"), id, from: z.number().int(), to: z.number().int(), reason: z.string() }),
  z.object({ type: z.literal("output"), id, epoch: z.number().int(), offset: z.number().int(), data: z.string() }),
  /** Nothing more comes for this id. */
  z.object({ type: z.literal("end"), id, reason: z.string() }),
]);

export type ClientFrame = z.infer<typeof ClientFrame>;
export type ClientFrameInput = z.input<typeof ClientFrame>;
export type ServerFrame = z.infer<typeof ServerFrame>;
export type Principal = Extract<ServerFrame, { type: "welcome" }>["principal"];
