/** Runs of workflows under a real broker: what becomes of them, whoever is killed. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { loadWorkflow, reportOf, trajectoryOf, type Runs } from "@agent-relay/workflow";
import type { Relay } from "@agent-relay/sdk";
import { expect, test } from "vitest";
import { groupOf, until, watchEvents, type Stage } from "./stage.ts";
import { becomes, executedHere, outputsOf, plays, rule, script, useRuns, type OpenedRuns } from "./workflow-cast.ts";

let stage: Stage;
let relay: Relay;
let runs: Runs;
let execute: OpenedRuns["execute"];

useRuns((it) => ({ stage, relay, runs, execute } = it));

async function begin(yaml: string): Promise<string> {
  const loaded = loadWorkflow({ content: yaml, file: "flow.yaml" });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return runs.create(loaded.plan, { vars: {}, cwd: stage.project, ...executedHere });
}
const outputs = async (runId: string): Promise<Readonly<Record<string, string>>> => outputsOf(await runs.read(runId));

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
  // After each four it goes on only when the broker has been killed once more.
  const kills = 3;
  const steps = Array.from({ length: 4 * kills }, (_, index) => {
    const after = index === 0 ? "" : `, dependsOn: [s${index - 1}]`;
    const pause = index % 4 < 3 ? "sleep 0.1" : `until test -e killed-${(index - 3) / 4}; do sleep 0.05; done`;
    return `      - { name: s${index}, type: deterministic, command: "echo s${index} >> ran; ${pause}"${after} }`;
  });
  const runId = await begin(`${header}\nworkflows:\n  - name: main\n    steps:\n${steps.join("\n")}\n`);
  const done = execute(runId);
  const file = path.join(stage.project, "ran");
  const ran = (): number => (existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").length : 0);
  for (let kill = 0; kill < kills; kill += 1) {
    // Once in the middle of four, once while the last of them waits, which then ends while there is no broker.
    const wanted = 4 * kill + (kill === 1 ? 4 : 2);
    await until(() => ran() >= wanted, `${wanted} steps have run`);
    await stage.killBroker();
    writeFileSync(path.join(stage.project, `killed-${kill}`), "");
    await stage.startBroker();
  }
  expect(await done).toBe("completed");
  expect(readFileSync(path.join(stage.project, "ran"), "utf8").trim().split("\n")).toEqual(
    Array.from({ length: 4 * kills }, (_, index) => `s${index}`),
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
  await becomes(runs, runId, "process_started");
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
  await becomes(runs, runId, "attempt_started");
  await runs.answer(runId, { step: "ask", attempt: 1, by: "ada", approved: true });
  expect(await done).toBe("completed");
});

test("a cancelled run ends what runs, commands and agents with all that they started, then itself", async () => {
  const agent = plays(script(rule(undefined, { spawnGrandchild: {} }, { busy: 86_400_000 })));
  const runId = await begin(`${header.replace("claude", JSON.stringify(agent))}
workflows:
  - name: main
    steps:
      - { name: long, type: deterministic, command: "sleep 600 & sleep 600" }
      - { name: play, agent: nobody, task: Play., reviewer: none }
`);
  const { sequence } = await relay.status();
  const watch = watchEvents(relay, sequence);
  const done = execute(runId);
  await becomes(runs, runId, "process_started", "long");
  const { pid: ofAgent } = await watch.until("agent_spawned");
  const [ofCommand] = (await runs.read(runId)).flatMap(({ entry }) =>
    entry.type === "process_started" ? [entry.pid] : [],
  );
  const leaders = [ofCommand ?? 0, ofAgent];
  await until(() => leaders.every((pid) => groupOf(pid).length > 1), "each has a child");
  await runs.cancel(runId, "ada");
  expect(await done).toBe("cancelled");
  expect(leaders.flatMap(groupOf)).toEqual([]);
  await watch.stop();
});
