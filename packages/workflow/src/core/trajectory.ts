/**
 * Trajectory: who was what in a run, what was decided and why, and how it went, folded from its entries.
 *
 *   TR1  It follows from the entries alone, so it can be made again at any time and is the same.
 *   TR2  Each decision has its reason, if one was given, and says whether it came by a tool or by a marker.
 *   TR4  What the plan does not want told is left out: with `false` decisions, checks, notes and reflections.
 */
import type { Entry, Failure, Part, VerdictSource } from "./entries.ts";
import type { Plan, PlannedStep, StepName, TrajectorySettings as Wanted } from "./plan.ts";
import type { Recorded } from "./run.ts";
import { addOfAttempt, newAttempt, type Mutable, type OpenAttempt } from "./attempt-trajectory.ts";
import { confidenceOf, runConfidence } from "./confidence.ts";

export interface Trajectory {
  readonly runId: string;
  readonly workflow: string;
  readonly description?: string;
  readonly pattern: string;
  readonly status: "running" | "completed" | "failed" | "cancelled" | "needs_human";
  readonly startedAt: number;
  readonly endedAt?: number;
  /** Why it ended as it did, where it is not completed. */
  readonly reason?: string;
  /** Between 0 and 1: how strong the evidence is that every step is really done. */
  readonly confidence: number;
  readonly tokens: number;
  readonly steps: readonly StepTrajectory[];
  /** Where ways came together, and how it stood there. The newest 200. */
  readonly reflections: readonly Reflection[];
}

export interface Reflection {
  readonly at: number;
  /** `barrier`: everything that it waited for is there. `convergence`: a step began that builds on several others. */
  readonly on: "barrier" | "convergence";
  readonly step: StepName;
  readonly text: string;
}

export interface StepTrajectory {
  readonly step: StepName;
  readonly status: "pending" | "running" | "completed" | "failed" | "skipped";
  readonly skippedBecause?: StepName;
  /** The earlier run in which it was done: here it made no attempt, and says nothing of how sure this run is. */
  readonly takenFrom?: string;
  readonly confidence: number;
  readonly attempts: readonly AttemptTrajectory[];
  /** People who asked for it anew. */
  readonly askedAnewBy: readonly string[];
  readonly repairs: number;
}

export interface AttemptTrajectory {
  readonly attempt: number;
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly outcome: "running" | "succeeded" | "failed" | "interrupted";
  /** What the success rests on. */
  readonly by?: string;
  readonly failure?: Failure;
  readonly interruption?: string;
  readonly owner?: string;
  readonly specialist?: string;
  readonly reviewer?: string;
  /** Programs, by the name that they had at the broker. */
  readonly agents: readonly { readonly part: Part; readonly agent: string; readonly at: number }[];
  readonly decisions: readonly Decision[];
  readonly checks: readonly {
    readonly at: number;
    readonly passed: boolean;
    readonly idle: boolean;
    readonly detail?: string;
  }[];
  readonly notes: readonly Note[];
  readonly notesInAll: number;
  readonly nudges: number;
  readonly tokens: number;
}

export interface Decision {
  readonly at: number;
  readonly who: Part;
  readonly by: string;
  readonly decision: string;
  readonly reason?: string;
  readonly source: VerdictSource;
}

export interface Note {
  readonly at: number;
  readonly kind:
    | "file_changed"
    | "channel_post"
    | "monitoring"
    | "nudge"
    | "force_release"
    | "owner_timeout"
    | "review_asked";
  readonly by?: string;
  readonly text: string;
}

const REFLECTIONS_MAX = 200;

interface OpenStep {
  readonly step: StepName;
  status: StepTrajectory["status"];
  skippedBecause?: StepName;
  takenFrom?: string;
  readonly attempts: OpenAttempt[];
  readonly askedAnewBy: string[];
  repairs: number;
}

/** Of a whole log. */
export function trajectoryOf(recorded: Iterable<Recorded>): Trajectory {
  const fold = new TrajectoryFold();
  for (const { entry, at } of recorded) fold.add(entry, at);
  return fold.result();
}

class TrajectoryFold {
  readonly #steps = new Map<StepName, OpenStep>();
  readonly #reflections: Reflection[] = [];
  readonly #defs = new Map<StepName, PlannedStep>();
  #wanted: Wanted | false = { reflectOnBarriers: true, reflectOnConverge: true, autoDecisions: true };
  #run: Mutable<Omit<Trajectory, "steps" | "confidence" | "tokens" | "reflections">> = {
    runId: "",
    workflow: "",
    pattern: "",
    status: "running",
    startedAt: 0,
  };

  add(entry: Entry, at: number): void {
    switch (entry.type) {
      case "run_started": {
        const { workflow, pattern, description } = entry.plan;
        const about = description === undefined ? {} : { description };
        this.#run = { runId: entry.runId, workflow, ...about, pattern, status: "running", startedAt: at };
        for (const step of entry.plan.steps) this.#step(step.name);
        this.#wanted = entry.plan.trajectory ?? this.#wanted;
        this.#define(entry.plan, "");
        return;
      }
      case "run_completed":
        this.#end("completed", at);
        return;
      case "run_failed":
        this.#end("failed", at, entry.reason);
        return;
      case "run_cancelled":
        this.#end("cancelled", at, `cancelled by ${entry.by}`);
        return;
      case "run_needs_human":
        this.#end("needs_human", at, `${entry.step}: ${entry.reason}`);
        return;
      default:
        if ("step" in entry) {
          this.#addOfStep(this.#step(entry.step), entry, at);
          this.#reflect(entry, at);
        }
    }
  }

  result(): Trajectory {
    const steps = [...this.#steps.values()].map((it): StepTrajectory => {
      const { attempts, ...rest } = it;
      return { ...rest, attempts: attempts.map((one) => this.#told(one)), confidence: confidenceOf(it) };
    });
    const tokens = steps.reduce((sum, it) => sum + it.attempts.reduce((inner, one) => inner + one.tokens, 0), 0);
    return { ...this.#run, confidence: runConfidence(steps), tokens, steps, reflections: [...this.#reflections] };
  }

  #define(plan: Plan, prefix: string): void {
    for (const step of plan.steps) {
      this.#defs.set(prefix + step.name, step);
      if (step.type === "workflow") this.#define(step.plan, `${prefix}${step.name}/`);
    }
  }

  #reflect(entry: Extract<Entry, { readonly step: StepName }>, at: number): void {
    const def = this.#defs.get(entry.step);
    if (def === undefined || this.#wanted === false || def.dependsOn.length === 0) return;
    const isBarrier = def.type === "deterministic" && def.barrier !== undefined;
    const on =
      isBarrier && entry.type === "step_completed" && this.#wanted.reflectOnBarriers
        ? "barrier"
        : !isBarrier && entry.type === "attempt_started" && def.dependsOn.length > 1 && this.#wanted.reflectOnConverge
          ? "convergence"
          : undefined;
    if (on === undefined) return;
    const prefix = entry.step.slice(0, entry.step.length - def.name.length);
    const told = def.dependsOn.map((name) => {
      const { status, attempts } = this.#step(prefix + name);
      const tries = attempts.length > 1 ? ` after ${attempts.length} attempts` : "";
      return `${name} ${status}${tries}`;
    });
    this.#reflections.push({ at, on, step: entry.step, text: told.join(", ") });
    if (this.#reflections.length > REFLECTIONS_MAX) this.#reflections.shift();
  }

  #told(attempt: AttemptTrajectory): AttemptTrajectory {
    if (this.#wanted === false) return { ...attempt, decisions: [], checks: [], notes: [], notesInAll: 0 };
    return this.#wanted.autoDecisions ? attempt : { ...attempt, decisions: [] };
  }

  #step(name: StepName): OpenStep {
    const known = this.#steps.get(name);
    if (known !== undefined) return known;
    const made: OpenStep = { step: name, status: "pending", attempts: [], askedAnewBy: [], repairs: 0 };
    this.#steps.set(name, made);
    return made;
  }

  #end(status: Trajectory["status"], at: number, reason?: string): void {
    this.#run = { ...this.#run, status, endedAt: at, ...(reason === undefined ? {} : { reason }) };
  }

  #addOfStep(step: OpenStep, entry: Extract<Entry, { readonly step: StepName }>, at: number): void {
    switch (entry.type) {
      case "attempt_started":
        step.status = "running";
        step.attempts.push(newAttempt(entry.attempt, at));
        return;
      case "step_completed":
        step.status = "completed";
        if (entry.takenFrom !== undefined) step.takenFrom = entry.takenFrom;
        return;
      case "step_failed":
        step.status = "failed";
        return;
      case "step_skipped":
        step.status = "skipped";
        step.skippedBecause = entry.because;
        return;
      case "step_retried": {
        step.status = "pending";
        delete step.takenFrom;
        step.askedAnewBy.push(entry.by);
        const { endedAt: _, reason: __, ...rest } = this.#run;
        this.#run = { ...rest, status: "running" };
        return;
      }
      case "repair_requested":
        step.repairs = entry.repair;
        return;
      default: {
        const attempt = "attempt" in entry ? step.attempts.findLast((it) => it.attempt === entry.attempt) : undefined;
        if (attempt !== undefined) addOfAttempt(attempt, entry, at);
        if (entry.type === "attempt_failed" || entry.type === "attempt_interrupted") step.status = "pending";
      }
    }
  }
}
