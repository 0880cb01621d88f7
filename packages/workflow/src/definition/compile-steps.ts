/** One step of a document as a step of a plan. */
import { chooseOwner, chooseReviewer } from "../core/choose.ts";
import type { ForEachStep, PlannedAgent, PlannedStep } from "../core/plan.ts";
import { compileVerification, envOf } from "./compile-checks.ts";
import { defined } from "./defined.ts";
import type { CustomStep, CustomSteps, ForEachDefinition, StepDefinition, WorkflowDocument } from "./document.ts";
import { suggestion } from "./near.ts";
import { quoted, type DocumentPath, type Origin } from "./problems.ts";
import { hasPlaces, resolveCommand, resolveStatic, resolveText, type TextScope } from "./resolve.ts";

export interface StepContext {
  readonly document: WorkflowDocument;
  readonly agents: Readonly<Record<string, PlannedAgent>>;
  readonly custom: CustomSteps;
  readonly customOrigin: Origin;
  /** Attempts of each step after the first, and the pause before each, where nothing nearer says so. */
  readonly fallback: { readonly retries: number; readonly retryDelayMs: number };
  /** Of steps that a barrier waits for: no attempt of theirs may take longer. */
  readonly timeoutMax: ReadonlyMap<string, number>;
  readonly maxConcurrency: number;
  /** Compiles a workflow inside this one. */
  readonly inner: (name: string, vars: ReadonlyMap<string, string>, path: DocumentPath) => PlannedStep | undefined;
}

type Single = Exclude<PlannedStep, ForEachStep>;
type Input<K extends string> = Extract<StepDefinition, Record<K, unknown>>;

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
  if ("command" in step) {
    return deterministic(step, path, scope, own());
  }
  if ("branch" in step) return worktree(step, path, scope, own());
  if ("wait_for" in step) {
    const until = waitOf(step.wait_for, [...path, "wait_for"], scope);
    return until === undefined ? undefined : { type: "wait_for", ...own(), until };
  }
  const sub = step;
  const vars = new Map<string, string>();
  for (const [name, text] of Object.entries(sub.vars ?? {})) {
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
  const inner = context.inner(sub.workflow, vars, [...path, "workflow"]);
  return inner?.type === "workflow" ? { ...inner, ...own() } : undefined;
}

type Base = ReturnType<typeof baseOf>;

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

function deterministic(
  step: Pick<Input<"command">, "command" | "cwd" | "env" | "failOnError" | "captureOutput">,
  path: DocumentPath,
  scope: TextScope,
  base: Base,
): Single {
  const placed = resolveCommand(step.command, [...path, "command"], scope);
  const env = envOf(placed.env, step.env, [...path, "env"], scope);
  return {
    type: "deterministic",
    ...base,
    command: placed.command,
    ...(step.cwd === undefined ? {} : { cwd: resolveText(step.cwd, [...path, "cwd"], scope) }),
    ...(Object.keys(env).length === 0 ? {} : { env }),
    failOnError: step.failOnError ?? true,
    captureOutput: step.captureOutput ?? true,
  };
}

function worktree(
  step: Pick<Input<"branch">, "branch" | "baseBranch" | "path" | "createBranch">,
  path: DocumentPath,
  scope: TextScope,
  base: Base,
): Single {
  const text = (key: "branch" | "baseBranch" | "path"): string | undefined => {
    const value = step[key];
    if (value?.startsWith("-") === true)
      scope.problems.add(scope.origin, [...path, key], {
        code: "bad_value",
        message: `expected no option of git, found ${quoted(value)}`,
        hint: "begin it with another character",
      });
    return value === undefined ? undefined : resolveText(value, [...path, key], scope);
  };
  return {
    type: "worktree",
    ...base,
    branch: text("branch") ?? "",
    baseBranch: text("baseBranch") ?? "HEAD",
    ...defined({ path: text("path") }),
    createBranch: step.createBranch ?? true,
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

const isCustom = (step: StepDefinition): step is Input<"use"> => "use" in step;

const ownKeys = new Set([
  "name",
  "use",
  "params",
  "dependsOn",
  "timeoutMs",
  "retries",
  "retryDelayMs",
  "maxIterations",
  "verification",
  "for_each",
]);

function compileCustom(
  step: Input<"use">,
  dependsOn: readonly string[],
  path: DocumentPath,
  scope: TextScope,
  context: StepContext,
): Single | undefined {
  const { origin, problems } = scope;
  const definition: CustomStep | undefined = Object.hasOwn(context.custom, step.use)
    ? context.custom[step.use]
    : undefined;
  if (definition === undefined) return undefined;
  const params = new Map((definition.params ?? []).map((param) => [param.name, param]));
  const given = new Map<string, readonly [string, DocumentPath]>();
  for (const [name, value] of Object.entries(step))
    if (!ownKeys.has(name))
      given.set(name, [typeof value === "string" ? value : JSON.stringify(value), [...path, name]]);
  for (const [name, value] of Object.entries(step.params ?? {})) given.set(name, [value, [...path, "params", name]]);
  const vars = new Map(scope.vars);
  for (const [name, [value, at]] of given) {
    if (!params.has(name))
      problems.add(origin, at, {
        code: "unknown_key",
        message: `custom step ${quoted(step.use)} has no parameter ${quoted(name)}`,
        hint: suggestion(name, params.keys()) ?? "it has none",
        at: "key",
      });
    vars.set(name, resolveText(value, at, scope));
  }
  for (const [name, param] of params) {
    if (given.has(name)) continue;
    vars.set(name, param.default === undefined ? "" : resolveText(param.default, path, scope));
    if (param.default === undefined && param.required === true)
      problems.add(origin, path, {
        code: "missing",
        message: `parameter ${quoted(name)} of custom step ${quoted(step.use)} is missing`,
        hint: param.description,
      });
  }
  const { customOrigin } = context;
  const at: DocumentPath = customOrigin === origin ? ["customSteps", step.use] : ["steps", step.use];
  const inside: TextScope = { ...scope, vars, origin: customOrigin };
  const base = baseOf(
    {
      ...step,
      timeoutMs: step.timeoutMs ?? definition.timeoutMs,
      retries: step.retries ?? definition.retries,
    },
    dependsOn,
    [],
    path,
    scope,
    context,
  );
  const withVerification = {
    ...base,
    ...(step.verification !== undefined || definition.verification === undefined
      ? {}
      : { verification: compileVerification(definition.verification, [...at, "verification"], inside) }),
  };
  return "branch" in definition
    ? worktree(definition, at, inside, withVerification)
    : deterministic(definition, at, inside, withVerification);
}

type Common = Pick<
  StepDefinition,
  "name" | "timeoutMs" | "retries" | "retryDelayMs" | "maxIterations" | "verification"
>;

/** Retries: step, owner, specialist, error handling, none. Timeout: step, owner, specialist, swarm, none. */
function baseOf(
  step: Common,
  dependsOn: readonly string[],
  people: readonly (PlannedAgent | undefined)[],
  path: DocumentPath,
  scope: TextScope,
  context: StepContext,
) {
  const first = <T>(values: readonly (T | undefined)[]): T | undefined => values.find((value) => value !== undefined);
  const timeoutMs = first([
    step.timeoutMs,
    ...people.map((agent) => agent?.timeoutMs),
    context.document.swarm?.timeoutMs,
  ]);
  const most = context.timeoutMax.get(step.name);
  return {
    name: step.name,
    dependsOn,
    ...defined({
      timeoutMs: most === undefined ? timeoutMs : Math.min(most, timeoutMs ?? most),
      maxIterations: step.maxIterations,
    }),
    retries: first([step.retries, ...people.map((agent) => agent?.retries)]) ?? context.fallback.retries,
    retryDelayMs: step.retryDelayMs ?? context.fallback.retryDelayMs,
    ...(step.verification === undefined
      ? {}
      : { verification: compileVerification(step.verification, [...path, "verification"], scope) }),
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
