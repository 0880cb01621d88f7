/**
 * Incarnations: performing the core's effects on real terminals, and reporting what is learnt there.
 *
 *   I1  Effects of one agent happen one after the other, in the order in which the core asked for them; ending one overtakes.
 *   I2  Nothing that a terminal does changes state here: it becomes a command, tagged with the incarnation's epoch.
 *   I3  An incarnation of a broker that died is found again by its terminal's id and read on by offset.
 *   I4  The loss of the terminals' host is the end of every incarnation in it, and is reported as that; so is a host that
 *       cannot be reached.
 *   I5  A terminal that no live incarnation claims is ended and forgotten as soon as the host is reached.
 *   I6  What a program's hooks say while its incarnation is still being found again is not refused: it waits for that.
 */
import {
  codeOf,
  messageOf,
  type Clock,
  type IdSource,
  type Logger,
  type PtyHost,
  type PtyHostEvent,
  type TerminalEnding,
  type TerminalInfo,
} from "@agent-relay/kernel";
import { relayError, type ExitReason, type LaunchSpec } from "@agent-relay/protocol";
import type { BrokerCommand, Observation } from "../core/commands.ts";
import type { BrokerEffect } from "../core/effects.ts";
import type { TerminalNews } from "../service.ts";
import type { HookSignal, Harnesses, Prepared, Watcher } from "./harness-port.ts";
import { createHostLink } from "./host-link.ts";
import { lastStateOf, linesOf, ofOneTakenUp, tailOf } from "./output-tail.ts";
import { redactor } from "./redact.ts";
import { createReports, type Report } from "./reports.ts";
import type { TerminalLogs } from "./terminal-log.ts";

/** How long a program may take to leave by itself, and how long after SIGTERM. */
const POLITE_MS = 2_000;
const TERM_MS = 3_000;

/** What is known of a live incarnation beyond the log; lost with the broker and found again. */
export interface Vitals {
  readonly lastActivityAt: number | undefined;
  readonly contextPctLeft: number | undefined;
}

export interface Incarnations {
  readonly perform: (effect: BrokerEffect) => void;
  /** Everything that a restart asks to find again has been asked for. Signals wait for that. */
  readonly recovered: () => void;
  readonly signal: (name: string, epoch: number, signal: HookSignal, source: string) => Promise<readonly Observation[]>;
  /** Text that reached an agent, or left it, by another way than its terminal. */
  readonly told: (name: string, epoch: number, text: string) => void;
  readonly vitals: (name: string, epoch: number) => Vitals | undefined;
  readonly usage: (name: string, epoch: number) => Promise<{ readonly memoryBytes: number } | undefined>;
  readonly read: (
    name: string,
    epoch: number,
    from: number,
  ) => Promise<{ readonly offset: number; readonly data: Uint8Array }>;
  readonly write: (name: string, epoch: number, data: string) => Promise<void>;
  readonly resize: (name: string, epoch: number, cols: number, rows: number) => Promise<void>;
  readonly onNews: (listener: (news: TerminalNews) => void) => () => void;
  readonly host: () => { readonly connected: boolean };
  /** Lets go of the terminals; they live on unless `endAll`. */
  readonly close: (options: { readonly endAll: boolean }) => Promise<void>;
}

interface Live {
  readonly name: string;
  readonly epoch: number;
  readonly harness: string | undefined;
  readonly watcher: Watcher;
  redact: (text: string) => string;
  startedAt: number;
  nextOffset: number;
  tail: Buffer;
  lastActivityAt: number | undefined;
  wasReady: boolean;
  ended: boolean;
  /** What was seen before the start was recorded; it is told after it. */
  early: Observation[] | undefined;
  /** What it printed while the past was still being read; it is taken in after it. */
  backlog: { readonly offset: number; readonly data: Uint8Array }[] | undefined;
}

export interface IncarnationsOptions {
  /** Connects to the terminals' host, starting it if there is none. Called again after it was lost. */
  readonly openHost: () => Promise<PtyHost>;
  readonly harnesses: Harnesses;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
  readonly logs: TerminalLogs;
  /** The text of an injection's messages. */
  readonly renderInjection: (effect: Extract<BrokerEffect, { type: "inject" }>) => string;
  readonly submit: (command: BrokerCommand) => Promise<unknown>;
  /** Whether this is the newest incarnation of its agent and, as far as the log knows, lives. */
  readonly isLive: (name: string, epoch: number) => boolean;
}

export function createIncarnations(options: IncarnationsOptions): Incarnations {
  const { harnesses, clock, ids, logger, logs } = options;
  const live = new Map<string, Live>();
  /** The work on each agent, in order. */
  const chains = new Map<string, Promise<void>>();
  /** Incarnations that are being started or found again. */
  const starting = new Map<string, Promise<void>>();
  const listeners = new Set<(news: TerminalNews) => void>();
  let closing = false;
  let markRecovered = (): void => undefined;
  const recovered = new Promise<void>((resolve) => (markRecovered = resolve));
  const link = createHostLink({
    open: options.openHost,
    isClaimed: ({ name, epoch }) => live.has(`${name}@${epoch}`) || options.isLive(name, epoch),
    onEvent: (event) => {
      onHostEvent(event);
    },
    onLost: () => void lost([...live.values()]),
    logger,
  });
  const reports = createReports({ submit: options.submit, clock, logger });
  const submit = (report: Parameters<typeof reports.report>[0]): void => void reports.report(report);

  const observe = (it: Live, observations: readonly Observation[]): void => {
    if (it.early !== undefined) {
      it.early.push(...observations);
      return;
    }
    for (const observation of it.wasReady ? ofOneTakenUp(observations) : observations) {
      if (observation.type !== "context" && observation.type !== "prompt")
        it.wasReady ||= observation.type !== "blocked";
      submit({
        type: "incarnation.observed",
        name: it.name,
        epoch: it.epoch,
        observation: clean(it, observation),
        at: clock.now(),
      });
    }
    const wakeAt = it.watcher.wakeAt();
    const key = `watch/${idOf(it)}`;
    if (wakeAt === undefined || it.ended) clock.clearTimer(key);
    else
      clock.setTimer(key, wakeAt, () => {
        if (!it.ended) observe(it, it.watcher.tick(clock.now()));
      });
  };

  /** Its start is on its way into the log; from here on what is seen of it may follow. */
  const begun = (it: Live): void => {
    const early = it.early ?? [];
    it.early = undefined;
    observe(it, early);
  };

  const onHostEvent = (event: Exclude<PtyHostEvent, { type: "lost" }>): void => {
    const it = live.get(event.id);
    if (it === undefined) return;
    if (event.type === "output") onOutput(it, event.offset, event.data);
    // Behind whatever is being done to it, so that `spawned` is recorded before the end.
    else void inOrder(it.name, () => ended(it, event.ending));
  };

  const lost = async (all: readonly Live[]): Promise<void> => {
    if (all.length === 0) return;
    await Promise.all(all.map((it) => inOrder(it.name, () => exited(it, "host_lost"))));
    // Should the host live after all, what runs there belongs to nobody now and must end.
    if (!closing) await link.sweep();
  };

  const onOutput = (it: Live, offset: number, data: Uint8Array): void => {
    if (it.backlog !== undefined) {
      it.backlog.push({ offset, data });
      return;
    }
    const skip = Math.max(0, it.nextOffset - offset);
    if (skip >= data.length || it.ended) return;
    const fresh = skip === 0 ? data : data.subarray(skip);
    const start = offset + skip;
    it.nextOffset = start + fresh.length;
    it.lastActivityAt = clock.now();
    it.tail = tailOf(it.tail, fresh);
    logs.append(it.name, it.epoch, start, fresh);
    observe(it, it.watcher.output(fresh, clock.now()));
    const reply = it.watcher.takeReply();
    if (reply !== undefined) typeAside(it, reply);
    for (const listener of listeners)
      listener({ type: "output", agent: it.name, epoch: it.epoch, offset: start, data: fresh });
  };

  /** Answers a query of the program's; failing to is no reason to disturb anything. */
  const typeAside = (it: Live, data: string): void => {
    link
      .now()
      ?.write(idOf(it), ids.next("aside"), [{ type: "data", data }])
      .catch((error: unknown) => {
        logger.debug("a terminal query was not answered", { agent: it.name, error: messageOf(error) });
      });
  };

  const begin = (name: string, epoch: number, harness: string | undefined, startedAt: number): Live => {
    const it: Live = {
      name,
      epoch,
      harness,
      watcher: harnesses.watch(harness, startedAt),
      redact: redactor([]),
      startedAt,
      nextOffset: 0,
      tail: Buffer.alloc(0),
      lastActivityAt: undefined,
      wasReady: false,
      ended: false,
      early: [],
      backlog: undefined,
    };
    live.set(idOf(it), it);
    return it;
  };

  const spawn = async (name: string, epoch: number, launch: LaunchSpec, harness: string | undefined): Promise<void> => {
    const it = begin(name, epoch, harness, clock.now());
    try {
      const prepared = await harnesses.prepare({ name, epoch }, launch, harness);
      it.redact = redactor(prepared.secrets);
      const opened = await link.reach();
      const { argv, env, cwd } = prepared;
      const terminal = await opened.spawn({ id: idOf(it), argv, env, cwd, cols: launch.cols, rows: launch.rows });
      it.startedAt = terminal.startedAt;
      submit(spawnedReport(it, terminal, prepared));
      begun(it);
      observe(it, it.watcher.tick(clock.now()));
    } catch (error) {
      logger.warn("an agent could not be started", { agent: name, error: messageOf(error) });
      it.tail = Buffer.from(`${messageOf(error)}\n`);
      void exited(it, isHostLost(error) ? "host_lost" : "startup_failure");
    }
  };

  const reattach = async (effect: Extract<BrokerEffect, { type: "reattach" }>): Promise<void> => {
    const { name, epoch, launch, harness } = effect;
    // From before the first question on, so that nothing that happens meanwhile is missed.
    const it = begin(name, epoch, harness, clock.now());
    it.backlog = [];
    it.redact = redactor(Object.values(launch.env));
    try {
      const opened = await link.reach();
      const terminal = (await opened.list()).find(({ id }) => id === idOf(it));
      if (terminal !== undefined) return await takeUp(it, effect, opened, terminal);
      if (effect.spawned) return void exited(it, "host_lost");
    } catch (error) {
      logger.warn("an agent could not be found again", { agent: name, error: messageOf(error) });
      await exited(it, isHostLost(error) || effect.spawned ? "host_lost" : "startup_failure");
      // It may run on where nobody could reach it; then it must end, as was reported.
      if (link.now() !== undefined) void link.sweep();
      return;
    }
    await spawn(name, epoch, launch, harness);
  };

  const takeUp = async (
    it: Live,
    effect: Extract<BrokerEffect, { type: "reattach" }>,
    opened: PtyHost,
    terminal: TerminalInfo,
  ): Promise<void> => {
    const { name, epoch, launch, harness, spawned } = effect;
    it.startedAt = terminal.startedAt;
    it.wasReady = effect.ready;
    // The broker before this one may have died between starting it and saying so.
    const prepared = spawned ? undefined : await harnesses.prepare({ name, epoch }, launch, harness);
    const logged = await logs.end(name, epoch);
    const { offset, data } = await opened.read(idOf(it), 0);
    it.nextOffset = offset + data.length;
    it.tail = tailOf(it.tail, data);
    if (offset + data.length > logged) logs.append(name, epoch, offset, data);
    if (prepared !== undefined) submit(spawnedReport(it, terminal, prepared));
    begun(it);
    // What is in the ring happened in the past: only where it led is news.
    observe(it, lastStateOf(it.watcher.output(data, clock.now())));
    it.watcher.takeReply();
    const backlog = it.backlog ?? [];
    it.backlog = undefined;
    for (const printed of backlog) onOutput(it, printed.offset, printed.data);
    if (terminal.ending !== undefined) ended(it, terminal.ending);
  };

  const spawnedReport = (
    it: Live,
    { pid, startedAt }: TerminalInfo,
    { cwd, originActor, permissionMode }: Prepared,
  ): Report => {
    const { name, epoch } = it;
    return {
      type: "incarnation.spawned",
      name,
      epoch,
      pid,
      startedAt,
      cwd,
      originActor,
      permissionMode,
      at: clock.now(),
    };
  };

  const inject = async (effect: Extract<BrokerEffect, { type: "inject" }>): Promise<void> => {
    const it = live.get(idOf(effect));
    if (it === undefined || it.ended) return;
    const { name, injection } = effect;
    const text = options.renderInjection(effect);
    const steps = harnesses.pasteSteps(it.harness, text, it.watcher.bracketedPaste());
    it.watcher.injected(text, clock.now());
    try {
      await (await link.reach()).write(idOf(it), injection, steps);
      const evidence = effect.recovered ? "host_ledger" : "paste_drained";
      submit({ type: "injection.drained", name, injection, evidence, at: clock.now() });
    } catch (error) {
      const code = codeOf(error);
      // The end of the program is reported by itself and takes its deliveries with it.
      if (code === "terminal_ended" || code === "pty_host_lost" || code === "unknown_terminal") return;
      submit({
        type: "injection.failed",
        name,
        injection,
        reason: messageOf(error),
        partial: code !== "terminal_busy",
        at: clock.now(),
      });
    }
  };

  const interrupt = async (effect: Extract<BrokerEffect, { type: "interrupt" }>): Promise<void> => {
    const it = live.get(idOf(effect));
    if (it === undefined || it.ended) return;
    try {
      await (await link.reach()).write(idOf(it), ids.next("interrupt"), harnesses.interruptSteps(it.harness));
    } catch (error) {
      logger.warn("an agent could not be interrupted", { agent: it.name, error: messageOf(error) });
    }
  };

  const terminate = async (effect: Extract<BrokerEffect, { type: "terminate" }>): Promise<void> => {
    const it = live.get(idOf(effect));
    const polite = effect.polite ? harnesses.exitCommand(it?.harness) : undefined;
    const ladder =
      effect.how === "kill"
        ? { politeMs: 0, termMs: 0 }
        : { politeMs: polite === undefined ? 0 : POLITE_MS, termMs: TERM_MS };
    try {
      await (await link.reach()).terminate(idOf(effect), polite === undefined ? ladder : { ...ladder, polite });
    } catch (error) {
      const code = codeOf(error);
      if (code !== "unknown_terminal" && code !== "pty_host_lost")
        logger.error("an agent could not be ended", { agent: effect.name, error: messageOf(error) });
    }
  };

  const ended = (it: Live, ending: TerminalEnding): void => {
    const uptimeMs = Math.max(0, ending.at - it.startedAt);
    const lastLines = linesOf(it.tail);
    const { code, signal } = ending;
    const reason = harnesses.classifyExit(it.harness, { code, signal, lastLines, uptimeMs, wasReady: it.wasReady });
    void exited(it, reason, ending);
  };

  const exited = async (it: Live, reason: ExitReason, ending?: TerminalEnding): Promise<void> => {
    if (it.ended) return;
    it.ended = true;
    clock.clearTimer(`watch/${idOf(it)}`);
    live.delete(idOf(it));
    logs.finish(it.name, it.epoch);
    for (const listener of listeners) listener({ type: "ended", agent: it.name, epoch: it.epoch });
    await reports.report({
      type: "incarnation.exited",
      name: it.name,
      epoch: it.epoch,
      reason,
      code: ending?.code ?? null,
      signal: ending?.signal ?? null,
      ...(ending === undefined ? {} : { endedAt: ending.at }),
      lastLines: linesOf(it.tail).map((line) => it.redact(line).slice(0, 500)),
      chance: ids.random(),
      at: clock.now(),
    });
    // Only once the end is on disk may the host forget it.
    if (!options.isLive(it.name, it.epoch)) await link.now()?.forget(idOf(it)).catch(ignoreGone);
  };

  const clean = (it: Live, observation: Observation): Observation =>
    observation.type === "blocked" && observation.what !== undefined
      ? { ...observation, what: it.redact(observation.what) }
      : observation;

  const inOrder = (name: string, work: () => void | Promise<void>): Promise<void> => {
    const after = (chains.get(name) ?? Promise.resolve()).then(work).catch((error: unknown) => {
      logger.error("an effect failed", { agent: name, error: messageOf(error) });
    });
    chains.set(name, after);
    void after.then(() => {
      if (chains.get(name) === after) chains.delete(name);
    });
    return after;
  };

  const performNow = (effect: Exclude<BrokerEffect, { type: "terminate" | "tidy" }>): void | Promise<void> => {
    switch (effect.type) {
      case "spawn":
        return spawn(effect.name, effect.epoch, effect.launch, effect.harness);
      case "reattach":
        return reattach(effect);
      case "inject":
        return inject(effect);
      case "interrupt":
        return interrupt(effect);
    }
  };

  const required = (name: string, epoch: number): Live => {
    const it = live.get(`${name}@${epoch}`);
    if (it === undefined)
      throw relayError("agent_not_running", `'${name}' has no live process.`, {
        hint: "`agent-relay who` shows who runs.",
      });
    return it;
  };

  return {
    perform: (effect) => {
      if (effect.type === "terminate") {
        // An injection may wait for a program that does not read; its end must not wait for the injection.
        void (starting.get(idOf(effect)) ?? Promise.resolve()).then(() => terminate(effect));
        return;
      }
      if (effect.type === "tidy") {
        void link.sweep();
        return;
      }
      const started = inOrder(effect.name, () => performNow(effect));
      if (effect.type !== "spawn" && effect.type !== "reattach") return;
      const id = idOf(effect);
      starting.set(id, started);
      void started.then(() => starting.delete(id));
    },
    recovered: () => {
      markRecovered();
    },
    signal: async (name, epoch, signal, source) => {
      // A program that ran all the while may be faster than its broker, and a hook that is refused is not posted again.
      await recovered;
      await starting.get(`${name}@${epoch}`);
      const it = required(name, epoch);
      const observations = it.watcher.signal(signal, source, clock.now());
      it.lastActivityAt = clock.now();
      return observations;
    },
    told: (name, epoch, text) => {
      live.get(`${name}@${epoch}`)?.watcher.told(text, clock.now());
    },
    vitals: (name, epoch) => {
      const it = live.get(`${name}@${epoch}`);
      return it === undefined
        ? undefined
        : { lastActivityAt: it.lastActivityAt, contextPctLeft: it.watcher.contextPctLeft() };
    },
    usage: async (name, epoch) => link.now()?.usage(`${name}@${epoch}`),
    read: async (name, epoch, from) => {
      const it = live.get(`${name}@${epoch}`);
      const opened = link.now();
      return it === undefined || opened === undefined ? logs.read(name, epoch, from) : opened.read(idOf(it), from);
    },
    write: async (name, epoch, data) => {
      await (await link.reach()).write(idOf(required(name, epoch)), ids.next("typed"), [{ type: "data", data }]);
    },
    resize: async (name, epoch, cols, rows) => {
      await (await link.reach()).resize(idOf(required(name, epoch)), cols, rows);
    },
    onNews: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    host: () => ({ connected: link.now() !== undefined }),
    close: async ({ endAll }) => {
      closing = true;
      reports.close();
      for (const it of live.values()) clock.clearTimer(`watch/${idOf(it)}`);
      await link.close({ endAll });
      await logs.close();
    },
  };
}

function idOf(of: { readonly name: string; readonly epoch: number }): string {
  return `${of.name}@${of.epoch}`;
}

function isHostLost(error: unknown): boolean {
  return codeOf(error) === "pty_host_lost";
}

function ignoreGone(): void {
  // The host is gone, and what it should have forgotten with it.
}
