/** Commands: what people ask of a run, and what its shell has seen. Time comes beside them, never inside. */
import type { OwnerDecision, Part, VerdictSource } from "./entries.ts";
import type { Plan, StepName } from "./plan.ts";

export type RunCommand =
  | {
      readonly type: "start";
      readonly runId: string;
      readonly plan: Plan;
      readonly vars: Readonly<Record<string, string>>;
      readonly cwd: string;
    }
  /** `askedAt`: absent, now. What was asked before the run was opened again was about how it was then. */
  | { readonly type: "cancel"; readonly by: string; readonly reason?: string; readonly askedAt?: number }
  /** A person's, to a step that asks for approval. */
  | {
      readonly type: "answer";
      readonly step: StepName;
      readonly attempt: number;
      readonly approved: boolean;
      readonly by: string;
    }
  /** Of a run that has ended: this step and all that depends on it run again. */
  | { readonly type: "retry"; readonly step: StepName; readonly by: string }
  /** Time has passed; everything is looked at. */
  | { readonly type: "tick" }
  | Observation;

export type Observation =
  | ({ readonly type: "process_started"; readonly pid: number; readonly startTicks: string } & OfProcess)
  /** With its whole group. Answered to `end_process` too, where there was nothing to end. */
  | ({ readonly type: "process_exited" } & OfProcess & Exited)
  /** `final`: trying again cannot help. */
  | ({ readonly type: "process_failed"; readonly message: string; readonly final?: true } & OfProcess)
  /** The runner before this one had it, and it is gone, or its end was not seen. */
  | ({ readonly type: "process_lost" } & OfProcess)
  | { readonly type: "agent_started"; readonly agent: string; readonly epoch: number }
  /** A turn that answered something of ours has ended and nothing waits for the agent: not the first prompt of a program. */
  | { readonly type: "agent_idle"; readonly agent: string }
  | { readonly type: "agent_working"; readonly agent: string }
  /** Answered to `release_agent` too, where there was no such agent. */
  | ({ readonly type: "agent_exited"; readonly agent: string } & Exited)
  /** It could not be started. */
  | { readonly type: "agent_failed"; readonly agent: string; readonly message: string }
  | { readonly type: "agent_lost"; readonly agent: string }
  /** By the agent's own tools, in which case `step` is what it named; or read in its text. */
  | {
      readonly type: "verdict";
      readonly agent: string;
      readonly step?: StepName;
      readonly source: VerdictSource;
      readonly verdict:
        | { readonly kind: "owner"; readonly decision: OwnerDecision; readonly reason?: string }
        | { readonly kind: "review"; readonly decision: "APPROVE" | "REJECT"; readonly reason?: string };
    }
  | {
      readonly type: "verified";
      readonly step: StepName;
      readonly attempt: number;
      readonly check: number;
      readonly passed: boolean;
      readonly detail?: string;
    }
  /** With `by`, an agent of the attempt: all that its program has used so far; else what was used beside that. */
  | {
      readonly type: "tokens";
      readonly step: StepName;
      readonly attempt: number;
      readonly tokens: number;
      readonly by?: string;
    }
  | {
      readonly type: "evidence";
      readonly step: StepName;
      readonly attempt: number;
      readonly evidence: "file_changed" | "channel_post" | "monitoring";
      readonly by?: string;
      readonly text: string;
    }
  /** The message or the event that a `wait_for` waits for has come. */
  | {
      readonly type: "waited";
      readonly step: StepName;
      readonly attempt: number;
      readonly output: string;
    }
  | { readonly type: "worktree_made"; readonly step: StepName; readonly attempt: number; readonly path: string };

interface OfProcess {
  readonly step: StepName;
  readonly attempt: number;
  /** The specialist if absent. */
  readonly part?: Part;
}

interface Exited {
  readonly code: number | null;
  readonly signal: string | null;
  readonly output: string;
}

export type Refusal =
  | { readonly code: "already_started" }
  | { readonly code: "not_started" }
  | { readonly code: "run_finished"; readonly status: string }
  | { readonly code: "run_going_on" }
  | { readonly code: "unknown_step"; readonly step: StepName }
  | { readonly code: "step_not_finished"; readonly step: StepName }
  /** No person is asked about it now. `found` says why, after its name: "is a command". */
  | { readonly code: "not_waiting"; readonly step: StepName; readonly found: string }
  /** Nobody of this run is called so, or what it answers for is over. */
  | { readonly code: "not_part_of_run"; readonly agent: string }
  /** It answers for another step, or in a part that is not its own. */
  | { readonly code: "not_yours"; readonly agent: string; readonly step: StepName }
  | { readonly code: "too_late"; readonly agent: string; readonly step: StepName };
