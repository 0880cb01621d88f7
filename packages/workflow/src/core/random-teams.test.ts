import fc from "fast-check";
import { expect, test } from "vitest";
import type { RunCommand } from "./commands.ts";
import { agents, agentStep, alone, critic, decides, owner, quiet, reviews, teamPlan, worker } from "./testing/team.ts";
import { World } from "./testing/world.ts";

const file = { type: "file_exists", value: "x" } as const;
const plan = teamPlan(
  [
    agentStep("a", [], { owner: "lead", reviewer: "critic", retries: 1, timeoutMs: 5_000 }),
    agentStep("b", [], { owner: "lead", reviewer: "critic", retries: 1, verification: file }),
    agentStep("c", ["a"], { owner: "dev", retries: 1, verification: file }),
    agentStep("d", ["b"], { owner: "dev", reviewer: "judge" }),
  ],
  { agents, strategy: "continue", idleNudge: { nudgeAfterMs: 300, escalateAfterMs: 200, maxNudges: 1 } },
);
const names = [...["a", "b"].flatMap((it) => [worker(it), owner(it)]), alone("c"), alone("d"), critic];
const step = fc.constantFrom("a", "b", "c", "d");
const name = fc.constantFrom(...names);
const source = fc.constantFrom("tool" as const, "marker" as const);

/** Whatever can be heard, in any order, sense or not. */
const heard: fc.Arbitrary<RunCommand> = fc.oneof(
  fc.record({ type: fc.constant("agent_started" as const), agent: name, epoch: fc.nat(3) }),
  fc.record({
    type: fc.constantFrom("agent_idle" as const, "agent_working" as const, "agent_lost" as const),
    agent: name,
  }),
  fc.record({
    type: fc.constant("agent_exited" as const),
    agent: name,
    code: fc.constantFrom(0, 0, 1, null),
    signal: fc.constant(null),
    output: fc.constantFrom("", "STEP_COMPLETE:c"),
  }),
  fc
    .tuple(name, fc.constantFrom("COMPLETE", "COMPLETE", "INCOMPLETE_RETRY", "INCOMPLETE_FAIL"), source)
    .map(([by, decision, from]) => decides(by, decision as "COMPLETE", { source: from })),
  fc
    .tuple(fc.constantFrom("APPROVE" as const, "REJECT" as const), source, fc.option(step, { nil: undefined }))
    .map(([decision, from, about]) =>
      reviews(critic, decision, { source: from, ...(about === undefined ? {} : { step: about }) }),
    ),
  fc.record({
    type: fc.constant("verified" as const),
    step,
    attempt: fc.integer({ min: 1, max: 2 }),
    check: fc.nat(3),
    passed: fc.boolean(),
  }),
  fc.record({ type: fc.constant("tick" as const) }),
);
const moves = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: heard.map((command) => ({ command })) },
    { weight: 3, arbitrary: fc.nat(400).map((ms) => ({ ms })) },
    { weight: 1, arbitrary: fc.boolean().map((agentsLive) => ({ agentsLive })) },
  ),
  { maxLength: 80, size: "max" },
);

function play(story: typeof moves extends fc.Arbitrary<infer It> ? It : never): World {
  const world = new World({ plan, script: quiet() }).go(0);
  for (const move of story) {
    if ("command" in move) world.send(move.command);
    else if ("ms" in move) world.go(move.ms);
    else world.restart(move);
    world.go(0);
  }
  world.send({ type: "cancel", by: "ada" });
  return world.go();
}

test("whatever is heard in whatever order, nothing breaks, and a cancelled run ends", () => {
  fc.assert(
    fc.property(moves, (story) => {
      const world = play(story);
      expect(["cancelled", "completed", "failed"]).toContain(world.run.status);
      expect([world.run.active.size, world.run.agents.size]).toEqual([0, 0]);
    }),
    { numRuns: 200 },
  );
});

test("SU2, CE1: no step completes whose check failed, or whose reviewer did not approve that attempt", () => {
  fc.assert(
    fc.property(moves, (story) => {
      const { entries } = play(story);
      for (const [index, done] of entries.entries()) {
        if (done.type !== "attempt_succeeded") continue;
        const before = entries
          .slice(0, index)
          .filter((it) => "attempt" in it && it.step === done.step && it.attempt === done.attempt);
        const final = before.findLast((it) => it.type === "verified");
        expect(final?.type === "verified" ? final.passed : true).toBe(true);
        if (done.step === "b" || done.step === "c") expect(final).toBeDefined();
        const review = before.find((it) => it.type === "review_completed");
        if (done.step !== "c") expect(review).toMatchObject({ decision: "approved" });
      }
    }),
    { numRuns: 200 },
  );
});

test("SU3: an attempt ends after each of its agents that had started has gone", () => {
  fc.assert(
    fc.property(moves, (story) => {
      const there = new Map<string, Set<string>>();
      for (const it of play(story).entries) {
        if (it.type === "agent_started") there.set(it.step, (there.get(it.step) ?? new Set()).add(it.agent));
        if (it.type === "part_exited")
          there.get(it.step)?.delete(it.part === "owner" ? owner(it.step) : worker(it.step));
        if (it.type === "part_exited" && it.part === "specialist") there.get(it.step)?.delete(alone(it.step));
        if (it.type === "attempt_failed" || it.type === "attempt_succeeded" || it.type === "attempt_interrupted")
          expect([it.step, ...(there.get(it.step) ?? [])]).toEqual([it.step]);
      }
    }),
    { numRuns: 200 },
  );
});
