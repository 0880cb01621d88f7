import { z } from "zod";
import { oneLine, type ChannelView } from "@agent-relay/protocol";
import { tool, type Tool } from "../tool.ts";
import { channelName } from "./fields.ts";

export const channelTools: readonly Tool[] = [
  tool({
    name: "list_channels",
    title: "List channels",
    description: "Every channel with its topic and members.",
    readOnly: true,
    input: z.object({}),
    run: async (_, { calls }) => {
      const { channels } = await calls.call("channel.list", {});
      return {
        text: channels.length === 0 ? "No channels." : channels.map(channelLine).join("\n"),
        structured: { channels: channels.map(channelRecord) },
      };
    },
  }),
  tool({
    name: "create_channel",
    title: "Create a channel",
    description: "Make a channel and join it.",
    input: z.object({ channel: channelName, topic: z.string().max(500).optional() }),
    run: async ({ channel, topic }, { calls, commandId }) => {
      const params = { channel, ...(topic === undefined ? {} : { topic }) };
      const view = await calls.call("channel.create", params, { commandId: commandId() });
      return { text: `Made ${channelLine(view)}`, structured: channelRecord(view) };
    },
  }),
  tool({
    name: "join_channel",
    title: "Join a channel",
    description: "Join a channel; from now on its messages reach you.",
    input: z.object({ channel: channelName }),
    run: async ({ channel }, { calls, commandId }) => {
      const view = await calls.call("channel.join", { channel }, { commandId: commandId() });
      return { text: `Joined ${channelLine(view)}`, structured: channelRecord(view) };
    },
  }),
  tool({
    name: "leave_channel",
    title: "Leave a channel",
    description: "Leave a channel; its messages reach you no more.",
    input: z.object({ channel: channelName }),
    run: async ({ channel }, { calls, commandId }) => {
      await calls.call("channel.leave", { channel }, { commandId: commandId() });
      return { text: `Left #${channel}.`, structured: { channel } };
    },
  }),
];

function channelLine({ name, topic, members }: ChannelView): string {
  return `#${name}${topic === null ? "" : ` (${oneLine(topic, 200)})`}: ${members.length === 0 ? "nobody" : members.join(", ")}`;
}

function channelRecord({ name, topic, members }: ChannelView): Record<string, unknown> {
  return { channel: name, topic: topic === null ? null : oneLine(topic, 500), members };
}
