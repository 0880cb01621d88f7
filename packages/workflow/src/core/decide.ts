/**
 * Decide: what follows from one command, for a run as it is.
 *
 *   D1  What is heard twice, or about an attempt that is over, changes nothing.
 *   D2  A verdict counts from the agent whose part it is, for its own step alone; by a tool it outranks one by a marker,
 *       and once it has been acted on none comes after it.
 *   D3  What a runner that died had running is interrupted, which is no try of the step; an agent that lives goes on.
 *   D4  A run that has ended takes nothing but a retry.
 */
import { accept, reject, unreachable, type Decision } from "@agent-relay/kernel";
import { askedOf, asksPerson } from "./approvals.ts";
import type { Observation, Refusal, RunCommand } from "./commands.ts";
import { concludeProcess, failed, reviewCompleted, succeeded } from "./conclude.ts";
import type { Entry, Exit, Part } from "./entries.ts";
import { readDeclaration } from "./markers.ts";
import { headAndTail, tailOf } from "./output.ts";
import { countedBy, isInteractive, isThere } from "./parts.ts";
import { reviewPrompt } from "./prompts.ts";
import {
  endingOf,
  hasEnded,
  isFinished,
  type Attempt,
  type PartState,
  type Reviewer,
  type Run,
  type Step,
} from "./state.ts";
import { decideVerdict } from "./verdicts.ts";

/** The end of something that never ran, or of which nobody saw how it ended. */
const neverThere = { code: null, signal: null, output: "", neverStarted: true } as const satisfies Exit;

export type RunDecision = Decision<Entry, Refusal>;

export function decide(run: Run, command: RunCommand): RunDecision {
  if (command.type === "start") {
    if (run.status !== "new") return reject({ code: "already_started" });
    const { runId, plan, vars, cwd } = command;
    return accept({ type: "run_started", runId, plan, vars, cwd });
  }
  if (run.status === "new") return reject({ code: "not_started" });
  switch (command.type) {
    case "retry":
      return retry(run, command.step, command.by);
    case "cancel": {
      if (isFinished(run)) return reject({ code: "run_finished", status: run.status });
      if (run.cancel !== undefined) return accept();
      if (command.askedAt !== undefined && command.askedAt < run.openedAt) return accept();
      const why = command.reason === undefined ? {} : { reason: command.reason };
      return accept({ type: "cancel_requested", by: command.by, ...why });
    }
    case "answer":
      return answer(run, command);
    case "tick":
      for (const step of run.active) run.touched.add(step);
      return accept();
    default:
      return observe(run, command);
  }
}

function retry(run: Run, name: string, by: string): RunDecision {
  if (!isFinished(run)) return reject({ code: "run_going_on" });
  const step = run.steps.get(name);
  if (step === undefined || !run.scopes.has(step.scope) || step.repairOf !== undefined)
    return reject({ code: "unknown_step", step: name });
  // A run that was stopped goes on by any of its steps; of one that ended by itself each step has ended.
  if (!hasEnded(step) && run.status === "completed") return reject({ code: "step_not_finished", step: name });
  return accept({ type: "step_retried", step: name, by });
}

function answer(run: Run, { step: name, attempt, approved, by }: Extract<RunCommand, { type: "answer" }>): RunDecision {
  const step = run.steps.get(name);
  // It was about an attempt that is over.
  if (step !== undefined && asksPerson(step.def) && step.attempt?.number !== attempt) return accept();
  const asked = askedOf(run, name);
  if ("code" in asked) return reject(asked);
  if (approved) return accept(...succeeded(asked.step, asked.attempt, `approved by ${by}`, "wait_over", null));
  const message = `a person refused it: denied by ${by}`;
  return accept(failed(asked.step, asked.attempt, { cause: "denied", message }));
}

function observe(run: Run, command: Observation): RunDecision {
  switch (command.type) {
    case "agent_started":
    case "agent_idle":
    case "agent_working":
    case "agent_exited":
    case "agent_failed":
    case "agent_lost":
      return ofAgent(run, command);
    case "verdict":
      return decideVerdict(run, command);
    default: {
      const step = run.steps.get(command.step);
      if (step === undefined) return reject({ code: "unknown_step", step: command.step });
      const attempt = step.attempt;
      if (attempt?.number !== command.attempt) return accept();
      return accept(...ofAttempt(run, step, attempt, command));
    }
  }
}

type OfAttempt = Extract<Observation, { readonly attempt: number }>;

function ofAttempt(run: Run, step: Step, attempt: Attempt, command: OfAttempt): readonly Entry[] {
  const about = { step: step.name, attempt: attempt.number } as const;
  switch (command.type) {
    case "process_started": {
      const part = attempt.parts.get(command.part ?? "specialist");
      if (part?.state !== "wanted") return [];
      return [{ type: "process_started", ...about, part: part.part, pid: command.pid, startTicks: command.startTicks }];
    }
    case "process_exited": {
      const { code, signal } = command;
      return processExited(run, step, attempt, command.part, { code, signal, output: headAndTail(command.output) });
    }
    case "process_failed": {
      if (step.def.type === "wait_for")
        return endingOf(run, step) === undefined
          ? [failed(step, attempt, { cause: "unknown", message: command.message })]
          : [];
      const gone = exitOf(step, attempt, command.part, neverThere);
      if (gone.length === 0 || endingOf(run, step) !== undefined) return gone;
      const hopeless = command.final === true ? { final: true as const } : {};
      const failure = { cause: "spawn_failed", message: command.message, ...hopeless } as const;
      return [...gone, { type: "attempt_ending", ...about, outcome: { how: "failed", failure } }];
    }
    case "process_lost": {
      const gone = exitOf(step, attempt, command.part, neverThere);
      return gone.length === 0 ? [] : [...gone, ...interrupted(run, step, attempt, command.part ?? "specialist")];
    }
    case "verified":
      return verified(step, attempt, command);
    case "tokens": {
      const { by } = command;
      if (by === undefined)
        return command.tokens > 0 ? [{ type: "tokens_used", ...about, tokens: command.tokens }] : [];
      const tokens = command.tokens - (countedBy(run, attempt, by)?.tokens ?? command.tokens);
      return tokens > 0 ? [{ type: "tokens_used", ...about, tokens, by }] : [];
    }
    case "evidence": {
      const { evidence, by } = command;
      const who = by === undefined ? {} : { by };
      return [{ type: "evidence_noted", ...about, evidence, ...who, text: tailOf(command.text) }];
    }
    case "waited": {
      if (step.def.type !== "wait_for" || asksPerson(step.def) || endingOf(run, step) !== undefined) return [];
      return succeeded(step, attempt, command.output, "wait_over", null);
    }
    case "worktree_made": {
      const gone = exitOf(step, attempt, "specialist", { code: 0, signal: null, output: command.path });
      if (gone.length === 0 || endingOf(run, step) !== undefined) return gone;
      return step.def.verification === undefined ? succeeded(step, attempt, command.path, "worktree", null) : gone;
    }
    default:
      return unreachable(command);
  }
}

function processExited(run: Run, step: Step, attempt: Attempt, part: Part | undefined, exit: Exit): readonly Entry[] {
  const gone = exitOf(step, attempt, part, exit);
  if (gone.length === 0 || endingOf(run, step) !== undefined) return gone;
  if (part !== "reviewer") return concludeProcess(run, step, attempt, exit) ?? gone;
  if (attempt.review === undefined || attempt.review.decision !== undefined) return gone;
  const scan = { kind: "review", step: step.name, prompts: [reviewPrompt(run, step, attempt)] } as const;
  const found = readDeclaration(scan, exit.output);
  return found?.kind === "review" ? [...gone, reviewCompleted(step, attempt, found, "marker")] : gone;
}

function verified(step: Step, attempt: Attempt, command: Extract<OfAttempt, { type: "verified" }>): readonly Entry[] {
  const { check, passed } = command;
  const detail = command.detail === undefined ? {} : { detail: tailOf(command.detail) };
  const about = { step: step.name, attempt: attempt.number, check, passed, ...detail } as const;
  if (check > 0) {
    if (attempt.decided !== undefined || check !== attempt.idlePeriod || check <= attempt.checkedPeriod) return [];
    // Somebody went on working while it was looked at: what was seen may be different already.
    const stillIdle = [...attempt.parts.values()].filter(isThere).every((it) => it.idleSince !== undefined);
    return stillIdle ? [{ type: "verified", ...about, idle: true }] : [];
  }
  // Before everybody has gone nobody was asked to look.
  const asked = step.def.verification !== undefined && (attempt.decided !== undefined || !isInteractive(attempt));
  const present = [...attempt.parts.values()].some((it) => it.part !== "reviewer" && isThere(it));
  return asked && !present && attempt.verified === undefined ? [{ type: "verified", ...about }] : [];
}

type OfAgent = Extract<Observation, { readonly agent: string }>;

function ofAgent(run: Run, command: Exclude<OfAgent, { type: "verdict" }>): RunDecision {
  const found = run.agents.get(command.agent);
  if (found === undefined) return accept();
  if ("serving" in found) return accept(...ofReviewer(run, found, command));
  const { attempt } = found;
  const part = [...(attempt?.parts.values() ?? [])].find((it) => it.name === command.agent);
  if (attempt === undefined || part === undefined) return accept();
  return accept(...ofPart(run, found, attempt, part, command));
}

function ofPart(
  run: Run,
  step: Step,
  attempt: Attempt,
  part: PartState,
  command: Exclude<OfAgent, { type: "verdict" }>,
): readonly Entry[] {
  const about = { step: step.name, attempt: attempt.number, part: part.part } as const;
  const agent = part.name;
  switch (command.type) {
    case "agent_started":
      return part.state === "wanted" ? [{ type: "agent_started", ...about, agent, epoch: command.epoch }] : [];
    case "agent_idle":
      return part.state === "running" && part.idleSince === undefined ? [{ type: "agent_idle", ...about, agent }] : [];
    case "agent_working":
      return part.idleSince === undefined ? [] : [{ type: "agent_working", ...about, agent }];
    case "agent_exited": {
      const { code, signal } = command;
      return exitOf(step, attempt, part.part, { code, signal, output: headAndTail(command.output) });
    }
    case "agent_failed": {
      const gone = exitOf(step, attempt, part.part, neverThere);
      if (gone.length === 0 || endingOf(run, step) !== undefined) return gone;
      const failure = { cause: "spawn_failed", message: command.message } as const;
      const outcome = { how: "failed", failure } as const;
      return [...gone, { type: "attempt_ending", step: step.name, attempt: attempt.number, outcome }];
    }
    case "agent_lost": {
      const gone = exitOf(step, attempt, part.part, neverThere);
      return gone.length === 0 ? [] : [...gone, ...interrupted(run, step, attempt, part.part)];
    }
    default:
      return unreachable(command);
  }
}

function ofReviewer(run: Run, reviewer: Reviewer, command: Exclude<OfAgent, { type: "verdict" }>): readonly Entry[] {
  const about = { reviewer: reviewer.reviewer, agent: reviewer.name } as const;
  const first = reviewer.serving[0];
  switch (command.type) {
    case "agent_started":
      return reviewer.state === "wanted" ? [{ type: "reviewer_started", ...about, epoch: command.epoch }] : [];
    case "agent_idle": {
      const review = first?.attempt?.review;
      if (first?.attempt === undefined || review === undefined || review.unclear) return [];
      const { name, state, isLeaving } = reviewer;
      if (state !== "running" || isLeaving) return [];
      return [{ type: "agent_idle", step: first.name, attempt: first.attempt.number, part: "reviewer", agent: name }];
    }
    case "agent_working":
      return [];
    case "agent_exited":
      return [
        {
          type: "reviewer_exited",
          ...about,
          code: command.code,
          signal: command.signal,
          output: tailOf(command.output),
        },
      ];
    case "agent_failed": {
      const gone: Entry = {
        type: "reviewer_exited",
        ...about,
        code: null,
        signal: null,
        output: tailOf(command.message),
      };
      if (first?.attempt === undefined || endingOf(run, first) !== undefined || reviewer.isLeaving) return [gone];
      // Asking for it again at once would fail again at once.
      const message = `the reviewer ${reviewer.reviewer} could not be started: ${command.message}`;
      const outcome = { how: "failed", failure: { cause: "spawn_failed", message } } as const;
      return [{ type: "attempt_ending", step: first.name, attempt: first.attempt.number, outcome }, gone];
    }
    case "agent_lost":
      return [{ type: "reviewer_exited", ...about, ...neverThere }];
    default:
      return unreachable(command);
  }
}

/** Nothing where it is known already. */
function exitOf(step: Step, attempt: Attempt, part: Part | undefined, exit: Exit): readonly Entry[] {
  const found = attempt.parts.get(part ?? "specialist");
  if (found === undefined || found.state === "exited") return [];
  return [{ type: "part_exited", step: step.name, attempt: attempt.number, part: found.part, ...exit }];
}

/** What a runner lost begins anew, unless it was ending anyhow; a lost review is only asked for again. */
function interrupted(run: Run, step: Step, attempt: Attempt, part: Part): readonly Entry[] {
  const about = { step: step.name, attempt: attempt.number } as const;
  if (part === "reviewer") {
    const { review } = attempt;
    if (review === undefined || endingOf(run, step) !== undefined) return [];
    return [{ type: "review_requested", ...about, reviewer: review.reviewer, ask: review.asks }];
  }
  if (endingOf(run, step) !== undefined || attempt.decided !== undefined) return [];
  const who = attempt.parts.get(part)?.name ?? "";
  const reason = `${who === "" ? "its process" : who} did not outlive the runner`;
  return [{ type: "attempt_ending", ...about, outcome: { how: "interrupted", reason } }];
}
