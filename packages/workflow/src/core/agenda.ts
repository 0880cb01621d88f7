/**
 * Agenda: what a run wants done in the world now, and when to look again.
 *
 *   G1  It follows from the state alone, so the next runner finds the same; asking changes nothing.
 *   G2  What is under way is wanted until an entry says that it is over; after the run's end nothing is.
 *   G3  What runs is ended before its attempt is: a process by its group, an agent by its release, each under one key.
 *   G4  Nobody is woken twice for the same instant: what a tick has left waits for something else than time.
 *   G5  An owner comes after its specialist has begun, and hears when the specialist ends.
 *   G6  Who is to leave is followed until it has left, so that what it gave is whole, whoever runs the run by then.
 *   G7  Whose step is done may end its turn, in 30 s and in half of what is left of the step's time, whoever runs the run:
 *       the rest is for the check and the review.
 */
import { literal } from "./places.ts";
import type { Action, Agenda } from "./actions.ts";
import { attemptKey, commandIdOf, mirrorChannel } from "./names.ts";
import type { Verification } from "./plan.ts";
import { isInteractive, isThere, plannedAgent } from "./parts.ts";
import * as prompts from "./prompts.ts";
import { askKey, isKept, isNeeded, reviewDeadline } from "./reviewing.ts";
import { endingOf, type Attempt, type PartState, type Reviewer, type Run, type Step } from "./state.ts";
import { nudgeDue } from "./supervision.ts";
import { fill, fillAll, type Lookup } from "./templates.ts";
import { valuesFor } from "./values.ts";

/** For the turn in which a step was declared done: a model that has called its tool is asked once more for what it says last. */
const TURN_MS = 30_000;

export function plan(run: Run, now: number): Agenda {
  if (run.status !== "running") return { actions: [], wakeAt: undefined };
  const actions: Action[] = [];
  let wakeAt: number | undefined;
  const consider = (at: number | undefined): void => {
    if (at !== undefined && at > run.tickedAt && (wakeAt === undefined || at < wakeAt)) wakeAt = at;
  };
  if (run.halt === undefined && run.cancel === undefined && run.plan?.timeoutMs !== undefined)
    consider(run.startedAt + run.plan.timeoutMs);
  for (const step of run.delayed) consider(step.retryAt);
  for (const step of run.active) {
    if (step.attempt === undefined) continue;
    step.attempt.agenda ??= attemptAgenda(run, step, step.attempt);
    actions.push(...step.attempt.agenda.actions);
    for (const at of step.attempt.agenda.wakeAt) consider(at);
  }
  for (const reviewer of run.reviewers.values())
    if (isNeeded(reviewer) && !isKept(run, reviewer)) actions.push(...reviewerActions(run, reviewer));
  actions.push(...posts(run));
  return { actions, wakeAt: wakeAt === undefined ? undefined : Math.max(wakeAt, now) };
}

/** Of a run that has ended too: its end is the last thing to be said. */
export function posts(run: Run): readonly Extract<Action, { do: "post" }>[] {
  return run.notices.map(({ key, channel, text }) => ({
    do: "post",
    key,
    channel,
    text,
    commandId: commandIdOf(run.id, key),
  }));
}

function attemptAgenda(run: Run, step: Step, attempt: Attempt): NonNullable<Attempt["agenda"]> {
  const ending = endingOf(run, step);
  if (ending !== undefined) {
    const why = ending.how === "failed" ? ending.failure.message : ending.reason;
    const leaving = [...attempt.parts.values()].filter(isThere);
    const actions = leaving.flatMap((part) => [...lastWatch(step, attempt, part), endPart(step, attempt, part, why)]);
    return { actions, wakeAt: [] };
  }
  const wakeAt = [attempt.deadline, nudgeDue(step, attempt), reviewDeadline(attempt)].filter((it) => it !== undefined);
  return { actions: attemptActions(run, step, attempt), wakeAt };
}

function attemptActions(run: Run, step: Step, attempt: Attempt): readonly Action[] {
  const { def } = step;
  const values = valuesFor(run, step);
  const about = aboutOf(step, attempt);
  switch (def.type) {
    case "wait_for": {
      const { until } = def;
      const filled =
        until.what === "approval"
          ? { ...until, question: fill(until.question, values) }
          : until.what === "message" && until.contains !== undefined
            ? { ...until, contains: fill(until.contains, values) }
            : until;
      return [
        { do: "wait", key: `${about.key}:wait`, ...named(about), since: waitsSince(run, step, attempt), until: filled },
      ];
    }
    case "worktree": {
      if (attempt.parts.get("specialist")?.state === "exited") return verifyActions(run, step, attempt);
      const branch = fill(def.branch, values);
      const path = def.path === undefined ? `.worktrees/${branch}` : fill(def.path, values);
      const { createBranch } = def;
      const baseBranch = fill(def.baseBranch, values);
      return [{ do: "make_worktree", ...about, branch, baseBranch, path, createBranch }];
    }
    case "workflow":
    case "for_each":
      return [];
    case "deterministic":
    case "agent":
      return isInteractive(attempt) ? teamActions(run, step, attempt) : processActions(run, step, attempt);
  }
}

/** What builds upon nothing waits from the run's own start: a runner may begin it a little later. */
function waitsSince(run: Run, { scope, dependencies }: Step, attempt: Attempt): number {
  const isFirst = attempt.number === 1 && scope.container === undefined && dependencies.length === 0;
  return isFirst ? run.startedAt : attempt.startedAt;
}

function processActions(run: Run, step: Step, attempt: Attempt): readonly Action[] {
  const part = attempt.parts.get("specialist");
  if (part === undefined) return [];
  if (part.state === "exited") return verifyActions(run, step, attempt);
  const about = { ...aboutOf(step, attempt), part: "specialist" as const };
  const { def } = step;
  const values = valuesFor(run, step);
  if (def.type === "deterministic") {
    const { command, captureOutput } = def;
    const cwd = def.cwd === undefined ? {} : { cwd: fill(def.cwd, values) };
    return [{ do: "start_command", ...about, command, env: fillAll(def.env, values), captureOutput, ...cwd }];
  }
  const agent = plannedAgent(step, "specialist");
  if (agent === undefined) return [];
  const prompt = prompts.specialistPrompt(run, step, attempt);
  return [{ do: "start_one_shot", ...about, agent, prompt, ...cwdOf(agent.cwd) }];
}

function teamActions(run: Run, step: Step, attempt: Attempt): readonly Action[] {
  if (attempt.decided === undefined)
    return [
      ...[...attempt.parts.values()].flatMap((part) => partActions(run, step, attempt, part)),
      ...idleCheck(run, step, attempt),
      ...messages(run, step, attempt),
    ];
  const leaving = [...attempt.parts.values()].filter((it) => it.part !== "reviewer" && isThere(it));
  if (leaving.length > 0)
    return leaving.flatMap((part) => [...lastWatch(step, attempt, part), finishPart(step, attempt, part)]);
  return [...verifyActions(run, step, attempt), ...reviewActions(run, step, attempt)];
}

function partActions(run: Run, step: Step, attempt: Attempt, part: PartState): readonly Action[] {
  const agent = plannedAgent(step, part.part);
  if (agent === undefined || !isThere(part)) return [];
  const key = attemptKey(step.name, attempt.number, part.part);
  const about = { ...named(aboutOf(step, attempt)), part: part.part, name: part.name };
  const isOwner = part.part === "owner";
  const prompt = isOwner ? prompts.ownerPrompt(run, step, attempt) : prompts.specialistPrompt(run, step, attempt);
  const answers = isOwner || !attempt.parts.has("owner");
  const mirror = mirrorOf(step);
  if (part.state === "wanted") {
    const hears = isOwner && mirror !== undefined ? { ...agent, channels: [...agent.channels, mirror] } : agent;
    const commandId = commandIdOf(run.id, key);
    return [{ do: "start_agent", key, ...about, agent: hears, prompt, commandId, ...cwdOf(agent.cwd) }];
  }
  const scan = { kind: "owner", step: step.name, prompts: [prompt] } as const;
  return [
    {
      ...watchPart(step, attempt, part),
      ...(answers ? { scan } : {}),
      ...(answers || mirror === undefined ? {} : { mirrorTo: mirror }),
    },
  ];
}

function watchPart(step: Step, attempt: Attempt, part: PartState): Extract<Action, { do: "watch_agent" }> {
  return {
    do: "watch_agent",
    key: attemptKey(step.name, attempt.number, `${part.part}:watch`),
    ...named(aboutOf(step, attempt)),
    part: part.part,
    name: part.name,
    epoch: part.epoch,
    from: "start",
    since: attempt.startedAt,
    ...(part.part === "owner" ? { monitoring: true as const } : {}),
  };
}

/** The same that followed it until now, or one in its place: what it declares counts no more. */
function lastWatch(step: Step, attempt: Attempt, part: PartState): readonly Action[] {
  return part.how === "agent" && part.state === "running" ? [watchPart(step, attempt, part)] : [];
}

function mirrorOf(step: Step): string | undefined {
  const { channel } = step.scope.plan;
  return channel === undefined ? undefined : mirrorChannel(channel, step.name);
}

/** Everybody idles, and the step's check could show that it is done. */
function idleCheck(run: Run, step: Step, attempt: Attempt): readonly Action[] {
  const { verification } = step.def;
  if (verification === undefined || verification.type === "exit_code") return [];
  if (attempt.idlePeriod <= attempt.checkedPeriod) return [];
  const present = [...attempt.parts.values()].filter(isThere);
  if (present.length === 0 || present.some((it) => it.idleSince === undefined)) return [];
  return [verify(run, step, attempt, attempt.idlePeriod, verification)];
}

function messages(run: Run, step: Step, attempt: Attempt): readonly Action[] {
  const owner = attempt.parts.get("owner");
  const specialist = attempt.parts.get("specialist");
  const answers = owner ?? specialist;
  if (answers?.state !== "running") return [];
  const tell = (what: string, text: string): Action => {
    const key = attemptKey(step.name, attempt.number, what);
    return {
      do: "tell_agent",
      ...named(aboutOf(step, attempt)),
      key,
      name: answers.name,
      text,
      commandId: commandIdOf(run.id, key),
    };
  };
  const told: Action[] = [];
  const exit = specialist?.exit;
  if (owner !== undefined && exit !== undefined)
    told.push(tell("worker-ended", prompts.workerEndedText(step, exit.code, exit.signal)));
  const max = step.scope.plan.idleNudge?.maxNudges ?? 0;
  if (answers.nudges > 0) told.push(tell(`nudge${answers.nudges}`, prompts.nudgeText(step, answers.nudges, max)));
  return told;
}

function verifyActions(run: Run, step: Step, attempt: Attempt): readonly Action[] {
  const { verification } = step.def;
  return verification === undefined || attempt.verified !== undefined
    ? []
    : [verify(run, step, attempt, 0, verification)];
}

function verify(run: Run, step: Step, attempt: Attempt, check: number, verification: Verification): Action {
  const part = attempt.parts.get("specialist");
  const values = valuesFor(run, step);
  const { def } = step;
  const cwd =
    def.type === "deterministic"
      ? def.cwd
      : def.type === "worktree"
        ? literal(part?.exit?.output ?? "")
        : plannedAgent(step, "specialist")?.cwd;
  return {
    do: "verify",
    ...named(aboutOf(step, attempt)),
    key: attemptKey(step.name, attempt.number, `check${check}`),
    check,
    since: attempt.startedAt,
    prompts: prompts.echoedTo(run, step),
    ...filledCheck(verification, values),
    ...(part?.exit === undefined ? {} : { exit: part.exit }),
    ...(part?.exit === undefined && part?.name !== undefined ? { name: part.name } : {}),
    ...cwdOf(cwd === undefined ? undefined : fill(cwd, values)),
  };
}

function filledCheck(
  check: Verification,
  values: Lookup,
): Pick<Extract<Action, { do: "verify" }>, "verification" | "env"> {
  switch (check.type) {
    case "custom":
    case "tests":
      return { verification: check, env: fillAll(check.env, values) };
    case "output_contains":
    case "file_exists":
    case "git_diff":
      return { verification: { ...check, value: fill(check.value, values) }, env: {} };
    case "exit_code":
    case "json_schema":
      return { verification: check, env: {} };
  }
}

/** Of a reviewer that takes one prompt; one in a terminal serves several steps. */
function reviewActions(run: Run, step: Step, attempt: Attempt): readonly Action[] {
  const { review, parts } = attempt;
  const part = parts.get("reviewer");
  const agent = plannedAgent(step, "reviewer");
  if (review === undefined || review.decision !== undefined || agent === undefined) return [];
  if (part === undefined || part.state === "exited") return [];
  const about = { ...named(aboutOf(step, attempt)), part: "reviewer" as const, key: askKey(step, attempt) };
  return [
    { do: "start_one_shot", ...about, agent, prompt: prompts.reviewPrompt(run, step, attempt), ...cwdOf(agent.cwd) },
  ];
}

function reviewerActions(run: Run, reviewer: Reviewer): readonly Action[] {
  const step = reviewer.serving[0];
  const life = `${reviewer.name}:${reviewer.life}`;
  const attempt = step?.attempt;
  if (step === undefined || attempt === undefined || reviewer.isLeaving)
    return [{ do: "release_agent", key: `${life}:release`, name: reviewer.name, reason: "its reviews are done" }];
  const agent = reviewer.scope.plan.agents[reviewer.reviewer];
  if (agent === undefined) return [];
  const prompt = prompts.reviewPrompt(run, step, attempt);
  const about = { ...named(aboutOf(step, attempt)), part: "reviewer" as const, name: reviewer.name };
  const { name } = reviewer;
  if (reviewer.state === "wanted")
    return [
      {
        do: "start_agent",
        key: life,
        ...about,
        agent,
        prompt,
        commandId: commandIdOf(run.id, life),
        ...cwdOf(agent.cwd),
      },
    ];
  const key = askKey(step, attempt);
  const first = reviewer.promptFor === key;
  const scan = { kind: "review", step: step.name, prompts: [prompt] } as const;
  const from = first ? "start" : "now";
  const since = attempt.review?.turnAt ?? attempt.startedAt;
  const watch: Action = { do: "watch_agent", key: `${key}:watch`, ...about, epoch: reviewer.epoch, from, since, scan };
  if (first) return [watch];
  return [
    watch,
    {
      do: "tell_agent",
      ...named(aboutOf(step, attempt)),
      key,
      name,
      text: prompt,
      commandId: commandIdOf(run.id, key),
    },
  ];
}

/** The step is done, so there is no hurry. Under a key of its own: where somebody cancels meanwhile, it leaves at once. */
function finishPart(step: Step, attempt: Attempt, part: PartState): Action {
  const release = endPart(step, attempt, part, "the step has been decided");
  if (release.do !== "release_agent") return release;
  const { decidedAt = 0, deadline = Number.POSITIVE_INFINITY } = attempt;
  const turnUntil = decidedAt + Math.min(TURN_MS, Math.max(0, Math.floor((deadline - decidedAt) / 2)));
  return { ...release, key: attemptKey(step.name, attempt.number, `${part.part}:leave`), turnUntil };
}

function endPart(step: Step, attempt: Attempt, part: PartState, reason: string): Action {
  const key = attemptKey(step.name, attempt.number, `${part.part}:end`);
  if (part.how === "agent") return { do: "release_agent", key, name: part.name, reason };
  const about = { ...named(aboutOf(step, attempt)), part: part.part };
  return { do: "end_process", key, ...about, reason, ...part.process };
}

function aboutOf(
  step: Step,
  attempt: Attempt,
): { readonly key: string; readonly step: string; readonly attempt: number } {
  return { key: attemptKey(step.name, attempt.number), step: step.name, attempt: attempt.number };
}

function named(about: { readonly step: string; readonly attempt: number }): {
  readonly step: string;
  readonly attempt: number;
} {
  return { step: about.step, attempt: about.attempt };
}

function cwdOf(cwd: string | undefined): { readonly cwd?: string } {
  return cwd === undefined ? {} : { cwd };
}
