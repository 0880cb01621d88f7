/**
 * A world for runs in tests: it performs what a plan wants, in its own time, and can lose its runner at any entry.
 *
 * Commands and agents are played by functions. What was performed is kept in `performed`, in order, so that a test can
 * say what happened in the world; what became true is in `log`.
 */
import type { Action } from "../actions.ts";
import { plan } from "../agenda.ts";
import type { Refusal, RunCommand } from "../commands.ts";
import type { Entry } from "../entries.ts";
import type { Plan, PlannedStep } from "../plan.ts";
import { advance, recover, unsure, type Recorded } from "../run.ts";
import type { Run } from "../state.ts";

type Answer = { readonly afterMs?: number; readonly commands: readonly RunCommand[] };
export type Script = (action: Action, world: World) => Answer | readonly RunCommand[] | undefined;

export interface WorldOptions {
  readonly plan: Plan;
  readonly vars?: Readonly<Record<string, string>>;
  /** What follows from an action; what it leaves open is done well and at once. */
  readonly script?: Script | undefined;
  /** A runner takes over what an earlier one left: nothing but this. */
  readonly log?: readonly Recorded[];
}

interface Coming {
  readonly at: number;
  readonly order: number;
  readonly command: RunCommand;
}

const t0 = 1_000_000;

export class World {
  readonly log: Recorded[] = [];
  readonly performed: Action[] = [];
  readonly refused: Refusal[] = [];
  readonly #script: Script;
  #keys = new Set<string>();
  #coming: Coming[] = [];
  #order = 0;
  now = t0;
  run: Run;
  /** Called after each append; a test may throw here to play a crash. */
  onAppend: (world: World) => void = () => undefined;

  constructor({ plan: planned, vars = {}, script = () => undefined, log }: WorldOptions) {
    this.#script = script;
    this.run = recover(log ?? []);
    if (log !== undefined) {
      this.log.push(...log);
      this.now = log.at(-1)?.at ?? t0;
      return;
    }
    this.send({ type: "start", runId: "run_01test0000abcd1234", plan: planned, vars, cwd: "/project" });
  }

  get entries(): readonly Entry[] {
    return this.log.map((it) => it.entry);
  }

  /** One command, and whatever the plan wants after it. */
  send(command: RunCommand): readonly Entry[] {
    const decision = advance(this.run, command, this.now);
    if (!decision.accepted) {
      this.refused.push(decision.rejection);
      return [];
    }
    for (const entry of decision.events) this.log.push({ entry: structuredClone(entry), at: this.now });
    if (decision.events.length > 0) this.onAppend(this);
    this.perform();
    return decision.events;
  }

  perform(): void {
    const { actions } = plan(this.run, this.now);
    for (const action of actions) {
      if (this.#keys.has(action.key)) continue;
      this.#keys.add(action.key);
      this.performed.push(action);
      const answer = this.#script(action, this) ?? obedient(action);
      const { afterMs = 0, commands } = "commands" in answer ? answer : { commands: answer };
      for (const command of commands) this.later(command, afterMs);
    }
  }

  later(command: RunCommand, afterMs = 0): void {
    this.#order += 1;
    this.#coming.push({ at: this.now + afterMs, order: this.#order, command });
  }

  /** Lets things happen until nothing more does, or until an instant. */
  go(untilMs = Number.POSITIVE_INFINITY): this {
    const end = untilMs === Number.POSITIVE_INFINITY ? untilMs : this.now + untilMs;
    for (let guard = 0; guard < 200_000; guard += 1) {
      const next = this.#next();
      const { wakeAt } = plan(this.run, this.now);
      const at = Math.min(next?.at ?? Number.POSITIVE_INFINITY, wakeAt ?? Number.POSITIVE_INFINITY);
      if (at === Number.POSITIVE_INFINITY || at > end) {
        if (end !== Number.POSITIVE_INFINITY) this.now = end;
        return this;
      }
      this.now = Math.max(this.now, at);
      if (next !== undefined && next.at <= this.now) {
        this.#coming.splice(this.#coming.indexOf(next), 1);
        this.send(next.command);
      } else {
        this.send({ type: "tick" });
        const again = plan(this.run, this.now).wakeAt ?? Number.POSITIVE_INFINITY;
        if (again <= this.now) throw new Error(`a tick at ${wakeAt} is followed by another at ${again}`);
      }
    }
    throw new Error("the run does not come to rest");
  }

  /** The runner dies; what it had heard and not appended is gone. Processes die with it, agents live if they are told to. */
  restart({ agentsLive = true }: { readonly agentsLive?: boolean } = {}): this {
    this.#keys = new Set();
    this.#coming = agentsLive ? this.#coming.filter(({ command }) => "agent" in command) : [];
    this.run = recover(this.log);
    for (const it of unsure(this.run))
      if (it.what === "process") this.send({ type: "process_lost", step: it.step, attempt: it.attempt, part: it.part });
      else if (!agentsLive) this.send({ type: "agent_lost", agent: it.agent });
    this.send({ type: "tick" });
    this.perform();
    return this;
  }

  started(): readonly string[] {
    return this.entries.flatMap((it) => (it.type === "attempt_started" ? [it.step] : []));
  }

  completed(): readonly string[] {
    return this.entries.flatMap((it) => (it.type === "step_completed" ? [it.step] : []));
  }

  did(what: Action["do"]): readonly Action[] {
    return this.performed.filter((it) => it.do === what);
  }

  #next(): Coming | undefined {
    let first: Coming | undefined;
    for (const it of this.#coming)
      if (first === undefined || it.at < first.at || (it.at === first.at && it.order < first.order)) first = it;
    return first;
  }
}

/** Does what it is asked to, and does it well. */
function obedient(action: Action): readonly RunCommand[] {
  switch (action.do) {
    case "start_command":
    case "start_one_shot":
      return exits(action, { output: action.do === "start_command" ? `ran ${action.step}` : "answer" });
    case "end_process":
      return exits(action, { code: null, signal: "SIGTERM" });
    case "start_agent":
      return [{ type: "agent_started", agent: action.name, epoch: 1 }];
    case "release_agent":
      return [{ type: "agent_exited", agent: action.name, code: 0, signal: null, output: `output of ${action.name}` }];
    case "verify":
      return [{ type: "verified", step: action.step, attempt: action.attempt, check: action.check, passed: true }];
    case "make_worktree":
      return [{ type: "worktree_made", step: action.step, attempt: action.attempt, path: action.path }];
    case "wait":
      return [
        action.until.what === "approval"
          ? { type: "answer", step: action.step, attempt: action.attempt, approved: true, by: "ada" }
          : { type: "waited", step: action.step, attempt: action.attempt, output: "it came" },
      ];
    case "watch_agent":
    case "tell_agent":
    case "post":
      return [];
  }
}

type Process = Extract<Action, { readonly part: string }>;

export function exits(
  action: Action,
  { code = 0, signal = null, output = "" }: { code?: number | null; signal?: string | null; output?: string } = {},
): readonly RunCommand[] {
  const { step, attempt, part } = action as Process;
  return [{ type: "process_exited", step, attempt, part, code: signal === null ? code : null, signal, output }];
}

export function planOf(steps: readonly PlannedStep[], more: Partial<Plan> = {}): Plan {
  return {
    workflow: "test",
    pattern: "dag",
    strategy: "fail-fast",
    maxConcurrency: 4,
    agents: {},
    onExhaustion: "fail",
    steps,
    ...more,
  };
}

type Deterministic = Extract<PlannedStep, { type: "deterministic" }>;

export function command(
  name: string,
  dependsOn: readonly string[] = [],
  more: Partial<Deterministic> = {},
): Deterministic {
  return {
    type: "deterministic",
    name,
    dependsOn,
    command: `run ${name}`,
    retries: 0,
    retryDelayMs: 1_000,
    failOnError: true,
    captureOutput: true,
    ...more,
  };
}
