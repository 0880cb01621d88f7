/** What a pattern makes of these agents and these steps: the hub, the order, and who may write to whom. */
import { hasPhrase, hubRank } from "../../core/choose.ts";
import type { Order, Pattern, Talk } from "./table.ts";

export interface PatternAgent {
  readonly name: string;
  readonly role?: string | undefined;
  readonly interactive: boolean;
}

export interface PatternStep {
  readonly name: string;
  /** Nobody's, if a command or a wait. */
  readonly agent?: string | undefined;
  readonly dependsOn: readonly string[];
}

export function hubOf(pattern: Pattern, agents: readonly PatternAgent[]): string | undefined {
  const named = (pattern.hub ?? [])
    .map((phrase) => agents.find((agent) => hasPhrase(agent, phrase)))
    .find((agent) => agent !== undefined);
  if (named !== undefined) return named.name;
  return pattern.hubElse === "first-agent" ? agents[0]?.name : undefined;
}

/** What each step has to wait for, by name. */
export function orderSteps(
  order: Order,
  steps: readonly PatternStep[],
  agents: readonly PatternAgent[],
  hub: string | undefined,
): ReadonlyMap<string, readonly string[]> {
  if (order === "none") return new Map();
  if (order === "sequence")
    return new Map(steps.slice(1).map((step, index) => [step.name, [steps[index]?.name ?? ""]] as const));
  return inStages(stagesOf(order, steps, agents, hub));
}

/** For each agent that hears messages, whom it may write to; those who are missing may write to anybody. */
export function whoMayTell(
  talk: Talk,
  agents: readonly PatternAgent[],
  steps: readonly PatternStep[],
  { hub, order }: { readonly hub: string | undefined; readonly order: Order },
): ReadonlyMap<string, ReadonlySet<string>> {
  if (talk === "anybody") return new Map();
  const hearing = agents.filter((agent) => agent.interactive);
  const edges = new Map(hearing.map((agent) => [agent.name, new Set<string>()]));
  const both = (a: string, b: string): void => {
    one(a, b);
    one(b, a);
  };
  const one = (from: string, to: string): void => {
    if (from !== to && edges.has(to)) edges.get(from)?.add(to);
  };
  const line = lineOf(hearing, steps, agents, order);
  switch (talk) {
    case "nobody":
      break;
    case "hub":
      if (hub !== undefined) for (const agent of hearing) both(agent.name, hub);
      break;
    case "neighbours":
      line.forEach((name, index) => both(name, line[index + 1] ?? name));
      break;
    case "ring":
      line.forEach((name, index) => both(name, line[(index + 1) % line.length] ?? name));
      break;
    case "downstream":
      line.forEach((name, index) => line.slice(index + 1).forEach((later) => one(name, later)));
      break;
    case "dependencies":
      for (const [a, b] of pairsByDependency(steps)) both(a, b);
      break;
    case "tree":
      for (const [a, b] of tree(hearing, hub)) both(a, b);
      break;
    case "across": {
      const stage = (name: string): number =>
        stageOfAgent(
          order,
          agents.find((agent) => agent.name === name),
        );
      for (const a of hearing) for (const b of hearing) if (stage(a.name) !== stage(b.name)) both(a.name, b.name);
      break;
    }
  }
  return edges;
}

/** The tier that a role or a name says, such as 2 for `tier-2 support`. */
export function tierOf(agent: PatternAgent): number | undefined {
  const found = /(?:^|[^\p{L}\p{N}])tier[-_ ]?(\d{1,3})/iu.exec(`${agent.role ?? ""} ${agent.name}`)?.[1];
  return found === undefined ? undefined : Number(found);
}

function stagesOf(
  order: Exclude<Order, "none" | "sequence">,
  steps: readonly PatternStep[],
  agents: readonly PatternAgent[],
  hub: string | undefined,
): readonly (readonly string[])[] {
  const stages = new Map<number, string[]>();
  let last = 0;
  let othersBegan = false;
  for (const step of steps) {
    if (step.agent !== undefined) {
      const agent = agents.find(({ name }) => name === step.agent);
      othersBegan ||= step.agent !== hub;
      if (order === "hub-last") last = step.agent === hub ? 1 : 0;
      else if (order === "hub-around") last = step.agent !== hub ? 1 : othersBegan ? 2 : 0;
      else if (order === "tiers") last = agent === undefined ? 0 : (tierOf(agent) ?? 0);
      else last = stageOfAgent(order, agent);
    }
    // A command belongs to the agent's step that it was listed after.
    stages.set(last, [...(stages.get(last) ?? []), step.name]);
  }
  return [...stages].sort(([a], [b]) => a - b).map(([, names]) => names);
}

function stageOfAgent(order: Order, agent: PatternAgent | undefined): number {
  if (typeof order !== "object") return 0;
  const rest = Math.max(0, order.stages.indexOf("rest"));
  if (agent === undefined) return rest;
  const found = order.stages.findIndex((stage) => stage !== "rest" && stage.some((phrase) => hasPhrase(agent, phrase)));
  return found === -1 ? rest : found;
}

function inStages(stages: readonly (readonly string[])[]): ReadonlyMap<string, readonly string[]> {
  const after = new Map<string, readonly string[]>();
  stages.forEach((names, index) => {
    const before = stages[index - 1];
    if (before !== undefined) for (const name of names) after.set(name, before);
  });
  return after;
}

/** Agents in the order in which their turn comes: by tier, or by their first step; those without a step last. */
function lineOf(
  hearing: readonly PatternAgent[],
  steps: readonly PatternStep[],
  agents: readonly PatternAgent[],
  order: Order,
): readonly string[] {
  const first = (name: string): number => {
    const at = steps.findIndex((step) => step.agent === name);
    return at === -1 ? steps.length : at;
  };
  const tier = (agent: PatternAgent): number => (order === "tiers" ? (tierOf(agent) ?? 0) : 0);
  return [...hearing]
    .sort((a, b) => tier(a) - tier(b) || first(a.name) - first(b.name) || agents.indexOf(a) - agents.indexOf(b))
    .map((agent) => agent.name);
}

function pairsByDependency(steps: readonly PatternStep[]): readonly (readonly [string, string])[] {
  const byName = new Map(steps.map((step) => [step.name, step]));
  /** Agents whose steps stand just before, seen through commands and waits. */
  const before = (step: PatternStep, seen: Set<string>): readonly string[] =>
    step.dependsOn.flatMap((name) => {
      const other = byName.get(name);
      if (other === undefined || seen.has(name)) return [];
      seen.add(name);
      return other.agent === undefined ? before(other, seen) : [other.agent];
    });
  return steps.flatMap((step) => {
    const { agent } = step;
    return agent === undefined ? [] : before(step, new Set()).map((other) => [agent, other] as const);
  });
}

/** Leads under the hub share the others evenly, in the order in which all are listed. */
function tree(hearing: readonly PatternAgent[], hub: string | undefined): readonly (readonly [string, string])[] {
  const top = hub ?? hearing[0]?.name;
  if (top === undefined) return [];
  const others = hearing.filter((agent) => agent.name !== top);
  const leads = others.filter((agent) => hubRank(agent) > 0).map((agent) => agent.name);
  const workers = others.filter((agent) => !leads.includes(agent.name)).map((agent) => agent.name);
  return [
    ...leads.map((lead) => [top, lead] as const),
    ...workers.map(
      (worker, index) => [leads.length === 0 ? top : (leads[index % leads.length] ?? top), worker] as const,
    ),
  ];
}
