import { expect, test } from "vitest";
import type { Action } from "./actions.ts";
import { plan } from "./agenda.ts";
import { askedOf, stepsAsked } from "./approvals.ts";
import type { Entry } from "./entries.ts";
import type { ForEachStep, Plan, PlannedStep, SubWorkflowStep, WaitForStep } from "./plan.ts";
import { advance, recover } from "./run.ts";
import { agents, agentStep } from "./testing/team.ts";
import { command, exits, planOf, World } from "./testing/world.ts";

const base = { dependsOn: [], retries: 0, retryDelayMs: 0 } as const;
const list = (items: string, more: Partial<ForEachStep> = {}): ForEachStep => ({
  ...base,
  type: "for_each",
  name: "each",
  items,
  maxConcurrency: 2,
  step: command("one", [], { env: { ITEM: "{{item}}", INDEX: "{{index}}" } }),
  ...more,
});
const sub = (
  steps: readonly PlannedStep[],
  more: Partial<SubWorkflowStep> = {},
  planned: Partial<Plan> = {},
): SubWorkflowStep => ({
  ...base,
  type: "workflow",
  name: "release",
  plan: planOf(steps, planned),
  ...more,
});
const wait: WaitForStep = { ...base, type: "wait_for", name: "ok", until: { what: "approval", question: "go?" } };
const fails = (step: string) => (action: Action) =>
  action.do === "start_command" && action.step === step ? exits(action, { code: 1, output: "no" }) : undefined;
const statusOf = (world: World, step: string): string | undefined => world.run.steps.get(step)?.status;
const outputOf = (world: World, step: string): string | undefined =>
  world.entries.flatMap((it) => (it.type === "step_completed" && it.step === step ? [it.output] : [])).at(-1);

test("for_each runs a step for each item of a list that an earlier step printed", () => {
  const steps = [command("find"), list("{{steps.find.output}}", { dependsOn: ["find"] }), command("after", ["each"])];
  const world = new World({
    plan: planOf(steps),
    script: (action) =>
      "step" in action && action.step === "find" ? exits(action, { output: '["eu", "us", 3]' }) : undefined,
  }).go();
  expect(world.started()).toEqual(["find", "each", "each[0]", "each[1]", "each[2]", "after"]);
  expect(outputOf(world, "each")).toBe('["ran each[0]","ran each[1]","ran each[2]"]');
  expect(world.did("start_command")[2]).toMatchObject({ env: { ITEM: "us", INDEX: "1" } });
});

test("U2: a list keeps to its own limit and to that of the run, and takes no slot itself", () => {
  const at = (limit: number, run: number): number =>
    new World({
      plan: planOf([list("a\nb\nc\nd", { maxConcurrency: limit })], { maxConcurrency: run }),
      script: () => [],
    }).did("start_command").length;
  expect([at(2, 4), at(4, 1), at(9, 9)]).toEqual([2, 1, 4]);
});

test("an empty list is done at once, and one that is no list has failed", () => {
  const of = (items: string): string => new World({ plan: planOf([list(items)]) }).go().run.status;
  expect([of(""), of("[]"), of('["a",')]).toEqual(["completed", "completed", "failed"]);
});

test("an item that fails fails the list, by its name", () => {
  const world = new World({ plan: planOf([list("a\nb")], { strategy: "continue" }), script: fails("each[0]") }).go();
  expect(statusOf(world, "each[1]")).toBe("completed");
  expect(world.entries.find((it) => it.type === "step_failed" && it.step === "each")).toMatchObject({
    failure: { cause: "child_failed", message: "each[0] failed: it ended with status 1" },
  });
});

test("a list that is retried runs only what had not completed", () => {
  let failures = 0;
  const world = new World({
    plan: planOf([list("a\nb\nc", { retries: 1 })], { strategy: "continue" }),
    script: (action) =>
      action.do === "start_command" && action.step === "each[1]" && failures++ === 0
        ? exits(action, { code: 1 })
        : undefined,
  }).go();
  expect(world.started()).toEqual(["each", "each[0]", "each[1]", "each[2]", "each", "each[1]"]);
  expect(world.run.status).toBe("completed");
});

test("retry of one item runs it and what depends on the list, and no other item", () => {
  const world = new World({ plan: planOf([list("a\nb"), command("after", ["each"])]) }).go();
  world.send({ type: "retry", step: "each[1]", by: "ada" });
  world.go();
  expect(world.started().slice(4)).toEqual(["each", "each[1]", "after"]);
  expect(world.run.status).toBe("completed");
});

test("retry upstream of a list makes its items anew, and no number of an attempt comes twice", () => {
  let items = "a\nb";
  const world = new World({
    plan: planOf([command("find"), list("{{steps.find.output}}", { dependsOn: ["find"] })]),
    script: (action) => ("step" in action && action.step === "find" ? exits(action, { output: items }) : undefined),
  }).go();
  items = "a\nb\nc";
  world.send({ type: "retry", step: "find", by: "ada" });
  world.go();
  const numbers = world.entries.flatMap((it) => (it.type === "attempt_started" ? [`${it.step}#${it.attempt}`] : []));
  expect(numbers.slice(4)).toEqual(["find#2", "each#2", "each[0]#2", "each[1]#2", "each[2]#1"]);
});

test("a workflow inside another runs with steps of its own, and its last output is its output", () => {
  const inner = [command("build"), command("ship", ["build"], { env: { OF: "{{steps.build.output}}" } })];
  const world = new World({
    plan: planOf([command("build"), sub(inner, { dependsOn: ["build"] }), command("after", ["release"])]),
  }).go();
  expect(world.started()).toEqual(["build", "release", "release/build", "release/ship", "after"]);
  expect(world.did("start_command")[2]).toMatchObject({ env: { OF: "ran release/build" } });
  expect(outputOf(world, "release")).toBe("ran release/ship");
});

test("U2: a workflow inside another keeps to its own limit too", () => {
  const inner = ["a", "b", "c"].map((it) => command(it));
  const world = new World({ plan: planOf([sub(inner, {}, { maxConcurrency: 1 })]), script: () => [] });
  expect(world.did("start_command")).toHaveLength(1);
});

test("a workflow for each item: each its own, as many at a time as the list says", () => {
  const each = list("x\ny\nz", { maxConcurrency: 2, step: sub([command("go", [], { env: { ITEM: "{{item}}" } })]) });
  const world = new World({ plan: planOf([each]), script: () => [] });
  expect(world.did("start_command").map((it) => it.key)).toEqual(["each[0]/go#1", "each[1]/go#1"]);
  expect(world.did("start_command")[1]).toMatchObject({ env: { ITEM: "y" } });
});

test("the time of what holds others is up: what is inside is ended first", () => {
  const world = new World({
    plan: planOf([sub([command("a"), command("b", ["a"])], { timeoutMs: 100 })]),
    script: (action) => (action.do === "start_command" ? [] : undefined),
  }).go();
  expect(world.did("end_process").map((it) => it.key)).toEqual(["release/a#1:specialist:end"]);
  expect(world.entries.find((it) => it.type === "step_failed")).toMatchObject({
    step: "release",
    failure: { cause: "timeout" },
  });
  expect(world.started()).toEqual(["release", "release/a"]);
});

test("cancelling reaches into what holds others", () => {
  const world = new World({
    plan: planOf([list("a\nb\nc")]),
    script: (action) => (action.do === "start_command" ? [] : undefined),
  });
  world.send({ type: "cancel", by: "ada" });
  world.go();
  expect(world.did("end_process")).toHaveLength(2);
  expect(world.run.status).toBe("cancelled");
});

test("a person is needed inside: what holds it ends, and a retry goes on with what had completed", () => {
  let broken = true;
  const inner = [command("a"), command("b", ["a"])];
  const world = new World({
    plan: planOf([sub(inner, {}, { onExhaustion: "needs-human" })]),
    script: (action) => (broken ? fails("release/b")(action) : undefined),
  }).go();
  expect(world.entries.at(-1)).toMatchObject({ type: "run_needs_human", step: "release/b" });
  broken = false;
  world.send({ type: "retry", step: "release/b", by: "ada" });
  world.go();
  expect(world.started()).toEqual(["release", "release/a", "release/b", "release", "release/b"]);
  expect(world.run.status).toBe("completed");
});

test("wait_for takes no slot, so that what it waits for can run", () => {
  const world = new World({
    plan: planOf([wait, command("a")], { maxConcurrency: 1 }),
    script: (action) => (action.do === "wait" ? [] : undefined),
  }).go(10);
  expect(world.completed()).toEqual(["a"]);
});

test("wait_for that builds upon nothing waits from the run's own start, though a runner begins it later", () => {
  const hears: WaitForStep = { ...base, type: "wait_for", name: "go", until: { what: "message", channel: "ops" } };
  const later: WaitForStep = { ...hears, name: "later", dependsOn: ["one"] };
  const started = {
    type: "run_started",
    runId: "r1",
    plan: planOf([hears, command("one"), later]),
    vars: {},
    cwd: "/",
  };
  const run = recover([{ entry: started as Entry, at: 1_000 }]);
  advance(run, { type: "tick" }, 1_800);
  advance(run, { type: "process_exited", step: "one", attempt: 1, code: 0, signal: null, output: "" }, 2_000);
  const waits = plan(run, 2_000).actions.filter((it) => it.do === "wait");
  expect(waits.map(({ step, since }) => [step, since])).toEqual([
    ["go", 1_000],
    ["later", 2_000],
  ]);
});

test("wait_for: what came is its output, a refusal is a failure, and its time can be up", () => {
  const of = (script: (action: Action) => ReturnType<typeof exits> | undefined) =>
    new World({ plan: planOf([{ ...wait, timeoutMs: 50 }]), script }).go();
  const answer = { type: "answer", step: "ok", attempt: 1, by: "ada" } as const;
  expect(
    outputOf(
      of(() => [{ ...answer, approved: true }]),
      "ok",
    ),
  ).toBe("approved by ada");
  const causes = [of(() => [{ ...answer, approved: false }]), of(() => [])].map(
    (world) => world.run.steps.get("ok")?.lastFailure?.cause,
  );
  expect(causes).toEqual(["denied", "timeout"]);
});

test("an answer is for what a person is asked about, and for nothing else", () => {
  const message: WaitForStep = { ...wait, name: "mail", until: { what: "message" } };
  const steps = [command("a"), message, sub([wait]), { ...wait, name: "late", dependsOn: ["mail"] }, list("1")];
  const world = new World({ plan: planOf(steps), script: () => [] }).go(10);
  const before = world.log.length;
  for (const step of ["a", "mail", "release", "late", "each[0]", "each", "nobody"])
    world.send({ type: "answer", step, attempt: 1, approved: true, by: "ada" });
  expect(world.refused).toEqual([
    { code: "not_waiting", step: "a", found: "is a command" },
    { code: "not_waiting", step: "mail", found: "waits for something else" },
    { code: "not_waiting", step: "release", found: "is a workflow" },
    { code: "not_waiting", step: "each[0]", found: "is a command" },
    { code: "not_waiting", step: "each", found: "is a list of steps" },
    { code: "unknown_step", step: "nobody" },
  ]);
  expect(world.log).toHaveLength(before);
  expect(stepsAsked(world.run)).toEqual(["release/ok"]);
  expect(askedOf(world.run, "late")).toEqual({ code: "not_waiting", step: "late", found: "has not begun" });
});

test("D1: an answer that is heard twice, or after the end of its attempt, changes nothing", () => {
  const world = new World({ plan: planOf([wait]), script: () => [] }).go(10);
  world.send({ type: "answer", step: "ok", attempt: 1, approved: true, by: "ada" });
  world.send({ type: "answer", step: "ok", attempt: 1, approved: false, by: "bob" });
  expect([world.refused, statusOf(world, "ok"), outputOf(world, "ok")]).toEqual([[], "completed", "approved by ada"]);
  expect(askedOf(world.run, "ok")).toEqual({ code: "not_waiting", step: "ok", found: "is completed" });
});

test("a message that has come is no approval", () => {
  const world = new World({ plan: planOf([wait]), script: () => [] }).go(10);
  world.send({ type: "waited", step: "ok", attempt: 1, output: "yes" });
  expect(statusOf(world, "ok")).toBe("running");
});

test("a wait goes on in the next runner as if nothing had been", () => {
  const world = new World({ plan: planOf([wait]), script: () => [] });
  world.restart();
  expect(world.did("wait").map((it) => it.key)).toEqual(["ok#1:wait", "ok#1:wait"]);
  expect(world.started()).toHaveLength(1);
});

test("a worktree is made, and where it is is its output", () => {
  const step: PlannedStep = {
    ...base,
    type: "worktree",
    name: "tree",
    branch: "fix/{{n}}",
    baseBranch: "HEAD",
    createBranch: true,
  };
  const world = new World({ plan: planOf([step]), vars: { n: "7" } }).go();
  expect(world.did("make_worktree")).toMatchObject([{ branch: "fix/7", path: ".worktrees/fix/7" }]);
  expect(outputOf(world, "tree")).toBe(".worktrees/fix/7");
});

const repairing = (retries: number): Plan =>
  planOf([command("a", [], { retries: 1 }), command("b", ["a"])], {
    agents: { dev: { ...agents.dev, interactive: false } },
    repair: { agent: "dev", retries },
  });

test("a repair agent mends what made a step fail for good, and the step is tried once more", () => {
  let failures = 0;
  const world = new World({
    plan: repairing(1),
    script: (action) =>
      action.do === "start_command" && action.step === "a" && failures++ < 2
        ? exits(action, { code: 1, output: "no module x" })
        : undefined,
  }).go();
  expect(world.started()).toEqual(["a", "a", "a~repair-2", "a", "b"]);
  expect(world.did("start_one_shot")).toMatchObject([{ prompt: expect.stringContaining("no module x") as unknown }]);
  expect(world.run.status).toBe("completed");
});

test("a repair that does not help is tried as often as the plan says, then the step has failed", () => {
  const world = new World({ plan: repairing(2), script: fails("a") }).go();
  expect(world.started()).toEqual(["a", "a", "a~repair-2", "a", "a~repair-3", "a"]);
  expect([statusOf(world, "a"), statusOf(world, "b"), world.run.status]).toEqual(["failed", "skipped", "failed"]);
});

test("a repair that fails itself leaves the step failed", () => {
  const world = new World({
    plan: repairing(1),
    script: (action) => (action.do === "start_one_shot" ? exits(action, { code: 1 }) : fails("a")(action)),
  }).go();
  expect([statusOf(world, "a"), world.run.status]).toEqual(["failed", "failed"]);
});

test("reviewers of a workflow inside another are its own", () => {
  const inner = { ...sub([agentStep("x", [], { owner: "dev", reviewer: "critic" })], {}, { agents }) };
  const world = new World({ plan: planOf([inner]), script: (action) => (action.do === "verify" ? [] : undefined) }).go(
    0,
  );
  const [dev] = world.did("start_agent");
  world.send({
    type: "verdict",
    agent: dev !== undefined && "name" in dev ? dev.name : "",
    source: "tool",
    step: "x",
    verdict: { kind: "owner", decision: "COMPLETE" },
  });
  world.go(0);
  const [reviewer] = world.did("start_agent").filter((it) => "part" in it && it.part === "reviewer");
  expect(reviewer).toMatchObject({ name: expect.stringMatching(/^release-critic-[a-z0-9]{5}-abcd1234$/) as unknown });
});

test("a repair that ends after something else has failed mends nothing any more, and the run ends", () => {
  const plan: Plan = { ...repairing(1), steps: [command("a"), command("slow"), command("b", ["a"])] };
  const world = new World({
    plan,
    script: (action) => {
      if (action.do === "start_one_shot")
        return {
          afterMs: action.step.startsWith("a") ? 50 : 0,
          commands: exits(action, { code: action.step.startsWith("a") ? 0 : 1 }),
        };
      return action.do === "start_command" ? { afterMs: 5, commands: exits(action, { code: 1 }) } : undefined;
    },
  }).go();
  expect([world.run.status, statusOf(world, "a"), statusOf(world, "b")]).toEqual(["failed", "failed", "skipped"]);
});

test("what a failed step printed is no template in the task of its repair", () => {
  const script = (action: Action) =>
    action.do === "start_command" ? exits(action, { code: 1, output: "expected {{secret}}" }) : undefined;
  const world = new World({ plan: repairing(1), vars: { secret: "no" }, script }).go();
  expect(world.did("start_one_shot")).toMatchObject([
    { prompt: expect.stringContaining("expected {{secret}}") as unknown },
  ]);
});

test("a worktree is checked like anything else, in its own directory", () => {
  const tree: PlannedStep = {
    ...base,
    type: "worktree",
    name: "tree",
    branch: "x",
    baseBranch: "HEAD",
    createBranch: true,
    verification: { type: "file_exists", value: "package.json" },
  };
  const world = (passed: boolean): World =>
    new World({
      plan: planOf([tree]),
      script: (action) =>
        action.do === "verify"
          ? [{ type: "verified", step: "tree", attempt: 1, check: action.check, passed }]
          : undefined,
    }).go();
  expect(world(true).did("verify")).toMatchObject([{ cwd: ".worktrees/x" }]);
  expect([world(true).run.status, world(false).run.status]).toEqual(["completed", "failed"]);
});
