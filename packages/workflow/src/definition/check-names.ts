/**
 * Names: everything that is named stands there once, and everything that names it finds it.
 *
 *   K1  Names of agents, paths, workflows, and of steps and barriers within a workflow are unique.
 *   K2  Agents, dependencies, workflows and custom steps that are named exist; if not, the nearest is named.
 *   K3  No step waits for itself, on whatever way; the way is shown.
 */
import type { CustomSteps, StepDefinition, WorkflowDefinition, WorkflowDocument } from "./document.ts";
import { findCycle } from "./graph.ts";
import { suggestion } from "./near.ts";
import { quoted, type DocumentPath, type Origin, type Problems } from "./problems.ts";

export function checkNames(document: WorkflowDocument, custom: CustomSteps, origin: Origin, problems: Problems): void {
  const add = problems.add;
  const unique = (names: readonly (readonly [string, DocumentPath])[], what: string): void => {
    const seen = new Set<string>();
    for (const [name, path] of names) {
      if (seen.has(name))
        add(origin, path, {
          code: "duplicate_name",
          message: `expected each ${what} once, found ${quoted(name)} a second time`,
          hint: "give one of them another name",
        });
      seen.add(name);
    }
  };
  const exists = (name: string | undefined, known: ReadonlySet<string>, what: string, path: DocumentPath): void => {
    if (name === undefined || known.has(name)) return;
    add(origin, path, {
      code: "unknown_name",
      message: `unknown ${what} ${quoted(name)}`,
      hint: suggestion(name, known) ?? `there is no ${what}`,
    });
  };

  const agents = new Set((document.agents ?? []).map((agent) => agent.name));
  const paths = new Set((document.paths ?? []).map((path) => path.name));
  const workflows = new Set(document.workflows.map((workflow) => workflow.name));
  unique(
    (document.agents ?? []).map((agent, index) => [agent.name, ["agents", index, "name"]]),
    "agent",
  );
  unique(
    (document.paths ?? []).map((path, index) => [path.name, ["paths", index, "name"]]),
    "path",
  );
  unique(
    document.workflows.map((workflow, index) => [workflow.name, ["workflows", index, "name"]]),
    "workflow",
  );
  (document.agents ?? []).forEach((agent, index) => {
    exists(agent.workdir, paths, "path", ["agents", index, "workdir"]);
    if (agent.workdir !== undefined && agent.cwd !== undefined)
      add(origin, ["agents", index, "workdir"], {
        code: "bad_value",
        message: "expected `cwd` or `workdir`, found both",
        hint: "take one away",
      });
    if (agent.name === "none")
      add(origin, ["agents", index, "name"], {
        code: "bad_value",
        message: 'expected an agent\'s name, found "none", which stands for nobody',
        hint: "give it another name",
      });
  });
  exists(document.errorHandling?.repairAgent, agents, "agent", ["errorHandling", "repairAgent"]);

  document.workflows.forEach((workflow, at) => {
    const here: DocumentPath = ["workflows", at];
    const barriers = barriersOf(document, workflow);
    unique(
      [
        ...workflow.steps.map((step, index) => [step.name, [...here, "steps", index, "name"]] as const),
        ...barriers.map(({ barrier, path }) => [barrier.name, [...path, "name"]] as const),
      ],
      "step",
    );
    const steps = new Set(workflow.steps.map((step) => step.name));
    const nodes = new Set([...steps, ...barriers.map(({ barrier }) => barrier.name)]);
    workflow.steps.forEach((step, index) => {
      const path = [...here, "steps", index];
      (step.dependsOn ?? []).forEach((name, position) => exists(name, nodes, "step", [...path, "dependsOn", position]));
      checkStep(step, path, { agents, workflows, custom, exists });
    });
    const cycle = findCycle([
      ...workflow.steps.map((step) => ({ name: step.name, dependsOn: step.dependsOn ?? [] })),
      ...barriers.map(({ barrier }) => ({ name: barrier.name, dependsOn: barrier.waitFor })),
    ]);
    if (cycle === undefined) return;
    const index = workflow.steps.findIndex((step) => step.name === cycle[0]);
    add(origin, index === -1 ? [...here, "steps"] : [...here, "steps", index, "dependsOn"], {
      code: "cycle",
      message: `steps wait for each other in a circle: ${shorten(cycle).join(" → ")}`,
      hint: "take one of these dependencies away",
    });
  });
  checkBarriers(document, origin, problems);
  checkSubWorkflows(document, origin, problems);
}

/** Barriers of the document that speak of steps of this workflow. */
export function barriersOf(document: WorkflowDocument, workflow: WorkflowDefinition) {
  const steps = new Set(workflow.steps.map((step) => step.name));
  return (document.coordination?.barriers ?? []).flatMap((barrier, index) =>
    barrier.waitFor.some((name) => steps.has(name))
      ? [{ barrier, path: ["coordination", "barriers", index] as DocumentPath }]
      : [],
  );
}

function checkStep(
  step: StepDefinition,
  path: DocumentPath,
  known: {
    readonly agents: ReadonlySet<string>;
    readonly workflows: ReadonlySet<string>;
    readonly custom: CustomSteps;
    readonly exists: (name: string | undefined, known: ReadonlySet<string>, what: string, path: DocumentPath) => void;
  },
): void {
  if ("use" in step) {
    known.exists(step.use, new Set(Object.keys(known.custom)), "custom step", [...path, "use"]);
    return;
  }
  if ("agent" in step) {
    known.exists(step.agent, known.agents, "agent", [...path, "agent"]);
    known.exists(step.owner, known.agents, "agent", [...path, "owner"]);
    if (step.reviewer !== "none") known.exists(step.reviewer, known.agents, "agent", [...path, "reviewer"]);
  }
  if ("workflow" in step) known.exists(step.workflow, known.workflows, "workflow", [...path, "workflow"]);
}

function checkBarriers(document: WorkflowDocument, origin: Origin, problems: Problems): void {
  (document.coordination?.barriers ?? []).forEach((barrier, index) => {
    const path = ["coordination", "barriers", index];
    // A barrier belongs to the workflow that has its steps; all of them have to be there.
    const home = document.workflows.find((workflow) =>
      workflow.steps.some((step) => barrier.waitFor.includes(step.name)),
    );
    const steps = new Set((home ?? document.workflows[0])?.steps.map((step) => step.name) ?? []);
    barrier.waitFor.forEach((name, position) => {
      if (!steps.has(name))
        problems.add(origin, [...path, "waitFor", position], {
          code: "unknown_name",
          message: `unknown step ${quoted(name)}`,
          hint: suggestion(name, steps),
        });
    });
  });
}

function checkSubWorkflows(document: WorkflowDocument, origin: Origin, problems: Problems): void {
  const nodes = document.workflows.map((workflow) => ({
    name: workflow.name,
    dependsOn: workflow.steps.flatMap((step) => (!("use" in step) && "workflow" in step ? [step.workflow] : [])),
  }));
  const cycle = findCycle(nodes);
  if (cycle === undefined) return;
  const at = document.workflows.findIndex((workflow) => workflow.name === cycle[0]);
  const step = document.workflows[at]?.steps.findIndex(
    (each) => !("use" in each) && "workflow" in each && each.workflow === cycle[1],
  );
  problems.add(origin, ["workflows", at, "steps", step ?? 0, "workflow"], {
    code: "cycle",
    message: `workflows contain each other in a circle: ${shorten(cycle).join(" → ")}`,
    hint: "take one of these steps away",
  });
}

/** A circle of a thousand is not read; its beginning and its end are. */
const shorten = (cycle: readonly string[]): readonly string[] =>
  cycle.length <= 12 ? cycle : [...cycle.slice(0, 8), "…", ...cycle.slice(-3)];

/** Agents that are given a program from outside are there, and so is the program's command line. */
export function checkPrograms(
  programs: Readonly<Record<string, string>>,
  agents: readonly { readonly name: string }[],
  origin: Origin,
  problems: Problems,
): void {
  const names = agents.map((agent) => agent.name);
  for (const [name, cli] of Object.entries(programs)) {
    if (cli.trim() === "")
      problems.add(origin, ["agents"], {
        code: "bad_value",
        message: `expected the command line of a program for agent ${quoted(name)}, found nothing`,
      });
    if (name !== "*" && !names.includes(name))
      problems.add(origin, ["agents"], {
        code: "unknown_name",
        message: `a program was given for agent ${quoted(name)}, and there is none of that name`,
        hint: suggestion(name, names),
      });
  }
}
