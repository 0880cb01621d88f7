import { expect, test } from "vitest";
import { plan } from "./agenda.ts";
import type { Plan } from "./plan.ts";
import { advance, recover, settle, unsure } from "./run.ts";
import { agents, agentStep, critic, decides, owner, reviews, teamPlan } from "./testing/team.ts";
import { command, exits, planOf, World, type Script } from "./testing/world.ts";

/** Agents that decide some time after somebody follows them, as they would in their own terminal. */
const diligent: Script = (action) => {
  if (action.do === "start_command") {
    const flaky = action.step === "flaky" && action.attempt === 1;
    const started = {
      type: "process_started",
      step: action.step,
      attempt: action.attempt,
      pid: 9,
      startTicks: "1",
    } as const;
    return {
      afterMs: 5,
      commands: [started, ...exits(action, flaky ? { code: 1, output: "boom" } : { output: "ok" })],
    };
  }
  if (action.do === "end_process") return { afterMs: 1, commands: exits(action, { signal: "SIGTERM" }) };
  if (action.do === "start_agent")
    return { afterMs: 3, commands: [{ type: "agent_started", agent: action.name, epoch: 1 }] };
  if (action.do === "release_agent")
    return {
      afterMs: 2,
      commands: [{ type: "agent_exited", agent: action.name, code: 0, signal: null, output: "made" }],
    };
  if (action.do !== "watch_agent" || action.scan === undefined) return undefined;
  if (action.scan.kind === "review")
    return {
      afterMs: 7,
      commands: [
        reviews(action.name, action.step === "picky" && action.attempt === 1 ? "REJECT" : "APPROVE", {
          step: action.step,
        }),
      ],
    };
  return {
    afterMs: 9,
    commands: [{ type: "agent_idle", agent: action.name }, decides(action.name, "COMPLETE", { step: action.step })],
  };
};

const story: Plan = teamPlan(
  [
    command("find"),
    command("flaky", ["find"], { retries: 1, retryDelayMs: 20 }),
    agentStep("easy", ["find"], { owner: "lead", reviewer: "critic" }),
    agentStep("picky", ["find"], {
      owner: "lead",
      reviewer: "critic",
      retries: 1,
      verification: { type: "file_exists", value: "x" },
    }),
    agentStep("own", ["flaky"], { owner: "dev", timeoutMs: 60_000 }),
    {
      type: "for_each",
      name: "each",
      items: "a\nb\nc",
      maxConcurrency: 2,
      dependsOn: ["easy"],
      retries: 0,
      retryDelayMs: 0,
      step: command("one"),
    },
    {
      type: "workflow",
      name: "sub",
      dependsOn: ["picky"],
      retries: 0,
      retryDelayMs: 0,
      plan: planOf([command("x"), command("y", ["x"])]),
    },
    {
      type: "wait_for",
      name: "ok",
      until: { what: "approval", question: "?" },
      dependsOn: ["each"],
      retries: 0,
      retryDelayMs: 0,
    },
    command("last", ["ok", "own", "sub"]),
  ],
  { maxConcurrency: 3, agents, idleNudge: { nudgeAfterMs: 4, escalateAfterMs: 100, maxNudges: 3 } },
);

const whole = new World({ plan: story, script: diligent }).go();
const statuses = (world: World): Readonly<Record<string, string>> =>
  Object.fromEntries([...world.run.steps.values()].map((it) => [it.name, it.status]));

/** Steps that began an attempt after they had completed. */
const startedAgain = (world: World): readonly string[] => {
  const completed = new Set<string>();
  return world.entries.flatMap((it) => {
    if (it.type === "step_completed") completed.add(it.step);
    return it.type === "attempt_started" && completed.has(it.step) ? [it.step] : [];
  });
};

test("the story without a crash completes everything", () => {
  expect(whole.run.status).toBe("completed");
  expect(whole.log.length).toBeGreaterThan(80);
});

test("R1, U5: after every append a runner that knows the log alone wants the same done as the one that wrote it", () => {
  const world = new World({ plan: story, script: diligent });
  let compared = 0;
  world.onAppend = () => {
    compared += 1;
    const recovered = recover(world.log);
    advance(world.run, { type: "tick" }, world.now);
    expect(advance(recovered, { type: "tick" }, world.now)).toEqual({ accepted: true, events: [] });
    expect(plan(recovered, world.now)).toEqual(plan(world.run, world.now));
  };
  world.go();
  expect(compared).toBeGreaterThan(40);
});

test.each([true, false])(
  "R1: killed after any entry, the next runner comes to the same end (agents live on: %s)",
  (agentsLive) => {
    for (let length = 1; length <= whole.log.length; length += 1) {
      const world = new World({ plan: story, script: diligent, log: whole.log.slice(0, length) });
      world.restart({ agentsLive }).go();
      expect([length, startedAgain(world)]).toEqual([length, []]);
      expect([length, world.run.status, statuses(world)]).toEqual([length, "completed", statuses(whole)]);
    }
  },
);

test("R1: killed twice, after any two entries in a row of lives, it still comes to the same end", () => {
  for (let length = 1; length <= whole.log.length; length += 3) {
    const second = new World({ plan: story, script: diligent, log: whole.log.slice(0, length) }).restart().go(4);
    const third = new World({ plan: story, script: diligent, log: second.log }).restart({ agentsLive: false }).go();
    expect([length, startedAgain(third), third.run.status]).toEqual([length, [], "completed"]);
  }
});

test("R1: killed after any entry of a cancelled run, everything still ends, and nothing new starts", () => {
  const cancelled = new World({ plan: story, script: diligent }).go(12);
  const before = cancelled.log.length;
  cancelled.send({ type: "cancel", by: "ada" });
  cancelled.go();
  for (let length = before + 1; length <= cancelled.log.length; length += 1) {
    const world = new World({ plan: story, script: diligent, log: cancelled.log.slice(0, length) }).restart().go();
    expect([length, world.run.status]).toEqual([length, "cancelled"]);
    expect(world.entries.slice(before).some((it) => it.type === "attempt_started")).toBe(false);
  }
});

test("R1: what was decided and not appended is decided again the same", () => {
  for (let length = 1; length < whole.log.length; length += 1) {
    const at = whole.log[length - 1]?.at ?? 0;
    const once = settle(recover(whole.log.slice(0, length)), [], at);
    const again = settle(recover(whole.log.slice(0, length)), [], at);
    expect(again).toEqual(once);
  }
});

test("an agent that was only asked for is asked for again under the same id", () => {
  const world = new World({ plan: teamPlan([agentStep("a", [], { owner: "lead" })]), script: () => [] });
  expect(unsure(world.run)).toEqual([]);
  world.restart();
  const asked = world.did("start_agent").map((it) => "commandId" in it && it.commandId);
  expect(asked).toEqual(["run_01test0000abcd1234/a#1:specialist", "run_01test0000abcd1234/a#1:specialist"]);
});

test("a verdict that two runners heard counts once", () => {
  const world = new World({
    plan: teamPlan([agentStep("a", [], { owner: "lead", reviewer: "critic" })]),
    script: (action) => (action.do === "watch_agent" ? [] : undefined),
  }).go(0);
  const run = recover(world.log);
  const first = advance(run, decides(owner("a"), "COMPLETE"), world.now);
  const second = advance(run, decides(owner("a"), "COMPLETE"), world.now);
  expect([first.accepted && first.events.length, second.accepted && second.events.length]).toEqual([1, 0]);
  expect(run.agents.has(critic)).toBe(false);
});
