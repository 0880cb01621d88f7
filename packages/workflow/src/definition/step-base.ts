/** What every step of a plan has, whatever kind it is. */
import type { ForEachStep, PlannedAgent, PlannedStep } from "../core/plan.ts";
import { compileVerification } from "./compile-checks.ts";
import { defined } from "./defined.ts";
import type { CustomSteps, StepDefinition, WorkflowDocument } from "./document.ts";
import type { DocumentPath, Origin } from "./problems.ts";
import type { TextScope } from "./resolve.ts";

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

export type Single = Exclude<PlannedStep, ForEachStep>;

/** The kind of step that has such a key. */
export type Input<K extends string> = Extract<StepDefinition, Record<K, unknown>>;

export type Base = ReturnType<typeof baseOf>;

type Common = Pick<
  StepDefinition,
  "name" | "timeoutMs" | "retries" | "retryDelayMs" | "maxIterations" | "verification"
>;

/** Retries: step, owner, specialist, error handling, none. Timeout: step, owner, specialist, swarm, none. */
export function baseOf(
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
