/**
 * The dry run: what a plan would do, without doing any of it.
 *
 *   R1  The arguments of each command are shown as the system will get them; values stand beside them, never inside.
 *   R2  What is likely to go wrong is a warning; nothing is refused here.
 */
import { hubRank } from "../core/choose.ts";
import type { Plan, PlannedStep, Template } from "../core/plan.ts";
import { oneShotCommand } from "../core/one-shot-programs.ts";
import { defined } from "./defined.ts";
import { isUpstream, wavesOf } from "./graph.ts";

export interface PlanDescription {
  readonly workflow: string;
  readonly description?: string;
  readonly pattern: string;
  readonly channel?: string;
  readonly strategy: string;
  /** Steps that are not done, because an earlier run has done them; they are in no wave and not counted. */
  readonly takenOver?: readonly string[];
  readonly totalSteps: number;
  readonly maxConcurrency: number;
  /** The most steps that will run at once. */
  readonly peakConcurrency: number;
  readonly agents: readonly DescribedAgent[];
  readonly waves: readonly DescribedWave[];
  readonly warnings: readonly PlanWarning[];
}

export interface DescribedAgent {
  readonly name: string;
  readonly cli: string;
  readonly role?: string;
  readonly model?: string;
  readonly cwd?: string;
  readonly interactive: boolean;
  readonly stepCount: number;
  readonly owns: number;
  readonly reviews: number;
  readonly mayTell?: readonly string[];
}

export interface DescribedWave {
  /** Counted from 1. */
  readonly wave: number;
  readonly steps: readonly DescribedStep[];
}

export interface DescribedStep {
  readonly name: string;
  readonly type: PlannedStep["type"];
  readonly dependsOn: readonly string[];
  readonly agent?: string;
  readonly owner?: string;
  readonly reviewer?: string;
  /** Of a command, and of an agent that takes one prompt: what is executed. The prompt itself is `<prompt>`. */
  readonly argv?: readonly string[];
  /** Of an agent that reads its one prompt on its standard input: `<prompt>`. */
  readonly stdin?: string;
  /** What the command's variables hold; `{{…}}` is filled in when it starts. */
  readonly env?: Readonly<Record<string, Template>>;
  readonly cwd?: string;
  readonly retries: number;
  readonly timeoutMs?: number;
  /** Of a step that waits for a person: what that person is asked. */
  readonly question?: Template;
  /** Of a list: what runs for each item. */
  readonly each?: DescribedStep;
  /** Of a workflow inside. */
  readonly inside?: PlanDescription;
}

export interface PlanWarning {
  readonly code:
    | "NO_REVIEWER"
    | "NO_TIMEOUT"
    | "DEEP_FAN_IN"
    | "WIDE_WAVE"
    | "OWNER_WAITS_FOR_WORKER"
    | "UNUSED_AGENT"
    | "UNCOUNTED_TOKENS"
    | "CWD_MISSING";
  readonly message: string;
  readonly step?: string;
}

/** From that many on, one failure holds back a lot. */
const fanInDeep = 5;

export function describePlan(plan: Plan): PlanDescription {
  const waves = wavesOf(plan.steps);
  return {
    workflow: plan.workflow,
    ...defined({ description: plan.description }),
    pattern: plan.pattern,
    ...defined({ channel: plan.channel }),
    strategy: plan.strategy,
    totalSteps: plan.steps.length,
    maxConcurrency: plan.maxConcurrency,
    peakConcurrency: peakOf(plan, waves),
    agents: describeAgents(plan),
    waves: waves.map((wave, index) => ({ wave: index + 1, steps: wave.map((step) => describeStep(step, plan)) })),
    warnings: warningsOf(plan, waves),
  };
}

/** How many attempts may run at once, if every list has as many items as it may do at once. */
function peakOf(plan: Plan, waves = wavesOf(plan.steps)): number {
  const widths = waves.map((wave) => wave.reduce((sum, step) => sum + widthOf(step), 0));
  return Math.min(Math.max(0, ...widths), plan.maxConcurrency);
}

function widthOf(step: PlannedStep): number {
  if (step.type === "for_each") return step.maxConcurrency * widthOf(step.step);
  return step.type === "workflow" ? peakOf(step.plan) : 1;
}

/** A step, or what it does for each item. */
const work = (step: PlannedStep): Exclude<PlannedStep, { readonly type: "for_each" }> =>
  step.type === "for_each" ? step.step : step;

function describeAgents(plan: Plan): readonly DescribedAgent[] {
  const counts = new Map<string, { steps: number; owns: number; reviews: number }>();
  const count = (name: string | undefined, what: "steps" | "owns" | "reviews"): void => {
    if (name === undefined) return;
    const own = counts.get(name) ?? { steps: 0, owns: 0, reviews: 0 };
    own[what] += 1;
    counts.set(name, own);
  };
  for (const each of plan.steps) {
    const step = work(each);
    if (step.type !== "agent") continue;
    count(step.agent, "steps");
    count(step.owner, "owns");
    count(step.reviewer, "reviews");
  }
  return Object.values(plan.agents).map(({ name, cli, role, model, cwd, interactive, mayTell }) => {
    const own = counts.get(name) ?? { steps: 0, owns: 0, reviews: 0 };
    return {
      name,
      cli,
      ...defined({ role, model, cwd, mayTell }),
      interactive,
      stepCount: own.steps,
      owns: own.owns,
      reviews: own.reviews,
    };
  });
}

function describeStep(step: PlannedStep, plan: Plan): DescribedStep {
  const base = {
    name: step.name,
    type: step.type,
    dependsOn: step.dependsOn,
    retries: step.retries,
    ...defined({ timeoutMs: step.timeoutMs }),
  };
  switch (step.type) {
    case "agent": {
      const agent = plan.agents[step.agent];
      const { argv, stdin } =
        (agent === undefined || agent.interactive ? undefined : oneShotCommand(agent, "<prompt>")) ?? {};
      return {
        ...base,
        agent: step.agent,
        ...defined({ owner: step.owner, reviewer: step.reviewer, argv, stdin, cwd: agent?.cwd }),
      };
    }
    case "deterministic":
      return { ...base, argv: ["/bin/sh", "-c", step.command], ...defined({ env: step.env, cwd: step.cwd }) };
    case "for_each":
      return { ...base, each: describeStep(step.step, plan) };
    case "workflow":
      return { ...base, inside: describePlan(step.plan) };
    case "wait_for":
      return step.until.what === "approval" ? { ...base, question: step.until.question } : base;
    case "worktree":
      return base;
  }
}

function warningsOf(plan: Plan, waves: readonly (readonly PlannedStep[])[]): readonly PlanWarning[] {
  const byName = new Map(plan.steps.map((step) => [step.name, step]));
  const used = new Set<string>();
  const warnings: PlanWarning[] = plan.steps.flatMap((each) => {
    const step = work(each);
    const found: PlanWarning[] = [];
    const warn = (code: PlanWarning["code"], message: string): void => {
      found.push({ code, message, step: each.name });
    };
    if (step.type === "agent") {
      for (const name of [step.agent, step.owner, step.reviewer]) if (name !== undefined) used.add(name);
      if (step.owner !== undefined && step.reviewer === undefined)
        warn("NO_REVIEWER", `nobody approves step ${step.name}`);
      else if (step.owner !== undefined && step.reviewer === step.owner)
        warn(
          "NO_REVIEWER",
          `step ${step.name} is approved by ${step.owner}, who answers for it: add an agent with the preset reviewer`,
        );
      const worker = awaitedWorker(step, plan, byName);
      if (worker !== undefined)
        warn(
          "OWNER_WAITS_FOR_WORKER",
          `step ${step.name} waits for ${worker}, which cannot start before step ${step.name} is done`,
        );
    }
    if (step.timeoutMs === undefined && plan.timeoutMs === undefined && step.type !== "workflow")
      warn("NO_TIMEOUT", `step ${step.name} may run for ever: set timeoutMs of it or of swarm`);
    if (each.dependsOn.length >= fanInDeep)
      warn("DEEP_FAN_IN", `step ${each.name} waits for ${each.dependsOn.length} steps at once`);
    return found;
  });
  if (plan.repair !== undefined) used.add(plan.repair.agent);
  waves.forEach((wave, index) => {
    if (wave.length > plan.maxConcurrency)
      warnings.push({
        code: "WIDE_WAVE",
        message: `wave ${index + 1} has ${wave.length} steps, and at most ${plan.maxConcurrency} run at a time`,
      });
  });
  const uncounted = [...used].filter((name) => plan.agents[name]?.interactive === false);
  if (plan.tokenBudget !== undefined && uncounted.length > 0)
    warnings.push({
      code: "UNCOUNTED_TOKENS",
      message: `what ${uncounted.join(", ")} use is not counted in tokenBudget: they are not interactive`,
    });
  const contains = plan.steps.some((each) => work(each).type === "workflow");
  for (const name of Object.keys(plan.agents))
    if (!used.has(name) && !contains)
      warnings.push({ code: "UNUSED_AGENT", message: `agent ${name} has nothing to do` });
  return warnings;
}

/** A lead that is told to wait for somebody whose step depends on its own waits for ever. */
function awaitedWorker(
  step: Extract<PlannedStep, { readonly type: "agent" }>,
  plan: Plan,
  byName: ReadonlyMap<string, PlannedStep>,
): string | undefined {
  const own = plan.agents[step.agent];
  if (own === undefined || !/\b(?:wait|await|until|collect|gather)\b/iu.test(step.task)) return undefined;
  const names = (text: string): boolean => new RegExp(`(?<![\\w-])${escaped(text)}(?![\\w-])`, "iu").test(step.task);
  const isHub = hubRank(own) > 0;
  for (const other of plan.steps) {
    const worker = work(other);
    if (worker.type !== "agent" || worker.agent === step.agent) continue;
    const isNamed = names(worker.agent) || names(other.name) || (isHub && /\b(?:workers?|team)\b/iu.test(step.task));
    if (isNamed && isUpstream(step.name, other.name, byName)) return worker.agent;
  }
  return undefined;
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/gu, "\\$&");
