/** Methods about agents: spawning and ending them, who there is, holds, terminals, what their hooks report. */
import { relayError, type AgentView, type MethodResult, type PermissionMode } from "@agent-relay/protocol";
import type { WorldCommand } from "../core/commands.ts";
import { classOf } from "../core/directory.ts";
import { isLive, type Agent } from "../core/state.ts";
import {
  actorOf,
  callerName,
  wasDone,
  once,
  requireAgent,
  requireMessage,
  viewOf,
  type Handlers,
  type Office,
  type Request,
} from "./calls.ts";
import { renderEnvelope } from "./envelope.ts";
import type { HookSignal } from "./harness-port.ts";

/** Programs with slow discs and cold caches have been seen to need ten seconds to start. */
const SPAWN_TIMEOUT_MS = 30_000;
const END_TIMEOUT_MS = 30_000;

export const agentCalls: Handlers<
  | "agent.spawn"
  | "agent.release"
  | "agent.kill"
  | "agent.register"
  | "agent.list"
  | "agent.wait"
  | "agent.hold"
  | "agent.unhold"
  | "agent.answer"
  | "agent.report"
  | "verdict.submit"
  | "agent.signal"
  | "terminal.read"
  | "terminal.write"
  | "terminal.resize"
> = {
  "agent.spawn": spawn,
  "agent.release": (request, office) => end(request, office, "release"),
  "agent.kill": (request, office) => end(request, office, "kill"),
  "agent.register": (request, office) =>
    once(
      office,
      "agent.register",
      request,
      { type: "agent.register", name: request.params.name, by: callerName(request.caller), at: office.clock.now() },
      () => ({}),
    ),
  "agent.list": async ({ params }, office) => {
    const agents = [...office.engine.state().agents.values()].filter(
      (it) => params.all || it.kind === "person" || isShown(it),
    );
    return { agents: await Promise.all(agents.map((it) => viewOf(office, it))) };
  },
  "agent.wait": waitForAgents,
  "agent.hold": async (request, office) => {
    const { name, leaseId, ttlMs, takeOver } = request.params;
    const holder = callerName(request.caller);
    const at = office.clock.now();
    await office.engine.submit(
      { type: "agent.hold", name, leaseId, holder, ttlMs, takeOver, at },
      actorOf(office, request.caller),
    );
    return { leaseId, expiresAt: at + ttlMs };
  },
  "agent.unhold": async ({ params, caller }, office) => {
    await office.engine.submit(
      { type: "agent.unhold", name: params.name, leaseId: params.leaseId, at: office.clock.now() },
      actorOf(office, caller),
    );
    return {};
  },
  "agent.answer": (request, office) => {
    const { name, verdict, block } = request.params;
    const by = callerName(request.caller);
    return once(
      office,
      "agent.answer",
      request,
      { type: "agent.answer", name, verdict, ...(block === undefined ? {} : { block }), by, at: office.clock.now() },
      (facts) => {
        const answered = facts.find((it) => it.event.type === "agent_block_answered")?.event;
        return { block: answered?.type === "agent_block_answered" ? answered.block : (block ?? 0) };
      },
    );
  },
  "agent.report": async ({ params, caller }, office) => {
    const { name, epoch } = incarnationOf(caller.principal);
    await office.engine.submit(
      { type: "agent.report", name, epoch, text: params.text, at: office.clock.now() },
      actorOf(office, caller),
    );
    return {};
  },
  "verdict.submit": async ({ params, caller }, office) => {
    const { name, epoch } = incarnationOf(caller.principal);
    const { step, verdict } = params;
    await office.engine.submit(
      { type: "verdict.submit", name, epoch, step, verdict, at: office.clock.now() },
      actorOf(office, caller),
    );
    return {};
  },
  "agent.signal": async ({ params, caller }, office) => {
    const { name, epoch } = incarnationOf(caller.principal);
    const { signal, source } = params;
    if (signal.type === "served") {
      await office.engine.submit(servedReport(name, signal, office.clock.now()));
      return {};
    }
    if (signal.type === "takes_mail") return office.incarnations.takesMail(name, epoch, signal.last);
    const observations = await office.incarnations.signal(name, epoch, signal, source);
    const at = office.clock.now();
    await Promise.all(
      observations.map((observation) =>
        office.engine.submit({ type: "incarnation.observed", name, epoch, observation, at }),
      ),
    );
    return signal.type === "boundary" ? handOver(name, epoch, office) : {};
  },
  "terminal.read": async ({ params }, office) => {
    const agent = requireAgent(office.engine.state(), params.name);
    const { name, epoch } = agent;
    const { offset, data } = await (params.errors
      ? office.incarnations.readErrors(name, epoch, params.from)
      : office.incarnations.read(name, epoch, params.from));
    return { offset, next: offset + data.length, data: Buffer.from(data).toString("base64") };
  },
  "terminal.write": async ({ params }, office) => {
    const agent = requireAgent(office.engine.state(), params.name);
    if (agent.hold?.leaseId !== params.leaseId || agent.hold.expiresAt <= office.clock.now()) {
      throw relayError("hold_lost", `The hold on '${agent.name}' has expired or was taken over.`, {
        hint: "Take it again before typing.",
      });
    }
    await office.incarnations.write(agent.name, agent.epoch, Buffer.from(params.data, "base64").toString("utf8"));
    return {};
  },
  "terminal.resize": async ({ params }, office) => {
    const agent = requireAgent(office.engine.state(), params.name);
    await office.incarnations.resize(agent.name, agent.epoch, params.cols, params.rows);
    return {};
  },
};

/** Mail for a program that takes it in the answer to its report; whoever writes that answer says what became of it. */
async function handOver(name: string, epoch: number, office: Office): Promise<MethodResult<"agent.signal">> {
  const facts = await office.engine.submit({ type: "mail.serve", name, epoch, at: office.clock.now() });
  const attempts = facts.flatMap(({ event }) => (event.type === "delivery_attempt_started" ? [event] : []));
  const id = attempts[0]?.injection;
  if (id === undefined) return {};
  const text = attempts
    .map(({ messageId, possibleRepeat }) => {
      const { message, at } = requireMessage(office, messageId);
      return renderEnvelope(message, { at, possibleRepeat });
    })
    .join("\n");
  office.incarnations.told(name, epoch, text);
  return { handover: { id, text } };
}

function servedReport(
  name: string,
  { handover: injection, arrived }: Extract<HookSignal, { type: "served" }>,
  at: number,
): WorldCommand {
  if (arrived) return { type: "injection.drained", name, injection, evidence: "hook_served", at };
  const reason = "the answer to the program's report broke off";
  return { type: "injection.failed", name, injection, reason, partial: true, at };
}

async function spawn(request: Request<"agent.spawn">, office: Office): Promise<MethodResult<"agent.spawn">> {
  const { name, launch, transientEnv } = request.params;
  const { harness, traits } = office.harnesses.describe(launch);
  const isNew = !wasDone(office, request);
  const checked = isNew ? office.harnesses.check(launch, transientEnv) : undefined;
  if (checked !== undefined) requireNoMoreThanTheirOwn(request, office, checked.permissionMode);
  const nextEpoch = (office.engine.state().agents.get(name)?.epoch ?? 0) + 1;
  const takeBack = isNew && transientEnv !== undefined && office.incarnations.lend(name, nextEpoch, transientEnv);
  const { epoch, sequence } = await once(
    office,
    "agent.spawn",
    // What is not stored leaves no trace, not even in the digest of the command.
    { ...request, params: { name, launch } },
    {
      type: "agent.spawn",
      name,
      launch,
      harness,
      runtime: launch.runtime,
      traits,
      by: callerName(request.caller),
      taskMessageId: office.ids.next("msg"),
      at: office.clock.now(),
    },
    (facts) => {
      const spawning = facts.find((it) => it.event.type === "agent_spawning");
      return {
        epoch: spawning?.event.type === "agent_spawning" ? spawning.event.epoch : 0,
        sequence: spawning?.sequence ?? 0,
      };
    },
  ).catch((error: unknown) => {
    if (takeBack !== false) takeBack();
    throw error;
  });
  const pid = await office.waits.until({
    answer: () => outcomeOf(office, name, epoch, sequence),
    concerns: (fact) => "agent" in fact && fact.agent === name,
    timeoutMs: SPAWN_TIMEOUT_MS,
    expectation: `'${name}' was expected to start`,
    signal: request.options.signal,
  });
  const notes = [...(checked?.notes ?? []), ...ofItsVersion(office.engine.state().agents.get(name))];
  return { agent: name, epoch, harness: harness ?? null, pid, ...(notes.length === 0 ? {} : { notes }) };
}

function ofItsVersion(agent: Agent | undefined): readonly string[] {
  return agent?.versionTried === false
    ? [
        `Version ${agent.version ?? "unknown"} was not tried: only what it says of itself counts, not what it shows. What it asks is answered at its own terminal.`,
      ]
    : [];
}

/** The pid of an incarnation that started; throws why it did not. `since` is where it was asked for. */
function outcomeOf(office: Office, name: string, epoch: number, since: number): number | undefined {
  const agent = office.engine.state().agents.get(name);
  if (agent?.epoch === epoch && agent.pid !== undefined) return agent.pid;
  if (agent?.epoch === epoch && isLive(agent)) return undefined;
  const history = office.log.read({
    after: since,
    limit: 10,
    stream: `agent/${name}`,
    types: ["agent_spawned", "agent_exited"],
  });
  for (const { event } of history) {
    if (event.type === "agent_spawned" && event.epoch === epoch) return event.pid;
    if (event.type === "agent_exited" && event.epoch === epoch)
      throw relayError("spawn_failed", `'${name}' could not be started: ${event.lastLines.at(-1) ?? event.reason}`, {
        hint: `\`agent-relay logs ${name}\` shows what it printed.`,
        data: { reason: event.reason, lastLines: event.lastLines },
      });
  }
  return undefined;
}

/** From the most careful to the boldest. */
const boldness = ["ask", "auto", "bypass"] as const satisfies readonly PermissionMode[];

/**
 * An agent spawns with at most its own permissions: it has our tools without being asked, and could otherwise give
 * itself through another what nobody gave it.
 */
function requireNoMoreThanTheirOwn(request: Request<"agent.spawn">, office: Office, wanted: PermissionMode): void {
  const { principal } = request.caller;
  if (principal.kind !== "agent") return;
  const own = office.engine.state().agents.get(principal.name)?.permissionMode ?? "ask";
  if (boldness.indexOf(wanted) <= boldness.indexOf(own)) return;
  throw relayError(
    "not_allowed",
    `'${principal.name}' runs with permission mode '${own}' and may not spawn an agent with '${wanted}'.`,
    {
      hint: `Spawn it with '${own}', or ask the operator to spawn it.`,
      data: { own, wanted },
    },
  );
}

async function end<M extends "agent.release" | "agent.kill">(
  request: Request<M>,
  office: Office,
  how: "release" | "kill",
): Promise<MethodResult<M>> {
  const { name, reason } = request.params;
  const { principal } = request.caller;
  const agent = requireAgent(office.engine.state(), name);
  if (principal.kind === "agent" && principal.name !== name && agent.spawnedBy !== principal.name) {
    throw relayError("not_allowed", `'${principal.name}' did not spawn '${name}' and may not end it.`, {
      hint: "Ask the operator, or the agent that spawned it.",
    });
  }
  const method: M = (how === "release" ? "agent.release" : "agent.kill") as M;
  const command = { type: "agent.end", name, how, by: principal.name, at: office.clock.now() } as const;
  // An answer that was stored names the incarnation that it was about; by now there may be another.
  const { epoch } = await once(
    office,
    method,
    request,
    reason === undefined ? command : { ...command, reason },
    (facts) => {
      const releasing = facts.find((it) => it.event.type === "agent_releasing")?.event;
      return { epoch: releasing?.type === "agent_releasing" ? releasing.epoch : agent.epoch };
    },
  );
  await office.waits.until({
    answer: () => {
      const now = office.engine.state().agents.get(name);
      return now === undefined || now.epoch !== epoch || !isLive(now) ? true : undefined;
    },
    concerns: (fact) => "agent" in fact && fact.agent === name,
    timeoutMs: END_TIMEOUT_MS,
    expectation: `the process group of '${name}' was expected to end`,
    signal: request.options.signal,
  });
  return {} as MethodResult<M>;
}

async function waitForAgents(request: Request<"agent.wait">, office: Office): Promise<MethodResult<"agent.wait">> {
  const { names, until, any, timeoutMs } = request.params;
  const wanted = new Set(names);
  const agents = (): readonly Agent[] => names.map((name) => requireAgent(office.engine.state(), name));
  agents();
  const reached = await office.waits.until({
    answer: () => {
      const there = agents().filter((it) => hasReached(it, until));
      return there.length === names.length || (any && there.length > 0) ? there : undefined;
    },
    concerns: (fact) => "agent" in fact && wanted.has(fact.agent),
    timeoutMs,
    expectation: `${names.map((it) => `'${it}'`).join(", ")} ${names.length > 1 && any ? "(any)" : ""} to be ${until}`,
    signal: request.options.signal,
  });
  const views: AgentView[] = await Promise.all(reached.map((it) => viewOf(office, it)));
  return { agents: views };
}

/** Throws when the state can no longer be reached without somebody's help. */
function hasReached(agent: Agent, until: Request<"agent.wait">["params"]["until"]): boolean {
  const gone = !isLive(agent) && agent.restartAt === undefined;
  if (until === "exited") return !isLive(agent);
  if (until === "dead") {
    if (agent.ended === "permanently_dead") return true;
    if (gone && agent.ended !== undefined) throw endedInstead(agent, until);
    return false;
  }
  if (gone) throw endedInstead(agent, until);
  if (until === "idle") return agent.status === "idle";
  if (until === "blocked") return agent.status === "blocked";
  return (
    agent.status === "idle" ||
    agent.status === "working" ||
    (agent.status === "blocked" && agent.beforeBlock !== "starting")
  );
}

function endedInstead(agent: Agent, until: string): ReturnType<typeof relayError> {
  const how = agent.ended ?? agent.lastExit?.reason ?? agent.status;
  return relayError("agent_not_running", `'${agent.name}' will not be ${until}: it has ended (${how}).`, {
    hint: `\`agent-relay who --all\` shows how; class ${agent.lastExit === undefined ? "unknown" : classOf(agent.lastExit.reason)}.`,
    data: { name: agent.name, how },
  });
}

function incarnationOf(principal: Request<"agent.report">["caller"]["principal"]): {
  readonly name: string;
  readonly epoch: number;
} {
  if (principal.kind === "agent") return principal;
  throw relayError("not_allowed", "Only an agent can say this of itself.", {
    hint: "Use the token of the incarnation.",
  });
}

/** Whether `who` lists it without being asked for all: it runs, is about to, or has died by itself. */
function isShown(agent: Agent): boolean {
  return (
    isLive(agent) || agent.restartAt !== undefined || agent.ended === "permanently_dead" || agent.ended === undefined
  );
}
