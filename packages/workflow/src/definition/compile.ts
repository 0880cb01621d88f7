/**
 * Compiling: a document becomes a plan.
 *
 *   C1  Everything that can be known before the start is known in the plan; of places only outputs, items and their numbers
 *       are left.
 *   C2  Whatever is wrong is a problem at its place; there is a plan only if there is no problem.
 *   C3  What a person wrote outranks what a pattern or a preset says.
 */
import type { Plan, PlannedStep } from "../core/plan.ts";
import { barriersOf, checkNames } from "./check-names.ts";
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
import { compileStep, type StepContext } from "./compile-steps.ts";
import { defined } from "./defined.ts";
import type { CustomSteps, WorkflowDefinition, WorkflowDocument } from "./document.ts";
import {
  barrierStep,
  pathSteps,
  preflightSteps,
  sharedStateStep,
  slug,
  voteSentence,
  voteStep,
} from "./extra-steps.ts";
import { isUpstream } from "./graph.ts";
import { suggestion } from "./near.ts";
import { literal } from "../core/places.ts";
import { choosePattern } from "./patterns/choose-pattern.ts";
import { hubOf, orderSteps, whoMayTell } from "./patterns/structure.ts";
import { patterns, type Pattern } from "./patterns/table.ts";
import { quoted, type DocumentPath, type Origin, type Problems } from "./problems.ts";
import type { TextScope } from "./resolve.ts";

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

function varsOf(
  document: WorkflowDocument,
  given: Readonly<Record<string, string>>,
  origin: Origin,
  problems: Problems,
) {
  const declared = new Map<string, string | undefined>();
  const values: Record<string, string> = {};
  for (const [name, about] of Object.entries(document.vars ?? {})) {
    const [value, description] = typeof about === "string" ? [about, undefined] : [about.default, about.description];
    declared.set(name, description);
    if (value !== undefined) values[name] = value;
  }
  for (const [name, value] of Object.entries(given)) {
    if (!/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/u.test(name) || value.includes("\0") || value.length > 100_000)
      problems.add(origin, [], {
        code: "bad_value",
        message: `variable ${quoted(name)} cannot be used: expected a plain name and a value of at most 100000 characters without NUL`,
      });
    else values[name] = value;
  }
  return { declared, values, known: new Map(Object.entries(values).map(([name, value]) => [name, literal(value)])) };
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
    const reads: { step: string; by: string; origin: Origin; path: DocumentPath }[] = [];
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
    if (isTop) this.#checkPrograms(programs, agents);
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
    const voted = this.#withVotes(withBarriers, pattern, hub, isOrdered);
    const before = [
      ...preflightSteps(workflow, at, scope),
      ...(isTop ? pathSteps(requiredPaths(document, scope)) : []),
      ...(sharesState(document, pattern) && isTop ? [sharedStateStep(document)] : []),
    ];
    const steps = this.#withFirstSteps(before, tellOfState(voted, document, pattern), at);
    this.#checkReads(reads, steps);

    const channel =
      document.swarm?.channel ?? (agents.some((agent) => agent.interactive) ? `wf-${slug(workflow.name)}` : undefined);
    const mayTell = withColleagues(
      whoMayTell(pattern.talk, agents, shape, { hub, order: pattern.order }),
      steps,
      byName,
    );
    const plan: Plan = {
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

  #checkPrograms(programs: Readonly<Record<string, string>>, agents: readonly { readonly name: string }[]): void {
    const names = agents.map((agent) => agent.name);
    for (const [name, cli] of Object.entries(programs)) {
      if (cli.trim() === "")
        this.#problems.add(this.#origin, ["agents"], {
          code: "bad_value",
          message: `expected the command line of a program for agent ${quoted(name)}, found nothing`,
        });
      if (name !== "*" && !names.includes(name))
        this.#problems.add(this.#origin, ["agents"], {
          code: "unknown_name",
          message: `a program was given for agent ${quoted(name)}, and there is none of that name`,
          hint: suggestion(name, names),
        });
    }
  }

  /** Who votes is asked for a vote, and what the hub does comes after the count, where the pattern orders. */
  #withVotes(
    steps: readonly PlannedStep[],
    pattern: Pattern,
    hub: string | undefined,
    isOrdered: boolean,
  ): readonly PlannedStep[] {
    const { consensusStrategy, votingThreshold } = this.#document.coordination ?? {};
    if (consensusStrategy === undefined && votingThreshold === undefined && pattern.votes !== true) return steps;
    if (votingThreshold !== undefined && consensusStrategy !== undefined && consensusStrategy !== "quorum")
      this.#problems.add(this.#origin, ["coordination", "votingThreshold"], {
        code: "bad_value",
        message: `expected no threshold with ${consensusStrategy}, found ${votingThreshold}`,
        hint: "write `consensusStrategy: quorum`",
      });
    const isAgents = (step: PlannedStep): boolean => step.type === "agent" && step.agent !== hub;
    const readByAgents = new Set(steps.filter(isAgents).flatMap((step) => step.dependsOn));
    const voters = steps.filter((step) => isAgents(step) && !readByAgents.has(step.name)).map((step) => step.name);
    if (voters.length === 0) {
      this.#problems.add(this.#origin, ["coordination"], {
        code: "bad_value",
        message: "expected agents' steps that can vote, found none",
        hint: "take the consensus away, or let agents other than the hub do steps",
      });
      return steps;
    }
    if (steps.some((step) => step.name === "consensus")) this.#reserved("consensus", ["coordination"]);
    const rule = consensusStrategy ?? (votingThreshold === undefined ? "majority" : "quorum");
    const count = voteStep(voters, rule, votingThreshold ?? 0.5);
    const asked = steps.map((step): PlannedStep => {
      if (step.type !== "agent") return step;
      if (voters.includes(step.name)) return { ...step, task: step.task + voteSentence };
      return step.agent === hub && !isOrdered ? { ...step, dependsOn: [...step.dependsOn, count.name] } : step;
    });
    return [...asked, count];
  }

  /** Whatever waits for nothing waits for what comes before everything. */
  #withFirstSteps(
    before: readonly PlannedStep[],
    steps: readonly PlannedStep[],
    at: DocumentPath,
  ): readonly PlannedStep[] {
    const names = before.map((step) => step.name);
    for (const step of steps) if (names.includes(step.name)) this.#reserved(step.name, [...at, "steps"]);
    return [...before, ...steps.map((step) => (step.dependsOn.length === 0 ? { ...step, dependsOn: names } : step))];
  }

  #reserved(name: string, path: DocumentPath): void {
    this.#problems.add(this.#origin, path, {
      code: "duplicate_name",
      message: `a step cannot be called ${quoted(name)}: this workflow has a step of its own of that name`,
      hint: "give the step another name",
    });
  }

  #checkReads(
    reads: readonly { step: string; by: string; origin: Origin; path: DocumentPath }[],
    steps: readonly PlannedStep[],
  ): void {
    const byName = new Map(steps.map((step) => [step.name, step]));
    // Behind a barrier for any of several, nobody knows which of them has come.
    const certain = new Map(
      steps.map((step) => [
        step.name,
        step.type === "deterministic" && step.barrier === "any" ? { ...step, dependsOn: [] } : step,
      ]),
    );
    for (const { step, by, origin, path } of reads) {
      if (!byName.has(step))
        this.#problems.add(origin, path, {
          code: "unresolved",
          message: `expected the output of a step of this workflow, found "{{steps.${step}.output}}"`,
          hint: suggestion(step, byName.keys()),
        });
      else if (!isUpstream(step, by, certain))
        this.#problems.add(origin, path, {
          code: "unresolved",
          message: `the output of step ${quoted(step)} is not known when ${by === "" ? "the checks before the start run" : `step ${quoted(by)} starts`}`,
          hint: by === "" || by === step ? undefined : `add ${quoted(step)} to its \`dependsOn\``,
        });
    }
  }
}
