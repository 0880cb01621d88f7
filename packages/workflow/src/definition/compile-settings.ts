/** What a document says beside its graph of steps, as a plan has it. */
import { hasPhrase } from "../core/choose.ts";
import type { IdleNudge, Plan, PlannedAgent, PlannedStep, Preset } from "../core/plan.ts";
import { barriersOf } from "./check-names.ts";
import { defined } from "./defined.ts";
import type { AgentDefinition, StepDefinition, WorkflowDefinition, WorkflowDocument } from "./document.ts";
import { sharedStateSentence } from "./extra-steps.ts";
import { tierOf } from "./patterns/structure.ts";
import type { Pattern } from "./patterns/table.ts";
import { literal } from "../core/places.ts";
import type { DocumentPath } from "./problems.ts";
import { resolveStatic, type TextScope } from "./resolve.ts";

/** What `strategy: retry` means where it is not said how often. */
const retriesOfRetry = 2;

const presetInteractive: Readonly<Record<Preset, boolean>> = {
  lead: true,
  worker: false,
  reviewer: false,
  analyst: false,
};

export function planAgent(
  agent: AgentDefinition,
  document: WorkflowDocument,
  path: DocumentPath,
  scope: TextScope,
): PlannedAgent {
  const named = (document.paths ?? []).findIndex((each) => each.name === agent.workdir);
  const directory =
    agent.cwd !== undefined
      ? resolveStatic(agent.cwd, [...path, "cwd"], scope)
      : named === -1
        ? undefined
        : resolveStatic(document.paths?.[named]?.path ?? "", ["paths", named, "path"], scope);
  const constraints = agent.constraints ?? {};
  return {
    name: agent.name,
    cli: resolveStatic(agent.cli, [...path, "cli"], scope),
    ...defined({ role: agent.role, preset: agent.preset }),
    interactive: agent.interactive ?? (agent.preset === undefined ? true : presetInteractive[agent.preset]),
    ...defined({
      model:
        constraints.model === undefined
          ? undefined
          : resolveStatic(constraints.model, [...path, "constraints", "model"], scope),
      cwd: directory,
    }),
    channels: agent.channels ?? [],
    permissionMode: agent.permissionMode ?? "auto",
    ...defined({
      idleThresholdSecs: constraints.idleThresholdSecs,
      maxTokens: constraints.maxTokens,
      timeoutMs: constraints.timeoutMs,
      retries: constraints.retries,
    }),
  };
}

export const agentOf = (step: StepDefinition): string | undefined =>
  "agent" in step && !("use" in step) ? step.agent : undefined;

export function errorHandlingOf(document: WorkflowDocument, workflow: WorkflowDefinition) {
  const handling = document.errorHandling ?? {};
  const strategy =
    workflow.onError === undefined
      ? (handling.strategy ?? "fail-fast")
      : ({ fail: "fail-fast", skip: "continue", retry: "retry" } as const)[workflow.onError];
  return {
    strategy: strategy === "continue" ? ("continue" as const) : ("fail-fast" as const),
    retries: handling.maxRetries ?? (strategy === "retry" ? retriesOfRetry : 0),
    retryDelayMs: handling.retryDelayMs ?? 1_000,
  };
}

export function barrierTimeouts(document: WorkflowDocument, workflow: WorkflowDefinition): ReadonlyMap<string, number> {
  const most = new Map<string, number>();
  for (const { barrier } of barriersOf(document, workflow))
    if (barrier.timeoutMs !== undefined)
      for (const name of barrier.waitFor) most.set(name, Math.min(most.get(name) ?? Infinity, barrier.timeoutMs));
  return most;
}

export const requiredPaths = (document: WorkflowDocument, scope: TextScope) =>
  (document.paths ?? []).flatMap(({ name, path, required }, index) =>
    required === false ? [] : [{ name, path: resolveStatic(path, ["paths", index, "path"], scope) }],
  );

export const sharesState = (document: WorkflowDocument, pattern: Pattern): boolean =>
  document.state !== undefined || pattern.sharedState === true;

export function tellOfState(
  steps: readonly PlannedStep[],
  document: WorkflowDocument,
  pattern: Pattern,
): readonly PlannedStep[] {
  if (!sharesState(document, pattern)) return steps;
  const told = <S extends PlannedStep>(step: S): S =>
    step.type === "agent" ? { ...step, task: step.task + literal(sharedStateSentence(document)) } : step;
  return steps.map((step) => (step.type === "for_each" ? { ...step, step: told(step.step) } : told(step)));
}

/** Specialist, owner and reviewer of one step always reach each other, and nobody is told to write to itself. */
export function withColleagues(
  edges: ReadonlyMap<string, ReadonlySet<string>>,
  steps: readonly PlannedStep[],
  agents: Readonly<Record<string, PlannedAgent>>,
): ReadonlyMap<string, ReadonlySet<string>> {
  if (edges.size === 0) return edges;
  const all = new Map([...edges].map(([name, others]) => [name, new Set(others)]));
  for (const each of steps) {
    const step = each.type === "for_each" ? each.step : each;
    if (step.type !== "agent" || step.owner === undefined) continue;
    const people = [step.agent, step.owner, step.reviewer].filter((name) => name !== undefined);
    for (const a of people) for (const b of people) if (a !== b && agents[b]?.interactive === true) all.get(a)?.add(b);
  }
  return all;
}

export function repairOf(document: WorkflowDocument, pattern: Pattern, agents: readonly PlannedAgent[]) {
  const { repairAgent, repairRetries } = document.errorHandling ?? {};
  if (repairAgent !== undefined) return { agent: repairAgent, retries: repairRetries ?? 2 };
  const phrases = pattern.repair ?? [];
  const byTier = [...agents]
    .filter((agent) => tierOf(agent) !== undefined)
    .sort((a, b) => (tierOf(b) ?? 0) - (tierOf(a) ?? 0));
  const found = phrases.includes("highest-tier")
    ? byTier[0]
    : phrases.map((phrase) => agents.find((agent) => hasPhrase(agent, phrase))).find((agent) => agent !== undefined);
  return found === undefined ? undefined : { agent: found.name, retries: repairRetries ?? 1 };
}

/** Two minutes of silence, then a nudge, then two more. */
export function idleNudgeOf(document: WorkflowDocument): IdleNudge | undefined {
  const nudge = document.swarm?.idleNudge;
  if (nudge === undefined) return undefined;
  return {
    nudgeAfterMs: nudge.nudgeAfterMs ?? 120_000,
    escalateAfterMs: nudge.escalateAfterMs ?? 120_000,
    maxNudges: nudge.maxNudges ?? 1,
  };
}

export function trajectoryOf(document: WorkflowDocument): Plan["trajectory"] {
  const { trajectories } = document;
  if (trajectories === undefined) return undefined;
  if (trajectories === false || trajectories.enabled === false) return false;
  return {
    reflectOnBarriers: trajectories.reflectOnBarriers ?? true,
    reflectOnConverge: trajectories.reflectOnConverge ?? true,
    autoDecisions: trajectories.autoDecisions ?? true,
  };
}
