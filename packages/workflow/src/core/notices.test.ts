import { expect, test } from "vitest";
import type { Action } from "./actions.ts";
import { posts } from "./agenda.ts";
import { NOTICES_MAX } from "./notices.ts";
import { command, exits, planOf, World } from "./testing/world.ts";

const fails =
  (...steps: readonly string[]) =>
  (action: Action) =>
    action.do === "start_command" && steps.includes(action.step) ? exits(action, { code: 1, output: "no" }) : undefined;

test("a failure is posted while the run goes on, and its end after it", () => {
  const world = new World({
    plan: planOf([command("a"), command("b", [], { command: "slow" })], {
      notifyChannel: "alerts",
      strategy: "continue",
    }),
    script: (action) =>
      action.do === "start_command" && action.step === "b"
        ? { afterMs: 100, commands: exits(action) }
        : fails("a")(action),
  });
  world.go(50);
  expect(world.did("post")).toMatchObject([
    { channel: "alerts", text: "The step a has failed: it ended with status 1" },
  ]);
  world.go();
  expect(posts(world.run).map((it) => it.text)).toEqual([
    "The step a has failed: it ended with status 1",
    `The run ${world.run.id} of test has failed: a failed: it ended with status 1`,
  ]);
});

test("NO1: of two ends of a run that was retried each is posted, under a key of its own", () => {
  let bad = true;
  const world = new World({
    plan: planOf([command("a")], { notifyChannel: "alerts" }),
    script: (action) => (bad ? fails("a")(action) : undefined),
  }).go();
  world.now += 10;
  bad = false;
  world.send({ type: "retry", step: "a", by: "ada" });
  world.go();
  const keys = posts(world.run).map((it) => it.commandId);
  expect(keys).toHaveLength(3);
  expect(new Set(keys).size).toBe(3);
});

test("NO2: of many failures the newest are kept", () => {
  const steps = Array.from({ length: 50 }, (_, index) => command(`s${index}`));
  const world = new World({
    plan: planOf(steps, { notifyChannel: "alerts", strategy: "continue" }),
    script: fails(...steps.map((it) => it.name)),
  }).go();
  expect(posts(world.run)).toHaveLength(NOTICES_MAX);
});

test("without a channel for it nothing is posted", () => {
  const world = new World({ plan: planOf([command("a")]), script: fails("a") }).go();
  expect(posts(world.run)).toEqual([]);
});
