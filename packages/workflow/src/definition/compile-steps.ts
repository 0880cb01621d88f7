/** One step of a document as a step of a plan. */
import { chooseOwner, chooseReviewer } from "../core/choose.ts";
import type { PlannedAgent, PlannedStep } from "../core/plan.ts";
import { deterministic, worktree } from "./compile-commands.ts";
import { compileCustom, isCustom } from "./compile-custom.ts";
import { defined } from "./defined.ts";
import type { ForEachDefinition, StepDefinition } from "./document.ts";
import { quoted, type DocumentPath } from "./problems.ts";
import { hasPlaces, resolveStatic, resolveText, type TextScope } from "./resolve.ts";
import { baseOf, type Base, type Input, type Single, type StepContext } from "./step-base.ts";

export function compileStep(
  step: StepDefinition,
  dependsOn: readonly string[],
  path: DocumentPath,
  scope: TextScope,
  context: StepContext,
): PlannedStep | undefined {
  const single = compileSingle(
    step,
    step.for_each === undefined ? dependsOn : [],
    path,
    { ...scope, inForEach: step.for_each !== undefined },
    context,
  );
  if (single === undefined || step.for_each === undefined) return single;
  const list = listOf(step.for_each);
  return {
    type: "for_each",
    name: step.name,
    dependsOn,
    retries: 0,
    retryDelayMs: 0,
    items: compileItems(list.items, [...path, "for_each"], scope),
    maxConcurrency: list.maxConcurrency ?? context.maxConcurrency,
    step: single,
  };
}

function compileSingle(
  step: StepDefinition,
  dependsOn: readonly string[],
  path: DocumentPath,
  scope: TextScope,
  context: StepContext,
): Single | undefined {
  if (isCustom(step)) return compileCustom(step, dependsOn, path, scope, context);
  const own = (people: readonly (PlannedAgent | undefined)[] = []) =>
    baseOf(step, dependsOn, people, path, scope, context);
  if ("agent" in step) return compileAgent(step, path, scope, context, own);
  if ("command" in step) return deterministic(step, path, scope, own());
  if ("branch" in step) return worktree(step, path, scope, own());
  if ("wait_for" in step) {
    const until = waitOf(step.wait_for, [...path, "wait_for"], scope);
    return until === undefined ? undefined : { type: "wait_for", ...own(), until };
  }
  return compileInner(step, path, scope, context, own());
}

/** Another workflow of the document, whole; what its variables hold is known before the start. */
function compileInner(
  step: Input<"workflow">,
  path: DocumentPath,
  scope: TextScope,
  context: StepContext,
  base: Base,
): Single | undefined {
  const vars = new Map<string, string>();
  for (const [name, text] of Object.entries(step.vars ?? {})) {
    const at = [...path, "vars", name];
    const template = resolveText(text, at, scope);
    if (hasPlaces(template))
      scope.problems.add(scope.origin, at, {
        code: "unresolved",
        message: "expected a value that is known before the start, found one that only the run will know",
        hint: "write the steps that need it into this workflow",
      });
    vars.set(name, template);
  }
  const inner = context.inner(step.workflow, vars, [...path, "workflow"]);
  return inner?.type === "workflow" ? { ...inner, ...base } : undefined;
}

function compileAgent(
  step: Input<"agent">,
  path: DocumentPath,
  scope: TextScope,
  context: StepContext,
  own: (people: readonly (PlannedAgent | undefined)[]) => Base,
): Single | undefined {
  const { origin, problems } = scope;
  const specialist = context.agents[step.agent];
  const standing = context.document.agents?.find((agent) => agent.name === step.agent)?.task;
  const task = step.task ?? standing;
  if (task === undefined)
    problems.add(origin, [...path, "task"], {
      code: "missing",
      message: `"task" is missing: expected text, because agent ${quoted(step.agent)} has no task of its own`,
    });
  if (specialist === undefined || task === undefined) return undefined;
  const everybody = Object.values(context.agents);
  const people = supervise(step, specialist, everybody, path, scope);
  return {
    type: "agent",
    ...own([people.owner === undefined ? undefined : context.agents[people.owner], specialist]),
    agent: specialist.name,
    task: resolveText(task, [...path, "task"], scope),
    ...defined(people),
  };
}

/** Owner and reviewer: of interactive agents only, as written, or else by name and role. */
function supervise(
  step: Input<"agent">,
  specialist: PlannedAgent,
  everybody: readonly PlannedAgent[],
  path: DocumentPath,
  { origin, problems }: TextScope,
): { readonly owner: string | undefined; readonly reviewer: string | undefined } {
  const named = (key: "owner" | "reviewer"): string | undefined => {
    const name = step[key];
    if (name === undefined) return undefined;
    if (!specialist.interactive && name !== "none")
      problems.add(origin, [...path, key], {
        code: "bad_value",
        message: `expected no \`${key}\`: agent ${quoted(specialist.name)} is not interactive, and nobody supervises its steps`,
        hint: "take it away, or set `interactive: true` of the agent",
      });
    if (key === "owner" && everybody.some((agent) => agent.name === name && !agent.interactive))
      problems.add(origin, [...path, key], {
        code: "bad_value",
        message: `expected an interactive agent, found ${quoted(name)}, which is not`,
        hint: "set `interactive: true` of that agent, or choose another",
      });
    return name;
  };
  const [owner, reviewer] = [named("owner"), named("reviewer")];
  if (!specialist.interactive) return { owner: undefined, reviewer: undefined };
  const chosen = owner ?? chooseOwner(specialist.name, everybody);
  if (reviewer === "none") return { owner: chosen, reviewer: undefined };
  return {
    owner: chosen,
    reviewer: reviewer ?? chooseReviewer({ specialist: specialist.name, owner: chosen }, everybody).reviewer,
  };
}

function waitOf(wait: Input<"wait_for">["wait_for"], path: DocumentPath, scope: TextScope) {
  const given = Object.keys(wait);
  if (given.length !== 1) {
    scope.problems.add(scope.origin, path, {
      code: "bad_value",
      message: `expected one of message, event and approval, found ${given.length === 0 ? "none" : given.join(" and ")}`,
      hint: given.length === 0 ? undefined : "make a step of each",
    });
    return undefined;
  }
  if (wait.approval !== undefined)
    return { what: "approval" as const, question: resolveText(wait.approval, [...path, "approval"], scope) };
  if (wait.event !== undefined) {
    const { type, agent } = typeof wait.event === "string" ? { type: wait.event, agent: undefined } : wait.event;
    return { what: "event" as const, event: type, ...defined({ agent }) };
  }
  const { channel, from, contains } = wait.message ?? {};
  return {
    what: "message" as const,
    ...defined({ channel, from }),
    ...(contains === undefined ? {} : { contains: resolveText(contains, [...path, "message", "contains"], scope) }),
  };
}

function listOf(list: ForEachDefinition): {
  readonly items: string | readonly (string | number)[];
  readonly maxConcurrency?: number | undefined;
} {
  return typeof list === "string" || Array.isArray(list) ? { items: list } : list;
}

/** A list that is written here is known before the start; its places are filled in now. */
function compileItems(items: string | readonly (string | number)[], path: DocumentPath, scope: TextScope): string {
  if (typeof items === "string") return resolveText(items, path, scope);
  const texts = items.map((item, index) => resolveStatic(String(item), [...path, index], scope));
  // Braces that follow each other would be read as places.
  return JSON.stringify(texts).replaceAll("{{", "{\\u007b");
}
