/** The log of a run under a real broker: what is much, what is taken away, and what waits while the broker is gone. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { planWorkflow, type Plan, type Runs } from "@agent-relay/workflow";
import type { Relay } from "@agent-relay/sdk";
import { expect, test } from "vitest";
import type { Stage } from "./stage.ts";
import { becomes, executedHere, outputsOf, useRuns, type OpenedRuns } from "./workflow-cast.ts";

let stage: Stage;
let relay: Relay;
let runs: Runs;
let execute: OpenedRuns["execute"];

useRuns((it) => ({ stage, relay, runs, execute } = it));

function planOf(steps: readonly object[], maxConcurrency = 8): Plan {
  const planned = planWorkflow({
    version: "1.0",
    name: "log",
    swarm: { pattern: "dag", maxConcurrency },
    agents: [{ name: "nobody", cli: "claude" }],
    workflows: [{ name: "main", steps }],
  });
  if (!planned.ok) throw new Error(JSON.stringify(planned.problems));
  return planned.plan;
}

/** Lets go on whoever waits for this file. */
const goOn = (file: string): void => writeFileSync(path.join(stage.project, file), "");
const begin = (plan: Plan): Promise<string> => runs.create(plan, { vars: {}, cwd: stage.project, ...executedHere });

test("a wave that ends at once, with more output than one frame has, is recorded in parts and completes", async () => {
  const wave = Array.from({ length: 30 }, (_, index) => ({
    name: `s${index}`,
    // They all wait for the same file, so they end together; a NUL needs six characters in JSON.
    command: `touch up-${index}; while ! test -e go-${index % 2}; do sleep 0.05; done; head -c 40000 /dev/zero`,
  }));
  const go = { name: "go", command: "until test $(ls up-* | wc -l) = 30; do sleep 0.05; done; touch go-0 go-1" };
  const runId = await begin(planOf([...wave, go], 40));
  expect(await execute(runId)).toBe("completed");
  const outputs = outputsOf(await runs.read(runId));
  expect(Object.values(outputs).filter((it) => it.startsWith("\u0000"))).toHaveLength(30);
});

test("fifty megabytes of output leave a run that is read in one page", async () => {
  const runId = await begin(planOf([{ name: "loud", command: "yes 0123456789abcdef | head -c 50000000; echo end" }]));
  expect(await execute(runId)).toBe("completed");
  const recorded = await runs.read(runId);
  expect(JSON.stringify(recorded).length).toBeLessThan(200_000);
  expect(outputsOf(recorded)["loud"]).toMatch(/end\n$/u);
});

test("a lease that is taken away in the middle stops the runner with the reason, and the next one goes on", async () => {
  const runId = await begin(
    planOf([
      { name: "one", command: "until test -e taken-away; do sleep 0.05; done" },
      { name: "two", command: "true", dependsOn: ["one"] },
    ]),
  );
  const first = execute(runId);
  const told = first.catch((error: unknown) => error);
  await becomes(runs, runId, "process_started");
  const { streams } = await relay.streams.list({ prefix: `run/${runId}` });
  const lease = streams[0]?.lease;
  if (lease === undefined || lease === null) throw new Error("nobody executes it");
  await relay.client.call("lease.release", { name: lease.name, token: lease.token });
  goOn("taken-away");
  expect(await told).toMatchObject({
    code: "lease_lost",
    message: expect.stringContaining(`this runner stops: it does not hold the run ${runId} any more`),
  });
  expect(await execute(runId)).toBe("completed");
});

test("somebody who appends to a run that another executes stops it with the reason", async () => {
  const runId = await begin(planOf([{ name: "one", command: "until test -e appended; do sleep 0.05; done" }]));
  const told = execute(runId).catch((error: unknown) => error);
  await becomes(runs, runId, "process_started");
  const { revision } = await relay.streams.read(`run/${runId}`, { limit: 1 });
  const entries = [{ kind: "cancel_requested", data: { type: "cancel_requested", by: "a stranger", at: Date.now() } }];
  await relay.streams.append(`run/${runId}`, { expectedRevision: revision, entries });
  goOn("appended");
  expect(await told).toMatchObject({
    code: "wrong_revision",
    message: `this runner stops: another has appended to the run ${runId} meanwhile`,
  });
  expect(await execute(runId)).toBe("cancelled");
});

test("a runner that waits for a person goes on after the broker was killed and started again", async () => {
  const runId = await begin(
    planOf([
      { name: "ask", wait_for: { approval: "Go on?" } },
      { name: "after", command: "echo went on", dependsOn: ["ask"] },
    ]),
  );
  const done = execute(runId);
  await becomes(runs, runId, "attempt_started");
  await stage.killBroker();
  await stage.startBroker();
  await runs.answer(runId, { step: "ask", attempt: 1, by: "ada", approved: true });
  expect(await done).toBe("completed");
});
