/** Every template, as it is shipped, run to its end with scripted programs in place of its agents. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { describePlan, loadWorkflow, templateNames, type Plan } from "@agent-relay/workflow";
import { scriptedAgentPath } from "@agent-relay/testkit";
import { expect, test } from "vitest";
import type { Stage } from "./stage.ts";
import { becomes, everybody, gitOn, makeRepository, program, useTheatre, type Theatre } from "./workflow-cast.ts";

let stage: Stage;
let theatre: Theatre;

useTheatre((it) => ({ stage, theatre } = it));

/** A repository with one commit on main and a change on a branch of its own. */
function repository(): void {
  const write = (text: string): void => writeFileSync(path.join(stage.project, "main.txt"), text);
  write("1\n");
  makeRepository(stage);
  gitOn(stage, "checkout", "--quiet", "-b", "change");
  write("2\n");
  gitOn(stage, "commit", "--quiet", "-am", "change it");
}

/** Leaves something behind, as an agent that works does, and then plays whatever part it is told. */
const actor = (): string =>
  program(stage, "actor", [
    "mkdir -p docs service page",
    'echo "$$" | tee "docs/$$.md" "work-$$.txt" service/index.js page/index.html > /dev/null',
    `exec '${process.execPath}' '${scriptedAgentPath()}' --script '${JSON.stringify(
      everybody("WINNER: red", "VERDICT: it may go out", '```json\n["first", "second"]\n```'),
    )}' "$@"`,
  ]);
/** Takes one prompt and ends: it reviews whatever it is given. */
const reader = (): string =>
  program(stage, "claude", [
    'echo "I have read it."',
    'echo "REVIEW_DECISION: APPROVE"',
    'echo "REVIEW_REASON: it is fine"',
  ]);

const values: Readonly<Record<string, string>> = {
  task: "Make the greeting polite.",
  topic: "the greeting",
  check: "true",
};

/** Says yes to whatever a person is asked. */
async function approve(runId: string, plan: Plan): Promise<void> {
  for (const { name: step } of plan.steps.filter((it) => it.type === "wait_for")) {
    await becomes(theatre.runs, runId, "attempt_started", step);
    await theatre.runs.answer(runId, { step, attempt: 1, by: "ada", approved: true });
  }
}

const templates = new URL("../../../packages/workflow/templates/", import.meta.url);

test.each([...templateNames, "owner-review"])("template %s runs to its end", async (name) => {
  if (name === templateNames[0]) repository();
  const source = { file: `${name}.yaml`, content: readFileSync(new URL(`${name}.yaml`, templates)) };
  const wanted = loadWorkflow(source, { vars: values });
  if (!wanted.ok) throw new Error(JSON.stringify(wanted.problems));
  const oneShots = describePlan(wanted.plan).agents.filter((agent) => !agent.interactive);
  const programs = { "*": actor(), ...Object.fromEntries(oneShots.map((agent) => [agent.name, reader()])) };
  const loaded = loadWorkflow(source, { vars: values, programs });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const runId = await theatre.begin(loaded.plan, loaded.vars);
  const approving = approve(runId, loaded.plan);
  const played = await theatre.execute(runId);
  await approving;
  expect(played.trajectory.steps.filter((it) => it.status !== "completed")).toEqual([]);
  expect(played.status).toBe("completed");
  const decisions = played.trajectory.steps.flatMap((step) => step.attempts.flatMap((attempt) => attempt.decisions));
  expect(decisions.filter((it) => it.decision === "COMPLETE" && it.source === "tool").length).toBeGreaterThan(0);
  if (name !== "owner-review") return;
  // Seven steps of five agents, each owned by the lead and approved by the reviewer.
  const owned = played.told.flatMap((it) => (it.type === "step:owner-assigned" ? [it.ownerName] : []));
  const reviewed = played.told.flatMap((it) => (it.type === "step:review-completed" ? [it.reviewerName] : []));
  expect(owned).toEqual(Array(7).fill("lead"));
  expect(reviewed).toEqual(Array(7).fill("reviewer"));
});
