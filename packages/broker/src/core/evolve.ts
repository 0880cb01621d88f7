/** Folding one fact into the state, in place. Total: a fact that was written once always folds. */
import { invariant } from "@agent-relay/kernel";
import type { Fact } from "@agent-relay/protocol";
import { evolveDelivery, messageAccepted, TURN_OWED_MS } from "./evolve-delivery.ts";
import { leaseAcquired } from "./leases.ts";
import { newAgent, type Agent, type BrokerState, type Noted } from "./state.ts";
import { streamAppended } from "./streams.ts";

/** How long an interrupt may take to show. Programs seen so far stop within two seconds. */
export const INTERRUPT_MS = 10_000;

type FactOf<Type extends Fact["type"]> = Extract<Fact, { type: Type }>;

export function evolve(state: BrokerState, noted: Noted): BrokerState {
  const { fact } = noted;
  invariant(noted.sequence === state.head + 1, "facts fold in order of sequence, none left out");
  state.head = noted.sequence;
  switch (fact.type) {
    case "agent_registered":
      return agentRegistered(state, fact, noted.at);
    case "channel_created":
      state.channels.set(fact.channel, {
        name: fact.channel,
        topic: fact.topic,
        createdBy: fact.by,
        createdAt: noted.at,
        members: new Set(),
      });
      return state;
    case "channel_joined":
      state.channels.get(fact.channel)?.members.add(fact.member);
      return state;
    case "channel_left":
      state.channels.get(fact.channel)?.members.delete(fact.member);
      return state;
    case "message_accepted":
      return messageAccepted(state, fact, noted);
    case "stream_appended":
      streamAppended(state, fact, noted);
      return state;
    case "lease_acquired":
      leaseAcquired(state, fact, noted);
      return state;
    case "lease_ended":
      state.leases.delete(fact.lease);
      return state;
    case "message_reacted":
    case "message_unreacted":
    case "read_marked":
    case "broker_started":
    case "broker_stopped":
      return state;
    default: {
      const agent = state.agents.get(fact.agent);
      invariant(agent !== undefined, "a fact names an agent that was never registered");
      state.touched.add(agent.name);
      evolveAgent(agent, fact, noted);
      return state;
    }
  }
}

type AgentFact = Extract<Fact, { agent: string }>;
type OwnFact = Exclude<AgentFact, { type: "agent_registered" }>;

function evolveAgent(agent: Agent, fact: OwnFact, { at, sequence }: Noted): void {
  switch (fact.type) {
    case "agent_spawning":
      agent.epoch = fact.epoch;
      agent.harness = fact.harness;
      agent.runtime = fact.runtime;
      agent.traits = fact.traits;
      agent.route = undefined;
      agent.version = undefined;
      agent.versionTried = undefined;
      agent.resume = fact.resume;
      agent.sessionId = fact.resume;
      agent.sessionUsed = false;
      agent.resumeNext = fact.resume;
      agent.restarts = fact.restarts;
      agent.restartAt = undefined;
      agent.releasing = undefined;
      agent.ended = undefined;
      agent.pid = undefined;
      agent.startedAt = undefined;
      agent.contextThreshold = undefined;
      agent.contextExact = false;
      agent.reported = undefined;
      agent.retryAt = undefined;
      if (fact.restarts === 0) agent.failures = 0;
      forgetTurn(agent);
      setStatus(agent, "starting", at, "spawning", undefined);
      return;
    case "agent_spawned":
      agent.pid = fact.pid;
      agent.startedAt = at;
      agent.cwd = fact.cwd;
      agent.permissionMode = fact.permissionMode;
      agent.originActor = fact.originActor;
      agent.version = fact.version;
      agent.versionTried = fact.versionTried;
      if (agent.status === "starting") agent.reason = "started; not ready yet";
      return;
    case "agent_session_started":
      sessionStarted(agent, fact.sessionId);
      return;
    case "agent_ready":
      setStatus(agent, "idle", at, fact.source, fact.fidelity);
      return;
    case "agent_working":
      setStatus(agent, "working", at, fact.source, fact.fidelity);
      turnShown(agent);
      if (agent.injection !== undefined) agent.injection.turnSeen = true;
      agent.sessionUsed = true;
      agent.resumeNext = agent.sessionId ?? agent.resumeNext;
      return;
    case "agent_turn_ended":
      setStatus(agent, "idle", at, fact.source, fact.fidelity);
      turnShown(agent);
      // The end of the turn that it was to go into is not the turn that it begins.
      if (agent.injection?.steer === false) agent.injection.turnSeen = true;
      agent.interrupt = undefined;
      agent.interruptFailedFor = undefined;
      agent.steerRefused = false;
      agent.turnMessages = [];
      return;
    case "agent_idle":
      agent.idleReportedFor = fact.since;
      return;
    case "agent_blocked":
      if (agent.status !== "blocked") agent.beforeBlock = agent.status;
      agent.lastBlock = agent.block ?? agent.lastBlock;
      agent.block = {
        sequence,
        kind: fact.kind,
        what: fact.what,
        answerable: fact.answerable,
        source: fact.source,
        fidelity: fact.fidelity,
        answered: undefined,
      };
      setStatus(agent, "blocked", at, fact.what ?? fact.kind, fact.fidelity);
      return;
    case "agent_block_answered":
      if (agent.block?.sequence !== fact.block) return;
      agent.block.answered = { by: fact.by, verdict: fact.verdict, at };
      agent.reason = `${fact.verdict === "approve" ? "approved" : "denied"} by ${fact.by}; it has not gone on yet`;
      return;
    case "agent_unblocked":
      setStatus(agent, agent.beforeBlock ?? "working", at, fact.source, fact.fidelity);
      agent.beforeBlock = undefined;
      return;
    case "agent_context_low":
      agent.contextThreshold = fact.threshold;
      agent.contextExact ||= fact.fidelity === "exact";
      return;
    case "agent_context_recovered":
      agent.contextThreshold = undefined;
      agent.contextExact ||= fact.fidelity === "exact";
      return;
    case "agent_compacted":
      agent.contextThreshold = undefined;
      return;
    case "agent_said":
      // For whoever listens; nothing that is decided here depends on it.
      return;
    case "agent_tokens_used":
      // Summed in the archive; nothing that is decided here depends on it.
      return;
    case "agent_route_changed":
      agent.route = fact.route;
      return;
    case "agent_draft_begun":
      agent.drafting = true;
      // From now on Enter would send what a person has typed.
      agent.unconfirmed = undefined;
      return;
    case "agent_draft_ended":
      agent.drafting = false;
      return;
    case "agent_verdict_submitted":
      return;
    case "agent_status_reported":
      agent.reported = fact.text;
      return;
    case "agent_interrupting":
      agent.interrupt = { messageId: fact.messageId, until: at + INTERRUPT_MS };
      return;
    case "agent_releasing":
      agent.releasing = { how: fact.how, reason: fact.reason };
      agent.reason = fact.how === "release" ? "asked to leave" : "being killed";
      return;
    case "agent_exited":
      agent.lastExit = { reason: fact.reason, code: fact.code, signal: fact.signal, at };
      agent.pid = undefined;
      agent.startedAt = undefined;
      agent.hold = undefined;
      agent.failures = failuresAfter(agent, fact);
      if (endsSession(agent, fact)) agent.resumeNext = undefined;
      forgetTurn(agent);
      setStatus(agent, "exited", at, fact.reason, "exact");
      if (fact.reason === "killed") agent.ended = "killed";
      return;
    case "agent_released":
      agent.ended = agent.releasing?.how === "kill" ? "killed" : "released";
      agent.restartAt = undefined;
      return;
    case "agent_restarting":
      agent.restartAt = fact.restartAt;
      agent.reason = `restarting, attempt ${fact.attempt}`;
      return;
    case "agent_restarted":
      return;
    case "agent_permanently_dead":
      agent.ended = "permanently_dead";
      agent.restartAt = undefined;
      setStatus(agent, "permanently_dead", at, fact.reason, "exact");
      return;
    case "agent_held":
      agent.hold = { leaseId: fact.leaseId, holder: fact.holder, expiresAt: fact.expiresAt };
      agent.unconfirmed = undefined;
      return;
    case "agent_submit_repeated":
      agent.unconfirmed = { injection: fact.injection, repeats: fact.repeat };
      agent.turnOwedUntil = at + TURN_OWED_MS;
      return;
    case "agent_unheld":
      agent.hold = undefined;
      return;
    default:
      evolveDelivery(agent, fact, at);
  }
}

/**
 * What the next incarnation continues is the newest conversation with a turn in it: programs refuse to continue an empty
 * one. A program that continues an old conversation under a new id has nothing in the new one yet, so the old id stands;
 * one that changes its conversation in mid-life was told to forget the old one.
 */
function sessionStarted(agent: Agent, sessionId: string): void {
  const changed = agent.sessionId !== undefined && agent.sessionId !== sessionId;
  agent.sessionId = sessionId;
  if (!agent.sessionUsed) return;
  agent.sessionUsed = !changed || agent.status === "working";
  agent.resumeNext = agent.sessionUsed ? sessionId : undefined;
}

/** Whether the conversation cannot be continued by another life: it is full, or continuing it has just failed. */
function endsSession(agent: Agent, exit: FactOf<"agent_exited">): boolean {
  if (exit.reason === "context_exhausted") return true;
  return agent.resume !== undefined && exit.reason === "startup_failure";
}

function agentRegistered(state: BrokerState, fact: FactOf<"agent_registered">, at: number): BrokerState {
  const known = state.agents.get(fact.agent);
  const agent = known ?? newAgent(fact.agent, fact.kind, at);
  agent.kind = fact.kind;
  agent.launch = fact.launch;
  agent.spawnedBy = fact.by;
  const inherited = state.agents.get(fact.by)?.bounds ?? [];
  const own = fact.launch?.mayTell;
  agent.bounds = own === undefined ? inherited : [own, ...inherited];
  agent.ended = undefined;
  if (known === undefined) state.agents.set(agent.name, agent);
  state.touched.add(agent.name);
  return state;
}

function setStatus(
  agent: Agent,
  status: Agent["status"],
  at: number,
  reason: string,
  fidelity: Agent["fidelity"],
): void {
  agent.status = status;
  agent.since = at;
  agent.reason = reason;
  agent.fidelity = fidelity;
  if (status === "blocked") return;
  agent.lastBlock = agent.block ?? agent.lastBlock;
  agent.block = undefined;
}

/** Ends in quick succession count, whatever their cause, so that nothing is restarted for ever; being stopped does not. */
function failuresAfter(agent: Agent, exit: FactOf<"agent_exited">): number {
  if (exit.class === "stopped") return 0;
  const healthy = exit.uptimeSecs * 1_000 >= (agent.launch?.restart.healthyAfterMs ?? 0);
  return healthy ? 1 : agent.failures + 1;
}

function turnShown(agent: Agent): void {
  agent.turnOwedUntil = undefined;
  agent.unconfirmed = undefined;
}

function forgetTurn(agent: Agent): void {
  turnShown(agent);
  agent.interrupt = undefined;
  agent.interruptFailedFor = undefined;
  agent.beforeBlock = undefined;
  agent.idleReportedFor = undefined;
  agent.turnMessages = [];
  agent.steerRefused = false;
  agent.drafting = false;
}
