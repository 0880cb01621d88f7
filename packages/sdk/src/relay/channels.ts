import type { ChannelView } from "@agent-relay/protocol";
import type { Client } from "../client.ts";
import type { HistoryPage, HistoryQuestion, Receipt, SendMore } from "./messages.ts";

export interface Channel {
  readonly name: string;
  /** Makes the channel and joins it. */
  readonly create: (options?: { readonly topic?: string }) => Promise<ChannelView>;
  /** Joins, or puts another member in. */
  readonly join: (member?: string) => Promise<ChannelView>;
  readonly leave: (member?: string) => Promise<void>;
  /** Sends to every other member. */
  readonly post: (body: string, more?: SendMore) => Promise<Receipt>;
  readonly history: (question?: Omit<HistoryQuestion, "channel" | "with">) => Promise<HistoryPage>;
}

/** A channel by name, with or without the `#`. Nothing is asked before a method is called. */
export function channelHandle(
  client: Client,
  given: string,
  send: (to: string, body: string, more: SendMore) => Promise<Receipt>,
): Channel {
  const name = given.startsWith("#") ? given.slice(1) : given;
  const named = (member: string | undefined): { channel: string; member?: string } =>
    member === undefined ? { channel: name } : { channel: name, member };
  return {
    name,
    create: ({ topic } = {}) =>
      client.call("channel.create", topic === undefined ? { channel: name } : { channel: name, topic }),
    join: (member) => client.call("channel.join", named(member)),
    leave: async (member) => {
      await client.call("channel.leave", named(member));
    },
    post: (body, more = {}) => send(`#${name}`, body, more),
    history: (question = {}) => client.call("message.history", { ...question, channel: name }),
  };
}
