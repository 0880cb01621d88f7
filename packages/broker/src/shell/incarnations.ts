/**
 * Incarnations: performing the core's effects on real programs, and reporting what is learnt there.
 *
 *   I1  Effects of one agent happen one after the other, in the order in which the core asked for them; ending one overtakes.
 *   I2  Nothing that a program does changes state here: it becomes a command, tagged with the incarnation's epoch.
 *   I3  An incarnation of a broker that died is found again by its terminal's id and read on by offset.
 *   I4  The loss of the terminals' host is the end of every incarnation in it, and is reported as that; so is a host that
 *       cannot be reached.
 *   I5  A terminal that no live incarnation claims is ended and forgotten as soon as the host is reached.
 *   I6  What a program's hooks say while its incarnation is still being found again is not refused: it waits for that.
 *   I7  A question about a program is answered in bounded time, also when the host hangs.
 */
import {
  codeOf,
  messageOf,
  type Clock,
  type IdSource,
  type Logger,
  type PtyHost,
  type PtyHostEvent,
} from "@agent-relay/kernel";
import { relayError, type Fact } from "@agent-relay/protocol";
import type { BrokerCommand, Observation } from "../core/commands.ts";
import type { BrokerEffect } from "../core/effects.ts";
import { isLive, type Agent } from "../core/state.ts";
import type { TerminalNews } from "../service.ts";
import { createEndings } from "./end-incarnations.ts";
import type { HookSignal, Harnesses } from "./harness-port.ts";
import { endedMeanwhile, type MailAnswer, type TakenMail } from "./intake.ts";
import { createHostLink } from "./host-link.ts";
import { lastLook, mayAskToLeave } from "./last-look.ts";
import { idOf, liveIncarnations, type Live } from "./live-incarnations.ts";
import { createRecords } from "./records.ts";
import { createReports, type Report } from "./reports.ts";
import { createStarts, isHostLost } from "./start-incarnations.ts";
import type { TerminalLogs } from "./terminal-log.ts";
import { createTyping } from "./typing.ts";

/** A host that is asked for the memory of a program answers within milliseconds, or hangs; so does a log. */
const PATIENCE_MS = 500;

/** What is known of a live incarnation beyond the log; lost with the broker and found again. */
export interface Vitals {
  readonly lastActivityAt: number | undefined;
  readonly contextPctLeft: number | undefined;
}

export interface Incarnations {
  readonly perform: (effect: BrokerEffect) => void;
  /** Everything that a restart asks to find again has been asked for. Signals wait for that. */
  readonly recovered: () => void;
  /** What a hook says, as it is to be told to the core. */
  readonly signal: (name: string, epoch: number, signal: HookSignal, source: string) => Promise<readonly Observation[]>;
  /** The program takes mail by itself; answered with the next, or nothing after a while. */
  readonly takesMail: (name: string, epoch: number, last: TakenMail | undefined) => Promise<MailAnswer>;
  /** Text that reached an agent, or left it, by another way than its terminal. */
  readonly told: (name: string, epoch: number, text: string) => void;
  readonly vitals: (name: string, epoch: number) => Vitals | undefined;
  /** It has ended, and the log may not know it yet. */
  readonly isOver: (name: string, epoch: number) => boolean;
  readonly usage: (name: string, epoch: number) => Promise<{ readonly memoryBytes: number } | undefined>;
  readonly read: (
    name: string,
    epoch: number,
    from: number,
  ) => Promise<{ readonly offset: number; readonly data: Uint8Array }>;
  /** The standard error of a program on pipes, from the log; empty for one in a terminal. */
  readonly readErrors: Incarnations["read"];
  /** Keys of a person. */
  readonly write: (name: string, epoch: number, data: string) => Promise<void>;
  readonly resize: (name: string, epoch: number, cols: number, rows: number) => Promise<void>;
  /** An environment for the start of this incarnation alone; returns the way to take it back. */
  readonly lend: (name: string, epoch: number, env: Readonly<Record<string, string>>) => () => void;
  readonly onNews: (listener: (news: TerminalNews) => void) => () => void;
  readonly host: () => { readonly connected: boolean };
  /** Lets go of the terminals; they live on unless `endAll`. */
  readonly close: (options: { readonly endAll: boolean }) => Promise<void>;
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
  /** What the log knows of an agent. */
  readonly agent: (name: string) => Agent | undefined;
  /** Facts of these types about one incarnation, from the log. */
  readonly factsOf: (name: string, epoch: number, types: readonly Fact["type"][]) => readonly Fact[];
}

type Keys = Extract<BrokerEffect, { type: "inject" | "answer" | "interrupt" | "submit" }>;
type Injected = Extract<BrokerEffect, { type: "inject" }>;

export function createIncarnations(options: IncarnationsOptions): Incarnations {
  const { harnesses, clock, ids, logger, logs } = options;
  /** The work on each agent, in order. */
  const chains = new Map<string, Promise<void>>();
  /** Incarnations that are being started or found again. */
  const starting = new Map<string, Promise<void>>();
  /** Incarnations whose end is on its way into the log. */
  const over = new Set<string>();
  const listeners = new Set<(news: TerminalNews) => void>();
  let closing = false;
  let questions = 0;
  let markRecovered = (): void => undefined;
  const recovered = new Promise<void>((resolve) => (markRecovered = resolve));
  const isNewest = (name: string, epoch: number): boolean => {
    const agent = options.agent(name);
    return agent?.epoch === epoch && isLive(agent);
  };

  const reports = createReports({ submit: options.submit, clock, logger });
  const report = (it: Parameters<typeof reports.report>[0]): void => void reports.report(it);
  const live = liveIncarnations({ clock, logs, report });
  const link = createHostLink({
    open: options.openHost,
    isClaimed: (it) => live.find(idOf(it)) !== undefined || isNewest(it.name, it.epoch),
    onEvent: (event) => {
      onHostEvent(event);
    },
    onLost: (host) => void lost(host, live.all()),
    logger,
  });
  const records = createRecords({
    clock,
    logger,
    onLine: (it, line, isPast) => {
      if (!it.ended) live.observe(it, isPast ? it.intake.recordedBefore(line) : it.intake.recorded(line));
    },
  });
  const endings = createEndings({
    live,
    link,
    harnesses,
    clock,
    ids,
    logger,
    report: async (it) => {
      await reports.report(it);
      over.delete(idOf(it));
    },
    isLive: isNewest,
    onOver: (it) => {
      over.add(it.id);
      records.forget(it);
      logs.finish(it.name, it.epoch);
      for (const listener of listeners) listener({ type: "ended", agent: it.name, epoch: it.epoch });
    },
  });

  const onOutput = (it: Live, offset: number, data: Uint8Array): void => {
    const fresh = live.hear(it, offset, data);
    if (fresh !== undefined) tellOutput(it, fresh.offset, fresh.data);
  };

  const tellOutput = (it: Live, offset: number, data: Uint8Array): void => {
    for (const listener of listeners) listener({ type: "output", agent: it.name, epoch: it.epoch, offset, data });
  };

  const onHostEvent = (event: Exclude<PtyHostEvent, { type: "lost" }>): void => {
    const it = live.find(event.id);
    if (it === undefined) return;
    if (event.type === "output") onOutput(it, event.offset, event.data);
    else if (event.type === "stderr") live.hearErrors(it, event.offset, event.data);
    // Behind whatever is being done to it, so that `spawned` is recorded before the end.
    else
      void inOrder(it.name, () => {
        endings.ended(it, event.ending);
      });
  };

  const lost = async (host: PtyHost, all: readonly Live[]): Promise<void> => {
    if (all.length === 0) return;
    // Behind its start, which may have come just before, or come about in the next host.
    const lose = (it: Live): Promise<void> | undefined =>
      it.host === host ? endings.exited(it, "host_lost") : undefined;
    await Promise.all(all.map((it) => inOrder(it.name, () => lose(it))));
    // Should the host live after all, what runs there belongs to nobody now and must end.
    if (!closing) await link.sweep();
  };

  const typing = createTyping({
    clock,
    agent: options.agent,
    report: reports.report,
    write: async (it, data) => (await link.reach()).write(it.id, ids.next("typed"), [{ type: "data", data }]),
  });

  const starts = createStarts({
    live,
    link,
    harnesses,
    clock,
    ids,
    logger,
    logs,
    report,
    agent: options.agent,
    factsOf: options.factsOf,
    onOutput,
    onMissed: tellOutput,
    onEnded: endings.ended,
    onLost: (it) => void endings.exited(it, "host_lost"),
    onFailed: (it, error) => {
      it.tail = Buffer.from(`${messageOf(error)}\n`);
      it.errorTail = it.tail;
      void endings.exited(it, isHostLost(error) ? "host_lost" : "startup_failure");
    },
  });

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
    if (effect.type === "spawn") return starts.spawn(effect);
    if (effect.type === "reattach") return starts.reattach(effect);
    const it = live.find(idOf(effect));
    if (it === undefined || it.ended) return undefined;
    if (effect.type === "inject" && effect.route === "hook") {
      // It was the last broker's to write, into the answer to a report of the program's.
      report(notIn(effect, "the broker died while it answered the program's report", true));
      return undefined;
    }
    return it.runtime === "pty" ? typeInto(it, effect) : tell(it, effect);
  };

  const notIn = ({ name, injection }: Injected, reason: string, partial: boolean): Report => ({
    type: "injection.failed",
    name,
    injection,
    reason,
    partial,
    at: clock.now(),
  });

  const tell = (it: Live, effect: Keys): Promise<void> => {
    if (effect.type === "inject") return it.intake.deliver(effect, options.renderInjection(effect));
    if (effect.type === "submit") return it.intake.submitAgain(effect);
    return effect.type === "answer" ? it.intake.answer(effect) : it.intake.interrupt();
  };

  const typeInto = async (it: Live, effect: Keys): Promise<void> => {
    const obstacle = await lastLook(effect, {
      settled: () => reports.settled(it.name),
      agent: () => options.agent(it.name),
      now: clock.now,
      writeState: (injection) => it.intake.writeState(injection, effect.type === "inject" ? effect.route : "paste"),
    });
    if (it.ended) return;
    if (obstacle === undefined) return tell(it, effect);
    if (effect.type === "inject") report(notIn(effect, obstacle, false));
  };

  const end = async (effect: Extract<BrokerEffect, { type: "terminate" }>): Promise<void> => {
    const { name } = effect;
    const byKeys = effect.polite && live.find(idOf(effect))?.runtime === "pty";
    const polite =
      !byKeys ||
      (await mayAskToLeave({
        settled: async () => (await within(reports.settled(name).then(() => true))) === true,
        agent: () => options.agent(name),
        now: clock.now,
      }));
    return endings.terminate(polite ? effect : { ...effect, polite: false });
  };

  const required = (name: string, epoch: number): Live => {
    const it = live.find(idOf({ name, epoch }));
    if (it === undefined)
      throw relayError("agent_not_running", `'${name}' has no live process.`, {
        hint: "`agent-relay who` shows who runs.",
      });
    return it;
  };

  const requiredTerminal = (name: string, epoch: number): Live => {
    const it = required(name, epoch);
    if (it.runtime === "headless")
      throw relayError("not_supported", `'${name}' runs without a terminal.`, {
        hint: "Send it a message, or answer it with `agent-relay approve` and `deny`.",
      });
    return it;
  };

  return {
    perform: (effect) => {
      if (effect.type === "terminate") {
        // An injection may wait for a program that does not read; its end must not wait for the injection.
        void (starting.get(idOf(effect)) ?? Promise.resolve()).then(() => end(effect));
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
      await starting.get(idOf({ name, epoch }));
      const it = required(name, epoch);
      it.lastActivityAt = clock.now();
      if (signal.type === "session" && signal.record !== undefined) records.follow(it, signal.record);
      await records.read(it);
      return live.noted(it, it.intake.signal(signal, source));
    },
    takesMail: async (name, epoch, last) => {
      await recovered;
      await starting.get(idOf({ name, epoch }));
      return required(name, epoch).intake.takesMail(last);
    },
    told: (name, epoch, text) => {
      live.find(idOf({ name, epoch }))?.intake.told(text);
    },
    vitals: (name, epoch) => {
      const it = live.find(idOf({ name, epoch }));
      return it === undefined
        ? undefined
        : { lastActivityAt: it.lastActivityAt, contextPctLeft: it.intake.contextPctLeft() };
    },
    isOver: (name, epoch) => over.has(idOf({ name, epoch })),
    usage: (name, epoch) => {
      const asked = link.now()?.usage(idOf({ name, epoch }));
      return asked === undefined ? Promise.resolve(undefined) : within(asked);
    },
    read: async (name, epoch, from) => {
      const id = idOf({ name, epoch });
      const host = live.find(id)?.host;
      if (host === undefined) return logs.read(name, epoch, from);
      try {
        return await host.read(id, from);
      } catch (error) {
        // It went while it was asked; what was heard of it is in the log.
        if (endedMeanwhile(codeOf(error))) return logs.read(name, epoch, from);
        throw error;
      }
    },
    readErrors: logs.readErrors,
    write: async (name, epoch, data) => {
      const it = requiredTerminal(name, epoch);
      await typing.type(it, data);
    },
    resize: async (name, epoch, cols, rows) => {
      await (await link.reach()).resize(requiredTerminal(name, epoch).id, cols, rows);
    },
    lend: (name, epoch, env) => starts.lend(idOf({ name, epoch }), env),
    onNews: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    host: () => ({ connected: link.now() !== undefined }),
    close: async ({ endAll }) => {
      closing = true;
      reports.close();
      records.close();
      for (const it of live.all()) {
        clock.clearTimer(`watch/${it.id}`);
        it.intake.close();
      }
      await link.close({ endAll });
      await logs.close();
    },
  };

  /** Nothing if that takes too long. */
  function within<Answer>(asked: Promise<Answer>): Promise<Answer | undefined> {
    const timer = `question/${(questions += 1)}`;
    return new Promise((resolve, reject) => {
      clock.setTimer(timer, clock.now() + PATIENCE_MS, () => {
        resolve(undefined);
      });
      asked.then(resolve, reject).finally(() => {
        clock.clearTimer(timer);
      });
    });
  }
}
