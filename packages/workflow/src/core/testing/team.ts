/** A team for hardened steps in tests: who is in it, and what each does when its turn has come. */
import type { Action } from "../actions.ts";
import type { RunCommand } from "../commands.ts";
import type { OwnerDecision } from "../entries.ts";
import { MarkerScanner } from "../markers.ts";
import type { AgentStep, Plan, PlannedAgent } from "../plan.ts";
import { planOf, World, type WorldOptions } from "./world.ts";

export function agent(name: string, more: Partial<PlannedAgent> = {}): PlannedAgent {
  return { name, cli: "scripted", interactive: true, channels: [], permissionMode: "ask", ...more };
}

export function agentStep(name: string, dependsOn: readonly string[] = [], more: Partial<AgentStep> = {}): AgentStep {
  return { type: "agent", name, agent: "dev", task: `Do ${name}.`, dependsOn, retries: 0, retryDelayMs: 0, ...more };
}

export const agents = {
  dev: agent("dev"),
  lead: agent("lead", { role: "lead" }),
  critic: agent("critic", { preset: "reviewer" }),
  judge: agent("judge", { preset: "reviewer", interactive: false }),
};

export function teamPlan(steps: Plan["steps"], more: Partial<Plan> = {}): Plan {
  return planOf(steps, { agents, channel: "team", ...more });
}

/** Nothing happens by itself but starting and leaving: the test says the rest. */
export function quiet(more: WorldOptions["script"] = () => undefined): WorldOptions["script"] {
  return (action, world) =>
    more(action, world) ?? (action.do === "start_one_shot" || action.do === "verify" ? [] : undefined);
}

export function teamWorld(steps: Plan["steps"], more: Partial<Plan> = {}, script?: WorldOptions["script"]): World {
  return new World({ plan: teamPlan(steps, more), script: quiet(script) }).go(0);
}

const run8 = "abcd1234";
export const worker = (step: string): string => `${step}-worker-${run8}`;
export const owner = (step: string): string => `${step}-owner-${run8}`;
export const alone = (step: string): string => `${step}-${run8}`;
export const critic = `critic-${run8}`;

export function decides(
  by: string,
  decision: OwnerDecision,
  more: { reason?: string; step?: string; source?: "tool" | "marker" } = {},
): RunCommand {
  const { reason, step, source = "tool" } = more;
  const why = reason === undefined ? {} : { reason };
  return {
    type: "verdict",
    agent: by,
    source,
    ...(step === undefined ? {} : { step }),
    verdict: { kind: "owner", decision, ...why },
  };
}

export function reviews(
  by: string,
  decision: "APPROVE" | "REJECT",
  more: { reason?: string; step?: string; source?: "tool" | "marker" } = {},
): RunCommand {
  const { reason, step, source = "tool" } = more;
  const why = reason === undefined ? {} : { reason };
  return {
    type: "verdict",
    agent: by,
    source,
    ...(step === undefined ? {} : { step }),
    verdict: { kind: "review", decision, ...why },
  };
}

/** What an agent prints, read as a shell would: by the scanner of its newest watch. */
export function prints(world: World, name: string, text: string): void {
  const watch = world.performed
    .filter((it): it is Extract<Action, { do: "watch_agent" }> => it.do === "watch_agent" && it.name === name)
    .at(-1);
  if (watch?.scan === undefined) return;
  const scanner = new MarkerScanner(watch.scan);
  for (const found of [...scanner.read(text), ...scanner.flush()])
    world.send({ type: "verdict", agent: name, source: "marker", verdict: found });
  world.go(0);
}

export function ends(world: World, name: string, output = "", code: number | null = 0): void {
  world.send({ type: "agent_exited", agent: name, code, signal: null, output });
  world.go(0);
}

export function idles(world: World, name: string): void {
  world.send({ type: "agent_idle", agent: name });
  world.go(0);
}

export function sends(world: World, command: RunCommand): void {
  world.send(command);
  world.go(0);
}

export const releases = (world: World, name: string): number =>
  world.performed.filter((it) => it.do === "release_agent" && it.name === name).length;

export const startOf = (world: World, name: string): Extract<Action, { do: "start_agent" }> | undefined =>
  world.performed.find(
    (it): it is Extract<Action, { do: "start_agent" }> => it.do === "start_agent" && it.name === name,
  );
