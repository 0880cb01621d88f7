/**
 * Executor: functions that do what steps want, in place of agents and commands: for users' tests, and for other hosts.
 * What they are asked, and what they may answer.
 */
import type { WaitUntil } from "../core/actions.ts";
import type { OwnerDecision, Part } from "../core/entries.ts";
import type { PlannedAgent } from "../core/plan.ts";

export interface Task {
  readonly step: string;
  /** Counted from 1. */
  readonly attempt: number;
  /** The run's directory, or the one of the step or the agent, absolute or relative to that of the run. */
  readonly cwd: string;
  readonly signal: AbortSignal;
}

export interface CommandTask extends Task {
  /** What the command is for: the step itself, or a check of it, which passes with status 0. */
  readonly purpose: "step" | "check";
  /** For `/bin/sh -c`; the values of its places are in `env`. */
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The output alone means status 0. */
export type CommandOutcome = string | { readonly output?: string; readonly exitCode?: number };

export interface AgentTask extends Task {
  readonly part: Part;
  readonly agent: PlannedAgent;
  readonly prompt: string;
  /** For an owner: what the specialist made. */
  readonly output?: string;
}

/** The output alone means that it is done, except for a reviewer, whose output has to say `REVIEW_DECISION: …`. */
export type AgentOutcome =
  | string
  | {
      readonly output?: string;
      /** Of who answers for a step, or of a reviewer. */
      readonly decision?: OwnerDecision | "APPROVE" | "REJECT";
      readonly reason?: string;
      readonly tokens?: number;
    };

export interface WaitTask extends Task {
  readonly until: Exclude<WaitUntil, { readonly what: "approval" }>;
}

export interface WorktreeTask extends Task {
  readonly branch: string;
  readonly baseBranch: string;
  readonly path: string;
  readonly createBranch: boolean;
}

/** Does what steps want. Leave out what should really be done. */
export interface Executor {
  /** In place of the shell: deterministic steps, and checks that are commands. */
  readonly command?: (task: CommandTask) => CommandOutcome | Promise<CommandOutcome>;
  /** In place of an agent, interactive or not, whichever part it has in a step. */
  readonly agent?: (task: AgentTask) => AgentOutcome | Promise<AgentOutcome>;
  /** In place of waiting for a message or an event. Answers the output of the step. Approvals are a person's. */
  readonly wait?: (task: WaitTask) => string | Promise<string>;
  /** In place of git. Answers the path. */
  readonly worktree?: (task: WorktreeTask) => string | Promise<string>;
}
