/**
 * Entries: the facts of one run, in the order in which they became true. A run is nothing else.
 *
 * They are flat, and types and fields are only ever added: an entry that was written once always means what it meant.
 * Every entry of a step says which attempt it is about; numbers of attempts begin with 1 and never come twice.
 *
 * A step inside another is called by its path: `deploy[2]` is the third of a list, `release/build` a step of the
 * workflow that the step `release` runs.
 */
import type { Plan, StepName } from "./plan.ts";

export type Entry =
  | {
      readonly type: "run_started";
      readonly runId: string;
      readonly plan: Plan;
      /** Values that the user gave, by name. */
      readonly vars: Readonly<Record<string, string>>;
      readonly cwd: string;
      /** Only the script that began it can go on with it: what is done is done by functions of its own. */
      readonly host?: "script";
    }
  /** `after`: what became of the attempt before, where it failed. */
  | (About & { readonly type: "attempt_started"; readonly after?: Pick<Failure, "cause" | "message"> })
  /** Its process leads a group of this number; `startTicks` tells it from a later one of the same number. */
  | (OfPart & { readonly type: "process_started"; readonly pid: number; readonly startTicks: string })
  | (About & { readonly type: "owner_assigned"; readonly owner: string; readonly specialist: string })
  | (OfPart & { readonly type: "agent_started"; readonly agent: string; readonly epoch: number })
  /** Its turn ended, and nothing waits for it. */
  | (OfPart & { readonly type: "agent_idle"; readonly agent: string })
  | (OfPart & { readonly type: "agent_working"; readonly agent: string })
  /** A process or an agent of the attempt is gone, its whole group with it. `neverStarted`: there was nothing to end. */
  | (OfPart & { readonly type: "part_exited" } & Exit)
  | (OfPart & { readonly type: "agent_nudged"; readonly agent: string; readonly nudge: number })
  | (OfPart & { readonly type: "force_released"; readonly agent: string })
  | (About & { readonly type: "owner_timed_out"; readonly owner: string })
  | (OfPart & { readonly type: "verdict_given"; readonly by: string } & Verdict)
  /** `ask` 2: there was no decision that could be read, so it is asked once more. */
  | (About & { readonly type: "review_requested"; readonly reviewer: string; readonly ask: number })
  | (About & {
      readonly type: "review_completed";
      readonly reviewer: string;
      readonly decision: "approved" | "rejected";
      readonly reason?: string;
      readonly source: VerdictSource;
    })
  /** A reviewer in a terminal serves several steps, so its life is the run's and not that of an attempt. */
  | { readonly type: "reviewer_started"; readonly reviewer: string; readonly agent: string; readonly epoch: number }
  | ({ readonly type: "reviewer_exited"; readonly reviewer: string; readonly agent: string } & Exit)
  /** `idle`: looked at because everybody idled; a failure then is no failure of the attempt. */
  | (About & {
      readonly type: "verified";
      readonly check: number;
      readonly passed: boolean;
      readonly idle?: true;
      readonly detail?: string;
    })
  | (About & { readonly type: "tokens_used"; readonly tokens: number; readonly by?: string })
  /** Something that supports or explains what becomes of the attempt; it decides nothing. */
  | (About & {
      readonly type: "evidence_noted";
      readonly evidence: "file_changed" | "channel_post" | "monitoring";
      readonly by?: string;
      readonly text: string;
    })
  /** What the attempt will have come to when everything of it has ended. */
  | (About & { readonly type: "attempt_ending"; readonly outcome: Ending })
  | (About & {
      readonly type: "attempt_succeeded";
      readonly output: string;
      readonly by: CompletedBy;
      readonly exitCode?: number;
    })
  | (About & { readonly type: "attempt_failed"; readonly failure: Failure })
  /** The runner was gone, and what had been running did not outlive it. It does not count as a try of the step. */
  | (About & { readonly type: "attempt_interrupted"; readonly reason: string })
  | (About & { readonly type: "items_found"; readonly items: readonly string[] })
  /** The step has failed for good, but an agent may mend what is wrong; then the step is tried once more. */
  | { readonly type: "repair_requested"; readonly step: StepName; readonly repair: number; readonly agent: string }
  /** `takenFrom`: the earlier run in which it was done; here it made no attempt. */
  | {
      readonly type: "step_completed";
      readonly step: StepName;
      readonly output: string;
      readonly takenFrom?: string;
    }
  | { readonly type: "step_failed"; readonly step: StepName; readonly failure: Failure }
  | { readonly type: "step_skipped"; readonly step: StepName; readonly because: StepName }
  | { readonly type: "step_retried"; readonly step: StepName; readonly by: string }
  | { readonly type: "cancel_requested"; readonly by: string; readonly reason?: string }
  /** The whole run is out of time or of tokens: everything ends. */
  | { readonly type: "run_halted"; readonly failure: Failure }
  | { readonly type: "run_completed" }
  | { readonly type: "run_failed"; readonly reason: string }
  | { readonly type: "run_cancelled"; readonly by: string }
  | { readonly type: "run_needs_human"; readonly step: StepName; readonly reason: string };

export interface About {
  readonly step: StepName;
  readonly attempt: number;
}

export interface OfPart extends About {
  readonly part: Part;
}

/** Who of an attempt. A command, and an agent that takes one prompt, is the specialist of its step. */
export type Part = "specialist" | "owner" | "reviewer";

export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  /** Head and tail of what it printed. */
  readonly output: string;
  readonly neverStarted?: true;
}

export type Ending =
  | { readonly how: "failed"; readonly failure: Failure }
  | { readonly how: "interrupted"; readonly reason: string };

export type OwnerDecision = "COMPLETE" | "INCOMPLETE_RETRY" | "INCOMPLETE_FAIL" | "NEEDS_CLARIFICATION";

/** `tool`: through the agent's own authenticated tools. `marker`: read in its text, which weighs less. */
export type VerdictSource = "tool" | "marker";

export type Verdict =
  | {
      readonly kind: "owner";
      readonly decision: OwnerDecision;
      readonly reason?: string;
      readonly source: VerdictSource;
    }
  | {
      readonly kind: "review";
      readonly decision: "APPROVE" | "REJECT";
      readonly reason?: string;
      readonly source: VerdictSource;
    };

/** What the success rests on, the strongest of what there was. */
export type CompletedBy =
  | "verification"
  | "owner_decision"
  | "marker"
  | "process_exit"
  | "wait_over"
  | "worktree"
  | "children";

export interface Failure {
  readonly cause: FailureCause;
  /** One line for a person. */
  readonly message: string;
  readonly exitCode?: number;
  readonly signal?: string;
  /** Trying again cannot help. */
  readonly final?: true;
  /** What the reviewer or the owner gave as the reason. */
  readonly reason?: string;
  /** The end of what it printed, at most 2,000 characters. */
  readonly outputTail?: string;
}

export type FailureCause =
  | "timeout"
  | "verification_mismatch"
  | "spawn_failed"
  | "exit_nonzero"
  | "review_rejected"
  | "review_missing"
  | "owner_decision"
  | "needs_clarification"
  | "owner_timeout"
  | "missing_marker"
  | "force_released"
  | "agent_failed"
  | "budget"
  | "cancelled"
  | "denied"
  | "bad_items"
  | "child_failed"
  | "interrupted_too_often"
  | "unknown";
