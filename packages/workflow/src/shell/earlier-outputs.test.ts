import { expect, test } from "vitest";
import { workflow, type WorkflowBuilder } from "../builder.ts";
import { planWorkflow } from "../definition/load.ts";
import { reportOf } from "../core/report.ts";
import { stepsBefore } from "./earlier-outputs.ts";
import type { Executor } from "./executor.ts";
import type { WorkflowEvent } from "./run-handle.ts";
import { resume, runsInMemory, runWorkflow } from "./run-workflow.ts";

/** fetch → build → publish, and beside them a step that nobody builds upon. */
const release = (name = "release"): WorkflowBuilder =>
  workflow(name)
    .step("fetch", { type: "deterministic", command: "fetch" })
    .step("build", { type: "deterministic", command: "build {{steps.fetch.output}}", dependsOn: ["fetch"] })
    .step("publish", { type: "deterministic", command: "publish {{steps.build.output}}", dependsOn: ["build"] })
    .step("lint", { type: "deterministic", command: "lint" });

/** Commands that print their first word, the value that they were given, and how often they were asked; one may fail. */
function commands(failing = ""): Executor & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    command: ({ command, env }) => {
      const [word = ""] = command.split(" ");
      asked.push(word);
      const output = [word, ...Object.values(env)].join(" of ");
      return word === failing ? { exitCode: 1, output } : output;
    },
  };
}

test("EO1: what the first step builds upon is taken over with its outputs, and everything else is done", async () => {
  const runs = runsInMemory();
  const before = await release().run({ runs, executor: commands("publish") });
  expect(before.status).toBe("failed");
  const executor = commands();
  const events: WorkflowEvent[] = [];
  const after = await release().run({
    runs,
    executor,
    startFrom: "publish",
    onEvent: (event) => void events.push(event),
  });
  expect(executor.asked.toSorted()).toEqual(["lint", "publish"]);
  expect(after).toMatchObject({
    status: "completed",
    outputs: { fetch: "fetch", build: "build of fetch", publish: "publish of build of fetch", lint: "lint" },
    steps: { fetch: { attempts: 0 }, build: { attempts: 0 }, publish: { attempts: 1 } },
  });
  expect(events.filter(({ type }) => type === "step:completed")).toMatchObject([
    { step: "fetch", takenFrom: before.runId },
    { step: "build", takenFrom: before.runId },
    expect.not.objectContaining({ takenFrom: expect.anything() as unknown }),
    expect.not.objectContaining({ takenFrom: expect.anything() as unknown }),
  ]);
  expect(after.trajectory.steps[0]).toMatchObject({ step: "fetch", takenFrom: before.runId });
  expect(after.trajectory.confidence).toBe(0.8);
  expect(reportOf(after.trajectory, 0)).toContain(`| fetch | completed in the run ${before.runId} | 0 |`);
});

test("EO1: a step that builds upon nothing needs no earlier run", async () => {
  const executor = commands();
  const result = await release().run({ executor, startFrom: "fetch" });
  expect([result.status, executor.asked.length]).toEqual(["completed", 4]);
});

test("EO2: the newest run of the same workflow that has all of it is meant, if none is named", async () => {
  const runs = runsInMemory();
  const wanted = await release().run({ runs, executor: commands() });
  await release("another").run({ runs, executor: commands() });
  const namesake = { ...release().toConfig(), name: "of another document" };
  await runWorkflow(namesake, { runs, executor: commands() });
  const { workflows, ...document } = release().toConfig();
  const sibling = { ...document, workflows: workflows.map((it) => ({ ...it, name: "another-of-this-document" })) };
  await runWorkflow(sibling, { runs, executor: commands() });
  await release().run({ runs, executor: commands("build") });
  const result = await release().run({ runs, executor: commands(), startFrom: "publish" });
  expect(result.trajectory.steps[0]?.takenFrom).toBe(wanted.runId);
});

test("EO2: a run that has not completed all of it is refused, and so is a search that finds none", async () => {
  const runs = runsInMemory();
  const { runId } = await release().run({ runs, executor: commands("build") });
  const executor = commands();
  const named = release().run({ runs, executor, startFrom: "publish", previousRun: runId });
  await expect(named).rejects.toThrow(`to begin with 'publish', the run ${runId} would have to have completed 'build'`);
  const found = release().run({ runs, executor, startFrom: "publish" });
  await expect(found).rejects.toThrow("an earlier run of release would have to have completed 'fetch', 'build'; none");
  const another = await release("another").run({ runs, executor: commands() });
  executor.asked.length = 0;
  const strange = release().run({ runs, executor, startFrom: "publish", previousRun: another.runId });
  await expect(strange).rejects.toThrow(`found ${another.runId}, which is one of another`);
  expect(executor.asked).toEqual([]);
});

test("EO3: of a step that was done again, its last output is taken", async () => {
  const runs = runsInMemory();
  let turn = 0;
  const executor: Executor = { command: ({ command }) => `${command} ${(turn += 1)}` };
  const two = workflow("two")
    .step("one", { type: "deterministic", command: "one" })
    .step("two", { type: "deterministic", command: "two {{steps.one.output}}", dependsOn: ["one"] });
  const { runId } = await two.run({ runs, executor });
  await runs.retry(runId, "one", "ada");
  await resume(runId, { runs, executor });
  const result = await two.run({ runs, executor, startFrom: "two", previousRun: runId });
  expect(result.outputs["one"]).toBe("one 3");
});

test("a step that the workflow does not have is refused with the one that may have been meant", async () => {
  await expect(release().run({ executor: commands(), startFrom: "publsh" })).rejects.toMatchObject({
    message: "expected a step of release to begin with, found 'publsh', which is none",
    hint: 'did you mean "publish"?',
  });
});

test("a dry run leaves out what would be taken over", async () => {
  const description = await release().run({ dryRun: true, startFrom: "publish" });
  expect(description).toMatchObject({ takenOver: ["fetch", "build"], totalSteps: 2 });
  expect(description.waves).toMatchObject([{ steps: [{ name: "publish", dependsOn: [] }, { name: "lint" }] }]);
});

test("a chain of thousands of steps is followed to its beginning", () => {
  const count = 9_000;
  const steps = Array.from({ length: count }, (_, index) => ({
    name: `s${index}`,
    command: "true",
    dependsOn: index === 0 ? [] : [`s${index - 1}`],
  }));
  const planned = planWorkflow({
    version: "1.0",
    name: "chain",
    swarm: { pattern: "dag" },
    agents: [{ name: "nobody", cli: "true" }],
    workflows: [{ name: "chain", steps }],
  });
  if (!planned.ok) throw new Error(JSON.stringify(planned.problems));
  const before = stepsBefore(planned.plan, `s${count - 1}`);
  expect([before.length, before[0], before.at(-1)]).toEqual([count - 1, "s0", `s${count - 2}`]);
});
