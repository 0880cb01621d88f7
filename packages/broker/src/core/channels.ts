/** Channels: named many-to-many addresses. A channel exists from its creation on; joining and leaving twice changes nothing. */
import { accept, reject, type Decision } from "@agent-relay/kernel";
import { errorEnvelope, limits, type Fact } from "@agent-relay/protocol";
import type { ClientCommand, Refusal } from "./commands.ts";
import { unknownAgent, unknownChannel } from "./refusals.ts";
import type { BrokerState } from "./state.ts";

type CommandOf<Type extends ClientCommand["type"]> = Extract<ClientCommand, { type: Type }>;
type Judgement = Decision<Fact, Refusal>;

export function createChannel(command: CommandOf<"channel.create">, state: BrokerState): Judgement {
  const { channel, by } = command;
  if (state.channels.has(channel)) {
    return reject(
      errorEnvelope("channel_exists", `There is a channel '#${channel}' already.`, {
        hint: "Join it instead.",
        data: { channel },
      }),
    );
  }
  const facts: Fact[] = [
    { type: "channel_created", channel, by, ...(command.topic === undefined ? {} : { topic: command.topic }) },
  ];
  if (!state.agents.has(by)) facts.push({ type: "agent_registered", agent: by, kind: "person", by });
  facts.push({ type: "channel_joined", channel, member: by, by });
  return accept(...facts);
}

export function joinChannel(command: CommandOf<"channel.join" | "channel.leave">, state: BrokerState): Judgement {
  const { member, by } = command;
  const channel = state.channels.get(command.channel);
  if (channel === undefined) return reject(unknownChannel(state, command.channel));
  if (channel.members.has(member)) return accept();
  if (channel.members.size >= limits.channelMembersMax) {
    return reject(
      errorEnvelope(
        "channel_full",
        `'#${channel.name}' has ${limits.channelMembersMax} members, which is as many as it may.`,
        {
          hint: "Use a second channel.",
        },
      ),
    );
  }
  const joined: Fact = { type: "channel_joined", channel: channel.name, member, by };
  if (state.agents.has(member)) return accept(joined);
  if (member !== by) return reject(unknownAgent(state, member));
  return accept<Fact>({ type: "agent_registered", agent: member, kind: "person", by }, joined);
}

export function leaveChannel(command: CommandOf<"channel.join" | "channel.leave">, state: BrokerState): Judgement {
  const channel = state.channels.get(command.channel);
  if (channel === undefined) return reject(unknownChannel(state, command.channel));
  if (!channel.members.has(command.member)) return accept();
  return accept({ type: "channel_left", channel: channel.name, member: command.member, by: command.by });
}
