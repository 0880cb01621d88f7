/** Views of what the broker knows, for answers. */
import type { Recorded } from "@agent-relay/kernel";
import type { AgentView, ChannelView, Fact, InboxMessage, RelayEvent } from "@agent-relay/protocol";
import { obstacleOf } from "../core/plan.ts";
import { isLive, type Agent, type Block, type Channel } from "../core/state.ts";
import type { AcceptedMessage } from "./envelope.ts";
import type { Vitals } from "./incarnations.ts";

/** An event as it may leave the broker: the environment of a launch keeps its names and loses its values. */
export function eventOf(recorded: Recorded<Fact>): RelayEvent {
  const { event, sequence, at, stream, revision, actor } = recorded;
  const meta = { sequence, at, stream, revision, ...(actor === undefined ? {} : { actor }) };
  if (event.type !== "agent_registered" || event.launch === undefined) return { ...event, ...meta };
  const env = Object.fromEntries(Object.keys(event.launch.env).map((name) => [name, "[redacted]"]));
  return { ...event, launch: { ...event.launch, env }, ...meta };
}

export function agentView(
  agent: Agent,
  now: number,
  vitals: Vitals | undefined,
  memoryBytes: number | undefined,
): AgentView {
  const pending = agent.mailbox.waitingCount + (agent.injection?.items.length ?? 0);
  const { state, reason, since } = working(agent, now);
  return {
    name: agent.name,
    kind: agent.kind,
    cli: agent.launch?.cli ?? null,
    harness: agent.harness ?? null,
    model: agent.launch?.model ?? null,
    team: agent.launch?.team ?? null,
    runtime: agent.launch?.runtime ?? null,
    cwd: agent.cwd ?? agent.launch?.cwd ?? null,
    permissionMode: agent.permissionMode ?? agent.launch?.permissionMode ?? null,
    status: agent.status,
    state,
    reason,
    since,
    fidelity: agent.fidelity ?? null,
    blockedKind: agent.block?.kind ?? null,
    block: agent.block === undefined ? null : blockView(agent.block),
    epoch: agent.epoch,
    version: agent.version ?? null,
    versionTried: agent.versionTried ?? null,
    sessionId: agent.sessionId ?? null,
    pid: agent.pid ?? null,
    uptimeSecs: agent.startedAt === undefined ? null : Math.max(0, Math.round((now - agent.startedAt) / 100) / 10),
    memoryBytes: memoryBytes ?? null,
    lastActivityAt: vitals?.lastActivityAt ?? null,
    contextPctLeft: vitals?.contextPctLeft ?? null,
    pending,
    restarts: agent.restarts,
    heldBy: agent.hold !== undefined && agent.hold.expiresAt > now ? agent.hold.holder : null,
    drafting: agent.drafting,
    reported: agent.reported ?? null,
    originActor: agent.originActor ?? null,
    lastExit: agent.lastExit ?? null,
  };
}

/** What was answered is not to be answered again. */
function blockView({ sequence, what, answerable, answered }: Block): AgentView["block"] {
  return { sequence, what: what ?? null, answerable: answerable && answered === undefined };
}

/** Mail that is this new has not had its chance yet. */
const DUE_AFTER_MS = 1_000;

function working(agent: Agent, now: number): Pick<AgentView, "state" | "reason" | "since"> {
  const standing = { reason: agent.reason ?? null, since: agent.since };
  if (agent.kind === "person") return { state: "idle", ...standing };
  if (!isLive(agent)) return { state: "ended", ...standing };
  if (agent.status === "starting") return { state: "starting", ...standing };
  const first = agent.mailbox.first();
  const obstacle = first === undefined ? undefined : obstacleOf(agent, now);
  const due = first !== undefined && now - first.acceptedAt >= DUE_AFTER_MS;
  // A turn that runs is no obstacle worth the name: its end brings the mail.
  if (due && first !== undefined && obstacle !== undefined && obstacle !== "in_flight" && obstacle !== "agent_busy")
    return { state: "blocked_on_send", reason: obstacle, since: first.acceptedAt };
  if (agent.status === "blocked") return { state: "blocked", ...standing };
  return { state: agent.status === "working" ? "working" : "idle", ...standing };
}

export function channelView(channel: Channel): ChannelView {
  return {
    name: channel.name,
    topic: channel.topic ?? null,
    members: [...channel.members].sort(),
    createdBy: channel.createdBy,
    createdAt: channel.createdAt,
  };
}

export function inboxMessage(
  recorded: Recorded<Fact>,
  message: AcceptedMessage,
  possibleRepeat: boolean,
): InboxMessage {
  return {
    messageId: message.messageId,
    sequence: recorded.sequence,
    at: recorded.at,
    from: message.from,
    to: message.to,
    body: message.body,
    mode: message.mode,
    replyTo: message.replyTo ?? null,
    threadId: message.threadId,
    actor: recorded.actor ?? null,
    reactions: {},
    possibleRepeat,
  };
}
