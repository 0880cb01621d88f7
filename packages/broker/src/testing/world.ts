/**
 * World: the whole broker on fakes, as a story tells it. It can be killed at every point and started again.
 *
 * The terminals' host, its programs and what they have read outlive the broker, as in reality; timers, connections and
 * everything in memory die with it.
 */
import { codeOf, Fault, messageOf, type PtyHost, type Recorded } from "@agent-relay/kernel";
import { fakePtyHost, type FakePtyHost } from "@agent-relay/pty/testing";
import { LaunchSpec, type Fact, type LaunchInput } from "@agent-relay/protocol";
import { CrashableLog, CrashPlan, isSimulatedCrash, sequentialIds, SimulatedClock } from "@agent-relay/testkit";
import type { ClientCommand } from "../core/commands.ts";
import type { BrokerState } from "../core/state.ts";
import { createEngine, type Engine } from "../shell/engine.ts";
import { renderEnvelope } from "../shell/envelope.ts";
import { createIncarnations, type Incarnations } from "../shell/incarnations.ts";
import { askingPlugins } from "./asking-plugins.ts";
import { noLogs } from "./no-logs.ts";
import { scriptedHarnesses } from "./scripted-harnesses.ts";
import { simulatedPrograms, type Arrival, type Prompted } from "./simulated-programs.ts";
import { quiet } from "./quiet.ts";

export interface World {
  readonly clock: SimulatedClock;
  readonly log: CrashableLog<Fact>;
  readonly host: FakePtyHost;
  readonly arrivals: readonly Arrival[];
  /** The answers that were typed, by incarnation. */
  readonly answers: readonly string[];
  /** What was typed where it must not be: a message to a dialog or a draft, an answer to no dialog. */
  readonly misplaced: readonly string[];
  readonly state: () => BrokerState;
  readonly facts: () => readonly Fact[];
  /** Asks as a client does: under one id, again and again until there is an answer. Answers the facts of the command. */
  readonly ask: (
    commandId: string,
    command: (at: number) => ClientCommand,
  ) => Promise<"done" | { readonly refused: string }>;
  readonly spawn: (name: string, launch: LaunchInput) => Promise<void>;
  readonly send: (
    commandId: string,
    from: string,
    to: string,
    body: string,
    more?: Partial<Extract<ClientCommand, { type: "message.send" }>>,
  ) => Promise<unknown>;
  /** What the program of the newest incarnation shows on its terminal. */
  readonly shows: (name: string, text: string) => Promise<void>;
  /** A person types into its terminal. */
  readonly types: (name: string, keys: string) => Promise<void>;
  /** Its program ends. */
  readonly exits: (name: string, how: { readonly code: number } | { readonly signal: string }) => Promise<void>;
  readonly pass: (ms: number) => Promise<void>;
  /** The terminals' host dies with everything in it. */
  readonly crashHost: () => Promise<void>;
  /** The next connections to the host fail. */
  readonly loseHosts: (times: number) => void;
  /** Kills the broker and starts it again. */
  readonly restart: () => Promise<void>;
  readonly settle: () => Promise<void>;
}

interface Booted {
  readonly engine: Engine;
  readonly incarnations: Incarnations;
  readonly dead: { value: boolean };
}

export async function openWorld(plan: CrashPlan = new CrashPlan()): Promise<World> {
  const clock = new SimulatedClock(0);
  const log = new CrashableLog<Fact>(plan);
  const host = fakePtyHost();
  const ids = sequentialIds();
  /** Reports of programs that no broker has taken yet; a hook tries until it is heard. */
  const hooks: Prompted[] = [];
  let hostsUnreachable = 0;
  let broker: Booted;

  const programs = simulatedPrograms({
    host,
    cliOf: (name) => {
      const registered = log.history().findLast((it) => it.type === "agent_registered" && it.agent === name);
      return registered?.type === "agent_registered" ? registered.launch?.cli : undefined;
    },
    onPrompt: (prompted) => hooks.push(prompted),
  });
  const plugins = askingPlugins(programs.submit, (id) => {
    host.emitOutput(id, "<idle>");
  });

  const guarded =
    <Arguments extends readonly unknown[]>(dead: { value: boolean }, work: (...given: Arguments) => void) =>
    (...given: Arguments): void => {
      if (dead.value) return;
      try {
        work(...given);
      } catch (error) {
        if (!isSimulatedCrash(error)) throw error;
        die(dead);
      }
    };

  const die = (dead: { value: boolean }): void => {
    dead.value = true;
    clock.forget();
    host.severClients();
  };

  /** A connection whose broker can die before and after each write to a program on pipes. */
  const mortal = (dead: { value: boolean }, connected: PtyHost): PtyHost => ({
    ...connected,
    write: async (id, writeId, steps) => {
      if (!programs.isOnPipes(id)) return connected.write(id, writeId, steps);
      const never = new Promise<never>(() => undefined);
      if (diesAt(dead, "before write")) return never;
      const written = connected.write(id, writeId, steps);
      if (!diesAt(dead, "after write")) return written;
      written.catch(() => undefined);
      return never;
    },
  });

  const diesAt = (dead: { value: boolean }, where: string): boolean => {
    guarded(dead, () => {
      plan.point(where);
    })();
    return dead.value;
  };

  const boot = (): Booted => {
    const dead = { value: false };
    const engine = createEngine({
      log: {
        ...log,
        read: log.read,
        get: log.get,
        revisionOf: log.revisionOf,
        head: log.head,
        findCommand: log.findCommand,
        close: log.close,
        append: (appends) => {
          if (dead.value) throw new Error("the broker is dead");
          try {
            return log.append(appends);
          } catch (error) {
            if (isSimulatedCrash(error)) die(dead);
            throw error;
          }
        },
      },
      clock,
      defer: (work) => {
        queueMicrotask(guarded(dead, work));
      },
      perform: guarded(dead, (effect) => {
        plan.point(`before ${effect.type}`);
        incarnations.perform(effect);
        plan.point(`after ${effect.type}`);
      }),
      onDefect: (error) => {
        throw error;
      },
    });
    const incarnations = createIncarnations({
      openHost: () => {
        if (dead.value) return new Promise<never>(() => undefined);
        if (hostsUnreachable > 0) {
          hostsUnreachable -= 1;
          return Promise.reject(new Fault({ code: "pty_host_lost", message: "no host answers" }));
        }
        return Promise.resolve(mortal(dead, host.connect()));
      },
      harnesses: scriptedHarnesses,
      clock,
      ids,
      logger: quiet,
      logs: noLogs,
      agent: (name) => engine.state().agents.get(name),
      factsOf: (name, epoch, types) =>
        log
          .history()
          .filter((it) => types.includes(it.type) && "agent" in it && it.agent === name)
          .filter((it) => "epoch" in it && it.epoch === epoch),
      submit: (command) => (dead.value ? new Promise<never>(() => undefined) : engine.submit(command)),
      renderInjection: ({ items }) =>
        items
          .map(({ sequence, possibleRepeat }) => {
            const recorded = log.get(sequence) as Recorded<Fact>;
            if (recorded.event.type !== "message_accepted") throw new Error("not a message");
            return renderEnvelope(recorded.event, { at: recorded.at, possibleRepeat });
          })
          .join("\n"),
    });
    engine.start();
    incarnations.recovered();
    return { engine, incarnations, dead };
  };

  const revive = (): void => {
    while (broker.dead.value) {
      try {
        broker = boot();
      } catch (error) {
        if (!isSimulatedCrash(error)) throw error;
      }
    }
  };

  /** What a broker says after his death nobody hears, and he may die before and after each answer. */
  const askForMail = (): void => {
    const { incarnations, dead } = broker;
    const never = new Promise<never>(() => undefined);
    plugins.ask(programs.askers(), broker, async (id, last) => {
      const [name = "", epoch = "0"] = id.split("@");
      const answer = await incarnations.takesMail(name, Number(epoch), last);
      if (dead.value || ("mail" in answer && diesAt(dead, "before mail"))) return never;
      if ("mail" in answer) queueMicrotask(() => diesAt(dead, "after mail"));
      return answer;
    });
  };

  /** Everything that can happen without time passing happens. */
  const settle = async (): Promise<void> => {
    for (let round = 0; round < 12; round += 1) {
      for (let turn = 0; turn < 40; turn += 1) await Promise.resolve();
      revive();
      askForMail();
      const hook = hooks[0];
      if (hook === undefined) continue;
      const { name, epoch, messageIds } = hook;
      const observation = { type: "prompt", messageIds, source: "hook", fidelity: "exact" } as const;
      const report = { type: "incarnation.observed", name, epoch, observation, at: clock.now() } as const;
      // A full disk is one more reason for a hook to try again.
      const heard = await attempt(() => broker.engine.submit(report)).catch((error: unknown) => {
        if (codeOf((error as Error).cause) !== "disk_full") throw error;
        return false;
      });
      if (heard) hooks.shift();
      round = 0;
    }
  };

  /** Whether the broker lived to answer. */
  const attempt = async (work: () => Promise<unknown>): Promise<boolean> => {
    const { dead } = broker;
    const outcome: { done: boolean; error?: unknown } = { done: false };
    work().then(
      () => (outcome.done = true),
      (error: unknown) => (outcome.error = error),
    );
    for (let turn = 0; turn < 60 && !outcome.done && outcome.error === undefined && !dead.value; turn += 1)
      await Promise.resolve();
    if (outcome.done) return true;
    if (dead.value) return false;
    throw new Error(messageOf(outcome.error ?? "no answer"), { cause: outcome.error });
  };

  const ask: World["ask"] = async (commandId, command) => {
    for (;;) {
      revive();
      try {
        const answered = await attempt(() =>
          broker.engine.submitOnce(command(clock.now()), undefined, {
            id: commandId,
            digest: commandId,
            answer: () => null,
          }),
        );
        if (answered) return "done";
      } catch (error) {
        const { cause } = error as { cause?: { code?: string } };
        if (cause?.code !== undefined) return { refused: cause.code };
        throw error;
      }
    }
  };

  broker = { engine: undefined as never, incarnations: undefined as never, dead: { value: true } };
  revive();
  await settle();

  const idOf = (name: string): string => `${name}@${broker.engine.state().agents.get(name)?.epoch ?? 0}`;
  return {
    clock,
    log,
    host,
    arrivals: programs.arrivals,
    answers: programs.answers,
    misplaced: programs.misplaced,
    state: () => broker.engine.state(),
    facts: log.history,
    ask,
    spawn: async (name, input) => {
      const launch = LaunchSpec.parse(input);
      const { harness, traits } = scriptedHarnesses.describe(launch);
      await ask(`spawn-${name}-${log.history().length}`, (at) => ({
        type: "agent.spawn",
        name,
        launch,
        harness,
        runtime: launch.runtime,
        traits,
        by: "operator",
        taskMessageId: ids.next("msg"),
        at,
      }));
      await settle();
    },
    send: (commandId, from, to, body, more = {}) =>
      ask(commandId, (at) => ({
        type: "message.send",
        messageId: ids.next("msg"),
        from,
        fromEpoch: undefined,
        to: to.startsWith("#") ? { kind: "channel", name: to.slice(1) } : { kind: "agent", name: to },
        body,
        bytes: body.length,
        mode: "wait",
        replyTo: undefined,
        expiresAt: undefined,
        ...more,
        at,
      })),
    shows: async (name, text) => {
      programs.show(idOf(name), text);
      await settle();
    },
    types: async (name, keys) => {
      const epoch = broker.engine.state().agents.get(name)?.epoch ?? 0;
      const typed = (): Promise<boolean> => attempt(() => broker.incarnations.write(name, epoch, keys));
      // Whoever gets no answer from a program that does not read walks away; whoever lost the broker types again.
      const heard = await typed().catch(() => true);
      await settle();
      if (!heard) await typed().catch(() => true);
      await settle();
    },
    exits: async (name, how) => {
      host.exit(idOf(name), how);
      await settle();
    },
    pass: async (ms) => {
      const until = clock.now() + ms;
      // A crash forgets the timers, and the next broker sets its own: so time goes on in steps until it has passed.
      while (clock.now() < until) {
        await clock.advanceAsync(Math.min(250, until - clock.now()));
        await settle();
      }
    },
    crashHost: async () => {
      host.crash();
      await settle();
    },
    loseHosts: (times) => {
      hostsUnreachable = times;
    },
    restart: async () => {
      die(broker.dead);
      await settle();
    },
    settle,
  };
}
