import { expect, test } from "vitest";
import type { Plan } from "./plan.ts";
import { reportOf } from "./report.ts";
import { agentStep, critic, decides, owner, reviews, sends, teamWorld, worker } from "./testing/team.ts";
import { command, exits, planOf, World } from "./testing/world.ts";
import { trajectoryOf } from "./trajectory.ts";

const reviewed = agentStep("build", [], { owner: "lead", reviewer: "critic", retries: 1 });

function told(): World {
  const world = teamWorld([reviewed]);
  sends(world, {
    type: "evidence",
    step: "build",
    attempt: 1,
    evidence: "monitoring",
    by: "lead",
    text: "looks at the tests",
  });
  sends(world, decides(owner("build"), "COMPLETE", { reason: "all green" }));
  sends(world, reviews(critic, "REJECT", { reason: "no docs | <b>" }));
  sends(world, decides(owner("build"), "COMPLETE", { source: "marker" }));
  sends(world, { type: "agent_idle", agent: owner("build") });
  sends(world, reviews(critic, "APPROVE", { reason: "now it has" }));
  return world;
}

test("TR2: the trajectory holds the review with its reason", () => {
  const [step] = trajectoryOf(told().log).steps;
  expect(
    step?.attempts
      .flatMap((it) => it.decisions)
      .map(({ who, by, decision, reason, source }) => [who, by, decision, reason, source]),
  ).toEqual([
    ["owner", owner("build"), "COMPLETE", "all green", "tool"],
    ["reviewer", "critic", "rejected", "no docs | <b>", "tool"],
    ["owner", owner("build"), "COMPLETE", undefined, "marker"],
    ["reviewer", "critic", "approved", "now it has", "tool"],
  ]);
});

test("it says who was what, what was watched, and why an attempt failed", () => {
  const [first, second] = trajectoryOf(told().log).steps[0]?.attempts ?? [];
  expect(first).toMatchObject({
    owner: "lead",
    specialist: "dev",
    reviewer: "critic",
    agents: [
      { part: "specialist", agent: worker("build") },
      { part: "owner", agent: owner("build") },
    ],
    notes: [{ kind: "monitoring", by: "lead", text: "looks at the tests" }],
    failure: { cause: "review_rejected" },
  });
  expect(second).toMatchObject({ outcome: "succeeded", by: "marker" });
});

test("TR1: made again from the same entries it is the same, as JSON too", () => {
  const { log } = told();
  expect(trajectoryOf(JSON.parse(JSON.stringify(log)) as typeof log)).toEqual(trajectoryOf(log));
});

test("TR3: the newest notes are kept, and the number of all", () => {
  const world = teamWorld([reviewed]);
  for (let index = 0; index < 60; index += 1)
    world.send({ type: "evidence", step: "build", attempt: 1, evidence: "monitoring", text: `note ${index}` });
  const [attempt] = trajectoryOf(world.log).steps[0]?.attempts ?? [];
  expect([attempt?.notes.length, attempt?.notesInAll, attempt?.notes[0]?.text]).toEqual([50, 60, "note 10"]);
});

test("CF1, CF2: evidence, approval and failed attempts make the confidence", () => {
  const confident = (world: World): number | undefined => trajectoryOf(world.log).steps[0]?.confidence;
  const checked = command("a", [], { verification: { type: "exit_code", value: 0 } });
  expect(confident(new World({ plan: planOf([checked]) }).go())).toBe(1);
  expect(confident(new World({ plan: planOf([command("a")]) }).go())).toBe(0.8);
  expect(
    confident(new World({ plan: planOf([command("a")]), script: (action) => exits(action, { code: 1 }) }).go()),
  ).toBe(0);
  expect(confident(told())).toBe(0.675);
});

test("a run that is retried runs again in its trajectory, and tells who asked", () => {
  const world = new World({ plan: planOf([command("a"), command("b", ["a"])]) }).go();
  world.send({ type: "retry", step: "b", by: "ada" });
  const trajectory = trajectoryOf(world.log);
  expect(trajectory.status).toBe("running");
  expect(trajectory).not.toHaveProperty("endedAt");
  expect(trajectory.steps[1]?.askedAnewBy).toEqual(["ada"]);
});

test("RP1: the report reads well, and what others wrote makes no markup", () => {
  const report = reportOf(trajectoryOf(told().log), 0);
  expect(report).toBe(
    [
      "# test: completed",
      "",
      "Run `run_01test0000abcd1234`, pattern dag, 0 ms. 1 of 1 steps completed; confidence 68 %.",
      "",
      "## Steps",
      "",
      "| Step | Status | Attempts | Who | Rests on | Time | Confidence |",
      "|---|---|---|---|---|---|---|",
      "| build | completed | 2 | dev works, lead owns, critic reviews | marker | 0 ms | 68 % |",
      "",
      "## Decisions",
      "",
      "- **build** attempt 1: build-owner-abcd1234 as owner decided COMPLETE: all green",
      "- **build** attempt 1: critic as reviewer decided rejected: no docs \\| \\<b\\>",
      "- **build** attempt 2: build-owner-abcd1234 as owner decided COMPLETE (read in its text)",
      "- **build** attempt 2: critic as reviewer decided approved: now it has",
      "",
      "## Failures and retries",
      "",
      "- **build** attempt 1 failed (review rejected): critic rejected it: no docs \\| \\<b\\>. It was tried again.",
      "",
      "## Along the way",
      "",
      "- **build** attempt 1: monitoring by lead: looks at the tests",
      "",
    ].join("\n"),
  );
});

const ways = (trajectory?: Plan["trajectory"]): World =>
  new World({
    plan: planOf(
      [
        command("a"),
        command("b"),
        command("gate", ["a", "b"], { barrier: "all" }),
        command("join", ["a", "b"]),
        command("end", ["gate"]),
      ],
      trajectory === undefined ? {} : { trajectory },
    ),
  }).go();
const all = { reflectOnBarriers: true, reflectOnConverge: true, autoDecisions: true };

test("TR4: where ways come together it is told how it stood, as far as the plan wants it", () => {
  const on = (trajectory?: Plan["trajectory"]): readonly string[] =>
    trajectoryOf(ways(trajectory).log).reflections.map((it) => `${it.on} ${it.step}: ${it.text}`);
  const [barrier, convergence] = [
    "barrier gate: a completed, b completed",
    "convergence join: a completed, b completed",
  ];
  expect(on()).toEqual([convergence, barrier]);
  expect(on({ ...all, reflectOnBarriers: false })).toEqual([convergence]);
  expect(on({ ...all, reflectOnConverge: false })).toEqual([barrier]);
  expect(on(false)).toEqual([]);
  expect(reportOf(trajectoryOf(ways().log), 0)).toContain("**gate** was passed: a completed, b completed");
});

test("TR4: without a trajectory, or without decisions, the report tells what became of each step and no more", () => {
  const { log } = told();
  const of = (trajectory: Plan["trajectory"]) =>
    trajectoryOf(
      log.map(({ entry, at }) =>
        entry.type === "run_started" && trajectory !== undefined
          ? { entry: { ...entry, plan: { ...entry.plan, trajectory } }, at }
          : { entry, at },
      ),
    );
  const [, off, quiet] = [of(undefined), of(false), of({ ...all, autoDecisions: false })];
  expect(off.steps[0]).toMatchObject({
    status: "completed",
    attempts: [{ decisions: [], notes: [], failure: { cause: "review_rejected" } }, { decisions: [] }],
  });
  expect(quiet.steps[0]?.attempts[0]).toMatchObject({ decisions: [], notes: [{ kind: "monitoring" }] });
  expect(off.confidence).toBe(of(undefined).confidence);
  expect(reportOf(off, 0)).not.toContain("## Decisions");
});
