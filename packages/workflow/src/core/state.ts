/** What is known of a run: one value, folded from its entries. Only `evolve` changes it, in place. */
import type { Action } from "./actions.ts";
import type { Exit, Ending, Failure, OwnerDecision, Part, VerdictSource } from "./entries.ts";
import type { Notice } from "./notices.ts";
import type { Plan, PlannedStep, StepName } from "./plan.ts";
import type { ReadyQueue } from "./ready-queue.ts";

export type RunStatus = "new" | "running" | "completed" | "failed" | "cancelled" | "needs_human";

/** `broken`: its attempt failed, and what becomes of the step is to be judged. `repairing`: an agent mends what is wrong. */
export type StepStatus = "pending" | "running" | "broken" | "repairing" | "completed" | "failed" | "skipped";

export interface Run {
  status: RunStatus;
  id: string;
  plan: Plan | undefined;
  vars: Readonly<Record<string, string>>;
  cwd: string;
  host: "project" | "script";
  /** Of this go: a retry of a run that had ended begins another, with its budgets anew. */
  startedAt: number;
  tokens: number;
  root: Scope | undefined;
  readonly steps: Map<StepName, Step>;
  /** Those that are in use: not what a list or a workflow held before it was begun anew. */
  readonly scopes: Set<Scope>;
  /** Those in which steps may start. */
  readonly live: Set<Scope>;
  /** Steps with an attempt under way. */
  readonly active: Set<Step>;
  /** Steps that wait for the instant of their next attempt. */
  readonly delayed: Set<Step>;
  /** When somebody last asked for more of it after its end; 0 if nobody has. */
  openedAt: number;
  cancel: { readonly by: string; readonly reason: string | undefined } | undefined;
  halt: Failure | undefined;
  needsHuman: { readonly step: StepName; readonly reason: string } | undefined;
  /** Reviewers in a terminal, by the name in the plan. */
  readonly reviewers: Map<string, Reviewer>;
  /** Programs that run or are to run, by the name that they have at the broker. */
  readonly agents: Map<string, Step | Reviewer>;
  /** Where something changed since it was looked at last. */
  readonly touched: Set<Step>;
  /** When everything was looked at last. What fell due before and was left waits for something else than time. */
  tickedAt: number;
  readonly toSkip: { readonly step: Step; readonly because: StepName }[];
  readonly stopped: Set<Scope>;
  order: number;
  /** What is posted where people want to hear of failures and ends. */
  readonly notices: Notice[];
}

/** Steps that stand beside each other: those of a workflow, or one for each item of a list. */
export interface Scope {
  readonly kind: "plan" | "items";
  readonly plan: Plan;
  /** Before the names of its steps. */
  readonly prefix: string;
  readonly container: Step | undefined;
  readonly maxConcurrency: number;
  readonly steps: Step[];
  readonly ready: ReadyQueue<Step>;
  /** Ready steps that take no slot. */
  readonly readyAside: ReadyQueue<Step>;
  /** Slots taken, out of `maxConcurrency`. */
  running: number;
  /** Steps with an attempt under way, those that take no slot included. */
  active: number;
  /** Steps that have not ended. */
  open: number;
  readonly failed: Set<Step>;
  /** The step because of which nothing new starts. */
  stoppedBy: StepName | undefined;
}

export interface Step {
  readonly name: StepName;
  readonly def: PlannedStep;
  readonly scope: Scope;
  readonly order: number;
  readonly item: { readonly item: string; readonly index: number } | undefined;
  /** Scopes of which it takes a slot while it runs. */
  readonly slots: readonly Scope[];
  readonly dependencies: Step[];
  readonly dependents: Step[];
  /** Somebody names its output. */
  readonly keepsOutput: boolean;
  status: StepStatus;
  /** Dependencies that are not completed. */
  missing: number;
  /** Attempts in all, and how many of them before somebody asked for the step anew. */
  attempts: number;
  attemptsBefore: number;
  /** Attempts that failed, since somebody asked for the step. */
  tries: number;
  interruptions: number;
  /** The last attempt did not fail: the runner was gone. */
  interrupted: boolean;
  repairs: number;
  retryAt: number | undefined;
  attempt: Attempt | undefined;
  output: string | undefined;
  lastFailure: Failure | undefined;
  /** What is inside it, once it has begun. */
  inside: Scope | undefined;
  /** The agent step that mends what is wrong with another. */
  readonly repairOf: Step | undefined;
}

export interface Attempt {
  readonly number: number;
  readonly startedAt: number;
  readonly deadline: number | undefined;
  /** What became of the one before. */
  readonly after: Failure | undefined;
  readonly parts: Map<Part, PartState>;
  ending: Ending | undefined;
  verdict:
    | { readonly decision: OwnerDecision; readonly reason: string | undefined; readonly source: VerdictSource }
    | undefined;
  /** Nobody works on it any more: what they made is looked at now. */
  decided: "tool" | "marker" | "idle" | "exit" | undefined;
  decidedAt: number | undefined;
  /** Counts the times at which everybody idled; each is looked at once. */
  idlePeriod: number;
  checkedPeriod: number;
  /** Outcome of the check that counts. */
  verified: { readonly passed: boolean; readonly detail: string | undefined } | undefined;
  review: Review | undefined;
  /** What changed while the specialist worked, for whoever judges it. */
  changed: string | undefined;
  tokens: number;
  /** What a plan would do for it, until something changes. */
  agenda: { readonly actions: readonly Action[]; readonly wakeAt: readonly number[] } | undefined;
}

export interface PartState {
  readonly part: Part;
  readonly how: "command" | "one_shot" | "agent" | "worktree";
  /** Of an agent, at the broker. */
  readonly name: string;
  state: "wanted" | "running" | "exited";
  /** Somebody was asked to start it; an owner is called only when there is somebody to look after. */
  called: boolean;
  process: { readonly pid: number; readonly startTicks: string } | undefined;
  epoch: number;
  idleSince: number | undefined;
  nudges: number;
  nudgedAt: number | undefined;
  exit: Exit | undefined;
  tokens: number;
}

export interface Review {
  readonly reviewer: string;
  asks: number;
  /** When it was this step's turn with the reviewer. */
  turnAt: number | undefined;
  /** It answered the question that was asked last, and that was no decision. */
  unclear: boolean;
  decision:
    | {
        readonly decision: "approved" | "rejected";
        readonly reason: string | undefined;
        readonly source: VerdictSource;
      }
    | undefined;
}

export interface Reviewer {
  readonly reviewer: string;
  readonly name: string;
  readonly scope: Scope;
  /** Steps whose review it has not decided, the one that it is at first. */
  readonly serving: Step[];
  state: "wanted" | "running" | "exited";
  epoch: number;
  /** In this life. */
  tokens: number;
  /** Counts its lives, so that each is started once. */
  life: number;
  /** The question that its first prompt asks; the others are messages. */
  promptFor: string | undefined;
  /** When it last was done with a step. */
  decidedAt: number | undefined;
  /** It was being released when a step asked for it: who serves that is its next life. */
  isLeaving: boolean;
}

export function initial(): Run {
  return {
    status: "new",
    id: "",
    plan: undefined,
    vars: {},
    cwd: "",
    host: "project",
    startedAt: 0,
    tokens: 0,
    root: undefined,
    steps: new Map(),
    scopes: new Set(),
    live: new Set(),
    active: new Set(),
    delayed: new Set(),
    openedAt: 0,
    cancel: undefined,
    halt: undefined,
    needsHuman: undefined,
    reviewers: new Map(),
    agents: new Map(),
    touched: new Set(),
    tickedAt: 0,
    toSkip: [],
    stopped: new Set(),
    order: 0,
    notices: [],
  };
}

export function isContainer(def: PlannedStep): boolean {
  return def.type === "workflow" || def.type === "for_each";
}

export function isFinished(run: Run): boolean {
  return run.status !== "new" && run.status !== "running";
}

/** Whatever is under way is to be looked at again. */
export function lookAtEverything(run: Run): void {
  for (const step of run.active) {
    run.touched.add(step);
    if (step.attempt !== undefined) step.attempt.agenda = undefined;
  }
}

export function hasEnded(step: Step): boolean {
  return step.status === "completed" || step.status === "failed" || step.status === "skipped";
}

/** What the attempt comes to however it goes on: by itself, by what is around it, or by the whole run. */
export function endingOf(run: Run, step: Step): Ending | undefined {
  if (step.attempt?.ending !== undefined) return step.attempt.ending;
  if (run.cancel !== undefined) {
    const message = `the run was cancelled by ${run.cancel.by}`;
    return { how: "failed", failure: { cause: "cancelled", message } };
  }
  if (run.halt !== undefined) return { how: "failed", failure: run.halt };
  const around = step.scope.container;
  if (around?.attempt === undefined) return undefined;
  const outer = endingOf(run, around);
  if (outer === undefined) return undefined;
  const why = outer.how === "failed" ? outer.failure.message : outer.reason;
  return { how: "failed", failure: { cause: "cancelled", message: `${around.name} is ending: ${why}` } };
}
