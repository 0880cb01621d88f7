import { expect, test } from "vitest";
import { planWorkflow } from "../definition/load.ts";
import type { Action } from "./actions.ts";
import { command, exits, planOf, World } from "./testing/world.ts";

const barrier = (mode: "all" | "any", ...waitFor: readonly string[]) =>
  command("gate", waitFor, { command: ":", barrier: mode });
const works =
  (ms: Readonly<Record<string, number>>, bad: readonly string[] = []) =>
  (action: Action) =>
    action.do === "start_command"
      ? { afterMs: ms[action.step] ?? 0, commands: exits(action, { code: bad.includes(action.step) ? 1 : 0 }) }
      : undefined;
const statuses = (world: World): Record<string, string> =>
  Object.fromEntries([...world.run.steps].map(([name, { status }]) => [name, status]));
const startedAt = (world: World, step: string): number | undefined =>
  world.log.find(({ entry }) => entry.type === "attempt_started" && entry.step === step)?.at;

const three = (mode: "all" | "any") => [
  command("a"),
  command("b"),
  command("c"),
  barrier(mode, "a", "b", "c"),
  command("after", ["gate"]),
];
const ms = { a: 300, b: 100, c: 200 };

test("a barrier for all waits for the last, one for any for the first", () => {
  const begins = (mode: "all" | "any"): number | undefined =>
    startedAt(new World({ plan: planOf(three(mode)), script: works(ms) }).go(), "after");
  expect([begins("all"), begins("any")]).toEqual([1_000_300, 1_000_100]);
});

test("a barrier for any is passed although one of them has failed, and begun once", () => {
  const world = new World({ plan: planOf(three("any"), { strategy: "continue" }), script: works(ms, ["b"]) }).go();
  expect(statuses(world)).toMatchObject({ b: "failed", gate: "completed", after: "completed" });
  expect(startedAt(world, "after")).toBe(1_000_200);
  expect(world.started().filter((it) => it === "gate")).toHaveLength(1);
});

test("a barrier for any is skipped when the last of them has failed, and not before", () => {
  const world = new World({ plan: planOf(three("any"), { strategy: "continue" }), script: works(ms, ["a", "b", "c"]) });
  world.go(250);
  expect(statuses(world)).toMatchObject({ b: "failed", c: "failed", gate: "pending" });
  world.go();
  expect(statuses(world)).toMatchObject({ gate: "skipped", after: "skipped" });
});

test("a barrier for all is skipped with the first that fails: a skipped dependency never counts as satisfied", () => {
  const world = new World({ plan: planOf(three("all"), { strategy: "continue" }), script: works(ms, ["b"]) }).go(150);
  expect(statuses(world)).toMatchObject({ gate: "skipped", after: "skipped" });
});

test("retried, a barrier for any holds again until one of them is completed", () => {
  let bad = ["a", "b", "c"];
  const world = new World({
    plan: planOf(three("any"), { strategy: "continue" }),
    script: (action) => works(ms, bad)(action),
  }).go();
  bad = [];
  world.send({ type: "retry", step: "c", by: "ada" });
  world.go();
  expect(statuses(world)).toMatchObject({ a: "failed", c: "completed", gate: "completed", after: "completed" });
  // It is failed all the same: two of its steps are.
  expect(world.run.status).toBe("failed");
});

test("a barrier's time bounds each attempt of what it waits for, that after a failure anew", () => {
  const loaded = planWorkflow({
    version: "1.0",
    name: "w",
    coordination: { barriers: [{ name: "gate", waitFor: ["a"], timeoutMs: 100 }] },
    workflows: [
      {
        name: "w",
        steps: [
          { name: "a", command: "ls", timeoutMs: 5_000, retries: 1, retryDelayMs: 10 },
          { name: "after", command: "ls", dependsOn: ["gate"] },
        ],
      },
    ],
  });
  if (!loaded.ok) throw new Error("not loaded");
  const world = new World({
    plan: loaded.plan,
    script: (action) => (action.do === "start_command" ? [] : undefined),
  }).go();
  const failedAt = world.log.flatMap(({ entry, at }) => (entry.type === "attempt_failed" ? [at - 1_000_000] : []));
  expect(failedAt).toEqual([100, 210]);
  expect(statuses(world)).toMatchObject({ a: "failed", gate: "skipped", after: "skipped" });
});
