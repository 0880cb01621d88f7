/** Files in the format `version: "1.0"` as others write it run unchanged, with every section of it. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { describePlan, loadWorkflowFile } from "@agent-relay/workflow";
import type { Relay } from "@agent-relay/sdk";
import { scriptedAgentPath } from "@agent-relay/testkit";
import { beforeAll, expect, test } from "vitest";
import type { Stage } from "./stage.ts";
import {
  everybody,
  makeRepository,
  outputsOf,
  program,
  useTheatre,
  type Played,
  type Theatre,
} from "./workflow-cast.ts";

let stage: Stage;
let relay: Relay;
let theatre: Theatre;

useTheatre((it) => ({ stage, relay, theatre } = it));
beforeAll(() => {
  mkdirSync(path.join(stage.project, ".relay"));
  writeFileSync(
    path.join(stage.project, ".relay", "steps.yaml"),
    "steps: { greeting: { params: [{ name: whom, required: true }], type: deterministic, command: 'echo hello {{whom}}' } }\n",
  );
  makeRepository(stage);
});

/** Agents in terminals do whatever part they are told; those that take one prompt say what they saw and approve. */
async function run(name: string, vars: Readonly<Record<string, string>> = {}): Promise<Played> {
  const file = fileURLToPath(new URL(`./format-1.0/${name}.yaml`, import.meta.url));
  const options = { vars, cwd: stage.project };
  const wanted = await loadWorkflowFile(file, options);
  if (!wanted.ok) throw new Error(JSON.stringify(wanted.problems));
  const reader = program(stage, "claude", ['printf "%s\\n" seen "REVIEW_DECISION: APPROVE" "REVIEW_REASON: fine"']);
  const actor = program(stage, "actor", [
    "touch built.txt",
    `exec '${process.execPath}' '${scriptedAgentPath()}' --script '${JSON.stringify(everybody("NOTES: READY", "VOTE: YES"))}'`,
  ]);
  const oneShots = describePlan(wanted.plan).agents.filter((agent) => !agent.interactive);
  const programs = { "*": actor, ...Object.fromEntries(oneShots.map((agent) => [agent.name, reader])) };
  const loaded = await loadWorkflowFile(file, { ...options, programs });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return theatre.execute(await theatre.begin(loaded.plan, loaded.vars));
}

const statuses = ({ trajectory }: Played): Record<string, string> =>
  Object.fromEntries(trajectory.steps.map((it) => [it.step, it.status]));

test("release: preflight, paths, an owner, a review, a barrier, shared state, retries and notices", async () => {
  const played = await run("release", { version: "3.0" });
  expect(played.status).toBe("completed");
  expect(outputsOf(played.recorded)["pack"]).toBe("packed 3.0\n");
  expect(played.told).toContainEqual(
    expect.objectContaining({
      type: "step:owner-assigned",
      step: "build",
      ownerName: "captain",
      specialistName: "builder",
    }),
  );
  expect(played.told).toContainEqual(
    expect.objectContaining({
      type: "step:review-completed",
      step: "build",
      reviewerName: "proof-reader",
      decision: "approved",
    }),
  );
  expect(played.trajectory.reflections).toContainEqual(expect.objectContaining({ on: "barrier", step: "all-built" }));
  const { messages } = await relay.channel("release-desk").history({ limit: 20 });
  expect(messages.map((it) => it.body)).toContain(`The run ${played.runId} of release is completed.`);
});

test("survey: agents that take one prompt, a failure that skips only what depends on it, no trajectory", async () => {
  const played = await run("survey");
  // A step that failed makes a run that failed, whatever else went on.
  expect(played.status).toBe("failed");
  expect(statuses(played)).toEqual({
    "go-north": "completed",
    "go-south": "completed",
    "go-east": "completed",
    "broken-bridge": "failed",
    beyond: "skipped",
    map: "completed",
  });
  expect(outputsOf(played.recorded)["map"]).toMatch(/^seen\n[^|]*\|seen\n/u);
  expect(played.trajectory.steps.flatMap((it) => it.attempts.flatMap((one) => one.checks))).toEqual([]);
});

test("agreement: a worktree, a custom step, and a vote that is counted", async () => {
  const played = await run("agreement");
  expect(played.status).toBe("completed");
  expect(outputsOf(played.recorded)).toMatchObject({
    greet: "hello everybody\n",
    consensus: "3 yes, 0 no, 0 without a vote of 3\n",
  });
  expect(readFileSync(path.join(stage.project, ".worktrees/agreed/.gitignore"), "utf8")).toContain(".worktrees");
});
