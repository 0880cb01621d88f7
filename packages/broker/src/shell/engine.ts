/**
 * The one place where a decision becomes real.
 *
 *   R1  Facts are durable before anything acts on them and before anyone is answered.
 *   R2  Commands that arrive in one turn of the event loop are decided in order and appended in one transaction.
 *   R3  There is no `await` between deciding and appending, so no other command can slip between.
 *   R4  Effects never change state; what they learn comes back later, as a command of its own.
 *   R5  When an append fails, every command of the batch fails with it, and the state is what the log says.
 *   R6  The same command id twice gets the same answer once; with another payload it is refused.
 *   R7  Of the time in which the log takes nothing, most is left for those who only ask, however long the log is.
 */
import {
  invariant,
  type Append,
  type Clock,
  type CommandStamp,
  type EventLog,
  type Recorded,
} from "@agent-relay/kernel";
import { errorEnvelope, RelayError, type Fact } from "@agent-relay/protocol";
import { judge, settle, streamOf } from "../core/broker.ts";
import type { BrokerCommand, Refusal } from "../core/commands.ts";
import { react, recover, touchAll, type BrokerEffect } from "../core/effects.ts";
import { evolve } from "../core/evolve.ts";
import { armLeases, nextExpiry } from "../core/leases.ts";
import { nextDue } from "../core/plan.ts";
import { initialState, type BrokerState, type Noted } from "../core/state.ts";
import { watchForAbsence } from "./absence.ts";

/** Makes a client command happen once. */
export interface CommandKey<Answer> {
  readonly id: string;
  /** Digest of method, caller and parameters. */
  readonly digest: string;
  /** What to answer, once the facts are known. Stored with the first of them. */
  readonly answer: (facts: readonly Recorded<Fact>[]) => Answer;
}

export interface Engine {
  readonly state: () => BrokerState;
  /** Resolves when the command's facts are durable. Rejects with a `RelayError` when it is refused. */
  readonly submit: (command: BrokerCommand, actor?: string) => Promise<readonly Recorded<Fact>[]>;
  /** The same for a command with a key; answers what the first such command was answered. */
  readonly submitOnce: <Answer>(
    command: BrokerCommand,
    actor: string | undefined,
    key: CommandKey<Answer>,
  ) => Promise<Answer>;
  /** Called after each append, in order. Returns the way to stop. */
  readonly onAppended: (listener: (recorded: readonly Recorded<Fact>[]) => void) => () => void;
  /** Performs what a restart asks for; until then nothing is performed. Call once, when everything else is in place. */
  readonly start: () => void;
  /** Decides what has arrived and takes no more. */
  readonly stop: () => void;
}

interface Waiting {
  readonly command: BrokerCommand;
  readonly actor: string | undefined;
  readonly key: CommandKey<unknown> | undefined;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

interface Outcome {
  readonly recorded: readonly Recorded<Fact>[];
  readonly answer: unknown;
}

/** A command of the engine itself, without its instant. */
type Look = { readonly type: "agent.tick"; readonly name: string } | { readonly type: "leases.tick" };

interface Judged {
  readonly waiting: Waiting;
  readonly noted: readonly Noted[];
  /** Where its facts begin in the batch. */
  readonly from: number;
}

/** Facts can be large: a page of the largest is still held easily. */
const REPLAY_PAGE = 1_000;
/** The timer at the end of whichever lease is over first. */
const LEASES_TIMER = "leases";
/** After a failed append the log is read anew; for so many times as long as that took, nothing more is tried. */
const REST_FACTOR = 10;
const REST_MS_MAX = 30_000;
/** How soon an agent is looked at again when the log could not take what was due. */
const TICK_AGAIN_MS = 1_000;

export function createEngine(options: {
  readonly log: EventLog<Fact>;
  readonly clock: Clock;
  readonly perform: (effect: BrokerEffect) => void;
  /** Runs `flush` at the end of this turn of the event loop. */
  readonly defer: (flush: () => void) => void;
  /** A defect: the process should end and start again from the log. */
  readonly onDefect: (error: unknown) => void;
}): Engine {
  const { log, clock, perform } = options;
  const replayed = (): BrokerState => {
    const folded = replayLog(log);
    armLeases(folded, clock.now());
    return folded;
  };
  let state = replayed();
  let batch: Waiting[] = [];
  let scheduled = false;
  /** What the log said when it took nothing, and until when that is taken for its answer. */
  let refusal: { readonly error: unknown; readonly until: number } | undefined;
  let started = false;
  let stopped = false;
  const listeners = new Set<(recorded: readonly Recorded<Fact>[]) => void>();
  const timers = new Map<string, number>();
  const absence = watchForAbsence(clock, (now) => {
    // As after a restart: no holder could say that it is there.
    armLeases(state, now);
    setTimer(LEASES_TIMER, nextExpiry(state), { type: "leases.tick" });
  });

  const enqueue = (waiting: Omit<Waiting, "resolve" | "reject">): Promise<Outcome> =>
    new Promise((resolve, reject) => {
      if (stopped) {
        reject(
          new RelayError(
            errorEnvelope("broker_stopping", "The broker is shutting down.", { hint: "Try again in a moment." }),
          ),
        );
        return;
      }
      batch.push({ ...waiting, resolve, reject });
      if (scheduled) return;
      scheduled = true;
      options.defer(flush);
    });

  const flush = (): void => {
    scheduled = false;
    const taken = batch;
    batch = [];
    if (taken.length === 0) return;
    try {
      commit(taken);
    } catch (error) {
      // Neither a refusal nor a failed append: a broken promise of the core. Nothing of this batch may be answered as done.
      for (const waiting of taken) waiting.reject(error);
      options.onDefect(error);
    }
  };

  const commit = (taken: readonly Waiting[]): void => {
    absence.look();
    const judged: Judged[] = [];
    const appends: Append<Fact>[] = [];
    const stampedNow = new Map<string, Judged>();
    const repeats: { readonly waiting: Waiting; readonly of: Judged }[] = [];
    const head = state.head;
    const refusing = stillRefusing();
    for (const waiting of taken) {
      const { key } = waiting;
      if (key !== undefined) {
        const twin = stampedNow.get(key.id);
        if (twin !== undefined) {
          if (twin.waiting.key?.digest === key.digest) repeats.push({ waiting, of: twin });
          else waiting.reject(conflict(key.id));
          continue;
        }
        const known = log.findCommand(key.id);
        if (known !== undefined) {
          answerAgain(waiting, known);
          continue;
        }
      }
      // What is due is found by looking, and would have to be recorded.
      if (refusing !== undefined && waiting.command.type === "agent.tick") {
        waiting.reject(refusing.error);
        continue;
      }
      const decision = judge(waiting.command, state);
      if (!decision.accepted) {
        waiting.reject(refused(decision.rejection));
        continue;
      }
      if (refusing !== undefined && decision.events.length > 0) {
        waiting.reject(refusing.error);
        continue;
      }
      const noted = settle(decision.events, state, waiting.command.at);
      const one: Judged = { waiting, noted, from: appends.length };
      judged.push(one);
      if (key !== undefined && noted.length > 0) stampedNow.set(key.id, one);
      for (const it of noted) appends.push(appendOf(it, waiting.actor));
    }
    const recorded = appends.length === 0 ? [] : append(appends, judged, head);
    if ("error" in recorded) {
      for (const { waiting } of [...judged, ...repeats]) waiting.reject(recorded.error);
      return;
    }
    for (const listener of listeners) listener(recorded);
    for (const { waiting, noted, from } of judged) {
      const own = recorded.slice(from, from + noted.length);
      waiting.resolve({ recorded: own, answer: waiting.key?.answer(own) });
    }
    for (const { waiting, of } of repeats) {
      const own = recorded.slice(of.from, of.from + of.noted.length);
      waiting.resolve({ recorded: own, answer: of.waiting.key?.answer(own) });
    }
    // Before the start everything that is due is still to be found in the state, and `start` finds it there.
    if (started)
      for (const effect of react(
        judged.flatMap((it) => it.noted),
        state,
      ))
        perform(effect);
    setTimers(judged);
  };

  /** Answers why when the log refused; then the state was rebuilt. */
  const append = (
    appends: Append<Fact>[],
    judged: readonly Judged[],
    head: number,
  ): readonly Recorded<Fact>[] | { readonly error: unknown } => {
    // The answer is stored with the command, so it is computed from the facts as they will be recorded.
    for (const { waiting, noted, from } of judged) {
      const first = appends[from];
      if (waiting.key === undefined || noted.length === 0 || first === undefined) continue;
      const foreseen = noted.map((it, index) => foresee(it, waiting.actor, head + from + index + 1));
      const stamp: CommandStamp = {
        id: waiting.key.id,
        digest: waiting.key.digest,
        answer: waiting.key.answer(foreseen),
      };
      appends[from] = { ...first, command: stamp };
    }
    try {
      const recorded = log.append(appends);
      invariant(recorded.at(-1)?.sequence === state.head, "R1: the log and the state disagree on the newest sequence");
      return recorded;
    } catch (error) {
      const from = clock.now();
      state = replayed();
      const until = clock.now();
      refusal = { error, until: until + Math.min(REST_FACTOR * (until - from), REST_MS_MAX) };
      return { error };
    }
  };

  /** Nothing once it is worth trying again, or the clock was set. */
  const stillRefusing = (): typeof refusal => {
    const restMs = refusal === undefined ? 0 : refusal.until - clock.now();
    if (restMs <= 0 || restMs > REST_MS_MAX) refusal = undefined;
    return refusal;
  };

  const answerAgain = (waiting: Waiting, known: CommandStamp): void => {
    if (known.digest === waiting.key?.digest) waiting.resolve({ recorded: [], answer: known.answer });
    else waiting.reject(conflict(known.id));
  };

  /** One timer for each agent, at the earliest instant at which something is due for it, and one for all leases. */
  const setTimers = (judged: readonly Judged[]): void => {
    /** When each agent was last looked at: what fell due between then and now was not found yet. */
    const lookedAt = new Map<string, number>();
    let leasesLookedAt: number | undefined;
    for (const { noted, waiting } of judged) {
      const { command } = waiting;
      if (command.type === "agent.tick") lookedAt.set(command.name, command.at);
      if (command.type === "leases.tick") leasesLookedAt = command.at;
      for (const { fact } of noted) {
        if ("agent" in fact) lookedAt.set(fact.agent, command.at);
        if (fact.type === "message_accepted") for (const name of fact.recipients) lookedAt.set(name, command.at);
        if (fact.type === "lease_acquired") leasesLookedAt = command.at;
      }
    }
    for (const [name, at] of lookedAt) {
      const agent = state.agents.get(name);
      setTimer(`agent/${name}`, agent === undefined ? undefined : nextDue(agent, at), { type: "agent.tick", name });
    }
    if (leasesLookedAt === undefined) return;
    // A renewal sets none: the timer fires too early then, finds nothing and is set anew.
    setTimer(LEASES_TIMER, nextExpiry(state), { type: "leases.tick" });
    if (state.leases.size > 0) absence.begin();
    else absence.end();
  };

  const setTimer = (key: string, due: number | undefined, look: Look): void => {
    if (timers.get(key) === due) return;
    if (due === undefined) {
      timers.delete(key);
      clock.clearTimer(key);
      return;
    }
    lookAgainAt(key, due, look);
  };

  const lookAgainAt = (key: string, due: number, look: Look): void => {
    timers.set(key, due);
    clock.setTimer(key, due, () => {
      timers.delete(key);
      tick(key, look);
    });
  };

  const tick = (key: string, look: Look): void => {
    enqueue({ command: { ...look, at: clock.now() }, actor: undefined, key: undefined }).catch(() => {
      // The disk may be full for a while. Nobody else asks, so what is due would otherwise stay undone.
      if (!stopped && !timers.has(key)) lookAgainAt(key, clock.now() + TICK_AGAIN_MS, look);
    });
  };

  return {
    state: () => state,
    submit: async (command, actor) => (await enqueue({ command, actor, key: undefined })).recorded,
    submitOnce: async <Answer>(command: BrokerCommand, actor: string | undefined, key: CommandKey<Answer>) => {
      const outcome = await enqueue({ command, actor, key });
      return outcome.answer as Answer;
    },
    onAppended: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    start: () => {
      started = true;
      for (const effect of recover(state)) perform(effect);
      touchAll(state);
      for (const name of state.agents.keys()) tick(`agent/${name}`, { type: "agent.tick", name });
      // Opening the edges took its time, in which no holder could say that it is there.
      armLeases(state, clock.now());
      if (state.leases.size > 0) tick(LEASES_TIMER, { type: "leases.tick" });
    },
    stop: () => {
      flush();
      stopped = true;
      absence.end();
      for (const key of timers.keys()) clock.clearTimer(key);
      timers.clear();
    },
  };
}

/** The state that a log leads to. */
export function replayLog(log: EventLog<Fact>): BrokerState {
  let state = initialState();
  for (let after = 0; ;) {
    const page = log.read({ after, limit: REPLAY_PAGE });
    for (const { event, at, sequence } of page) state = evolve(state, { fact: event, at, sequence });
    const last = page.at(-1);
    if (last === undefined || page.length < REPLAY_PAGE) return state;
    after = last.sequence;
  }
}

function appendOf({ fact, at }: Noted, actor: string | undefined): Append<Fact> {
  return { stream: streamOf(fact), event: fact, at, ...(actor === undefined ? {} : { actor }) };
}

/** A fact as it will be recorded; the revision is the log's to give and no answer needs it. */
function foresee({ fact, at }: Noted, actor: string | undefined, sequence: number): Recorded<Fact> {
  return { sequence, stream: streamOf(fact), revision: 0, at, actor, event: fact };
}

function refused(refusal: Refusal): RelayError {
  return new RelayError(refusal);
}

function conflict(id: string): RelayError {
  return new RelayError(
    errorEnvelope("command_conflict", `The command id '${id}' was used before with another payload.`, {
      hint: "Use a new id for a new command.",
      data: { commandId: id },
    }),
  );
}
