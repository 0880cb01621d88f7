import { expect, test } from "vitest";
import type { PlannedStep, WaitForStep } from "../core/plan.ts";
import { command, planOf, World } from "../core/testing/world.ts";
import { approvalsOf } from "./approvals.ts";

const base = { dependsOn: [], retries: 0, retryDelayMs: 0 } as const;
const waits = (name: string, until: WaitForStep["until"]): WaitForStep => ({ ...base, type: "wait_for", name, until });
const approval = (name: string): WaitForStep => waits(name, { what: "approval", question: "Ship it?" });

/** A run in which nothing ends by itself. */
const begun = (...steps: readonly PlannedStep[]): World =>
  new World({ plan: planOf(steps, { maxConcurrency: 20 }), script: () => [] });
const waiting = ({ log }: World): readonly string[] =>
  approvalsOf(log).map(({ step, attempt }) => `${step}#${attempt}`);

test("of what runs only approvals wait for a person", () => {
  const world = begun(command("a"), approval("b"), waits("c", { what: "message", from: "ada" }), approval("d"));
  expect(waiting(world)).toEqual(["b#1", "d#1"]);
  world.send({ type: "answer", step: "b", attempt: 1, approved: true, by: "ada" });
  expect(waiting(world)).toEqual(["d#1"]);
});

test("of what is inside another, approvals wait and nothing else does", () => {
  const inner = planOf([command("build"), approval("ask")]);
  const world = begun(
    { ...base, type: "workflow", name: "release", plan: inner },
    { ...base, type: "for_each", name: "deploy", items: '["x","y"]', maxConcurrency: 2, step: approval("deploy") },
  );
  expect(waiting(world)).toEqual(["release/ask#1", "deploy[0]#1", "deploy[1]#1"]);
});

test("nothing waits for a person before it has begun, nor once its run ends", () => {
  const world = begun(approval("a"), { ...approval("b"), dependsOn: ["a"] });
  expect(waiting(world)).toEqual(["a#1"]);
  world.send({ type: "cancel", by: "ada" });
  expect(waiting(world)).toEqual([]);
  // Nor where the log was cut between the wish and its effect.
  const cut = world.log.findIndex(({ entry }) => entry.type === "cancel_requested") + 1;
  expect(approvalsOf(world.log.slice(0, cut))).toEqual([]);
});
