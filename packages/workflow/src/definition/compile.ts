/**
 * Compiling: a document becomes a plan.
 *
 *   C1  Everything that can be known before the start is known in the plan; of places only outputs, items and their numbers
 *       are left.
 *   C2  Whatever is wrong is a problem at its place; there is a plan only if there is no problem.
 *   C3  What a person wrote outranks what a pattern or a preset says.
 */
import type { Plan } from "../core/plan.ts";
import { barriersOf, checkNames, checkPrograms } from "./check-names.ts";
import {
  planAgent,
  agentOf,
  errorHandlingOf,
  barrierTimeouts,
  requiredPaths,
  sharesState,
  tellOfState,
  withColleagues,
  repairOf,
  idleNudgeOf,
  trajectoryOf,
} from "./compile-settings.ts";
import { checkAgents, checkSteps } from "./check-honoured.ts";
import { compileStep } from "./compile-steps.ts";
import { defined } from "./defined.ts";
import type { CustomSteps, WorkflowDefinition, WorkflowDocument } from "./document.ts";
import { barrierStep, pathSteps, preflightSteps, sharedStateStep, slug, withFirstSteps } from "./extra-steps.ts";
import { suggestion } from "./near.ts";
import { checkReads, type OutputRead } from "./output-reads.ts";
import { choosePattern } from "./patterns/choose-pattern.ts";
import { hubOf, orderSteps, whoMayTell } from "./patterns/structure.ts";
import { patterns } from "./patterns/table.ts";
import { quoted, type DocumentPath, type Origin, type Problems } from "./problems.ts";
import type { TextScope } from "./resolve.ts";
import type { StepContext } from "./step-base.ts";
import { varsOf } from "./variables.ts";
import { withVotes } from "./votes.ts";

export interface CompileOptions {
  /** The first of the document if absent. */
  readonly workflow?: string;
  readonly vars?: Readonly<Record<string, string>>;
  readonly programs?: Readonly<Record<string, string>>;
  readonly customSteps?: { readonly steps: CustomSteps; readonly origin: Origin };
}

export interface Compiled {
  readonly plan: Plan;
  /** Values of all variables, defaults included. */
  readonly vars: Readonly<Record<string, string>>;
  /** Why the plan has the pattern that it has. */
  readonly patternBecause: string;
}

/** Eight programs at a time are what a good laptop carries. */
const maxConcurrencyDefault = 8;
const stepsMax = 20_000;

export function compileDocument(
  document: WorkflowDocument,
  origin: Origin,
  options: CompileOptions,
  problems: Problems,
): Compiled | undefined {
  const own = document.customSteps ?? {};
  const custom: CustomSteps = { ...options.customSteps?.steps, ...own };
  checkNames(document, custom, origin, problems);
  const workflow =
    options.workflow === undefined
      ? document.workflows[0]
      : document.workflows.find((each) => each.name === options.workflow);
  if (workflow === undefined) {
    const names = document.workflows.map((each) => each.name);
    problems.add(origin, ["workflows"], {
      code: "unknown_name",
      message: `unknown workflow ${quoted(options.workflow ?? "")}`,
      hint: suggestion(options.workflow ?? "", names),
    });
    return undefined;
  }
  // What is compiled from names that are missing would only be complained of twice.
  if (problems.any()) return undefined;
  const vars = varsOf(document, options.vars ?? {}, origin, problems);
  const compiler = new Compiler(document, origin, problems, custom, own, options);
  const compiled = compiler.compile(workflow, vars.known, vars.declared, true);
  if (compiled === undefined || problems.any()) return undefined;
  return { ...compiled, vars: vars.values };
}

class Compiler {
  readonly #document: WorkflowDocument;
  readonly #origin: Origin;
  readonly #problems: Problems;
  readonly #custom: CustomSteps;
  readonly #own: CustomSteps;
  readonly #options: CompileOptions;
  #steps = 0;

  constructor(
    document: WorkflowDocument,
    origin: Origin,
    problems: Problems,
    custom: CustomSteps,
    own: CustomSteps,
    options: CompileOptions,
  ) {
    this.#document = document;
    this.#origin = origin;
    this.#problems = problems;
    this.#custom = custom;
    this.#own = own;
    this.#options = options;
  }

  compile(
    workflow: WorkflowDefinition,
    vars: ReadonlyMap<string, string>,
    declared: ReadonlyMap<string, string | undefined>,
    isTop: boolean,
  ): { readonly plan: Plan; readonly patternBecause: string } | undefined {
    const document = this.#document;
    const at: DocumentPath = ["workflows", document.workflows.indexOf(workflow)];
    this.#steps += workflow.steps.length;
    if (this.#steps > stepsMax) {
      this.#problems.add(this.#origin, at, {
        code: "too_large",
        message: `expected at most ${stepsMax} steps, those of workflows inside included, found more`,
      });
      return undefined;
    }
    const reads: OutputRead[] = [];
    const scopeOf = (by: string): TextScope => ({
      vars,
      declared,
      inForEach: false,
      origin: this.#origin,
      problems: this.#problems,
      readsOutput: (step, origin, path) => reads.push({ step, by, origin, path }),
    });
    const scope = scopeOf("");

    const chosen = choosePattern({ document, agents: document.agents ?? [], steps: workflow.steps });
    const pattern = patterns[chosen.pattern];
    const programs = this.#options.programs ?? {};
    const agents = (document.agents ?? []).map((agent, index) => {
      const planned = planAgent(agent, document, ["agents", index], scope);
      const cli = Object.hasOwn(programs, agent.name) ? programs[agent.name] : programs["*"];
      return cli === undefined ? planned : { ...planned, cli };
    });
    if (isTop) checkPrograms(programs, agents, this.#origin, this.#problems);
    const hub = hubOf(pattern, agents);
    const repair = repairOf(document, pattern, agents);
    const where = { origin: this.#origin, problems: this.#problems };
    if (isTop) checkAgents(document, agents, { repairs: repair !== undefined, ...where });
    const shape = workflow.steps.map((step) => ({
      name: step.name,
      agent: agentOf(step),
      dependsOn: step.dependsOn ?? [],
    }));
    const isOrdered = workflow.steps.some((step) => step.dependsOn !== undefined);
    const order = isOrdered ? new Map<string, readonly string[]>() : orderSteps(pattern.order, shape, agents, hub);
    const byName = Object.fromEntries(agents.map((agent) => [agent.name, agent]));
    checkSteps(workflow, byName, at, where);
    const errors = errorHandlingOf(document, workflow);
    const context: StepContext = {
      document,
      agents: byName,
      custom: this.#custom,
      customOrigin: this.#origin,
      fallback: { retries: errors.retries, retryDelayMs: errors.retryDelayMs },
      timeoutMax: barrierTimeouts(document, workflow),
      maxConcurrency: document.swarm?.maxConcurrency ?? maxConcurrencyDefault,
      inner: (name, given) => {
        const inner = document.workflows.find((each) => each.name === name);
        if (inner === undefined) return undefined;
        const plan = this.compile(inner, new Map([...vars, ...given]), declared, false)?.plan;
        return plan === undefined
          ? undefined
          : { type: "workflow", name, dependsOn: [], retries: 0, retryDelayMs: 0, plan };
      },
    };

    const written = workflow.steps.flatMap((step, index) => {
      const dependsOn = step.dependsOn ?? order.get(step.name) ?? [];
      const fromFile = "use" in step && !Object.hasOwn(this.#own, step.use);
      const planned = compileStep(step, [...new Set(dependsOn)], [...at, "steps", index], scopeOf(step.name), {
        ...context,
        customOrigin: fromFile ? (this.#options.customSteps?.origin ?? this.#origin) : this.#origin,
      });
      return planned === undefined ? [] : [planned];
    });
    const withBarriers = [
      ...written,
      ...barriersOf(document, workflow).map(({ barrier }) => barrierStep(barrier.name, barrier.waitFor, barrier.mode)),
    ];
    const voted = withVotes(withBarriers, document, { pattern, hub, isOrdered }, where);
    const before = [
      ...preflightSteps(workflow, at, scope),
      ...(isTop ? pathSteps(requiredPaths(document, scope)) : []),
      ...(sharesState(document, pattern) && isTop ? [sharedStateStep(document)] : []),
    ];
    const steps = withFirstSteps(before, tellOfState(voted, document, pattern), [...at, "steps"], where);
    checkReads(reads, steps, this.#problems);

    const channel =
      document.swarm?.channel ?? (agents.some((agent) => agent.interactive) ? `wf-${slug(workflow.name)}` : undefined);
    const mayTell = withColleagues(
      whoMayTell(pattern.talk, agents, shape, { hub, order: pattern.order }),
      steps,
      byName,
    );
    const plan: Plan = {
      document: document.name,
      workflow: workflow.name,
      ...defined({ description: workflow.description ?? document.description }),
      pattern: chosen.pattern,
      ...defined({ channel }),
      strategy: errors.strategy,
      maxConcurrency: context.maxConcurrency,
      ...defined({
        timeoutMs: document.swarm?.timeoutMs,
        tokenBudget: document.swarm?.tokenBudget,
        idleNudge: idleNudgeOf(document),
      }),
      agents: Object.fromEntries(
        agents.map((agent) => {
          const joins =
            channel !== undefined && agent.interactive && (pattern.channel === "everybody" || agent.name === hub);
          const tells = mayTell.get(agent.name);
          return [
            agent.name,
            {
              ...agent,
              channels: [...new Set([...agent.channels, ...(joins ? [channel] : [])])],
              ...(tells === undefined ? {} : { mayTell: [...tells].sort() }),
            },
          ];
        }),
      ),
      steps,
      ...defined({ repair, notifyChannel: document.errorHandling?.notifyChannel, trajectory: trajectoryOf(document) }),
      onExhaustion: document.errorHandling?.onExhaustion ?? "fail",
    };
    return { plan, patternBecause: chosen.because };
  }
}
