/**
 * The fluent way to a document: the same that a YAML file says.
 *
 *   B1  Calling changes nothing but this builder; `toConfig()` is a copy of what it has gathered.
 *   B2  Nothing is checked here: `planWorkflow(builder.toConfig())` tells what is wrong, as for a file.
 */
import type {
  AgentDefinition,
  CustomStep,
  StepDefinition,
  WorkflowDefinition,
  WorkflowDocument,
} from "./definition/document.ts";
import type { PatternName } from "./definition/patterns/names.ts";
import type { PlanDescription } from "./definition/describe-plan.ts";
import { defined } from "./definition/defined.ts";
import { toYaml } from "./definition/to-yaml.ts";
import { runWorkflow, startWorkflow, type RunOptions } from "./shell/run-workflow.ts";
import type { RunHandle } from "./shell/run-handle.ts";
import type { RunResult } from "./shell/run-result.ts";

/** An agent; its constraints may stand beside everything else. */
export type AgentOptions = Omit<AgentDefinition, "name"> & NonNullable<AgentDefinition["constraints"]>;

/** A step of any kind, without its name. */
export type StepOptions = UnnamedStep | UseOptions;

/** Each kind on its own, so that fields of one are errors in another. */
export type UnnamedStep<Kind = Exclude<StepDefinition, { use: string }>> = Kind extends unknown
  ? Omit<Kind, "name">
  : never;

/** A custom step: its parameters, and what every step has. */
export interface UseOptions {
  readonly use: string;
  readonly params?: Record<string, string>;
  readonly dependsOn?: string[];
  readonly timeoutMs?: number;
  readonly retries?: number;
}

/** Begins a document with one workflow of the same name. */
export const workflow = (name: string): WorkflowBuilder => new WorkflowBuilder(name);

export class WorkflowBuilder {
  readonly #document: WorkflowDocument;
  #current: WorkflowDefinition;

  constructor(name: string) {
    this.#current = { name, steps: [] };
    this.#document = { version: "1.0", name, workflows: [this.#current] };
  }

  description(description: string): this {
    this.#document.description = description;
    return this;
  }

  pattern(pattern: PatternName): this {
    return this.#swarm({ pattern });
  }

  maxConcurrency(maxConcurrency: number): this {
    return this.#swarm({ maxConcurrency });
  }

  /** Of the whole run, in milliseconds. */
  timeout(timeoutMs: number): this {
    return this.#swarm({ timeoutMs });
  }

  channel(channel: string): this {
    return this.#swarm({ channel });
  }

  tokenBudget(tokenBudget: number): this {
    return this.#swarm({ tokenBudget });
  }

  idleNudge(idleNudge: NonNullable<NonNullable<WorkflowDocument["swarm"]>["idleNudge"]> = {}): this {
    return this.#swarm({ idleNudge });
  }

  /** A variable that may be given from outside. */
  variable(name: string, about: string | { description?: string; default?: string } = {}): this {
    this.#document.vars = { ...this.#document.vars, [name]: about };
    return this;
  }

  paths(paths: NonNullable<WorkflowDocument["paths"]>): this {
    this.#document.paths = paths;
    return this;
  }

  agent(
    name: string,
    { model, timeoutMs, retries, maxTokens, idleThresholdSecs, constraints, ...rest }: AgentOptions,
  ): this {
    const all = defined({ ...constraints, ...defined({ model, timeoutMs, retries, maxTokens, idleThresholdSecs }) });
    const agent: AgentDefinition = { name, ...rest, ...(Object.keys(all).length === 0 ? {} : { constraints: all }) };
    this.#document.agents = [...(this.#document.agents ?? []), agent];
    return this;
  }

  step(name: string, options: StepOptions): this {
    this.#current.steps.push({ name, ...options } as StepDefinition);
    return this;
  }

  preflight(check: NonNullable<WorkflowDefinition["preflight"]>[number]): this {
    this.#current.preflight = [...(this.#current.preflight ?? []), check];
    return this;
  }

  customStep(name: string, definition: CustomStep): this {
    this.#document.customSteps = { ...this.#document.customSteps, [name]: definition };
    return this;
  }

  /** Steps that follow belong to another workflow of the document, which a step can contain. */
  workflow(name: string, description?: string): this {
    this.#current = { name, ...(description === undefined ? {} : { description }), steps: [] };
    this.#document.workflows.push(this.#current);
    return this;
  }

  coordination(coordination: NonNullable<WorkflowDocument["coordination"]>): this {
    this.#document.coordination = coordination;
    return this;
  }

  state(state: NonNullable<WorkflowDocument["state"]>): this {
    this.#document.state = state;
    return this;
  }

  trajectories(trajectories: NonNullable<WorkflowDocument["trajectories"]> | false): this {
    this.#document.trajectories = trajectories;
    return this;
  }

  onError(
    strategy: "fail-fast" | "continue" | "retry",
    options: Omit<NonNullable<WorkflowDocument["errorHandling"]>, "strategy"> = {},
  ): this {
    this.#document.errorHandling = { ...this.#document.errorHandling, strategy, ...options };
    return this;
  }

  /** Another agent may mend what has failed for good. */
  repairable(repairAgent: string, repairRetries?: number): this {
    this.#document.errorHandling = {
      ...this.#document.errorHandling,
      repairAgent,
      ...(repairRetries === undefined ? {} : { repairRetries }),
    };
    return this;
  }

  toConfig(): WorkflowDocument {
    return structuredClone(this.#document);
  }

  toYaml(): string {
    return toYaml(this.#document);
  }

  /** As `runWorkflow` does with a file. */
  run(options: RunOptions & { readonly dryRun: true }): Promise<PlanDescription>;
  run(options?: RunOptions & { readonly dryRun?: false }): Promise<RunResult>;
  run(options: RunOptions = {}): Promise<RunResult | PlanDescription> {
    return runWorkflow(this.toConfig(), options);
  }

  /** As `startWorkflow` does with a file. */
  start(options: Omit<RunOptions, "dryRun"> = {}): Promise<RunHandle> {
    return startWorkflow(this.toConfig(), options);
  }

  #swarm(part: NonNullable<WorkflowDocument["swarm"]>): this {
    this.#document.swarm = { ...this.#document.swarm, ...part };
    return this;
  }
}
