/** The refusals of the core, each saying what was expected, what was found and what to do. */
import { errorEnvelope } from "@agent-relay/protocol";
import type { Refusal } from "./commands.ts";
import { nearestNames } from "./nearest.ts";
import type { Agent, BrokerState } from "./state.ts";

export function unknownAgent(state: BrokerState, name: string): Refusal {
  const nearest = nearestNames(name, state.agents.keys());
  return errorEnvelope("unknown_agent", `No agent is called '${name}'.`, {
    hint:
      nearest.length > 0
        ? `Did you mean ${nearest.map((it) => `'${it}'`).join(" or ")}?`
        : "`agent-relay who --all` lists the agents.",
    data: { name, nearest },
  });
}

export function unknownChannel(state: BrokerState, channel: string): Refusal {
  const nearest = nearestNames(channel, state.channels.keys());
  return errorEnvelope("unknown_channel", `There is no channel '#${channel}'.`, {
    hint:
      nearest.length > 0
        ? `Did you mean ${nearest.map((it) => `'#${it}'`).join(" or ")}?`
        : `\`agent-relay channels create ${channel}\` makes it.`,
    data: { channel, nearest },
  });
}

export function agentEnded(agent: Agent): Refusal {
  const how = agent.ended === "permanently_dead" ? "is permanently dead" : `was ${agent.ended ?? "released"}`;
  return errorEnvelope("agent_ended", `'${agent.name}' ${how} and takes no more mail.`, {
    hint: `Spawn it again with \`agent-relay spawn ${agent.name} …\`.`,
    data: { name: agent.name, ended: agent.ended },
  });
}

export function notRunning(agent: Agent): Refusal {
  return errorEnvelope("agent_not_running", `'${agent.name}' has no live process: it is ${agent.status}.`, {
    hint: `\`agent-relay spawn ${agent.name} …\` starts it again.`,
    data: { name: agent.name, status: agent.status },
  });
}
