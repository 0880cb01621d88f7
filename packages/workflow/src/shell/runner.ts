/**
 * Runner: has a run done, from wherever its entries say it is, until it has ended or another takes it over.
 *
 *   R1  What is decided is in the log before anything is begun because of it, and before anyone is told.
 *   R2  Everything that the plan wants is begun once in the life of a runner, and called off once it is wanted no more.
 *       A check that is called off has ended before the log says why: nothing runs of what is said to be over.
 *   R3  Before the first thing is begun, what an earlier runner had running is looked for: it is gone on with, or it is
 *       ended and interrupted. A step that has completed is never begun again.
 *   R4  What is heard meanwhile is decided together, so that a step's end and the next one's start are one append.
 */
import type { Clock } from "@agent-relay/kernel";
import type { Action, Agenda } from "../core/actions.ts";
import { plan } from "../core/agenda.ts";
import type { Observation, Refusal, RunCommand } from "../core/commands.ts";
import { advance, recover, unsure, type Recorded, type Unsure } from "../core/run.ts";
import { isFinished, type Run } from "../core/state.ts";
import type { RunLog } from "./run-log.ts";
import { summaryOf } from "./run-summary.ts";

/** Does what is wanted, and says what came of it. */
export interface Performer {
  /** Begins it and returns; what is learned is told as it comes. */
  readonly begin: (action: Action) => void;
  /** It is not wanted any more: resolves when nothing of it runs. Ends nothing that has an action of its own for that. */
  readonly callOff: (key: string) => Promise<void> | undefined;
  /** Looks for what a runner before this one had running; answers what is to be said of it, if anything. */
  readonly examine: (it: Unsure) => Promise<Observation | undefined>;
  /** Stops looking and listening. Agents are left running; commands, which no other could hear, are ended. */
  readonly close: () => Promise<void>;
}

export interface RunnerOptions {
  readonly log: RunLog;
  readonly clock: Pick<Clock, "now">;
  /** Made for one runner; `tell` is how it says what it has learned. */
  readonly performer: (run: Run, tell: (observation: Observation) => void) => Performer;
  /** Called with what has become true, once it is durable. */
  readonly onEntries?: (entries: readonly Recorded[], run: Run) => void;
  /** Leaves everything as it is, for the next runner. */
  readonly signal?: AbortSignal;
}

export interface Runner {
  /** What a person asks of the run. Resolves when it is in the log, with a refusal if it was refused. */
  readonly command: (command: RunCommand) => Promise<Refusal | undefined>;
  /** Resolves when the run has ended or the runner was told to stop; rejects when it cannot go on, as when another has taken over. */
  readonly done: Promise<Run>;
}

interface Asked {
  readonly command: RunCommand;
  readonly answer?: (refusal: Refusal | undefined) => void;
  readonly fail?: (error: unknown) => void;
}

export function startRunner(options: RunnerOptions): Runner {
  const { log, clock, signal } = options;
  const inbox: Asked[] = [];
  let notify = (): void => undefined;
  let over = false;
  const ask = (asked: Asked): void => {
    inbox.push(asked);
    notify();
  };

  const done = (async (): Promise<Run> => {
    let performer: Performer | undefined;
    try {
      const run = recover(await log.read());
      performer = options.performer(run, (command) => ask({ command }));
      await go(run, performer);
      return run;
    } finally {
      over = true;
      await performer?.close();
      for (const { fail } of inbox.splice(0)) fail?.(new Error("the runner has stopped"));
    }
  })();
  done.catch(() => undefined);

  return {
    done,
    command: (command) =>
      over
        ? Promise.reject(new Error("the runner has stopped"))
        : new Promise((answer, fail) => ask({ command, answer, fail })),
  };

  async function go(run: Run, performer: Performer): Promise<void> {
    const found = await Promise.all(unsure(run).map((it) => performer.examine(it)));
    for (const command of found) if (command !== undefined) inbox.push({ command });
    inbox.push({ command: { type: "tick" } });
    const begun = new Map<string, Action["do"]>();
    const callOff = async (actions: readonly Action[], isMeant: (what: Action["do"]) => boolean): Promise<void> => {
      const wanted = new Set(actions.map((it) => it.key));
      const off = [...begun].filter(([key, what]) => !wanted.has(key) && isMeant(what)).map(([key]) => key);
      for (const key of off) begun.delete(key);
      await Promise.allSettled(off.map(async (key) => performer.callOff(key)));
    };
    while (!isStopped()) {
      const agenda = await decideAll(run, ({ actions }) => callOff(actions, (what) => what === "verify"));
      // Who follows something hears on until it is in the log why not.
      await callOff(agenda.actions, () => true);
      // Before it has begun, somebody has still to start it.
      if (isFinished(run)) return;
      // It may have been told to stop meanwhile: what has been decided is for the next runner to begin.
      if (isStopped()) return;
      for (const action of agenda.actions) {
        if (begun.has(action.key)) continue;
        begun.set(action.key, action.do);
        performer.begin(action);
      }
      if (inbox.length === 0) await somethingToDo(agenda.wakeAt);
    }
  }

  /** Answers what is wanted now. `beforeAppend`: has to be done before what was decided is in the log. */
  async function decideAll(run: Run, beforeAppend: (agenda: Agenda) => Promise<void>): Promise<Agenda> {
    const batch = inbox.splice(0);
    const now = clock.now();
    const entries: Recorded[] = [];
    const answers: (() => void)[] = [];
    let agenda: Agenda;
    try {
      for (const { command, answer } of batch) {
        const decision = advance(run, command, now);
        if (decision.accepted) entries.push(...decision.events.map((entry) => ({ entry, at: now })));
        answers.push(() => answer?.(decision.accepted ? undefined : decision.rejection));
      }
      agenda = plan(run, now);
      await beforeAppend(agenda);
      if (entries.length > 0) await log.append(entries, summaryOf(run, now));
    } catch (error) {
      for (const { fail } of batch) fail?.(error);
      throw error;
    }
    for (const answer of answers) answer();
    if (entries.length > 0) options.onEntries?.(entries, run);
    return agenda;
  }

  function isStopped(): boolean {
    return signal?.aborted === true;
  }

  /** Until something is heard, or something falls due by itself. */
  function somethingToDo(wakeAt: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      if (isStopped()) return resolve();
      let timer: NodeJS.Timeout | undefined;
      const end = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", end);
        notify = () => undefined;
        resolve();
      };
      notify = end;
      signal?.addEventListener("abort", end, { once: true });
      if (wakeAt !== undefined)
        timer = setTimeout(
          () => {
            inbox.push({ command: { type: "tick" } });
            end();
          },
          // Longer than a timer can wait, it is looked at in between.
          Math.min(Math.max(0, wakeAt - clock.now()), 2_000_000_000),
        );
    });
  }
}
