/**
 * Session: one connection's conversation, without the socket.
 *
 *   G1  Nothing is answered before a valid hello in a common version; a peer that breaks the protocol gets one error
 *       and is disconnected.
 *   G2  Every request gets exactly one answer, also when it is cancelled, in the order in which answers are found.
 *   G3  An agent acts only as long as its incarnation: what is asked or answered later is refused with `epoch_expired`.
 *   G4  What waits for a slow client is bounded; one that takes nothing is told where to resume, and dropped.
 *   G5  After the end nothing is sent, no timer runs, and every wait in the broker is ended.
 */
import {
  ClientFrame,
  envelopeOf,
  errorEnvelope,
  isMethod,
  normalizeActor,
  protocolVersion,
  protocolVersionMin,
  type ErrorEnvelope,
  type ServerFrame,
} from "@agent-relay/protocol";
import { messageOf, unreachable, type Logger } from "@agent-relay/kernel";
import type { BrokerService, Caller } from "../service.ts";
import type { Admit, Admitted, Hello } from "./admission.ts";
import type { EventFeed } from "./event-feed.ts";
import type { GatewayLimits } from "./gateway-limits.ts";
import { outbox, type Frame, type Transport } from "./outbox.ts";
import { openStreams } from "./streams.ts";
import type { Timers } from "./timers.ts";

export interface SessionOptions {
  readonly service: BrokerService;
  readonly feed: EventFeed;
  readonly transport: Transport;
  readonly timers: Timers;
  readonly limits: GatewayLimits;
  readonly admit: Admit;
  readonly logger: Logger;
  /** The client was welcomed. */
  readonly onWelcome?: () => void;
}

export interface Session {
  /** One frame of text. */
  readonly receive: (text: string) => void;
  /** The peer sent something that is not even text. */
  readonly violate: (error: ErrorEnvelope, closeCode: number) => void;
  /** Ends it from our side. Idempotent. */
  readonly close: (code: number, reason: string) => void;
  /** The connection is gone. Idempotent. */
  readonly gone: () => void;
}

/** WebSocket close codes. */
export const closeCodes = {
  goingAway: 1001,
  policyViolation: 1008,
  tooLarge: 1009,
  internalError: 1011,
  tryLater: 1013,
} as const;

type Phase =
  | { readonly name: "greeting" }
  | { readonly name: "open"; readonly admitted: Admitted; readonly caller: Caller }
  | { readonly name: "over" };

export function openSession(options: SessionOptions): Session {
  const { service, feed, timers, limits, logger } = options;
  let phase: Phase = { name: "greeting" };
  /** Requests without an answer. */
  const asked = new Map<number, AbortController>();
  /** Calls that run in the broker. A cancelled one has its answer and may still run. */
  let running = 0;

  const out = outbox({
    transport: options.transport,
    timers,
    framesMax: limits.outboxFramesMax,
    bytesMax: limits.outboxBytesMax,
    stallTimeoutMs: limits.stallTimeoutMs,
    onRoom: () => guarded(streams.pump),
    onStall: () => drop(`took nothing for ${limits.stallTimeoutMs} ms`),
  });

  const send = (frame: Frame): void => {
    if (phase.name !== "over" && !out.push(frame)) drop("left too many answers unread");
  };
  const tell = (frame: ServerFrame): void => send(encode(frame));
  const refuse = (id: number, error: ErrorEnvelope): void => tell({ type: "error", id, error });

  const streams = openStreams({
    service,
    feed: { ...feed, listen: (listener) => feed.listen((events) => guarded(() => listener(events))) },
    limits,
    hasRoom: () => phase.name === "open" && out.hasRoom(),
    send,
    tell,
    refuse,
    envelope: (thrown) => explain(thrown, logger),
    // Pages are read in turns of their own, so that a long past does not hold up the other clients.
    pumpSoon: (pump) => timers.defer(() => guarded(pump)),
  });

  const cancelHello = timers.after(limits.helloTimeoutMs, () => {
    violate(
      errorEnvelope("invalid_frame", `expected hello within ${limits.helloTimeoutMs} ms`),
      closeCodes.policyViolation,
    );
  });

  const over = (): boolean => {
    if (phase.name === "over") return true;
    phase = { name: "over" };
    cancelHello();
    stopWatching();
    streams.close();
    for (const controller of asked.values()) controller.abort();
    asked.clear();
    return false;
  };

  const violate = (error: ErrorEnvelope, closeCode: number): void => {
    if (phase.name === "over") return;
    over();
    out.finish(closeCode, error.code, encode({ type: "error", error }));
  };

  const drop = (what: string): void => {
    if (phase.name === "over") return;
    const cursors = streams.cursors();
    const lowest = Math.min(...Object.values(cursors));
    const cursor = Number.isFinite(lowest) ? lowest : feed.head();
    logger.warn("a client was dropped because it reads too slowly", { what, cursor });
    const error = errorEnvelope("slow_consumer", `the client ${what}`, {
      hint: `Connect again and read on from ${cursor}.`,
      data: { cursor, cursors },
    });
    over();
    out.finish(closeCodes.tryLater, `slow_consumer: resume from ${cursor}`, encode({ type: "error", error }));
  };

  /** The border behind which a bug costs one connection and not the broker. */
  const guarded = (run: () => void): void => {
    try {
      run();
    } catch (thrown) {
      violate(explain(thrown, logger), closeCodes.internalError);
    }
  };

  const greet = (hello: Hello): void => {
    const version = Math.min(hello.versions.max, protocolVersion);
    if (version < Math.max(hello.versions.min, protocolVersionMin)) {
      const ours = { min: protocolVersionMin, max: protocolVersion };
      const error = errorEnvelope(
        "unsupported_version",
        `expected a protocol version from ${ours.min} to ${ours.max}, found ${hello.versions.min} to ${hello.versions.max}`,
        { hint: "Update the older of client and broker.", data: { supported: ours } },
      );
      return violate(error, closeCodes.policyViolation);
    }
    let admitted: Admitted;
    try {
      admitted = options.admit(hello);
    } catch (thrown) {
      return violate(explain(thrown, logger), closeCodes.policyViolation);
    }
    cancelHello();
    const { principal } = admitted;
    phase = { name: "open", admitted, caller: { principal, actor: normalizeActor(hello.originActor) } };
    if (principal.kind === "agent") stopWatching = feed.listen(() => guarded(endExpired));
    tell({ type: "welcome", version, broker: service.identity, principal, head: feed.head() });
    options.onWelcome?.();
  };

  /** A wait of an incarnation that is over must not be answered with anything that belongs to the next. */
  let stopWatching = (): void => undefined;
  const endExpired = (): void => {
    const expired = expiry();
    if (expired === undefined) return;
    for (const [id, controller] of asked) {
      answer(id, { type: "error", id, error: expired });
      controller.abort();
    }
  };

  const expiry = (): ErrorEnvelope | undefined => {
    if (phase.name !== "open") return undefined;
    try {
      phase.admitted.confirm();
      return undefined;
    } catch (thrown) {
      return explain(thrown, logger);
    }
  };

  const answer = (id: number, frame: ServerFrame): void => {
    if (!asked.delete(id)) return;
    const encoded = encode(frame);
    if (encoded.byteLength <= limits.frameBytesMax) return send(encoded);
    const message = `expected an answer of at most ${limits.frameBytesMax} bytes, found ${encoded.byteLength}`;
    refuse(id, errorEnvelope("frame_too_large", message, { hint: "Ask for a smaller page." }));
  };

  const request = (frame: Extract<ClientFrame, { type: "request" }>, caller: Caller): void => {
    const { id, method } = frame;
    const expired = expiry();
    if (expired !== undefined) return refuse(id, expired);
    if (!isMethod(method)) return refuse(id, errorEnvelope("unknown_method", `no method is called ${method}`));
    if (running >= limits.requestsInFlightMax) {
      return refuse(id, errorEnvelope("too_many_requests", `${running} requests of this connection are under way`));
    }
    const controller = new AbortController();
    asked.set(id, controller);
    running += 1;
    const call = async (): Promise<unknown> =>
      service.call(caller, method, frame.params, { commandId: frame.commandId, signal: controller.signal });
    call()
      .then(
        (result): ServerFrame => {
          const error = expiry();
          return error === undefined ? { type: "result", id, result } : { type: "error", id, error };
        },
        (thrown: unknown): ServerFrame => ({ type: "error", id, error: explain(thrown, logger, method) }),
      )
      .then((frameOut) => {
        running -= 1;
        guarded(() => answer(id, frameOut));
      })
      .catch((thrown: unknown) => logger.error("a session failed", { error: messageOf(thrown) }));
  };

  const cancel = (id: number): void => {
    const controller = asked.get(id);
    if (controller === undefined) return;
    answer(id, { type: "error", id, error: errorEnvelope("cancelled", "the client stopped waiting") });
    controller.abort();
  };

  const take = (frame: ClientFrame): void => {
    if (phase.name === "over") return;
    if (phase.name === "greeting") {
      if (frame.type === "hello") return greet(frame);
      return violate(
        errorEnvelope("invalid_frame", `expected hello first, found ${frame.type}`),
        closeCodes.policyViolation,
      );
    }
    const opens = frame.type === "request" || frame.type === "subscribe" || frame.type === "follow";
    if (opens && (asked.has(frame.id) || streams.has(frame.id))) {
      return violate(errorEnvelope("invalid_frame", `the id ${frame.id} is in use`), closeCodes.policyViolation);
    }
    switch (frame.type) {
      case "hello":
        return violate(errorEnvelope("invalid_frame", "expected one hello, found another"), closeCodes.policyViolation);
      case "request":
        return request(frame, phase.caller);
      case "cancel":
        return cancel(frame.id);
      case "subscribe":
      case "follow": {
        if (phase.caller.principal.kind === "operator") return streams.open(frame);
        return refuse(
          frame.id,
          errorEnvelope("not_allowed", `an agent may not ${frame.type}; this needs the operator`),
        );
      }
      case "unsubscribe":
        return streams.end(frame.id);
      default:
        return unreachable(frame);
    }
  };

  return {
    receive: (text) => {
      const parsed = parseFrame(text);
      if ("error" in parsed) violate(parsed.error, closeCodes.policyViolation);
      else guarded(() => take(parsed.frame));
    },
    violate,
    close: (code, reason) => {
      if (over()) return;
      out.finish(code, reason);
    },
    gone: () => {
      over();
      out.drop();
    },
  };
}

export function encode(frame: ServerFrame): Frame {
  return Buffer.from(JSON.stringify(frame));
}

function parseFrame(text: string): { readonly frame: ClientFrame } | { readonly error: ErrorEnvelope } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { error: errorEnvelope("invalid_frame", "expected JSON") };
  }
  const parsed = ClientFrame.safeParse(json);
  if (parsed.success) return { frame: parsed.data };
  const issue = parsed.error.issues[0];
  const where = issue === undefined || issue.path.length === 0 ? "" : ` at ${issue.path.join(".")}`;
  return {
    error: errorEnvelope(
      "invalid_frame",
      `expected a frame of this protocol${where}: ${issue?.message ?? "found something else"}`,
    ),
  };
}

/** What the peer is told. Of a bug it learns only that there is one; the log has the rest. */
function explain(thrown: unknown, logger: Logger, method?: string): ErrorEnvelope {
  const envelope = envelopeOf(thrown);
  if (envelope !== undefined) return envelope;
  const stack = thrown instanceof Error ? thrown.stack : undefined;
  logger.error("a request failed through a bug", { method, error: messageOf(thrown), stack });
  return errorEnvelope("internal", "the broker failed at this; its log says why");
}
