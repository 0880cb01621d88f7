/**
 * The kernel's event log in memory: it plays the disk, so it outlives the process, and that process can die on either
 * side of each append.
 *
 *   L1  `append` is all or nothing, and what it returned survives every crash, `close` and `open`.
 *   L2  Sequences are dense, revisions are dense within their stream, both in the order of appending.
 *   L3  What was read once is never changed: facts are kept as JSON keeps them, and frozen.
 *   L4  A command id is recorded at most once.
 *
 * An append of nothing touches no disk and has no crash points.
 */
import { Fault, invariant } from "@agent-relay/kernel";
import type { Append, CommandStamp, EventLog, ReadOptions, Recorded, Sequence } from "@agent-relay/kernel";
import { CrashPlan } from "./crash-plan.ts";

export interface FailingAppends {
  /** A code such as `disk_full` or `log_unwritable`. */
  readonly code: string;
  /** How many appends fail before the disk is well again. */
  readonly times: number;
}

export class CrashableLog<Event> implements EventLog<Event> {
  readonly #plan: CrashPlan;
  readonly #recorded: Recorded<Event>[] = [];
  readonly #revisions = new Map<string, number>();
  readonly #commands = new Map<string, CommandStamp>();
  #isOpen = true;
  #failing: FailingAppends = { code: "log_unwritable", times: 0 };

  constructor(plan: CrashPlan = new CrashPlan()) {
    this.#plan = plan;
  }

  readonly append = (appends: readonly Append<Event>[]): readonly Recorded<Event>[] => {
    this.#assertOpen();
    if (appends.length === 0) return [];
    this.#plan.point("before append");
    this.#failIfAsked();
    // Everything that can throw comes before the first fact is kept, so that L1 holds for it too.
    const facts = this.#record(appends);
    const stamps = this.#stamps(appends);
    this.#recorded.push(...facts);
    for (const fact of facts) this.#revisions.set(fact.stream, fact.revision);
    for (const stamp of stamps) this.#commands.set(stamp.id, stamp);
    this.#plan.point("after append");
    return facts;
  };

  readonly read = (options: ReadOptions): readonly Recorded<Event>[] => {
    this.#assertOpen();
    const found: Recorded<Event>[] = [];
    for (
      let index = Math.max(0, options.after);
      index < this.#recorded.length && found.length < options.limit;
      index++
    ) {
      const fact = this.#recorded[index];
      if (fact !== undefined && isWanted(fact, options)) found.push(fact);
    }
    return found;
  };

  readonly get = (sequence: Sequence): Recorded<Event> | undefined => {
    this.#assertOpen();
    return this.#recorded[sequence - 1];
  };

  readonly revisionOf = (stream: string): number => {
    this.#assertOpen();
    return this.#revisions.get(stream) ?? 0;
  };

  readonly head = (): Sequence => {
    this.#assertOpen();
    return this.#recorded.length;
  };

  readonly findCommand = (id: string): CommandStamp | undefined => {
    this.#assertOpen();
    return this.#commands.get(id);
  };

  readonly close = (): void => {
    this.#isOpen = false;
  };

  /** Opens what `close` closed, as the next process would. Opening an open log does nothing. */
  readonly open = (): this => {
    this.#isOpen = true;
    return this;
  };

  /** Every fact, for a test's checks: works on a closed log and is no crash point. */
  readonly history = (): readonly Event[] => this.#recorded.map((it) => it.event);

  /** Lets the coming appends fail with a `Fault`; nothing is appended by them. */
  readonly failAppends = (failing: FailingAppends): void => {
    this.#failing = failing;
  };

  #record(appends: readonly Append<Event>[]): readonly Recorded<Event>[] {
    const revisions = new Map<string, number>();
    return appends.map(({ stream, event, at, actor }, index) => {
      const revision = (revisions.get(stream) ?? this.#revisions.get(stream) ?? 0) + 1;
      revisions.set(stream, revision);
      const sequence = this.#recorded.length + index + 1;
      return Object.freeze({ sequence, stream, revision, at, actor, event: asStored(event) });
    });
  }

  #stamps(appends: readonly Append<Event>[]): readonly CommandStamp[] {
    const stamps = appends.flatMap(({ command }) => (command === undefined ? [] : [asStored(command)]));
    const ids = new Set(stamps.map((it) => it.id));
    const isNew = ids.size === stamps.length && stamps.every((it) => !this.#commands.has(it.id));
    invariant(isNew, `L4: a command id was recorded twice, out of ${[...ids].join(", ")}`);
    return stamps;
  }

  #failIfAsked(): void {
    const { code, times } = this.#failing;
    if (times <= 0) return;
    this.#failing = { code, times: times - 1 };
    throw new Fault({ code, message: `the append failed because the test asked for ${code}`, retry: "later" });
  }

  #assertOpen(): void {
    if (this.#isOpen) return;
    throw new Fault({ code: "log_unwritable", message: "the log is closed", hint: "call open(), as a restart would" });
  }
}

function isWanted<Event>(fact: Recorded<Event>, options: ReadOptions): boolean {
  if (options.stream !== undefined && fact.stream !== options.stream) return false;
  if (fact.revision <= (options.afterRevision ?? 0)) return false;
  return options.types === undefined || options.types.includes(typeOf(fact.event));
}

function typeOf(event: unknown): string {
  if (typeof event !== "object" || event === null || !("type" in event)) return "";
  return typeof event.type === "string" ? event.type : "";
}

/** What a disk gives back: no undefined fields, no classes, and nobody can change it. */
function asStored<Value>(value: Value): Value {
  const text = JSON.stringify(value);
  invariant(text !== undefined, "a fact must be JSON");
  return deepFrozen(JSON.parse(text) as Value);
}

function deepFrozen<Value>(value: Value): Value {
  if (typeof value !== "object" || value === null) return value;
  for (const part of Object.values(value)) deepFrozen(part);
  return Object.freeze(value);
}
