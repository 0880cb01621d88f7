import { z } from "zod";
import { relayError } from "@agent-relay/protocol";
import { counted, dataNotice, inboxRecord, messageBlock, messageBlocks, messageRecord } from "../present.ts";
import { tool, type Tool } from "../tool.ts";
import { agentName, channelName, messageId, waitSecondsMax } from "./fields.ts";

const pageSize = z.number().int().min(1).max(50).default(20).describe("At most this many messages.");

export const messageTools: readonly Tool[] = [
  tool({
    name: "send_message",
    title: "Send a message",
    description:
      "Send text to an agent or a #channel. Accepted means that it is stored and will be delivered, not that it was read. " +
      "To answer a message give reply_to; `to` may then be left out.",
    input: z.object({
      to: z.string().max(64).optional().describe("Name of an agent, or #channel."),
      text: z.string().min(1).describe("What to say."),
      reply_to: messageId.optional().describe("Id of the message that this answers."),
      mode: z
        .enum(["wait", "steer"])
        .optional()
        .describe("wait (default): when the recipient has finished its turn. steer: interrupt it."),
      idempotency_key: z
        .string()
        .regex(/^[\x21-\x7e]{1,64}$/)
        .optional()
        .describe("Sending again with the same key sends once."),
    }),
    run: async (
      { to, text, reply_to: replyTo, mode = "wait", idempotency_key: key },
      { calls, principal, commandId },
    ) => {
      // The sender's name is part of the id, so that two agents may choose the same key.
      const options = { commandId: key === undefined ? commandId() : `mcp/${principal.name}/${key}` };
      const send = async () => {
        if (to !== undefined) {
          const params = { to, body: text, mode, ...(replyTo === undefined ? {} : { replyTo }) };
          return calls.call("message.send", params, options);
        }
        if (replyTo !== undefined) return calls.call("message.reply", { replyTo, body: text, mode }, options);
        throw relayError("invalid_request", "expected `to` or `reply_to`, found neither");
      };
      const receipt = await send();
      return {
        text: `Accepted as ${receipt.messageId} for ${receipt.recipients.join(", ")}.`,
        structured: { id: receipt.messageId, thread: receipt.threadId, recipients: receipt.recipients },
      };
    },
  }),
  tool({
    name: "check_inbox",
    title: "Read new mail",
    description: "Take the messages that wait for you. Answer with send_message and reply_to.",
    input: z.object({
      limit: pageSize,
      wait_seconds: z
        .number()
        .min(0)
        .max(waitSecondsMax)
        .default(0)
        .describe("If there is no mail, wait this long for some."),
    }),
    run: async ({ limit, wait_seconds: waitSeconds }, { calls, signal, afterResponse }) => {
      const { messages, remaining } = await calls.call(
        "inbox.check",
        { limit, waitMs: Math.round(waitSeconds * 1_000) },
        { signal },
      );
      const messageIds = messages.map((message) => message.messageId);
      // Seen needs evidence: until the result has left, nobody can say that the agent got the mail.
      if (messageIds.length > 0) afterResponse(() => calls.call("inbox.ack", { messageIds }));
      return {
        text: messages.length === 0 ? "No mail." : [dataNotice, ...messages.map(messageBlock)].join("\n\n"),
        structured: {
          ...(messages.length === 0 ? {} : { note: dataNotice }),
          messages: messages.map(inboxRecord),
          remaining,
        },
        pending: { count: remaining, from: [] },
      };
    },
  }),
  tool({
    name: "ack_message",
    title: "Confirm messages",
    description:
      "Say that messages reached you. check_inbox does this by itself; use it for messages that came another way.",
    input: z.object({ message_ids: z.array(messageId).min(1).max(100) }),
    run: async ({ message_ids: messageIds }, { calls }) => {
      const { acknowledged } = await calls.call("inbox.ack", { messageIds });
      return { text: `Confirmed ${counted(acknowledged, "message")}.`, structured: { acknowledged } };
    },
  }),
  tool({
    name: "read_history",
    title: "Read past messages",
    description: "Past messages of a channel, with an agent, or of a thread; the newest page, oldest first.",
    readOnly: true,
    input: z.object({
      channel: channelName.optional(),
      with: agentName.optional().describe("Messages between you and this agent."),
      thread: messageId.optional().describe("The first message of a thread."),
      before: z.number().int().min(0).optional().describe("`before` of the last page, to read further back."),
      limit: pageSize,
    }),
    run: async (params, { calls }) => {
      const { messages, before } = await calls.call("message.history", present(params));
      const more = before === null ? "" : `\n\nOlder messages: before ${before}.`;
      return {
        text: messages.length === 0 ? "No messages." : `${messageBlocks(messages)}${more}`,
        structured: {
          ...(messages.length === 0 ? {} : { note: dataNotice }),
          messages: messages.map(messageRecord),
          before,
        },
      };
    },
  }),
  tool({
    name: "search_messages",
    title: "Search messages",
    description: "Full-text search in the messages that you may read, best match first.",
    readOnly: true,
    input: z.object({
      query: z.string().min(1).max(500),
      channel: channelName.optional(),
      from: agentName.optional().describe("Only messages of this sender."),
      limit: pageSize,
    }),
    run: async (params, { calls }) => {
      const { messages } = await calls.call("message.search", present(params));
      return {
        text: messages.length === 0 ? "Nothing found." : messageBlocks(messages),
        structured: { ...(messages.length === 0 ? {} : { note: dataNotice }), messages: messages.map(messageRecord) },
      };
    },
  }),
  tool({
    name: "react",
    title: "React to a message",
    description: "Put an emoji on a message, or take it back.",
    input: z.object({ message_id: messageId, emoji: z.string().min(1).max(32), remove: z.boolean().default(false) }),
    run: async ({ message_id: id, emoji, remove }, { calls, commandId }) => {
      await calls.call("message.react", { messageId: id, emoji, remove }, { commandId: commandId() });
      return { text: remove ? "Taken back." : "Done.", structured: { id, emoji, removed: remove } };
    },
  }),
];

type Present<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Without the fields that were left out: absent and undefined are different things in the protocol's types. */
function present<T extends object>(fields: T): Present<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<T>;
}
