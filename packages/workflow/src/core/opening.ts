/** Opening: a workflow, or the items of a list, as steps of a run, none of which has begun. */
import { invariant } from "@agent-relay/kernel";
import type { ForEachStep, Plan, PlannedStep, StepName, Template } from "./plan.ts";
import { makeReady, missingOf } from "./readiness.ts";
import { ReadyQueue } from "./ready-queue.ts";
import type { Run, Scope, Step } from "./state.ts";
import { stepsNamedIn } from "./templates.ts";

/** The steps of a workflow, none of which has begun. */
export function openPlan(run: Run, plan: Plan, container: Step | undefined): Scope {
  const scope = newScope(
    "plan",
    plan,
    container,
    plan.maxConcurrency,
    container === undefined ? "" : `${container.name}/`,
  );
  const named = new Set(plan.steps.flatMap((it) => templatesOf(it).flatMap(stepsNamedIn)));
  const last = plan.steps.at(-1)?.name;
  for (const def of plan.steps) {
    const keeps = named.has(def.name) || (container !== undefined && def.name === last);
    addStep(run, scope, def, scope.prefix + def.name, { item: container?.item, keeps });
  }
  for (const step of scope.steps)
    for (const name of step.def.dependsOn) {
      const dependency = run.steps.get(scope.prefix + name);
      invariant(dependency !== undefined, `a step of the plan depends on ${name}, which is not there`);
      step.dependencies.push(dependency);
      dependency.dependents.push(step);
    }
  run.scopes.add(scope);
  run.live.add(scope);
  for (const step of scope.steps) {
    step.missing = missingOf(step);
    if (step.missing === 0) makeReady(step);
  }
  return scope;
}

/** One step for each item. */
export function openItems(run: Run, container: Step, def: ForEachStep, items: readonly string[]): Scope {
  const outer = container.scope;
  const scope = newScope("items", outer.plan, container, def.maxConcurrency, outer.prefix);
  items.forEach((item, index) => {
    const step = addStep(run, scope, def.step, `${container.name}[${index}]`, { item: { item, index }, keeps: true });
    makeReady(step);
  });
  run.scopes.add(scope);
  run.live.add(scope);
  return scope;
}

interface StepOptions {
  readonly item: Step["item"];
  readonly keeps: boolean;
  readonly repairOf?: Step;
}

export function addStep(run: Run, scope: Scope, def: PlannedStep, name: StepName, options: StepOptions): Step {
  run.order += 1;
  // Begun anew, a list makes its steps anew, and no number of an attempt comes twice.
  const before = run.steps.get(name)?.attempts ?? 0;
  const step: Step = {
    name,
    def,
    scope,
    order: run.order,
    item: options.item,
    slots: slotsOf(scope, def),
    dependencies: [],
    dependents: [],
    keepsOutput: options.keeps,
    status: "pending",
    missing: 0,
    attempts: before,
    attemptsBefore: before,
    tries: 0,
    interruptions: 0,
    interrupted: false,
    repairs: 0,
    retryAt: undefined,
    attempt: undefined,
    output: undefined,
    lastFailure: undefined,
    inside: undefined,
    repairOf: options.repairOf,
  };
  run.steps.set(name, step);
  scope.steps.push(step);
  scope.open += 1;
  return step;
}

function newScope(
  kind: Scope["kind"],
  plan: Plan,
  container: Step | undefined,
  maxConcurrency: number,
  prefix: string,
): Scope {
  return {
    kind,
    plan,
    prefix,
    container,
    maxConcurrency,
    steps: [],
    ready: new ReadyQueue(),
    readyAside: new ReadyQueue(),
    running: 0,
    active: 0,
    open: 0,
    failed: new Set(),
    stoppedBy: undefined,
  };
}

/**
 * What waits or only holds others takes no slot of a workflow: with one slot it would keep out what it waits for. Of a
 * list everything takes one, because that is what its limit is about.
 */
function slotsOf(scope: Scope, def: PlannedStep): readonly Scope[] {
  const works = def.type !== "wait_for" && def.type !== "workflow" && def.type !== "for_each";
  const slots: Scope[] = [];
  for (let at: Scope | undefined = scope; at !== undefined; at = at.container?.scope) {
    if (at.kind === "items" ? at === scope : works) slots.push(at);
  }
  return slots;
}

/** Every text of a step in which places can stand. */
function templatesOf(def: PlannedStep): readonly Template[] {
  const own = ((): readonly Template[] => {
    switch (def.type) {
      case "deterministic":
        // Its values reach a command by these; its text is the shell's alone.
        return [...Object.values(def.env ?? {}), ...(def.cwd === undefined ? [] : [def.cwd])];
      case "agent":
        return [def.task];
      case "worktree":
        return [def.branch, def.baseBranch, ...(def.path === undefined ? [] : [def.path])];
      case "wait_for":
        if (def.until.what === "message") return def.until.contains === undefined ? [] : [def.until.contains];
        return def.until.what === "approval" ? [def.until.question] : [];
      case "workflow":
        return [];
      case "for_each":
        return [def.items, ...templatesOf(def.step)];
    }
  })();
  const { verification } = def;
  if (verification?.type === "custom" || verification?.type === "tests")
    return [...own, ...Object.values(verification.env ?? {})];
  return typeof verification?.value === "string" ? [...own, verification.value] : own;
}
