/**
 * Observing: what a program shows becomes what is known of it.
 *
 *   O1  Unknown evidence changes nothing; the same evidence twice changes nothing.
 *   O2  An agent is never working or idle before it was ready.
 *   O3  One `agent_context_low` for each threshold on the way down; all are armed again once there is room.
 *   O4  What was inferred from the screen never outranks what the program itself said of its context.
 *   O5  `seen` comes from the program's own echo of a message, by id.
 */
import { accept, unreachable, type Decision } from "@agent-relay/kernel";
import type { Fact } from "@agent-relay/protocol";
import type { Observation, Refusal, WorldCommand } from "./commands.ts";
import { newest } from "./directory.ts";
import { isLive, type Agent, type BrokerState } from "./state.ts";

/** Percent of the context window left. */
const CONTEXT_THRESHOLDS = [20, 10, 5] as const;
/** Room above the highest threshold from which the thresholds count again; less would chatter around the edge. */
const CONTEXT_REARM_PCT = 25;

export function observed(
  command: Extract<WorldCommand, { type: "incarnation.observed" }>,
  state: BrokerState,
): Decision<Fact, Refusal> {
  const agent = newest(state, command);
  if (agent === undefined || !isLive(agent)) return accept();
  return accept(...factsOf(agent, command.observation));
}

function factsOf(agent: Agent, observation: Observation): readonly Fact[] {
  const who = { agent: agent.name, epoch: agent.epoch };
  const by = { source: observation.source, fidelity: observation.fidelity };
  const ready: Fact = { type: "agent_ready", ...who, ...by };
  const unblocked: Fact = { type: "agent_unblocked", ...who, ...by };
  switch (observation.type) {
    case "ready":
      if (agent.status === "blocked" && agent.beforeBlock === "starting") return [unblocked, ready];
      return agent.status === "starting" ? [ready] : [];
    case "working": {
      if (agent.status === "working") return [];
      const before = statusUnder(agent);
      const facts: Fact[] = agent.status === "blocked" ? [unblocked] : [];
      if (before === "starting") facts.push(ready);
      if (before !== "working") facts.push({ type: "agent_working", ...who, ...by });
      return facts;
    }
    case "turn_ended": {
      if (agent.status === "idle") return [];
      const before = statusUnder(agent);
      const facts: Fact[] = agent.status === "blocked" ? [unblocked] : [];
      if (before === "starting") facts.push(ready);
      if (before === "working") facts.push({ type: "agent_turn_ended", ...who, ...by });
      return facts;
    }
    case "blocked":
      if (agent.status === "blocked" && agent.blockedKind === observation.kind) return [];
      return [
        {
          type: "agent_blocked",
          ...who,
          kind: observation.kind,
          ...(observation.what === undefined ? {} : { what: observation.what }),
          ...by,
        },
      ];
    case "unblocked":
      return agent.status === "blocked" ? [unblocked] : [];
    case "context":
      return contextFacts(agent, observation);
    case "prompt":
      return observation.messageIds.flatMap((messageId) => seenFacts(agent, messageId));
    default:
      return unreachable(observation);
  }
}

/** What it does when the block is taken away. */
function statusUnder(agent: Agent): Agent["status"] {
  return agent.status === "blocked" ? (agent.beforeBlock ?? "working") : agent.status;
}

function contextFacts(agent: Agent, seen: Extract<Observation, { type: "context" }>): readonly Fact[] {
  if (agent.contextExact && seen.fidelity === "inferred") return [];
  const { pctLeft, source, fidelity } = seen;
  const who = { agent: agent.name, epoch: agent.epoch, pct: pctLeft, source, fidelity };
  const crossed = CONTEXT_THRESHOLDS.filter((threshold) => pctLeft <= threshold).at(-1);
  if (crossed !== undefined) {
    const deeper = agent.contextThreshold === undefined || crossed < agent.contextThreshold;
    return deeper ? [{ type: "agent_context_low", ...who, threshold: crossed }] : [];
  }
  if (agent.contextThreshold === undefined || pctLeft < CONTEXT_REARM_PCT) return [];
  return [{ type: "agent_context_recovered", ...who }];
}

function seenFacts(agent: Agent, messageId: string): readonly Fact[] {
  const delivery = agent.mailbox.find(messageId);
  // What only waits cannot have come in this way: a prompt that quotes an id proves nothing about a message not yet handed over.
  if (delivery === undefined || delivery.place === "waiting" || delivery.seenAt !== undefined) return [];
  const who = { messageId, agent: agent.name, epoch: agent.epoch };
  const seen: Fact = { type: "delivery_seen", ...who, evidence: "prompt_hook" };
  if (delivery.place === "open") return delivery.handedOver?.epoch === agent.epoch ? [seen] : [];
  return [
    {
      type: "delivery_handed_over",
      ...who,
      attempt: delivery.attempts,
      route: "paste",
      evidence: "prompt_hook",
      possibleRepeat: delivery.possibleRepeat,
    },
    seen,
  ];
}
