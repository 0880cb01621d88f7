/** The refusals of the core, each saying what was expected, what was found and what to do. */
import { errorEnvelope } from "@agent-relay/protocol";
import type { Refusal } from "./commands.ts";
import { nearestNames } from "./nearest.ts";
import type { Agent, Block, BrokerState } from "./state.ts";

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

export function notItsToTell(sender: string, recipient: string, allowed: readonly string[]): Refusal {
  const shown = allowed.slice(0, 10).map((it) => `'${it}'`);
  const whom = shown.length === 0 ? "no agent" : shown.join(", ") + (allowed.length > 10 ? " and others" : "");
  return errorEnvelope("not_allowed", `'${sender}' may not write to '${recipient}'.`, {
    hint: `It may write to ${whom}, to whom it spawned or was spawned by, to its channels, and to people.`,
    data: { name: recipient, mayTell: [...allowed.slice(0, 100)] },
  });
}

export function notRunning(agent: Agent): Refusal {
  return errorEnvelope("agent_not_running", `'${agent.name}' has no live process: it is ${agent.status}.`, {
    hint: `\`agent-relay spawn ${agent.name} …\` starts it again.`,
    data: { name: agent.name, status: agent.status },
  });
}

export function notBlocked(agent: Agent): Refusal {
  return errorEnvelope("not_blocked", `'${agent.name}' waits for nobody's answer: it is ${agent.status}.`, {
    hint: `\`agent-relay who\` shows who waits, and for what.`,
    data: { name: agent.name, status: agent.status },
  });
}

/** `block` is the one that was meant, as far as it is still known. */
export function tooLate(agent: Agent, block: Block | undefined): Refusal {
  const { by, verdict } = block?.answered ?? {};
  const what =
    by === undefined
      ? "is over: the program has gone on, or was answered at its terminal"
      : `was ${verdict === "approve" ? "approved" : "denied"} by ${by} already`;
  const now = agent.block === undefined || agent.block === block ? "" : ` It waits for something else now.`;
  return errorEnvelope("already_answered", `What '${agent.name}' waited for ${what}.${now}`, {
    hint: `\`agent-relay who\` shows what each agent waits for now.`,
    data: { name: agent.name, ...(block === undefined ? {} : { block: block.sequence }), by, verdict },
  });
}

export function notAnswerable(agent: Agent, block: Block): Refusal {
  return errorEnvelope(
    "not_answerable",
    `What '${agent.name}' waits for (${block.kind}) can only be answered at its own terminal.`,
    {
      hint: `\`agent-relay attach ${agent.name}\` goes there.`,
      data: { name: agent.name, block: block.sequence, kind: block.kind },
    },
  );
}
