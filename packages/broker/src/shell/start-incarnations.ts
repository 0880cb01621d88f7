/**
 * Starting incarnations, and finding again those that an earlier broker started.
 *
 *   S1  An incarnation is found again by its terminal's id and read on by offset; one that was asked for and never came
 *       to be is started now.
 *   S2  What was lent for one start is used for that start alone and is kept nowhere.
 *   S3  Whatever fails here ends the incarnation, and says why.
 */
import {
  codeOf,
  messageOf,
  type Clock,
  type IdSource,
  type Logger,
  type PtyHost,
  type TerminalInfo,
} from "@agent-relay/kernel";
import type { Fact } from "@agent-relay/protocol";
import type { BrokerEffect } from "../core/effects.ts";
import type { Agent } from "../core/state.ts";
import { askedInlet } from "./asked-inlet.ts";
import { conversationIntake, type Recorded } from "./conversation-intake.ts";
import { fileInlet } from "./file-inlet.ts";
import type { Harnesses, Prepared } from "./harness-port.ts";
import type { HostLink } from "./host-link.ts";
import type { Inlet } from "./inlet.ts";
import type { Intake, Surroundings } from "./intake.ts";
import type { Live, LiveIncarnations } from "./live-incarnations.ts";
import { tailOf } from "./output-tail.ts";
import { redactor } from "./redact.ts";
import type { Report } from "./reports.ts";
import { terminalIntake } from "./terminal-intake.ts";
import type { TerminalLogs } from "./terminal-log.ts";

type Spawn = Extract<BrokerEffect, { type: "spawn" }>;
type Reattach = Extract<BrokerEffect, { type: "reattach" }>;

export interface Starts {
  readonly spawn: (effect: Spawn) => Promise<void>;
  readonly reattach: (effect: Reattach) => Promise<void>;
  /**
   * An environment for the next start of this incarnation alone. Whoever comes first for it lends it; returns the way to
   * take it back.
   */
  readonly lend: (id: string, env: Readonly<Record<string, string>>) => () => void;
}

export interface StartsOptions {
  readonly live: LiveIncarnations;
  readonly link: HostLink;
  readonly harnesses: Harnesses;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
  readonly logs: TerminalLogs;
  readonly report: (report: Report) => void;
  readonly agent: (name: string) => Agent | undefined;
  /** Facts of these types about one incarnation, from the log. */
  readonly factsOf: (name: string, epoch: number, types: readonly Fact["type"][]) => readonly Fact[];
  readonly onOutput: (it: Live, offset: number, data: Uint8Array) => void;
  /** What it printed while no broker ran: of the past, but who follows its output has not got it. */
  readonly onMissed: (it: Live, offset: number, data: Uint8Array) => void;
  readonly onEnded: (it: Live, ending: NonNullable<TerminalInfo["ending"]>) => void;
  readonly onLost: (it: Live) => void;
  readonly onFailed: (it: Live, error: unknown) => void;
}

export function createStarts(options: StartsOptions): Starts {
  const { live, link, harnesses, clock, ids, logger, logs, report } = options;
  const lent = new Map<string, Readonly<Record<string, string>>>();

  const intakeOf = (it: Live, effect: Spawn | Reattach, tried: boolean, bracketedPaste = false): Intake => {
    const { name, epoch, harness, id } = it;
    const around: Surroundings = {
      name,
      epoch,
      harness,
      clock,
      ids,
      logger,
      report,
      writeState: async (writeId) => (await link.reach()).writeState(id, writeId),
      write: async (writeId, steps) => (await link.reach()).write(id, writeId, steps),
      observe: (observations) => {
        live.observe(it, observations);
      },
    };
    if (effect.runtime === "pty") {
      const watcher = harnesses.watch(it, { startedAt: it.startedAt, tried, bracketedPaste });
      return terminalIntake(watcher, harnesses, around, inletOf(it, around));
    }
    const known = effect.type === "reattach" ? { known: { sessionId: effect.sessionId } } : {};
    const talk = harnesses.converse(it, { launch: effect.launch, resume: effect.resume, ...known });
    return conversationIntake(talk, () => recordedOf(name, epoch), around);
  };

  const inletOf = (it: Live, around: Surroundings): Inlet | undefined => {
    const planned = harnesses.inlet(it);
    if (planned === undefined) return undefined;
    return planned.route === "file" ? fileInlet(planned, around) : askedInlet(around);
  };

  const recordedOf = (name: string, epoch: number): Recorded => {
    const facts = options.factsOf(name, epoch, ["agent_tokens_used", "agent_blocked", "agent_said"]);
    return {
      tokens: facts.filter((it) => it.type === "agent_tokens_used"),
      blocks: facts.filter((it) => it.type === "agent_blocked").length,
      answers: facts.filter((it) => it.type === "agent_said").length,
    };
  };

  const spawn = async (effect: Spawn): Promise<void> => {
    const it = live.begin(effect);
    const transientEnv = lent.get(it.id);
    lent.delete(it.id);
    try {
      const { launch, runtime, resume } = effect;
      const prepared = await harnesses.prepare(effect, launch, { resume, transientEnv });
      const { argv, env, cwd } = prepared;
      it.redact = redactor(prepared.secrets);
      it.intake = intakeOf(it, effect, prepared.versionTried !== false);
      const { cols, rows } = launch;
      const stdio = runtime === "headless" ? "pipes" : "terminal";
      const host = await link.reach();
      const terminal = await host.spawn({ id: it.id, argv, env, cwd, stdio, cols, rows });
      it.host = host;
      it.startedAt = terminal.startedAt;
      started(it, terminal, prepared);
      it.intake.started();
    } catch (error) {
      logger.warn("an agent could not be started", { agent: it.name, error: messageOf(error) });
      options.onFailed(it, error);
    }
  };

  /** Its start is recorded, and whatever was seen of it follows. */
  const started = (it: Live, { pid, startedAt }: TerminalInfo, prepared: Prepared): void => {
    const { name, epoch } = it;
    const { cwd, originActor, permissionMode, version, versionTried, sessionId } = prepared;
    report({
      type: "incarnation.spawned",
      name,
      epoch,
      pid,
      startedAt,
      cwd,
      originActor,
      permissionMode,
      version,
      versionTried,
      at: clock.now(),
    });
    live.begun(it);
    if (sessionId !== undefined)
      live.observe(it, [{ type: "session", sessionId, source: "launch", fidelity: "exact" }]);
  };

  const reattach = async (effect: Reattach): Promise<void> => {
    // From before the first question on, so that nothing that happens meanwhile is missed.
    const it = live.begin(effect);
    it.backlog = [];
    it.redact = redactor(Object.values(effect.launch.env));
    try {
      const opened = await link.reach();
      const terminal = (await opened.list()).find(({ id }) => id === it.id);
      if (terminal !== undefined) return await takeUp(it, effect, opened, terminal);
      if (effect.spawned) return options.onLost(it);
    } catch (error) {
      logger.warn("an agent could not be found again", { agent: it.name, error: messageOf(error) });
      if (effect.spawned) options.onLost(it);
      else options.onFailed(it, error);
      // It may run on where nobody could reach it; then it must end, as was reported.
      if (link.now() !== undefined) void link.sweep();
      return;
    }
    live.remove(it);
    await spawn({ ...effect, type: "spawn" });
  };

  const takeUp = async (it: Live, effect: Reattach, opened: PtyHost, terminal: TerminalInfo): Promise<void> => {
    const { name, epoch, launch, spawned, resume } = effect;
    it.startedAt = terminal.startedAt;
    it.wasReady = effect.ready;
    it.takenUp = true;
    // The broker before this one may have died between starting it and saying so.
    const prepared = spawned ? undefined : await harnesses.prepare(effect, launch, { resume });
    const tried = prepared?.versionTried ?? options.agent(name)?.versionTried;
    it.intake = intakeOf(it, effect, tried !== false, terminal.bracketedPaste);
    const logged = await logs.end(name, epoch);
    const { offset, data } = await opened.read(it.id, 0);
    // Only now for others to read from: what somebody got, the host need not keep for us.
    it.host = opened;
    it.nextOffset = offset + data.length;
    it.tail = tailOf(it.tail, data);
    if (offset + data.length > logged) {
      logs.append(name, epoch, offset, data);
      const known = Math.max(0, logged - offset);
      options.onMissed(it, offset + known, data.subarray(known));
    }
    const errors = effect.runtime === "headless" ? await opened.readErrors(it.id) : undefined;
    if (prepared !== undefined) started(it, terminal, prepared);
    else live.begun(it);
    // What is in the ring happened in the past: only where it led is news.
    live.observe(it, it.intake.recall(data, offset === 0));
    const backlog = it.backlog ?? [];
    it.backlog = undefined;
    if (errors !== undefined) live.hearErrors(it, errors.offset, errors.data);
    for (const printed of backlog) {
      if (printed.on === "output") options.onOutput(it, printed.offset, printed.data);
      else live.hearErrors(it, printed.offset, printed.data);
    }
    it.intake.caughtUp(effect.working);
    if (terminal.ending !== undefined) options.onEnded(it, terminal.ending);
  };

  return {
    spawn,
    reattach,
    lend: (id, env) => {
      if (!lent.has(id)) lent.set(id, env);
      return () => {
        if (lent.get(id) === env) lent.delete(id);
      };
    },
  };
}

export function isHostLost(error: unknown): boolean {
  return codeOf(error) === "pty_host_lost";
}
