/** Custom steps: a definition from elsewhere, with the parameters of the step that uses it. */
import { deterministic, worktree } from "./compile-commands.ts";
import { compileVerification } from "./compile-checks.ts";
import type { CustomStep, StepDefinition } from "./document.ts";
import { suggestion } from "./near.ts";
import { quoted, type DocumentPath } from "./problems.ts";
import { resolveText, type TextScope } from "./resolve.ts";
import { baseOf, type Input, type Single, type StepContext } from "./step-base.ts";

export const isCustom = (step: StepDefinition): step is Input<"use"> => "use" in step;

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

export function compileCustom(
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
