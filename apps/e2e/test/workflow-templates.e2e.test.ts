/** Every template, as it is shipped, run to its end with scripted programs in place of its agents. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { describePlan, loadWorkflow, templateNames, type Plan } from "@agent-relay/workflow";
import type { Relay } from "@agent-relay/sdk";
import { scriptedAgentPath } from "@agent-relay/testkit";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { openStage, until, type Stage } from "./stage.ts";
import { everybody, openTheatre, program, type Theatre } from "./workflow-cast.ts";

let stage: Stage;
let relay: Relay;
let theatre: Theatre;

beforeAll(async () => {
  stage = openStage();
  await stage.startBroker();
  relay = await stage.connect();
  theatre = openTheatre(stage, relay);
});
afterEach(async () => {
  expect(await stage.strike(relay)).toEqual([]);
});
afterAll(async () => {
  expect(await stage.clear()).toEqual([]);
});

const git = (...args: readonly string[]): unknown =>
  execFileSync("git", args, { cwd: stage.project, env: { ...process.env, ...stage.environment } });

/** A repository with one commit on main and a change on a branch of its own. */
function repository(): void {
  const write = (name: string, text: string): void => writeFileSync(path.join(stage.project, name), text);
  write(".gitignore", ".agent-relay\n.worktrees\n");
  write("main.txt", "1\n");
  git("init", "--quiet", "--initial-branch=main");
  git("config", "user.name", "stage");
  git("config", "user.email", "stage@example.org");
  git("add", ".");
  git("commit", "--quiet", "-m", "begin");
  git("checkout", "--quiet", "-b", "change");
  write("main.txt", "2\n");
  git("commit", "--quiet", "-am", "change it");
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
  for (const { type, name: step } of plan.steps.filter((it) => it.type === "wait_for")) {
    const isAsked = async (): Promise<boolean> =>
      (await theatre.runs.read(runId)).some(({ entry }) => entry.type === "attempt_started" && entry.step === step);
    await until(isAsked, `the ${type} ${step} begins`);
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
