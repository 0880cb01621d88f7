/**
 * Messages: sending, and how far to wait.
 *
 *   M1  A receipt means accepted: on disk, and owed to each recipient. A wait that runs out takes nothing back, and says
 *       with `data.receipt` what was accepted.
 */
import { RelayError } from "@agent-relay/protocol";
import type {
  DeliveryMode,
  DeliveryView,
  InboxMessage,
  MessageView,
  MethodParams,
  MethodResult,
} from "@agent-relay/protocol";
import type { Client } from "../client.ts";
import { isRelayError } from "../errors.ts";

/** How far to wait. `accepted` does not: the receipt itself says so. */
export type Until = "accepted" | "handed_over" | "seen" | "answered";

export interface SendMore {
  /** `wait`, the default, for the next safe moment; `steer` interrupts. */
  readonly mode?: DeliveryMode;
  readonly replyTo?: string;
  readonly until?: Until;
  /** For `until`. Two minutes if absent. */
  readonly timeoutMs?: number;
  /** Not delivered later than this from now. */
  readonly ttlMs?: number;
  /** Of a channel's members those that it is brought to; the others find it in the channel's history. All if absent. */
  readonly notify?: readonly string[];
  /** The same id twice is the same message. */
  readonly commandId?: string;
  readonly signal?: AbortSignal;
}

export interface Receipt {
  readonly messageId: string;
  readonly sequence: number;
  readonly threadId: string;
  readonly recipients: readonly string[];
  /** Where each delivery stands, if `until` was given. */
  readonly deliveries?: readonly DeliveryView[];
}

const untilTimeoutMs = 120_000;

export async function send(client: Client, to: string, body: string, more: SendMore): Promise<Receipt> {
  const params: MethodParams<"message.send"> = { to, body };
  if (more.mode !== undefined) params.mode = more.mode;
  if (more.replyTo !== undefined) params.replyTo = more.replyTo;
  if (more.ttlMs !== undefined) params.ttlMs = more.ttlMs;
  if (more.notify !== undefined) params.notify = [...more.notify];
  return follow(client, await client.call("message.send", params, callOptions(more)), more);
}

export async function reply(
  client: Client,
  messageId: string,
  body: string,
  more: Omit<SendMore, "replyTo" | "ttlMs" | "notify">,
): Promise<Receipt> {
  const params: MethodParams<"message.reply"> = { replyTo: messageId, body };
  if (more.mode !== undefined) params.mode = more.mode;
  return follow(client, await client.call("message.reply", params, callOptions(more)), more);
}

async function follow(client: Client, receipt: MethodResult<"message.send">, more: SendMore): Promise<Receipt> {
  const { until } = more;
  if (until === undefined || until === "accepted") return receipt;
  try {
    const { deliveries } = await client.call(
      "message.await",
      { messageId: receipt.messageId, until, timeoutMs: more.timeoutMs ?? untilTimeoutMs },
      more.signal === undefined ? {} : { signal: more.signal },
    );
    return { ...receipt, deliveries };
  } catch (error) {
    if (!isRelayError(error)) throw error;
    throw new RelayError({ ...error.toEnvelope(), data: { ...error.data, receipt } }, { cause: error });
  }
}

function callOptions(more: SendMore): { readonly commandId?: string; readonly signal?: AbortSignal } {
  return {
    ...(more.commandId === undefined ? {} : { commandId: more.commandId }),
    ...(more.signal === undefined ? {} : { signal: more.signal }),
  };
}

/**
 * The caller's own mailbox.
 *
 *   I1  `messages` offers each message and acknowledges it when the next one is asked for. One that was being worked on
 *       when the loop was left, or when the program died, is offered again, marked as a possible repeat.
 */
export interface Inbox {
  readonly check: (options?: {
    readonly limit?: number;
    readonly peek?: boolean;
    readonly waitMs?: number;
    readonly signal?: AbortSignal;
  }) => Promise<{
    readonly messages: readonly InboxMessage[];
    readonly remaining: number;
  }>;
  readonly ack: (messages: string | readonly string[]) => Promise<number>;
  /** Every message, for as long as the loop runs. Acknowledge the last one yourself before leaving the loop. */
  readonly messages: (options?: { readonly signal?: AbortSignal }) => AsyncIterable<InboxMessage>;
}

/** Short enough that a broker which forgot the question is noticed, long enough to cost nothing. */
const inboxWaitMs = 60_000;

export function openInbox(client: Client): Inbox {
  const check: Inbox["check"] = ({ signal, ...params } = {}) =>
    client.call("inbox.check", params, signal === undefined ? {} : { signal });
  const ack: Inbox["ack"] = async (messages) => {
    const messageIds = typeof messages === "string" ? [messages] : [...messages];
    if (messageIds.length === 0) return 0;
    return (await client.call("inbox.ack", { messageIds })).acknowledged;
  };
  return {
    check,
    ack,
    messages: async function* ({ signal } = {}) {
      const isOver = (): boolean => signal?.aborted === true;
      while (!isOver()) {
        let page: readonly InboxMessage[];
        try {
          page = (await check({ waitMs: inboxWaitMs, ...(signal === undefined ? {} : { signal }) })).messages;
        } catch (error) {
          if (isOver() && isRelayError(error, "cancelled")) return;
          throw error;
        }
        for (const message of page) {
          if (isOver()) return;
          yield message;
          await ack(message.messageId);
        }
      }
    },
  };
}

export interface HistoryPage {
  readonly messages: readonly MessageView[];
  /** Pass as `before` for the page before this one; nothing if there is none. */
  readonly before: number | null;
  readonly after: number | null;
}
export type HistoryQuestion = MethodParams<"message.history">;
