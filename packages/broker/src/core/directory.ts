/**
 * Directory: who there is, which incarnation of each is the newest, and who may type.
 *
 *   A1  A name has at most one live incarnation, and each incarnation a greater epoch than the one before.
 *   A2  What an older incarnation reports changes nothing.
 *   A3  Every incarnation that was asked for ends with exactly one `agent_exited`.
 *   A4  An agent that was released, killed or given up is not started again, except by a new spawn.
 *   A5  At most one client holds an agent; a hold ends by itself.
 *   A6  What a program waits for is answered once: the first answer wins, and every later one learns whose that was.
 */
import { accept, reject, type Decision } from "@agent-relay/kernel";
import {
  errorEnvelope,
  limits,
  operatorName,
  type Activity,
  type ExitClass,
  type ExitReason,
  type Fact,
} from "@agent-relay/protocol";
import type { ClientCommand, Refusal, WorldCommand } from "./commands.ts";
import { agentEnded, notAnswerable, notBlocked, notRunning, tooLate, unknownAgent } from "./refusals.ts";
import { isLive, type Agent, type BrokerState } from "./state.ts";

type CommandOf<Type extends ClientCommand["type"] | WorldCommand["type"]> = Extract<
  ClientCommand | WorldCommand,
  { type: Type }
>;
type Judgement = Decision<Fact, Refusal>;

export function spawn(command: CommandOf<"agent.spawn">, state: BrokerState): Judgement {
  const { name, launch, harness, runtime, traits, by } = command;
  const known = state.agents.get(name);
  if (known !== undefined && (isLive(known) || known.restartAt !== undefined)) return reject(nameTaken(known));
  if (known?.kind === "person" || name === operatorName) {
    return reject(
      errorEnvelope("name_taken", `'${name}' is the mailbox of a person or a script.`, {
        hint: "Choose another name for the agent.",
        data: { name },
      }),
    );
  }
  if (known === undefined && state.agents.size >= limits.agentsMax) return reject(tooManyAgents());
  const facts: Fact[] = [{ type: "agent_registered", agent: name, kind: "program", launch, by }];
  for (const channel of new Set(launch.channels)) {
    if (!state.channels.has(channel)) facts.push({ type: "channel_created", channel, by });
    if (state.channels.get(channel)?.members.has(name) !== true)
      facts.push({ type: "channel_joined", channel, member: name, by });
  }
  facts.push({
    type: "agent_spawning",
    agent: name,
    epoch: (known?.epoch ?? 0) + 1,
    ...(harness === undefined ? {} : { harness }),
    runtime,
    traits,
    restarts: 0,
  });
  if (launch.task !== undefined) {
    if (!state.agents.has(by) && by !== name) facts.push({ type: "agent_registered", agent: by, kind: "person", by });
    facts.push({
      type: "message_accepted",
      messageId: command.taskMessageId,
      from: by,
      to: { kind: "agent", name },
      body: launch.task,
      mode: "wait",
      threadId: command.taskMessageId,
      recipients: [name],
    });
  }
  return accept(...facts);
}

export function register(command: CommandOf<"agent.register">, state: BrokerState): Judgement {
  const known = state.agents.get(command.name);
  if (known?.kind === "person") return accept();
  if (known !== undefined) return reject(nameTaken(known));
  if (state.agents.size >= limits.agentsMax) return reject(tooManyAgents());
  return accept({ type: "agent_registered", agent: command.name, kind: "person", by: command.by });
}

export function end(command: CommandOf<"agent.end">, state: BrokerState): Judgement {
  const agent = state.agents.get(command.name);
  if (agent === undefined) return reject(unknownAgent(state, command.name));
  const { how, by } = command;
  const reason = command.reason === undefined ? {} : { reason: command.reason };
  if (agent.kind === "person") return reject(notRunning(agent));
  if (!isLive(agent)) {
    // Between two lives it can still be released, so that it does not come back.
    if (agent.ended !== undefined) return reject(agentEnded(agent));
    return accept<Fact>(
      { type: "agent_releasing", agent: agent.name, epoch: agent.epoch, how, ...reason, by },
      { type: "agent_released", agent: agent.name, epoch: agent.epoch, ...reason },
    );
  }
  // Asking again changes nothing, but a kill outranks a release that takes too long.
  if (agent.releasing !== undefined && (agent.releasing.how === "kill" || how === "release")) return accept();
  return accept({ type: "agent_releasing", agent: agent.name, epoch: agent.epoch, how, ...reason, by });
}

export function spawned(command: CommandOf<"incarnation.spawned">, state: BrokerState): Judgement {
  const agent = newest(state, command);
  if (agent === undefined || !isLive(agent) || agent.pid !== undefined || agent.launch === undefined) return accept();
  const { launch, harness, epoch } = agent;
  const facts: Fact[] = [
    {
      type: "agent_spawned",
      agent: agent.name,
      epoch,
      pid: command.pid,
      cli: launch.cli,
      ...(harness === undefined ? {} : { harness }),
      ...(launch.model === undefined ? {} : { model: launch.model }),
      runtime: launch.runtime,
      cwd: command.cwd,
      permissionMode: command.permissionMode,
      ...(command.originActor === undefined ? {} : { originActor: command.originActor }),
      ...(command.version === undefined ? {} : { version: command.version }),
      ...(command.versionTried === undefined ? {} : { versionTried: command.versionTried }),
    },
  ];
  if (agent.restarts > 0) facts.push({ type: "agent_restarted", agent: agent.name, epoch, attempt: agent.restarts });
  return accept(...facts);
}

export function exited(command: CommandOf<"incarnation.exited">, state: BrokerState): Judgement {
  const agent = newest(state, command);
  if (agent === undefined || !isLive(agent)) return accept();
  const { name, epoch } = agent;
  const reason = reasonOf(agent, command.reason);
  const exit: Extract<Fact, { type: "agent_exited" }> = {
    type: "agent_exited",
    agent: name,
    epoch,
    reason,
    class: classOf(reason),
    code: command.code,
    signal: command.signal,
    uptimeSecs:
      agent.startedAt === undefined ? 0 : Math.max(0, (command.endedAt ?? command.at) - agent.startedAt) / 1_000,
    lastLines: command.lastLines.slice(-20),
    undelivered: agent.mailbox.waitingCount + (agent.injection?.items.length ?? 0),
    ...doing(agent),
  };
  const facts: Fact[] = [...losses(agent), exit];
  if (agent.releasing !== undefined) {
    const because = agent.releasing.reason === undefined ? {} : { reason: agent.releasing.reason };
    facts.push({ type: "agent_released", agent: name, epoch, ...because });
  } else facts.push(...whatNext(agent, exit, command));
  return accept(...facts);
}

export function hold(command: CommandOf<"agent.hold">, state: BrokerState): Judgement {
  const agent = state.agents.get(command.name);
  if (agent === undefined) return reject(unknownAgent(state, command.name));
  if (!isLive(agent)) return reject(notRunning(agent));
  const current = agent.hold;
  const expired = current !== undefined && current.expiresAt <= command.at;
  if (current !== undefined && !expired && current.leaseId !== command.leaseId && !command.takeOver) {
    return reject(
      errorEnvelope("held_by_another", `'${agent.name}' is held by ${current.holder}.`, {
        hint: "Wait until the hold ends, or take it over.",
        data: { holder: current.holder, expiresAt: current.expiresAt },
      }),
    );
  }
  const facts: Fact[] = [];
  if (current !== undefined && current.leaseId !== command.leaseId)
    facts.push({
      type: "agent_unheld",
      agent: agent.name,
      leaseId: current.leaseId,
      how: expired ? "expired" : "taken_over",
    });
  facts.push({
    type: "agent_held",
    agent: agent.name,
    leaseId: command.leaseId,
    holder: command.holder,
    expiresAt: command.at + command.ttlMs,
  });
  return accept(...facts);
}

export function unhold(command: CommandOf<"agent.unhold">, state: BrokerState): Judgement {
  const agent = state.agents.get(command.name);
  if (agent === undefined) return reject(unknownAgent(state, command.name));
  if (agent.hold?.leaseId !== command.leaseId) return accept();
  return accept({ type: "agent_unheld", agent: agent.name, leaseId: command.leaseId, how: "dropped" });
}

export function answer(command: CommandOf<"agent.answer">, state: BrokerState): Judgement {
  const agent = state.agents.get(command.name);
  if (agent === undefined) return reject(unknownAgent(state, command.name));
  if (!isLive(agent)) return reject(notRunning(agent));
  const { block, lastBlock } = agent;
  const meant = command.block ?? block?.sequence;
  if (block === undefined || meant !== block.sequence) {
    const over = meant !== undefined && meant <= (lastBlock?.sequence ?? 0);
    return reject(over ? tooLate(agent, lastBlock?.sequence === meant ? lastBlock : undefined) : notBlocked(agent));
  }
  if (block.answered !== undefined) return reject(tooLate(agent, block));
  if (!block.answerable) return reject(notAnswerable(agent, block));
  return accept({
    type: "agent_block_answered",
    agent: agent.name,
    epoch: agent.epoch,
    block: block.sequence,
    verdict: command.verdict,
    by: command.by,
  });
}

export function report(command: CommandOf<"agent.report">, state: BrokerState): Judgement {
  const agent = newest(state, command);
  if (agent === undefined) return reject(unknownAgent(state, command.name));
  if (agent.reported === command.text) return accept();
  return accept({ type: "agent_status_reported", agent: agent.name, epoch: agent.epoch, text: command.text });
}

/** What it is worth is for whoever runs the workflow: here it is only certain who said it. */
export function submitVerdict(command: CommandOf<"verdict.submit">, state: BrokerState): Judgement {
  const agent = newest(state, command);
  if (agent === undefined) return reject(unknownAgent(state, command.name));
  const { step, verdict } = command;
  return accept({ type: "agent_verdict_submitted", agent: agent.name, epoch: agent.epoch, step, verdict });
}

/** The agent, if what happened happened to its newest incarnation (A2). */
export function newest(state: BrokerState, of: { readonly name: string; readonly epoch: number }): Agent | undefined {
  const agent = state.agents.get(of.name);
  return agent?.epoch === of.epoch ? agent : undefined;
}

export function classOf(reason: ExitReason): ExitClass {
  if (reason === "clean") return "normal";
  return reason === "released" || reason === "killed" ? "stopped" : "crash";
}

/** What was cut off, for whoever takes it up again. */
function doing(agent: Agent): { readonly doing?: Activity } {
  const { status, since } = agent;
  if (status !== "starting" && status !== "idle" && status !== "working" && status !== "blocked") return {};
  const inTurn = status === "working" || (status === "blocked" && agent.beforeBlock === "working");
  return { doing: { status, since, messageIds: inTurn ? [...agent.turnMessages] : [] } };
}

function reasonOf(agent: Agent, seen: ExitReason): ExitReason {
  if (agent.releasing === undefined) return seen;
  return agent.releasing.how === "kill" ? "killed" : "released";
}

/** What was on its way into the incarnation, or went in without proof, is owed again: marked, because it may have arrived. */
function losses(agent: Agent): readonly Fact[] {
  const facts: Fact[] = [];
  const uncertain = (messageId: string, attempt: number, reason: string): void => {
    facts.push({ type: "delivery_uncertain", messageId, agent: agent.name, epoch: agent.epoch, attempt, reason });
  };
  for (const delivery of agent.mailbox.open()) {
    if (delivery.handedOver?.epoch !== agent.epoch || delivery.seenAt !== undefined) continue;
    if (unproven(agent, delivery.handedOver.at, delivery.handedOver.route))
      uncertain(
        delivery.messageId,
        delivery.attempts,
        "the program ended before it proved that it had read the message",
      );
  }
  for (const delivery of agent.injection?.items ?? [])
    uncertain(delivery.messageId, delivery.attempts, "the program ended while the message was being written");
  return facts;
}

/** A program that cannot prove what it read is believed once a turn has ended after the message went in. */
function unproven(agent: Agent, handedOverAt: number, route: string): boolean {
  if (route === "inbox" || agent.traits?.provesSeen === true) return true;
  if (agent.traits?.boundary === "anytime") return false;
  return !(agent.status === "idle" && agent.since > handedOverAt);
}

function whatNext(
  agent: Agent,
  exit: Extract<Fact, { type: "agent_exited" }>,
  command: CommandOf<"incarnation.exited">,
): readonly Fact[] {
  const policy = agent.launch?.restart;
  const wanted = policy?.when === "always" || (policy?.when === "on-crash" && exit.class === "crash");
  if (policy === undefined || !wanted) return [];
  const { name, epoch } = agent;
  // A full context comes back full: a new life of the same session would end the same way.
  if (exit.reason === "context_exhausted")
    return [{ type: "agent_permanently_dead", agent: name, epoch, reason: "context_exhausted" }];
  const healthy = exit.uptimeSecs * 1_000 >= policy.healthyAfterMs;
  const failures = healthy ? 1 : agent.failures + 1;
  if (failures >= policy.maxConsecutiveFailures) {
    const reason = `${failures} consecutive failures, the last one: ${exit.reason}${exit.code === null ? "" : ` (code ${exit.code})`}`;
    return [{ type: "agent_permanently_dead", agent: name, epoch, reason }];
  }
  // Full jitter on the upper half, so that a team that died together does not come back together.
  const full = Math.min(policy.delayMsMax, policy.delayMs * 2 ** (failures - 1));
  const delayMs = Math.round(full * (0.5 + command.chance / 2));
  return [
    {
      type: "agent_restarting",
      agent: name,
      epoch,
      attempt: agent.restarts + 1,
      delayMs,
      restartAt: command.at + delayMs,
    },
  ];
}

function nameTaken(agent: Agent): Refusal {
  const what =
    agent.kind === "person"
      ? "is the mailbox of a person or a script"
      : agent.restartAt !== undefined
        ? "is about to be restarted"
        : `runs already (pid ${agent.pid ?? "unknown"}, ${agent.status})`;
  return errorEnvelope("name_taken", `'${agent.name}' ${what}.`, {
    hint: `Choose another name, or \`agent-relay release ${agent.name}\` first.`,
    data: { name: agent.name, pid: agent.pid, status: agent.status },
  });
}

function tooManyAgents(): Refusal {
  return errorEnvelope("agent_limit", `The broker knows ${limits.agentsMax} agents, which is as many as it may.`, {
    hint: "Use the name of an agent that has ended.",
  });
}
