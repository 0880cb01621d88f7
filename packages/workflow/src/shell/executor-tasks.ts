/** Executor tasks: what of a run has a beginning and one answer, done by functions: commands, checks, prompts, waits, worktrees. */
import type { Action } from "../core/actions.ts";
import type { Observation } from "../core/commands.ts";
import { attemptKey } from "../core/names.ts";
import type { Executor } from "./executor.ts";
import { executorCalls } from "./executor-calls.ts";
import { agentOutcome, commandOutcome } from "./executor-outcomes.ts";

type Start<What extends Action["do"]> = Extract<Action, { readonly do: What }>;

type Task = Start<"start_command" | "verify" | "end_process" | "start_one_shot" | "make_worktree" | "wait">;

export interface ExecutorTasks {
  /** Answers whether the executor has a function for it; of an end, whether there was anything to end. */
  readonly begin: (action: Task) => boolean;
  readonly callOff: (key: string) => void;
  readonly close: () => void;
}

export function executorTasks({
  executor,
  cwd,
  tell,
}: {
  readonly executor: Executor;
  /** Where the run's relative paths start. */
  readonly cwd: () => string;
  readonly tell: (observation: Observation) => void;
}): ExecutorTasks {
  /** By the part of an attempt or the key of an action. */
  const { call, callOff, callOffAll } = executorCalls();

  const command = (action: Start<"start_command">, run: NonNullable<Executor["command"]>): void => {
    const { step, attempt, part, env, captureOutput } = action;
    call(
      attemptKey(step, attempt, part),
      (signal) =>
        run({ step, attempt, purpose: "step", command: action.command, env, cwd: action.cwd ?? cwd(), signal }),
      (outcome) => {
        const { output, exitCode } = commandOutcome(outcome);
        const shown = captureOutput ? output : "";
        tell({ type: "process_exited", step, attempt, part, code: exitCode, signal: null, output: shown });
      },
      (message) => tell({ type: "process_failed", step, attempt, part, message }),
    );
  };

  const check = (action: Start<"verify">, text: string, run: NonNullable<Executor["command"]>): void => {
    const { step, attempt, check: number, env } = action;
    const answer = (passed: boolean, detail: string): void =>
      tell({ type: "verified", step, attempt, check: number, passed, ...(detail === "" ? {} : { detail }) });
    call(
      action.key,
      (signal) => run({ step, attempt, purpose: "check", command: text, env, cwd: action.cwd ?? cwd(), signal }),
      (outcome) => {
        const { output, exitCode } = commandOutcome(outcome);
        answer(exitCode === 0, output);
      },
      (message) => answer(false, message),
    );
  };

  const oneShot = (action: Start<"start_one_shot">, play: NonNullable<Executor["agent"]>): void => {
    const { step, attempt, part, agent, prompt } = action;
    const exited = (code: number, output: string): void =>
      tell({ type: "process_exited", step, attempt, part, code, signal: null, output });
    call(
      attemptKey(step, attempt, part),
      (signal) => play({ step, attempt, part, agent, prompt, cwd: action.cwd ?? cwd(), signal }),
      (outcome) => {
        const { output, decision, reason, tokens } = agentOutcome(outcome);
        if (tokens !== undefined) tell({ type: "tokens", step, attempt, tokens });
        const why = reason === undefined ? "" : `\nREVIEW_REASON: ${reason}`;
        const isReview = part === "reviewer" && decision !== undefined;
        exited(0, isReview ? `${output}\nREVIEW_DECISION: ${decision}${why}` : output);
      },
      (message) => exited(1, message),
    );
  };

  const worktree = (action: Start<"make_worktree">, make: NonNullable<Executor["worktree"]>): void => {
    const { step, attempt, branch, baseBranch, path, createBranch } = action;
    call(
      action.key,
      (signal) => make({ step, attempt, branch, baseBranch, path, createBranch, cwd: cwd(), signal }),
      (made) => tell({ type: "worktree_made", step, attempt, path: made }),
      (message) => tell({ type: "process_failed", step, attempt, message }),
    );
  };

  const wait = (action: Start<"wait">, come: NonNullable<Executor["wait"]>): boolean => {
    const { step, attempt, until } = action;
    if (until.what === "approval") return false;
    call(
      action.key,
      (signal) => come({ step, attempt, until, cwd: cwd(), signal }),
      (output) => tell({ type: "waited", step, attempt, output }),
      (message) => tell({ type: "process_failed", step, attempt, message }),
    );
    return true;
  };

  return {
    begin: (action) => {
      switch (action.do) {
        case "start_command":
          if (executor.command === undefined) return false;
          command(action, executor.command);
          return true;
        case "verify": {
          const { verification } = action;
          if (executor.command === undefined) return false;
          if (verification.type !== "custom" && verification.type !== "tests") return false;
          check(action, verification.value, executor.command);
          return true;
        }
        case "end_process": {
          const { step, attempt, part } = action;
          if (!callOff(attemptKey(step, attempt, part))) return false;
          tell({ type: "process_exited", step, attempt, part, code: null, signal: "SIGTERM", output: "" });
          return true;
        }
        case "start_one_shot":
          if (executor.agent === undefined) return false;
          oneShot(action, executor.agent);
          return true;
        case "make_worktree":
          if (executor.worktree === undefined) return false;
          worktree(action, executor.worktree);
          return true;
        case "wait":
          return executor.wait !== undefined && wait(action, executor.wait);
      }
    },
    callOff: (key) => void callOff(key),
    close: callOffAll,
  };
}
