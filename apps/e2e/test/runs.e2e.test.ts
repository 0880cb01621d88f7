/** Runs of workflows under a real broker: what becomes of them, whoever is killed. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import {
  loadWorkflow,
  openRuns,
  reportOf,
  runPerformer,
  trajectoryOf,
  type Plan,
  type Runs,
} from "@agent-relay/workflow";
import type { Relay } from "@agent-relay/sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openStage, until, type Stage } from "./stage.ts";

let stage: Stage;
let relay: Relay;
let runs: Runs;

beforeAll(async () => {
  stage = openStage();
  await stage.startBroker();
  relay = await stage.connect({ reconnect: { giveUpAfterMs: 60_000, delayMs: 20, delayMsMax: 250 } });
  runs = openRuns(relay);
});

afterAll(async () => {
  expect(await stage.clear()).toEqual([]);
});

function planOf(yaml: string, vars: Readonly<Record<string, string>> = {}): Plan {
  const loaded = loadWorkflow({ content: yaml, file: "flow.yaml" }, { vars });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.plan;
}

const begin = (yaml: string): Promise<string> => runs.create(planOf(yaml), { vars: {}, cwd: stage.project });
const execute = (runId: string, signal?: AbortSignal) =>
  runs.execute(runId, { performer: runPerformer(relay), ...(signal === undefined ? {} : { signal }) });
const outputs = async (runId: string): Promise<Record<string, string>> => {
  const done = (await runs.read(runId)).flatMap(({ entry }) => (entry.type === "step_completed" ? [entry] : []));
  return Object.fromEntries(done.map(({ step, output }) => [step, output]));
};

const header = `version: "1.0"
name: flow
swarm: { pattern: dag }
agents: [{ name: nobody, cli: claude }]
`;

test("a run of commands: outputs are handed on, and the list and the report know it", async () => {
  const runId = await begin(`${header}
workflows:
  - name: main
    steps:
      - { name: one, type: deterministic, command: "printf hello" }
      - { name: two, type: deterministic, command: "printf '%s world' {{steps.one.output}}", dependsOn: [one] }
      - { name: three, type: deterministic, command: "printf three" }
`);
  expect(await execute(runId)).toBe("completed");
  expect(await outputs(runId)).toMatchObject({ one: "hello", two: "hello world", three: "three" });
  const { runs: listed } = await runs.list();
  expect(listed.find((it) => it.runId === runId)).toMatchObject({ status: "completed", steps: 3, completed: 3 });
  expect(reportOf(trajectoryOf(await runs.read(runId)), Date.now())).toContain("two");
});

test("the broker is killed again and again: the run goes on, and no completed step runs twice", async () => {
  const steps = Array.from({ length: 12 }, (_, index) => {
    const after = index === 0 ? "" : `, dependsOn: [s${index - 1}]`;
    return `      - { name: s${index}, type: deterministic, command: "echo s${index} >> ran; sleep 0.1"${after} }`;
  });
  const runId = await begin(`${header}\nworkflows:\n  - name: main\n    steps:\n${steps.join("\n")}\n`);
  const done = execute(runId);
  for (let kill = 0; kill < 3; kill += 1) {
    const file = path.join(stage.project, "ran");
    const lines = (): number => (existsSync(file) ? readFileSync(file, "utf8").split("\n").length : 0);
    const before = lines();
    await until(() => lines() > before + 1, "two more steps have run");
    await stage.killBroker();
    await stage.startBroker();
  }
  expect(await done).toBe("completed");
  expect(readFileSync(path.join(stage.project, "ran"), "utf8").trim().split("\n")).toEqual(
    Array.from({ length: 12 }, (_, index) => `s${index}`),
  );
});

test("a run that was cancelled goes on when it is resumed, though the cancel still stands in what was asked of it", async () => {
  const runId = await begin(`${header}
workflows:
  - name: main
    steps:
      - { name: wait, type: deterministic, command: "until test -e go; do sleep 0.05; done; printf gone" }
`);
  const done = execute(runId);
  await until(
    async () => (await runs.read(runId)).some(({ entry }) => entry.type === "process_started"),
    "the step runs",
  );
  await runs.cancel(runId, "ada", "not yet");
  expect(await done).toBe("cancelled");
  writeFileSync(path.join(stage.project, "go"), "");
  expect(await runs.resume(runId, "ada")).toBeUndefined();
  expect(await execute(runId)).toBe("completed");
  expect(await outputs(runId)).toMatchObject({ wait: "gone" });
});

test("an approval: the run waits for a person, and goes on when one says yes", async () => {
  const runId = await begin(`${header}
workflows:
  - name: main
    steps:
      - { name: ask, type: wait_for, wait_for: { approval: "Ship it?" } }
      - { name: ship, type: deterministic, command: "echo shipped", dependsOn: [ask] }
`);
  const done = execute(runId);
  await until(async () => (await runs.read(runId)).some(({ entry }) => entry.type === "attempt_started"), "it asks");
  await runs.answer(runId, { step: "ask", attempt: 1, by: "ada", approved: true });
  expect(await done).toBe("completed");
});

test("a cancelled run ends what runs, then itself", async () => {
  writeFileSync(path.join(stage.project, "long"), "");
  const runId = await begin(`${header}
workflows:
  - name: main
    steps:
      - { name: long, type: deterministic, command: "sleep 600" }
`);
  const done = execute(runId);
  await until(async () => (await runs.read(runId)).some(({ entry }) => entry.type === "process_started"), "it runs");
  await runs.cancel(runId, "ada");
  expect(await done).toBe("cancelled");
});
