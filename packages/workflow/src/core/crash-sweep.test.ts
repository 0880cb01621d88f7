/** The sweep over what the story of a team does not have: each kind of step and of ending, cut after every entry. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Action } from "./actions.ts";
import type { Plan } from "./plan.ts";
import { agent, agentStep, teamPlan } from "./testing/team.ts";
import { command, exits, planOf, World, type Script } from "./testing/world.ts";

const bare = { retries: 0, retryDelayMs: 0 } as const;

/** Commands fail as often as their text says: `fails 2`. What was played is in the log, so every life plays the same. */
const asWritten: Script = (action: Action) => {
  if (action.do !== "start_command") return undefined;
  const failures = Number(/fails (\d+)/u.exec(action.command)?.[1] ?? 0);
  const { step, attempt } = action;
  const started = { type: "process_started", step, attempt, pid: 9, startTicks: "1" } as const;
  return { afterMs: 5, commands: [started, ...exits(action, attempt <= failures ? { code: 1 } : { output: step })] };
};

const single = agent("single", { interactive: false });
const plans: Readonly<Record<string, { readonly plan: Plan; readonly ends: string }>> = {
  "a worktree, a program that takes one prompt, a check, a list inside a workflow inside": {
    ends: "completed",
    plan: teamPlan(
      [
        { type: "worktree", name: "tree", branch: "b", baseBranch: "main", createBranch: true, dependsOn: [], ...bare },
        agentStep("prompted", ["tree"], { agent: "single", verification: { type: "custom", value: "true" } }),
        {
          type: "workflow",
          name: "sub",
          dependsOn: ["tree"],
          ...bare,
          plan: planOf([
            command("list"),
            {
              type: "for_each",
              name: "each",
              items: "a\nb\nc",
              maxConcurrency: 2,
              dependsOn: ["list"],
              ...bare,
              step: command("one", [], { verification: { type: "file_exists", value: "{{item}}" } }),
            },
          ]),
        },
        {
          type: "wait_for",
          name: "event",
          until: { what: "event", event: "x" },
          dependsOn: ["sub", "prompted"],
          ...bare,
        },
        command("last", ["event"]),
      ],
      { agents: { single } },
    ),
  },
  "failures, with what depends on them skipped": {
    ends: "failed",
    plan: planOf(
      [
        command("bad", [], { command: "fails 9", retries: 2, retryDelayMs: 3 }),
        command("after", ["bad"]),
        command("good"),
        command("twice", ["good"], { command: "fails 1", retries: 1, retryDelayMs: 3 }),
      ],
      { strategy: "continue" },
    ),
  },
  "fail-fast beside others that run": {
    ends: "failed",
    plan: planOf([command("slow"), command("bad", [], { command: "fails 9" }), command("never", ["slow"])]),
  },
  "an agent that mends what failed": {
    ends: "completed",
    plan: planOf([command("broken", [], { command: "fails 1" }), command("after", ["broken"])], {
      agents: { single },
      repair: { agent: "single", retries: 1 },
    }),
  },
  "a person who is needed": {
    ends: "needs_human",
    plan: planOf([command("bad", [], { command: "fails 9" }), command("beside")], { onExhaustion: "needs-human" }),
  },
  "a run that is out of time": {
    ends: "failed",
    plan: planOf([command("one"), command("two", ["one"]), command("three", ["two"])], { timeoutMs: 8 }),
  },
};

test.each(Object.entries(plans))(
  "R1: %s: killed after any entry, it comes to the same end",
  (_name, { plan, ends }) => {
    const whole = new World({ plan, script: asWritten }).go();
    expect(whole.run.status).toBe(ends);
    for (let length = 1; length <= whole.log.length; length += 1) {
      const world = new World({ plan, script: asWritten, log: whole.log.slice(0, length) }).restart().go();
      expect([length, ...againIn(world)]).toEqual([length]);
      // Commands are begun anew after a death, so those that fail may have failed once more or less: the end is the same.
      expect([length, world.run.status]).toEqual([length, ends]);
      expect([length, world.run.active.size]).toEqual([length, 0]);
    }
  },
);

test("R1: a step that somebody retries: killed after any entry of the second go, it completes", () => {
  const plan = planOf([command("one"), command("two", ["one"], { command: "fails 1" }), command("three", ["two"])]);
  const whole = new World({ plan, script: asWritten }).go();
  expect(whole.run.status).toBe("failed");
  const before = whole.log.length;
  whole.send({ type: "retry", step: "two", by: "ada" });
  whole.go();
  expect(whole.run.status).toBe("completed");
  for (let length = before + 1; length <= whole.log.length; length += 1) {
    const world = new World({ plan, script: asWritten, log: whole.log.slice(0, length) }).restart().go();
    expect([length, world.run.status, ...againIn(world)]).toEqual([length, "completed"]);
  }
});

test("R1: any graph, cut after each of its entries, comes to the same end", () => {
  const step = fc.record({
    dependsOn: fc.uniqueArray(fc.nat(7), { maxLength: 3 }),
    failures: fc.constantFrom(0, 0, 0, 1),
  });
  const steps = fc.array(step, { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 3 }), (shapes, maxConcurrency) => {
      const plan = planOf(
        shapes.map(({ dependsOn, failures }, index) =>
          command(
            `s${index}`,
            dependsOn.filter((to) => to < index).map((to) => `s${to}`),
            { command: `fails ${failures}`, retries: 1, retryDelayMs: 2 },
          ),
        ),
        { maxConcurrency },
      );
      const whole = new World({ plan, script: asWritten }).go();
      expect(whole.run.status).toBe("completed");
      for (let length = 1; length <= whole.log.length; length += 1) {
        const world = new World({ plan, script: asWritten, log: whole.log.slice(0, length) }).restart().go();
        expect([length, world.run.status, ...againIn(world)]).toEqual([length, "completed"]);
      }
    }),
    { numRuns: 40 },
  );
});

/** Steps that began an attempt after they had completed, and that nobody asked for again. */
function againIn(world: World): readonly string[] {
  const completed = new Set<string>();
  return world.entries.flatMap((it) => {
    if (it.type === "step_completed") completed.add(it.step);
    if (it.type === "step_retried") completed.clear();
    return it.type === "attempt_started" && completed.has(it.step) ? [it.step] : [];
  });
}
