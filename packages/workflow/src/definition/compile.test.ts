import { expect, test } from "vitest";
import type { AgentStep, DeterministicStep, Plan } from "../core/plan.ts";
import { describePlan } from "./describe-plan.ts";
import { loadWorkflow, planWorkflow, type LoadOptions } from "./load.ts";
import { formatProblem } from "./problems.ts";
import { workflow } from "../builder.ts";
import { renderTemplate } from "../core/testing/render.ts";
import type { WorkflowDocument } from "./document.ts";

const planOf = (document: unknown, options: LoadOptions = {}): Plan => {
  const loaded = planWorkflow(document, options);
  if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join("\n"));
  return loaded.plan;
};
const problemsOf = (document: unknown, options: LoadOptions = {}): readonly string[] => {
  const loaded = planWorkflow(document, options);
  return loaded.ok ? [] : loaded.problems.map(formatProblem);
};
const stepOf = <S>(plan: Plan, name: string): S => plan.steps.find((step) => step.name === name) as S;
const depsOf = (plan: Plan): Record<string, readonly string[]> =>
  Object.fromEntries(plan.steps.map((step) => [step.name, step.dependsOn]));

const claude = { cli: "claude" } as const;

test("C3: presets decide about terminals, and what is written outranks them", () => {
  const plan = planOf(
    workflow("w")
      .agent("a", { ...claude, preset: "lead" })
      .agent("b", { ...claude, preset: "worker" })
      .agent("c", { ...claude, preset: "reviewer" })
      .agent("d", { ...claude, preset: "analyst" })
      .agent("e", { ...claude, preset: "worker", interactive: true })
      .agent("f", claude)
      .step("s", { agent: "a", task: "t" })
      .toConfig(),
  );
  expect(Object.values(plan.agents).map((agent) => agent.interactive)).toEqual([true, false, false, false, true, true]);
});

test("only steps of interactive agents are supervised", () => {
  const plan = planOf(
    workflow("w")
      .agent("lead", claude)
      .agent("dev", claude)
      .agent("batch", { ...claude, interactive: false })
      .step("a", { agent: "dev", task: "t" })
      .step("b", { agent: "batch", task: "t" })
      .toConfig(),
  );
  expect(stepOf(plan, "a")).toMatchObject({ owner: "lead", reviewer: "lead" });
  expect(stepOf(plan, "b")).not.toHaveProperty("owner");
  expect(stepOf(plan, "b")).not.toHaveProperty("reviewer");
});

test("the lead owns every worker step of its team, its own included", () => {
  const plan = planOf(
    workflow("w")
      .agent("lead", claude)
      .agent("x", claude)
      .agent("y", claude)
      .step("a", { agent: "x", task: "t" })
      .step("b", { agent: "y", task: "t" })
      .step("c", { agent: "lead", task: "t" })
      .toConfig(),
  );
  expect(plan.steps.map((step) => (step as AgentStep).owner)).toEqual(["lead", "lead", "lead"]);
});

test("a step's own owner and reviewer outrank those that are chosen", () => {
  const plan = planOf(
    workflow("w")
      .agent("lead", claude)
      .agent("x", claude)
      .agent("y", claude)
      .step("a", { agent: "x", task: "t", owner: "y", reviewer: "none" })
      .toConfig(),
  );
  expect(stepOf(plan, "a")).toMatchObject({ owner: "y" });
  expect(stepOf(plan, "a")).not.toHaveProperty("reviewer");
});

test.each([
  [{ retries: 1 }, 1],
  [{}, 2],
])("retries: step %j, then owner, then specialist, then error handling", (own, expected) => {
  const plan = planOf(
    workflow("w")
      .agent("lead", { ...claude, retries: 2 })
      .agent("x", { ...claude, retries: 3 })
      .step("a", { agent: "x", task: "t", ...own })
      .onError("retry", { maxRetries: 4 })
      .toConfig(),
  );
  expect(stepOf<AgentStep>(plan, "a").retries).toBe(expected);
});

test("retries of the specialist and of the error handling are what is left", () => {
  const base = () => workflow("w").agent("lead", claude);
  const of = (document: WorkflowDocument) => stepOf<AgentStep>(planOf(document), "a").retries;
  const step = { agent: "x", task: "t" } as const;
  expect(
    of(
      base()
        .agent("x", { ...claude, retries: 3 })
        .step("a", step)
        .onError("retry", { maxRetries: 4 })
        .toConfig(),
    ),
  ).toBe(3);
  expect(of(base().agent("x", claude).step("a", step).onError("retry", { maxRetries: 4 }).toConfig())).toBe(4);
  expect(of(base().agent("x", claude).step("a", step).onError("retry").toConfig())).toBe(2);
  expect(of(base().agent("x", claude).step("a", step).toConfig())).toBe(0);
});

test("timeout: step, owner, specialist, swarm", () => {
  const of = (step?: number, owner?: number, specialist?: number, swarm?: number) => {
    const builder = workflow("w")
      .agent("lead", { ...claude, ...(owner && { timeoutMs: owner }) })
      .agent("x", { ...claude, ...(specialist && { timeoutMs: specialist }) })
      .step("a", { agent: "x", task: "t", ...(step && { timeoutMs: step }) });
    if (swarm !== undefined) builder.timeout(swarm);
    return stepOf<AgentStep>(planOf(builder.toConfig()), "a").timeoutMs;
  };
  expect([
    of(1, 2, 3, 4),
    of(undefined, 2, 3, 4),
    of(undefined, undefined, 3, 4),
    of(undefined, undefined, undefined, 4),
    of(),
  ]).toEqual([1, 2, 3, 4, undefined]);
});

test.each([
  ["fail-fast", "fail-fast", 0],
  ["continue", "continue", 0],
  ["retry", "fail-fast", 2],
] as const)("strategy %s becomes %s with %i retries", (strategy, expected, retries) => {
  const plan = planOf(workflow("w").step("a", { command: "ls" }).onError(strategy).toConfig());
  expect(plan.strategy).toBe(expected);
  expect(plan.steps[0]?.retries).toBe(retries);
});

test("P1: what a variable holds is never read as a place", () => {
  const plan = planOf(workflow("w").agent("a", claude).step("s", { agent: "a", task: "do {{x}}!" }).toConfig(), {
    vars: { x: "{{steps.s.output}} \\{{y}} {" },
  });
  expect(renderTemplate(stepOf<AgentStep>(plan, "s").task, { outputs: { s: "NO" } })).toBe(
    "do {{steps.s.output}} \\{{y}} {!",
  );
});

test("P3: values reach a command through its environment", () => {
  const plan = planOf(
    workflow("w")
      .step("a", { command: "ls" })
      .step("b", { command: "echo {{x}} '{{steps.a.output}}'", dependsOn: ["a"] })
      .toConfig(),
    { vars: { x: "$(rm -rf /)" } },
  );
  expect(stepOf<DeterministicStep>(plan, "b")).toMatchObject({
    command: `echo "$AR_1" ''"\${AR_2}"''`,
    env: { AR_1: "$(rm -rf /)", AR_2: "{{steps.a.output}}" },
  });
});

test("the document is not changed by compiling it", () => {
  const document = workflow("w").agent("a", claude).step("s", { agent: "a", task: "{{x}}" }).toConfig();
  const before = JSON.stringify(document);
  planOf(document, { vars: { x: "1" } });
  expect(JSON.stringify(document)).toBe(before);
});

test("named paths become directories, and have to be there", () => {
  const plan = planOf(
    workflow("w")
      .paths([{ name: "site", path: "web/site" }])
      .agent("a", { ...claude, workdir: "site" })
      .step("s", { agent: "a", task: "t" })
      .toConfig(),
  );
  expect(plan.agents["a"]?.cwd).toBe("web/site");
  expect(depsOf(plan)).toEqual({ "path-site": [], s: ["path-site"] });
});

test("a step can depend on a barrier, whose time bounds each attempt of what it waits for", () => {
  const plan = planOf(
    workflow("w")
      .step("a", { command: "ls" })
      .step("b", { command: "ls", timeoutMs: 50 })
      .step("c", { command: "ls", dependsOn: ["both"] })
      .coordination({ barriers: [{ name: "both", waitFor: ["a", "b"], timeoutMs: 100 }] })
      .toConfig(),
  );
  expect(depsOf(plan)).toEqual({ a: [], b: [], c: ["both"], both: ["a", "b"] });
  expect(plan.steps.map((step) => step.timeoutMs)).toEqual([100, 50, undefined, undefined]);
});

test("K3: a circle through a barrier is found", () => {
  const document = workflow("w")
    .step("a", { command: "ls", dependsOn: ["all"] })
    .coordination({ barriers: [{ name: "all", waitFor: ["a"] }] })
    .toConfig();
  expect(problemsOf(document)).toEqual([expect.stringContaining("a → all → a")]);
});

test("a list runs its step for each item, with the retries of the step", () => {
  const plan = planOf(
    workflow("w")
      .agent("a", claude)
      .step("list", { command: "ls" })
      .step("each", {
        agent: "a",
        task: "{{index}}: {{item}}",
        dependsOn: ["list"],
        retries: 2,
        for_each: { items: "{{steps.list.output}}", maxConcurrency: 3 },
      })
      .toConfig(),
  );
  expect(stepOf(plan, "each")).toMatchObject({
    type: "for_each",
    dependsOn: ["list"],
    maxConcurrency: 3,
    items: "{{steps.list.output}}",
    retries: 0,
    step: { dependsOn: [], retries: 2 },
  });
});

test("a list that is written down is JSON that holds its texts as they are", () => {
  const plan = planOf(
    workflow("w")
      .step("each", { command: "echo {{item}}", for_each: ["a", '{"{{x}}"}', "\\{{ b"] })
      .toConfig(),
    { vars: { x: "{{item}}" } },
  );
  const step = plan.steps[0];
  if (step?.type !== "for_each") throw new Error("no list");
  expect(JSON.parse(renderTemplate(step.items, { outputs: {}, item: "NO" }))).toEqual(["a", '{"{{item}}"}', "{{ b"]);
});

test("a workflow inside gets its own variables and is compiled whole", () => {
  const plan = planOf(
    workflow("w")
      .step("in", { workflow: "inner", vars: { x: "{{y}}!" } })
      .workflow("inner")
      .step("a", { command: "echo {{x}}" })
      .toConfig(),
    { vars: { x: "outer", y: "given" } },
  );
  expect(plan.steps[0]).toMatchObject({
    type: "workflow",
    name: "in",
    plan: { workflow: "inner", steps: [{ env: { AR_1: "given!" } }] },
  });
});

const customSteps = {
  file: ".relay/steps.yaml",
  content:
    'steps:\n  image:\n    params: [{ name: tag, required: true }, { name: file, default: Dockerfile }]\n    command: docker build -t {{tag}} -f "{{file}}" .\n    timeoutMs: 5000\n',
};

test("a custom step takes its parameters, from beside or from within `params`", () => {
  const document = {
    version: "1.0",
    name: "w",
    workflows: [
      {
        name: "w",
        steps: [
          { name: "a", use: "image", tag: "x:{{v}}" },
          { name: "b", use: "image", params: { tag: "{{steps.a.output}}", file: "F" }, dependsOn: ["a"] },
        ],
      },
    ],
  };
  const plan = planOf(document, { customSteps, vars: { v: "1" } });
  expect(plan.steps).toMatchObject([
    { command: 'docker build -t "$AR_1" -f "${AR_2}" .', env: { AR_1: "x:1", AR_2: "Dockerfile" }, timeoutMs: 5000 },
    { env: { AR_1: "{{steps.a.output}}", AR_2: "F" } },
  ]);
});

test("a custom step that is unknown, lacks a parameter or gets a wrong one is told", () => {
  const steps = [
    { name: "a", use: "imgae" },
    { name: "b", use: "image" },
    { name: "c", use: "image", tag: "t", fiel: "x" },
  ];
  const of = (step: unknown) =>
    problemsOf({ version: "1.0", name: "w", workflows: [{ name: "w", steps: [step] }] }, { customSteps });
  expect(steps.flatMap(of)).toEqual([
    'workflows[0].steps[0].use: unknown custom step "imgae"; did you mean "image"?',
    'workflows[0].steps[0]: parameter "tag" of custom step "image" is missing',
    'workflows[0].steps[0].fiel: custom step "image" has no parameter "fiel"; did you mean "file"?',
  ]);
});

test("a fault in .relay/steps.yaml is told with that file", () => {
  const loaded = loadWorkflow(
    { file: "w.yaml", content: 'version: "1.0"\nname: w\nworkflows: [{name: w, steps: [{name: a, use: x}]}]' },
    { customSteps: { file: "steps.yaml", content: "steps:\n  x: { comand: ls }\n" } },
  );
  expect(loaded.ok ? [] : loaded.problems.map(formatProblem)[0]).toMatch(/^steps\.yaml:2:\d+: /u);
});

test("repair agent, needs-human, notify channel, budgets and nudges reach the plan", () => {
  const plan = planOf(
    workflow("w")
      .agent("a", { ...claude, maxTokens: 5 })
      .step("s", { agent: "a", task: "t" })
      .tokenBudget(10)
      .idleNudge({ maxNudges: 2 })
      .onError("continue", { onExhaustion: "needs-human", notifyChannel: "news" })
      .repairable("a")
      .trajectories({ autoDecisions: false })
      .toConfig(),
  );
  expect(plan).toMatchObject({
    tokenBudget: 10,
    idleNudge: { nudgeAfterMs: 120_000, escalateAfterMs: 120_000, maxNudges: 2 },
    repair: { agent: "a", retries: 2 },
    onExhaustion: "needs-human",
    notifyChannel: "news",
    trajectory: { autoDecisions: false, reflectOnBarriers: true },
    agents: { a: { maxTokens: 5 } },
  });
});

test("a plan is JSON: nothing in it is undefined", () => {
  const plan = planOf(workflow("w").agent("a", claude).step("s", { agent: "a", task: "t" }).toConfig());
  expect(JSON.parse(JSON.stringify(plan))).toStrictEqual(plan);
});

test("steps of 10,000 in a chain are compiled and described without a deep stack", () => {
  const builder = workflow("w");
  for (let i = 0; i < 10_000; i += 1)
    builder.step(`s${i}`, { command: "true {{x}}", dependsOn: i === 0 ? [] : [`s${i - 1}`] });
  const plan = planOf(builder.toConfig(), { vars: { x: "1" } });
  expect(describePlan(plan).waves).toHaveLength(10_000);
}, 60_000);

test.each([
  [3, 3],
  [undefined, 5],
])("R1: what may run at once counts the items of lists: of one with the limit %s, %i", (maxConcurrency, peak) => {
  const plan = planOf(
    workflow("w")
      .maxConcurrency(5)
      .step("list", { command: "seq 9" })
      .step("each", {
        command: "echo {{item}}",
        dependsOn: ["list"],
        for_each: { items: "{{steps.list.output}}", ...(maxConcurrency === undefined ? {} : { maxConcurrency }) },
      })
      .toConfig(),
  );
  expect(describePlan(plan).peakConcurrency).toBe(peak);
});

test("R1: the dry run shows the exact arguments, waves, peak and counts", () => {
  const plan = planOf(
    workflow("w")
      .maxConcurrency(1)
      .agent("lead", claude)
      .agent("x", claude)
      .agent("qa", claude)
      .step("a", { command: "echo {{v}}", timeoutMs: 10 })
      .step("b", { agent: "x", task: "t", dependsOn: [] })
      .step("c", { agent: "x", task: "t", dependsOn: ["a", "b"] })
      .toConfig(),
    { vars: { v: "it's" } },
  );
  const described = describePlan(plan);
  expect(described).toMatchObject({ totalSteps: 3, peakConcurrency: 1, maxConcurrency: 1 });
  expect(described.waves.map(({ steps }) => steps.map(({ name }) => name))).toEqual([["a", "b"], ["c"]]);
  expect(described.waves[0]?.steps[0]).toMatchObject({
    argv: ["/bin/sh", "-c", 'echo "$AR_1"'],
    env: { AR_1: "it's" },
  });
  expect(described.agents.map(({ name, stepCount, owns, reviews }) => [name, stepCount, owns, reviews])).toEqual([
    ["lead", 0, 2, 0],
    ["x", 2, 0, 0],
    ["qa", 0, 0, 2],
  ]);
  expect(described.warnings.map(({ code }) => code)).toEqual(["NO_TIMEOUT", "NO_TIMEOUT", "WIDE_WAVE"]);
});

test("R2: nobody to review, a deep fan-in, and a lead that waits for its own worker are warnings", () => {
  const builder = workflow("w")
    .timeout(1)
    .agent("lead", claude)
    .agent("dev", claude)
    .step("manage", { agent: "lead", task: "Wait until dev has said DONE.", dependsOn: [] });
  for (const name of ["a", "b", "c", "d", "e"]) builder.step(name, { agent: "dev", task: "t", dependsOn: ["manage"] });
  builder.step("end", { command: "true", dependsOn: ["a", "b", "c", "d", "e"] });
  const { warnings } = describePlan(planOf(builder.toConfig()));
  expect(warnings.map(({ code, step }) => `${code} ${step ?? ""}`)).toEqual([
    "OWNER_WAITS_FOR_WORKER manage",
    ...["a", "b", "c", "d", "e"].map((name) => `NO_REVIEWER ${name}`),
    "DEEP_FAN_IN end",
  ]);
});

test("what the builder makes is read again from its YAML", () => {
  const builder = workflow("w")
    .description("d")
    .pattern("mesh")
    .variable("x", "1")
    .agent("a", { ...claude, model: "m", retries: 1 })
    .step("s", { agent: "a", task: "{{x}}\n  two\n" })
    .step("t", { wait_for: { approval: "ok?" } })
    .preflight({ command: "true" })
    .customStep("c", { command: "ls" })
    .step("u", { use: "c" })
    .state({ namespace: "n" })
    .onError("retry");
  const loaded = loadWorkflow({ content: builder.toYaml() });
  expect(loaded.ok ? loaded.document : loaded.problems).toEqual(builder.toConfig());
});

test("B1: calling toConfig gives a copy that can be changed freely", () => {
  const builder = workflow("w").step("s", { command: "ls" });
  builder.toConfig().workflows[0]?.steps.pop();
  expect(builder.toConfig().workflows[0]?.steps).toHaveLength(1);
});
