/** Input fields that several tools share. */
import { z } from "zod";
import { AgentName, ChannelName, MessageId } from "@agent-relay/protocol";

export const agentName = AgentName.describe("Name of an agent.");

/** `general` and `#general` are the same channel. */
export const channelName = z
  .string()
  .describe("Name of a channel, with or without '#'.")
  .transform((text, context) => {
    const parsed = ChannelName.safeParse(text.startsWith("#") ? text.slice(1) : text);
    if (parsed.success) return parsed.data;
    context.addIssue({ code: "custom", message: parsed.error.issues[0]?.message ?? "expected the name of a channel" });
    return z.NEVER;
  });

export const messageId = MessageId.describe("Id of a message, such as msg_01k….");

/** Programs give up on a tool call after a minute, some of them for good. */
export const waitSecondsMax = 50;
