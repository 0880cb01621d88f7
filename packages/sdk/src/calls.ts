/**
 * Calls: requests that wait for their one answer.
 *
 *   C1  A command is sent under one id until it is answered, over however many connections.
 *   C2  A question is asked again after a reconnect; one that waits waits only for what is left of its time.
 *   C3  What could happen twice and has no command id (ending the broker, typing, a backup) is never sent twice.
 *   C4  After a reconnect calls go out in the order in which they were made.
 *   C5  Every call settles exactly once; a late answer is ignored.
 *   C6  A call that was sent `repeatsMax` times without an answer fails: nothing repeats forever.
 *   C7  At most `requestsInFlightMax` requests are with the broker; the rest wait here.
 */
import { randomUUID } from "node:crypto";
import { RelayError, limits, methods, relayError } from "@agent-relay/protocol";
import type { ClientFrameInput, Method, MethodParams, MethodResult, ServerFrame } from "@agent-relay/protocol";
import type { CallOptions } from "./client.ts";
import { cancelled } from "./errors.ts";

type Answer = Extract<ServerFrame, { type: "result" | "error" }>;

export interface Calls {
  readonly call: <M extends Method>(
    method: M,
    params: MethodParams<M>,
    options?: CallOptions,
  ) => Promise<MethodResult<M>>;
  /** Answers whether the frame was for a call. */
  readonly answer: (frame: Answer) => boolean;
  readonly up: () => void;
  readonly down: (reason: string) => void;
  readonly failAll: (error: RelayError) => void;
}

interface Line {
  readonly nextId: () => number;
  readonly isUp: () => boolean;
  readonly send: (frame: ClientFrameInput) => boolean;
  /** The broker says that it is going: dial again. */
  readonly reset: (reason: string) => void;
  readonly now: () => number;
}

interface PendingCall {
  readonly id: number;
  readonly method: Method;
  readonly params: unknown;
  readonly commandId: string | undefined;
  readonly since: number;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: RelayError) => void;
  /** With the broker on the connection of now. */
  sent: boolean;
  timesSent: number;
}

export const repeatsMax = 32;

/** Neither a command with an id nor harmless when it happens twice. */
const neverRepeated: ReadonlySet<Method> = new Set<Method>(["broker.shutdown", "broker.backup", "terminal.write"]);

export function openCalls(line: Line): Calls {
  const pending = new Map<number, PendingCall>();
  let inFlight = 0;
  /** Calls that wait because the broker has as many as it takes, in order. */
  let held = new Set<PendingCall>();

  const transmit = (call: PendingCall): void => {
    if (!line.isUp()) return;
    if (inFlight >= limits.requestsInFlightMax) {
      held.add(call);
      return;
    }
    const params = call.timesSent === 0 ? call.params : withTimeLeft(call.params, line.now() - call.since);
    const request = { type: "request", id: call.id, method: call.method, params } as const;
    if (!line.send(call.commandId === undefined ? request : { ...request, commandId: call.commandId })) return;
    call.sent = true;
    call.timesSent += 1;
    inFlight += 1;
  };

  const settle = (call: PendingCall): void => {
    pending.delete(call.id);
    held.delete(call);
    if (!call.sent) return;
    inFlight -= 1;
    const [next] = held;
    if (next === undefined) return;
    held.delete(next);
    transmit(next);
  };

  const start = <M extends Method>(method: M, params: MethodParams<M>, options: CallOptions): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const { signal } = options;
      if (signal?.aborted === true) {
        reject(cancelled(signal.reason));
        return;
      }
      const abort = (): void => {
        if (call.sent) line.send({ type: "cancel", id: call.id });
        settle(call);
        reject(cancelled(signal?.reason));
      };
      signal?.addEventListener("abort", abort, { once: true });
      const call: PendingCall = {
        id: line.nextId(),
        method,
        params,
        commandId: options.commandId ?? (methods[method].command ? randomUUID() : undefined),
        since: line.now(),
        resolve: (result) => {
          signal?.removeEventListener("abort", abort);
          resolve(result);
        },
        reject: (error) => {
          signal?.removeEventListener("abort", abort);
          reject(error);
        },
        sent: false,
        timesSent: 0,
      };
      const tooLarge = refuseTooLarge(call);
      if (tooLarge !== undefined) {
        call.reject(tooLarge);
        return;
      }
      pending.set(call.id, call);
      transmit(call);
    });

  return {
    call: async (method, params, options = {}) => {
      const result = await start(method, params, options);
      const parsed = methods[method].result.safeParse(result);
      // The result type of a method is what its schema parses to; the compiler cannot follow that through the table.
      if (parsed.success) return parsed.data as MethodResult<typeof method>;
      const issue = parsed.error.issues[0];
      throw relayError(
        "invalid_frame",
        `the broker answered ${method} with something else: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`,
      );
    },
    answer: (frame) => {
      const call = frame.id === undefined ? undefined : pending.get(frame.id);
      if (call === undefined) return false;
      if (frame.type === "result") {
        settle(call);
        call.resolve(frame.result);
      } else if (frame.error.code === "broker_stopping" && !neverRepeated.has(call.method)) {
        // Not done, and not refused for good: the next broker is asked.
        line.reset("the broker is stopping");
      } else {
        settle(call);
        call.reject(new RelayError(frame.error));
      }
      return true;
    },
    up: () => {
      for (const call of [...pending.values()]) transmit(call);
    },
    down: (reason) => {
      inFlight = 0;
      held = new Set();
      for (const call of [...pending.values()]) {
        if (!call.sent) continue;
        call.sent = false;
        const refusal = refuseRepeat(call, reason);
        if (refusal === undefined) continue;
        pending.delete(call.id);
        call.reject(refusal);
      }
    },
    failAll: (error) => {
      const all = [...pending.values()];
      pending.clear();
      held = new Set();
      inFlight = 0;
      for (const call of all) call.reject(error);
    },
  };
}

function refuseRepeat(call: PendingCall, reason: string): RelayError | undefined {
  if (neverRepeated.has(call.method)) {
    return relayError(
      "broker_unreachable",
      `the connection ended before the broker answered ${call.method}, which is not repeated: ${reason}`,
      {
        hint: "Look whether it happened before trying again.",
      },
    );
  }
  if (call.timesSent < repeatsMax) return undefined;
  return relayError(
    "broker_unreachable",
    `${call.method} was sent ${call.timesSent} times, and each time the connection ended before the answer: ${reason}`,
  );
}

/** A frame over the bound would end the connection, and every one after it. */
function refuseTooLarge(call: PendingCall): RelayError | undefined {
  const { params } = call;
  if (typeof params !== "object" || params === null) return undefined;
  const text = textLength(params);
  // Escaping makes at most six bytes of one character; below that there is nothing to measure.
  if (text * 6 < limits.frameBytesMax) return undefined;
  const bytes = Buffer.byteLength(JSON.stringify(params)) + 512;
  if (bytes <= limits.frameBytesMax) return undefined;
  return relayError("frame_too_large", `expected at most ${limits.frameBytesMax} bytes in one request, found ${bytes}`);
}

function textLength(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 8;
  let sum = 0;
  for (const [key, part] of Object.entries(value)) sum += key.length + textLength(part);
  return sum;
}

const durations = ["timeoutMs", "waitMs"] as const;

function withTimeLeft(params: unknown, elapsedMs: number): unknown {
  if (typeof params !== "object" || params === null) return params;
  const left: Record<string, unknown> = { ...params };
  for (const name of durations) {
    const total = left[name];
    if (typeof total === "number") left[name] = Math.max(0, Math.round(total - elapsedMs));
  }
  return left;
}
