/**
 * Observing: what a program shows becomes what is known of it.
 *
 *   O1  Unknown evidence changes nothing; the same evidence twice changes nothing.
 *   O2  An agent is never working or idle before it was ready.
 *   O3  One `agent_context_low` for each threshold on the way down; all are armed again once there is room.
 *   O4  What was inferred from the screen never outranks what the program itself said of its context.
 *   O5  `seen` comes from the program's own echo of a message, by id.
 *   O6  A question has one block of its own: what is answered is what was shown, or the answer is refused.
 *   O7  A draft lasts until the composer is known to be empty; a turn that our own mail began proves nothing about it.
 *   O8  What a model answered is told clean and bounded, and changes nothing.
 *   O9  A way in that opens or closes is told once.
 */
import { accept, unreachable, type Decision } from "@agent-relay/kernel";
import { headAndTail, limits, stripControls, type Fact } from "@agent-relay/protocol";
import type { Observation, Refusal, WorldCommand } from "./commands.ts";
import { newest } from "./directory.ts";
import { isLive, type Agent, type Block, type BrokerState } from "./state.ts";

/** Percent of the context window left. */
const CONTEXT_THRESHOLDS = [20, 10, 5] as const;
/** Room above the highest threshold from which the thresholds count again; less would chatter around the edge. */
const CONTEXT_REARM_PCT = 25;
/**
 * Programs seen so far go on within a second of an answer. What still waits after ten has not taken the answer, or asks
 * the same again; either way a person is to be asked again.
 */
const ANSWER_TAKES_MS = 10_000;

type Blocked = Extract<Observation, { type: "blocked" }>;

export function observed(
  command: Extract<WorldCommand, { type: "incarnation.observed" }>,
  state: BrokerState,
): Decision<Fact, Refusal> {
  const agent = newest(state, command);
  if (agent === undefined || !isLive(agent)) return accept();
  return accept(...factsOf(agent, command.observation, command.at));
}

function factsOf(agent: Agent, observation: Observation, at: number): readonly Fact[] {
  const who = { agent: agent.name, epoch: agent.epoch };
  const by = { source: observation.source, fidelity: observation.fidelity };
  const ready: Fact = { type: "agent_ready", ...who, ...by };
  const unblocked: Fact = { type: "agent_unblocked", ...who, ...by };
  const draftEnded: readonly Fact[] = agent.drafting ? [{ type: "agent_draft_ended", ...who }] : [];
  switch (observation.type) {
    case "ready":
      if (agent.status === "blocked" && agent.beforeBlock === "starting") return [unblocked, ready];
      return agent.status === "starting" ? [ready] : [];
    case "working": {
      if (agent.status === "working") return [];
      const before = statusUnder(agent);
      const facts: Fact[] = agent.status === "blocked" ? [unblocked] : [];
      if (before === "starting") facts.push(ready);
      if (before === "working") return facts;
      facts.push({ type: "agent_working", ...who, ...by });
      return owesTurn(agent, at) ? facts : [...facts, ...draftEnded];
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
      if (agent.block !== undefined && !isNewQuestion(agent.block, observation, at)) return [];
      return [
        {
          type: "agent_blocked",
          ...who,
          kind: observation.kind,
          ...(observation.what === undefined ? {} : { what: observation.what }),
          ...by,
          answerable: observation.answerable,
        },
      ];
    case "unblocked":
      return agent.status === "blocked" ? [unblocked] : [];
    case "context":
      return contextFacts(agent, observation);
    case "prompt": {
      const { messageIds, evidence = "prompt_hook" } = observation;
      if (messageIds.length === 0) return draftEnded;
      return messageIds.flatMap((messageId) => seenFacts(agent, messageId, evidence));
    }
    case "said": {
      const text = stripControls(observation.text).trim();
      return text === ""
        ? []
        : [{ type: "agent_said", ...who, text: headAndTail(text, limits.answerCharactersMax), ...by }];
    }
    case "session":
      if (agent.sessionId === observation.sessionId) return [];
      return [{ type: "agent_session_started", ...who, sessionId: observation.sessionId, source: by.source }];
    case "compacted":
      return [{ type: "agent_compacted", ...who, ...by }];
    case "tokens": {
      const { inputTokens, cachedInputTokens, outputTokens, model } = observation;
      if (inputTokens === 0 && outputTokens === 0) return [];
      return [
        {
          type: "agent_tokens_used",
          ...who,
          inputTokens,
          cachedInputTokens,
          outputTokens,
          ...(model === undefined ? {} : { model }),
          source: by.source,
        },
      ];
    }
    case "route":
      if (observation.route === (agent.route ?? agent.traits?.route)) return [];
      return [{ type: "agent_route_changed", ...who, route: observation.route, source: by.source }];
    case "draft":
      if (observation.present) return agent.drafting ? [] : [{ type: "agent_draft_begun", ...who }];
      return draftEnded;
    default:
      return unreachable(observation);
  }
}

/**
 * Whether the program asks something else than what stands there. An answer is given to what a person has read, so
 * another question gets a block of its own. Each way of seeing a program words a question differently, so only other
 * words from the same one mean another question; from a different one they are news only if they say more.
 */
function isNewQuestion(standing: Block, seen: Blocked, at: number): boolean {
  const { answered } = standing;
  const weaker = standing.fidelity === "exact" && seen.fidelity === "inferred";
  if (answered !== undefined && !weaker && at - answered.at >= ANSWER_TAKES_MS) return true;
  if (answered === undefined && worthOf(seen) > worthOf(standing)) return true;
  if (seen.source !== standing.source) return false;
  const otherWords = seen.what !== undefined && seen.what !== standing.what;
  return otherWords || (seen.kind !== standing.kind && seen.kind !== "unknown");
}

/** How much is known of a question; what can be answered is worth more than what is only understood. */
function worthOf(question: Pick<Block, "kind" | "answerable">): number {
  return (question.kind === "unknown" ? 0 : 1) + (question.answerable ? 2 : 0);
}

/** Our own mail went in, and the turn that it begins has not shown yet. */
function owesTurn(agent: Agent, at: number): boolean {
  return agent.injection !== undefined || (agent.turnOwedUntil !== undefined && agent.turnOwedUntil > at);
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

function seenFacts(
  agent: Agent,
  messageId: string,
  evidence: "prompt_hook" | "transcript" | "turn_started",
): readonly Fact[] {
  const delivery = agent.mailbox.find(messageId);
  // What only waits cannot have come in this way: a prompt that quotes an id proves nothing about a message not yet handed over.
  if (delivery === undefined || delivery.place === "waiting" || delivery.seenAt !== undefined) return [];
  const who = { messageId, agent: agent.name, epoch: agent.epoch };
  const seen: Fact = { type: "delivery_seen", ...who, evidence };
  if (delivery.place === "open") return delivery.handedOver?.epoch === agent.epoch ? [seen] : [];
  return [
    {
      type: "delivery_handed_over",
      ...who,
      attempt: delivery.attempts,
      route: agent.injection?.route ?? "paste",
      evidence,
      possibleRepeat: delivery.possibleRepeat,
    },
    seen,
  ];
}
