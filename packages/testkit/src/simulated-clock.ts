/**
 * Simulated clock: time that moves only when a test says so.
 *
 *   C1  Due timers fire in the order of their instants, and at the same instant in the order in which they were set.
 *   C2  While a timer fires, `now` is its instant; for one that was set into the past, `now` stays. Time never runs
 *       backwards.
 *   C3  Setting a timer again under its key replaces it, and puts it last among those of its instant.
 *   C4  `forget` drops every timer and nothing else: what a crash does.
 *   C5  Nothing hangs: a condition that cannot come true, and a timer that sets itself again without end, fail with
 *       the list of pending timers.
 *
 * Setting, clearing and firing cost O(log n).
 */
import { invariant } from "@agent-relay/kernel";
import type { Clock, Instant } from "@agent-relay/kernel";
import { timerHeap } from "./timer-heap.ts";
import type { Timer } from "./timer-heap.ts";

export interface PendingTimer {
  readonly key: string;
  readonly at: Instant;
  /** From now on; negative when it is overdue. */
  readonly inMs: number;
}

export interface UntilOptions {
  /** Simulated time after which to give up. One hour if absent: longer than any timeout that a test waits for. */
  readonly withinMs?: number;
  /** What is waited for, for the message of the failure. */
  readonly what?: string;
}

/** More timers than any honest scenario fires at one instant. */
const firingsAtOneInstantMax = 100_000;
const withinMsDefault = 3_600_000;
const pendingShownMax = 20;

// Taken when the module loads, so that a test runner's fake timers cannot stop it.
const nextTurnOfTheLoop = globalThis.setImmediate;

export class SimulatedClock implements Clock {
  #now: Instant;
  #moving = false;
  #firings = { at: Number.NaN, count: 0 };
  readonly #timers = timerHeap();

  constructor(start: Instant = Date.UTC(2030, 0, 1)) {
    this.#now = start;
  }

  readonly now = (): Instant => this.#now;

  readonly setTimer = (key: string, at: Instant, fire: () => void): void => {
    invariant(!Number.isNaN(at), `the timer ${key} was set to an instant that is not a number`);
    this.#timers.set(key, at, fire);
  };

  readonly clearTimer = (key: string): void => {
    this.#timers.clear(key);
  };

  /** Moves on by so many milliseconds and fires what falls due on the way. */
  readonly advance = (ms: number): void => {
    this.advanceTo(this.#now + ms);
  };

  /** Moves to an instant and fires what falls due on the way. An instant in the past only fires what is overdue. */
  readonly advanceTo = (instant: Instant): void => {
    const until = Math.max(instant, this.#now);
    for (let due = this.#due(until); due !== undefined; due = this.#due(until)) this.#fire(due);
    this.#now = Math.max(until, this.#now);
  };

  /** Moves to the next timer and fires it alone. Answers false, and does not move, when no timer is set. */
  readonly runToNextTimer = (): boolean => {
    const next = this.#timers.first();
    if (next === undefined) return false;
    this.#fire(next);
    return true;
  };

  /** Moves from timer to timer until the condition holds. */
  readonly until = (condition: () => boolean, options: UntilOptions = {}): void => {
    const deadline = this.#deadline(options);
    while (!condition()) {
      if (this.#due(deadline) === undefined) this.#giveUp(options);
      this.runToNextTimer();
    }
  };

  /** Like `advance`, and lets promises settle before, between and after the timers. */
  readonly advanceAsync = async (ms: number): Promise<void> => {
    const until = this.#now + ms;
    await settle();
    for (let due = this.#due(until); due !== undefined; due = this.#due(until)) {
      this.#fire(due);
      await settle();
    }
    this.#now = Math.max(until, this.#now);
    await settle();
  };

  /** Like `until`, and lets promises settle before each look at the condition. */
  readonly untilAsync = async (
    condition: () => boolean | Promise<boolean>,
    options: UntilOptions = {},
  ): Promise<void> => {
    const deadline = this.#deadline(options);
    await settle();
    while (!(await condition())) {
      if (this.#due(deadline) === undefined) this.#giveUp(options);
      this.runToNextTimer();
      await settle();
    }
  };

  /** Timers that are set, in the order in which they will fire. */
  readonly pending = (): readonly PendingTimer[] =>
    this.#timers.all().map(({ key, at }) => ({ key, at, inMs: at - this.#now }));

  /** A crash takes the timers with it, and nothing else. */
  readonly forget = (): void => {
    this.#timers.forget();
  };

  #due(until: Instant): Timer | undefined {
    const first = this.#timers.first();
    return first !== undefined && first.at <= until ? first : undefined;
  }

  #fire(timer: Timer): void {
    invariant(!this.#moving, "a timer moved the clock while it fired; only the test moves it");
    this.#now = Math.max(this.#now, timer.at);
    this.#countFiring();
    this.#timers.clear(timer.key);
    this.#moving = true;
    try {
      timer.fire();
    } finally {
      this.#moving = false;
    }
  }

  #countFiring(): void {
    if (this.#firings.at !== this.#now) this.#firings = { at: this.#now, count: 0 };
    this.#firings.count += 1;
    if (this.#firings.count > firingsAtOneInstantMax)
      throw new Error(`C5: ${firingsAtOneInstantMax} timers fired without time moving on; ${this.#listPending()}`);
  }

  #deadline(options: UntilOptions): Instant {
    return this.#now + (options.withinMs ?? withinMsDefault);
  }

  #giveUp(options: UntilOptions): never {
    const what = options.what ?? "the condition";
    const withinMs = options.withinMs ?? withinMsDefault;
    throw new Error(`C5: ${what} did not come true within ${withinMs} ms of simulated time; ${this.#listPending()}`);
  }

  #listPending(): string {
    const pending = this.pending();
    if (pending.length === 0) return "no timer is pending";
    const shown = pending.slice(0, pendingShownMax).map((it) => `${it.key} in ${it.inMs} ms`);
    const more = pending.length > shown.length ? `, and ${pending.length - shown.length} more` : "";
    return `pending timers: ${shown.join(", ")}${more}`;
  }
}

/** One turn of the event loop: it begins only when no promise is left to settle. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    nextTurnOfTheLoop(resolve);
  });
}
