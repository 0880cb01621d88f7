/**
 * Plan: a workflow as the decider knows it. Everything is resolved but what only a run can tell: outputs of steps, and
 * the items of a list.
 *
 * It is JSON and stands in the run's first entry, so that a run goes on as it was begun, whatever becomes of its file.
 */

export type StepName = string;

export interface Plan {
  /** The document that it stands in, by name: others may have a workflow of the same name. */
  readonly document?: string;
  readonly workflow: string;
  readonly description?: string;
  readonly pattern: string;
  readonly channel?: string;
  readonly strategy: Strategy;
  /** Attempts of steps that run at the same time. */
  readonly maxConcurrency: number;
  /** Of the whole run, in milliseconds from its start. */
  readonly timeoutMs?: number;
  /** Of the whole run, in tokens. */
  readonly tokenBudget?: number;
  readonly idleNudge?: IdleNudge;
  readonly agents: Readonly<Record<string, PlannedAgent>>;
  readonly steps: readonly PlannedStep[];
  /** Of a step that fails for good: another agent may try to mend what is wrong, that many times. */
  readonly repair?: { readonly agent: string; readonly retries: number };
  /** What becomes of a run whose step has failed for good. */
  readonly onExhaustion: "fail" | "needs-human";
  /** Where it is posted that a step has failed for good, and how the run ended. */
  readonly notifyChannel?: string;
  /** What the report of the run shows beyond the facts; all of it if absent, nothing if false. */
  readonly trajectory?: false | TrajectorySettings;
}

export interface TrajectorySettings {
  readonly reflectOnBarriers: boolean;
  readonly reflectOnConverge: boolean;
  readonly autoDecisions: boolean;
}

/** `fail-fast`: nothing new starts. `continue`: only what depends on it is skipped. */
export type Strategy = "fail-fast" | "continue";

export interface IdleNudge {
  readonly nudgeAfterMs: number;
  readonly escalateAfterMs: number;
  readonly maxNudges: number;
}

export type Preset = "lead" | "worker" | "reviewer" | "analyst";

export interface PlannedAgent {
  readonly name: string;
  readonly cli: string;
  readonly role?: string;
  readonly preset?: Preset;
  /** In a terminal, and hardened by an owner and a reviewer; otherwise one process that takes one prompt. */
  readonly interactive: boolean;
  readonly model?: string;
  readonly cwd?: string;
  readonly channels: readonly string[];
  readonly permissionMode: "ask" | "auto" | "bypass";
  readonly idleThresholdSecs?: number;
  readonly maxTokens?: number;
  readonly timeoutMs?: number;
  readonly retries?: number;
  /** Whom it may write to, by the pattern; absent: anyone. */
  readonly mayTell?: readonly string[];
}

export interface PlannedBase {
  readonly name: StepName;
  readonly dependsOn: readonly StepName[];
  /** Of one attempt. */
  readonly timeoutMs?: number;
  /** Attempts after the first. */
  readonly retries: number;
  readonly retryDelayMs: number;
  /** Attempts in all, those after an interruption included; the run's guard against a loop. */
  readonly maxIterations?: number;
  readonly verification?: Verification;
}

/** Text with places for what the run knows: `{{steps.build.output}}`, `{{item}}`. Places never become code. */
export type Template = string;

export interface DeterministicStep extends PlannedBase {
  readonly type: "deterministic";
  /** For `/bin/sh -c`; values reach it as environment variables that stand in the places of its templates. */
  readonly command: Template;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, Template>>;
  /** A status other than 0 fails the step. */
  readonly failOnError: boolean;
  readonly captureOutput: boolean;
  /** It only holds back what depends on it: until all that it waits for is completed, or the first of it. */
  readonly barrier?: "all" | "any";
}

export interface AgentStep extends PlannedBase {
  readonly type: "agent";
  /** The specialist. */
  readonly agent: string;
  readonly task: Template;
  /** Set where the step is hardened; equal to `agent` where the specialist owns its own step. */
  readonly owner?: string;
  /** Set where somebody approves. */
  readonly reviewer?: string;
}

export interface WorktreeStep extends PlannedBase {
  readonly type: "worktree";
  readonly branch: Template;
  readonly baseBranch: Template;
  readonly path?: Template;
  readonly createBranch: boolean;
}

export interface WaitForStep extends PlannedBase {
  readonly type: "wait_for";
  readonly until:
    | { readonly what: "message"; readonly channel?: string; readonly from?: string; readonly contains?: Template }
    | { readonly what: "event"; readonly event: string; readonly agent?: string }
    | { readonly what: "approval"; readonly question: Template };
}

export interface SubWorkflowStep extends PlannedBase {
  readonly type: "workflow";
  readonly plan: Plan;
}

export interface ForEachStep extends PlannedBase {
  readonly type: "for_each";
  /** A JSON array, or lines. */
  readonly items: Template;
  readonly maxConcurrency: number;
  /** `{{item}}` and `{{index}}` stand in it. */
  readonly step: Exclude<PlannedStep, ForEachStep>;
}

export type PlannedStep = DeterministicStep | AgentStep | WorktreeStep | WaitForStep | SubWorkflowStep | ForEachStep;

export type Verification = (
  | { readonly type: "output_contains"; readonly value: Template }
  | { readonly type: "exit_code"; readonly value: number }
  | { readonly type: "file_exists"; readonly value: Template }
  | {
      readonly type: "custom" | "tests";
      /** For `/bin/sh -c`, like the command of a step. */
      readonly value: Template;
      /** What its variables hold. */
      readonly env?: Readonly<Record<string, Template>>;
      readonly timeoutMs?: number;
    }
  | { readonly type: "json_schema"; readonly value: Readonly<Record<string, unknown>> }
  /** `any`, or the path that must have changed. */
  | { readonly type: "git_diff"; readonly value: Template }
) & {
  /** What it is about, for people and prompts. */
  readonly description?: string;
};
