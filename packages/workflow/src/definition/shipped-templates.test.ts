import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { describePlan } from "./describe-plan.ts";
import { loadWorkflow, loadWorkflowFile } from "./load.ts";
import { formatProblem } from "./problems.ts";
import { listTemplates, templateFile, templateNames, templateText } from "./shipped-templates.ts";

const vars = { task: "t", topic: "t" };
const problemsOf = (loaded: Awaited<ReturnType<typeof loadWorkflowFile>>): readonly string[] =>
  loaded.ok ? [] : loaded.problems.map(formatProblem);

test.each(templateNames)("template %s loads and becomes a plan", async (name) => {
  const loaded = await loadWorkflowFile(templateFile(name), { vars });
  expect(problemsOf(loaded)).toEqual([]);
});

test.each(templateNames)(
  "template %s has the name of its file, a description, and no step without an end",
  async (name) => {
    const loaded = await loadWorkflowFile(templateFile(name), { vars });
    if (!loaded.ok) throw new Error("does not load");
    expect(loaded.document.name).toBe(name);
    expect(loaded.document.description).toMatch(/^[A-Z].*\.$/u);
    expect(describePlan(loaded.plan).warnings.filter(({ code }) => code !== "NO_REVIEWER")).toEqual([]);
  },
);

test("a template without its task says which variable is wanted and what for", async () => {
  const loaded = loadWorkflow({ file: "bug-fix.yaml", content: await templateText("bug-fix") });
  expect(problemsOf(loaded)[0]).toMatch(
    /^bug-fix\.yaml:\d+:\d+: variable "task" has no value \(what goes wrong and how to see it\); give it one: --var task=…$/u,
  );
});

test("templates are listed with what they need", async () => {
  const list = await listTemplates();
  expect(list.map(({ name }) => name)).toEqual([...templateNames]);
  expect(list[0]).toMatchObject({ agents: ["lead", "builder", "tester", "reviewer"], steps: 5 });
});

const sample = fileURLToPath(new URL("../../templates/owner-review.yaml", import.meta.url));

test("hub detection from a YAML file with five agents and seven steps", async () => {
  const loaded = loadWorkflow({ file: "owner-review.yaml", content: await readFile(sample) });
  if (!loaded.ok) throw new Error(problemsOf(loaded).join("\n"));
  const { plan } = loaded;
  expect(Object.keys(plan.agents)).toHaveLength(5);
  expect(plan.steps).toHaveLength(7);
  for (const step of plan.steps) expect(step).toMatchObject({ type: "agent", owner: "lead", reviewer: "reviewer" });
});
