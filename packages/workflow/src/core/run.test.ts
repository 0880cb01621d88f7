import { expect, test } from "vitest";
import type { Action } from "./actions.ts";
import { plan } from "./agenda.ts";
import { startable } from "./due.ts";
import { evolve } from "./evolve.ts";
import type { Plan } from "./plan.ts";
import { command, exits, planOf, World } from "./testing/world.ts";

const typesOf = (world: World): readonly string[] => world.entries.map((it) => it.type);
const isCommand = (action: Action, step: string): boolean => action.do === "start_command" && action.step === step;
const failing =
  (...names: readonly string[]) =>
  (action: Action) =>
    names.some((it) => isCommand(action, it)) ? exits(action, { code: 1, output: "boom" }) : undefined;
/** Fails so many times, then succeeds. */
const flaky = (name: string, times: number) => {
  let failures = 0;
  return (action: Action) =>
    isCommand(action, name) && failures++ < times ? exits(action, { code: 1, output: "boom" }) : undefined;
};
const chain: Plan = planOf([command("a"), command("b", ["a"]), command("c", ["b"])]);

test("a chain runs in order and the run is completed", () => {
  const world = new World({ plan: chain }).go();
  expect(world.started()).toEqual(["a", "b", "c"]);
  expect(world.run.status).toBe("completed");
});

test("the end of a step and the start of the next are decided together", () => {
  const world = new World({ plan: chain });
  const together = world.send({ type: "process_exited", step: "a", attempt: 1, code: 0, signal: null, output: "x" });
  expect(together.map((it) => it.type)).toEqual(["attempt_succeeded", "step_completed", "attempt_started"]);
});

test("U1: a step whose dependency failed is skipped, and so is what depends on that", () => {
  const world = new World({ plan: { ...chain, strategy: "continue" }, script: failing("a") }).go();
  expect(world.started()).toEqual(["a"]);
  expect(typesOf(world).slice(-4)).toEqual(["step_failed", "step_skipped", "step_skipped", "run_failed"]);
});

test("U1: a step with one dependency completed and one skipped is skipped", () => {
  const steps = [command("bad"), command("good"), command("after", ["bad"]), command("both", ["after", "good"])];
  const world = new World({ plan: planOf(steps, { strategy: "continue" }), script: failing("bad") }).go();
  expect(world.run.steps.get("both")?.status).toBe("skipped");
});

test("U2: no more commands run than the plan allows", () => {
  const steps = ["a", "b", "c", "d", "e"].map((it) => command(it));
  const world = new World({ plan: planOf(steps, { maxConcurrency: 2 }), script: () => [] });
  expect(world.did("start_command").map((it) => it.key)).toEqual(["a#1", "b#1"]);
});

test("U3: under fail-fast nothing new starts after a failure, and what runs may end", () => {
  const steps = [command("bad"), command("slow"), command("later", ["slow"])];
  const world = new World({
    plan: planOf(steps),
    script: (action) => (isCommand(action, "slow") ? { afterMs: 50, commands: exits(action) } : failing("bad")(action)),
  }).go();
  expect(world.completed()).toEqual(["slow"]);
  expect(world.run.steps.get("later")?.status).toBe("skipped");
  expect(world.run.status).toBe("failed");
});

test("U3: with continue, only what depends on the failure is skipped", () => {
  const steps = [command("bad"), command("after", ["bad"]), command("other"), command("last", ["other"])];
  const world = new World({ plan: planOf(steps, { strategy: "continue" }), script: failing("bad") }).go();
  expect(world.completed()).toEqual(["other", "last"]);
  expect(world.run.status).toBe("failed");
});

test("B1: a step is tried once and then as often as it may be retried", () => {
  const steps = [command("a", [], { retries: 2 })];
  const world = new World({ plan: planOf(steps), script: failing("a") }).go();
  expect(world.started()).toEqual(["a", "a", "a"]);
  expect(world.run.status).toBe("failed");
});

test("B1: maxIterations bounds the attempts however many retries there are", () => {
  const world = new World({
    plan: planOf([command("a", [], { retries: 9, maxIterations: 2 })]),
    script: failing("a"),
  }).go();
  expect(world.started()).toHaveLength(2);
});

test("B2: the wait before a retry doubles", () => {
  const world = new World({ plan: planOf([command("a", [], { retries: 3 })]), script: failing("a") }).go();
  const starts = world.log.filter((it) => it.entry.type === "attempt_started").map((it) => it.at);
  expect(starts.map((it) => it - (starts[0] ?? 0))).toEqual([0, 1_000, 3_000, 7_000]);
});

test("a retry that succeeds goes on with the run, and names what failed before", () => {
  const world = new World({
    plan: planOf([command("a", [], { retries: 1 }), command("b", ["a"])]),
    script: flaky("a", 1),
  }).go();
  expect(world.run.status).toBe("completed");
  const second = world.entries.filter((it) => it.type === "attempt_started")[1];
  expect(second).toMatchObject({ attempt: 2, after: { cause: "exit_nonzero", message: "it ended with status 1" } });
});

test("a wait for a retry takes no slot", () => {
  const steps = [command("a", [], { retries: 1 }), command("b")];
  const world = new World({ plan: planOf(steps, { maxConcurrency: 1 }), script: flaky("a", 1) }).go(500);
  expect(world.completed()).toEqual(["b"]);
});

test("a command that may fail completes with what it printed", () => {
  const world = new World({ plan: planOf([command("a", [], { failOnError: false })]), script: failing("a") }).go();
  expect(world.entries.find((it) => it.type === "step_completed")).toMatchObject({ output: "boom" });
});

test("a command that dies by a signal has failed, whatever its status may be", () => {
  const world = new World({
    plan: planOf([command("a", [], { failOnError: false })]),
    script: (action) => (isCommand(action, "a") ? exits(action, { signal: "SIGSEGV" }) : undefined),
  }).go();
  expect(world.entries.find((it) => it.type === "step_failed")).toMatchObject({ failure: { signal: "SIGSEGV" } });
});

test("a command that cannot be started has failed with that cause", () => {
  const world = new World({
    plan: planOf([command("a")]),
    script: (action) => [{ type: "process_failed", step: "a", attempt: 1, message: `no shell for ${action.key}` }],
  }).go();
  expect(world.entries.find((it) => it.type === "attempt_failed")).toMatchObject({
    failure: { cause: "spawn_failed", message: "no shell for a#1" },
  });
});

test("G3: a timeout ends the process's group first, and the attempt once it is gone", () => {
  const world = new World({
    plan: planOf([command("a", [], { timeoutMs: 100 })]),
    script: (action) =>
      action.do === "start_command"
        ? [{ type: "process_started", step: "a", attempt: 1, pid: 7, startTicks: "99" }]
        : action.do === "end_process"
          ? { afterMs: 30, commands: exits(action, { signal: "SIGKILL", output: "half" }) }
          : undefined,
  }).go();
  expect(world.did("end_process")).toMatchObject([{ pid: 7, startTicks: "99", part: "specialist" }]);
  const failed = world.log.find((it) => it.entry.type === "attempt_failed");
  expect(failed).toMatchObject({ at: 1_000_130, entry: { failure: { cause: "timeout", outputTail: "half" } } });
});

test("cancelling ends everything that runs, and only then the run", () => {
  const world = new World({
    plan: planOf([command("a"), command("b"), command("c", ["a"])]),
    script: (action) =>
      action.do === "end_process" ? { afterMs: 40, commands: exits(action, { signal: "SIGTERM" }) } : [],
  });
  world.send({ type: "cancel", by: "ada", reason: "wrong branch" });
  expect(world.run.status).toBe("running");
  world.go();
  expect(world.did("end_process").map((it) => it.key)).toEqual(["a#1:specialist:end", "b#1:specialist:end"]);
  expect(world.entries.at(-1)).toEqual({ type: "run_cancelled", by: "ada" });
  expect(world.started()).toEqual(["a", "b"]);
});

test("D4: a run that has ended takes no cancel, and hears nothing", () => {
  const world = new World({ plan: chain }).go();
  world.send({ type: "cancel", by: "ada" });
  expect(world.refused).toEqual([{ code: "run_finished", status: "completed" }]);
  expect(world.send({ type: "process_exited", step: "a", attempt: 1, code: 1, signal: null, output: "" })).toEqual([]);
});

test("D1: an end that is heard twice, or of an attempt before, changes nothing", () => {
  const world = new World({ plan: planOf([command("a", [], { retries: 1, retryDelayMs: 0 })]), script: () => [] });
  world.send({ type: "process_exited", step: "a", attempt: 1, code: 1, signal: null, output: "" });
  expect(world.send({ type: "process_exited", step: "a", attempt: 1, code: 0, signal: null, output: "" })).toEqual([]);
  expect(world.run.steps.get("a")?.attempts).toBe(2);
});

test("G1, G2: what is wanted is wanted under the same key until it is over, and asking changes nothing", () => {
  const world = new World({ plan: chain, script: () => [] });
  const before = JSON.stringify(plan(world.run, world.now));
  expect(JSON.stringify(plan(world.run, world.now))).toBe(before);
  world.send({ type: "process_started", step: "a", attempt: 1, pid: 1, startTicks: "1" });
  expect(plan(world.run, world.now).actions.map((it) => it.key)).toEqual(["a#1"]);
});

test("the run's time is up: everything is ended and the run has failed", () => {
  const world = new World({
    plan: planOf([command("a"), command("b", ["a"])], { timeoutMs: 500 }),
    script: (action) => (action.do === "start_command" ? [] : undefined),
  }).go();
  expect(world.did("end_process")).toHaveLength(1);
  expect(world.entries.at(-1)).toEqual({ type: "run_failed", reason: "the run was not done within 500 ms" });
});

test("the run's tokens are used up: everything is ended and nothing is retried", () => {
  const world = new World({
    plan: planOf([command("a", [], { retries: 3 })], { tokenBudget: 100 }),
    script: (action) => (action.do === "start_command" ? [] : undefined),
  });
  world.send({ type: "tokens", step: "a", attempt: 1, tokens: 60 });
  world.send({ type: "tokens", step: "a", attempt: 1, tokens: 60 });
  world.go();
  expect(world.entries.at(-1)).toEqual({ type: "run_failed", reason: "the run used 120 tokens, of 100 that it may" });
  expect(world.started()).toHaveLength(1);
});

test("a runner that dies: its process is interrupted, which is no try, and completed steps do not run again", () => {
  const world = new World({
    plan: chain,
    script: (action) => (isCommand(action, "b") && action.key === "b#1" ? [] : undefined),
  }).go();
  world.restart().go();
  expect(world.started()).toEqual(["a", "b", "b", "c"]);
  expect(world.entries.find((it) => it.type === "attempt_interrupted")).toMatchObject({ step: "b", attempt: 1 });
  expect(world.run.status).toBe("completed");
});

test("B1: interruptions alone do not go on for ever", () => {
  const world = new World({ plan: chain, script: () => [] });
  for (let crash = 0; crash < 150 && world.run.status === "running"; crash++) world.restart();
  expect(world.entries.find((it) => it.type === "step_failed")).toMatchObject({
    failure: { cause: "interrupted_too_often" },
  });
});

test("retry: the step and all that depends on it run again, what came before does not", () => {
  const world = new World({ plan: planOf([...chain.steps, command("beside", ["a"])]) }).go();
  world.send({ type: "retry", step: "b", by: "ada" });
  world.go();
  expect(world.started()).toEqual(["a", "b", "beside", "c", "b", "c"]);
  expect(world.run.status).toBe("completed");
});

test("retry of a failed run: what was skipped runs too", () => {
  const world = new World({ plan: chain, script: flaky("b", 1) }).go();
  expect(world.run.status).toBe("failed");
  world.send({ type: "retry", step: "b", by: "ada" });
  world.go();
  expect(world.completed()).toEqual(["a", "b", "c"]);
  expect(world.run.status).toBe("completed");
});

test("retry of one failure leaves the other a failure, and its dependents skipped", () => {
  const steps = [command("x"), command("y"), command("after-x", ["x"]), command("after-y", ["y"])];
  let broken = true;
  const world = new World({
    plan: planOf(steps, { strategy: "continue" }),
    script: (action) => (broken ? failing("x", "y")(action) : undefined),
  }).go();
  broken = false;
  world.send({ type: "retry", step: "x", by: "ada" });
  world.go();
  expect(world.run.status).toBe("failed");
  expect(["x", "y", "after-x", "after-y"].map((it) => world.run.steps.get(it)?.status)).toEqual([
    "completed",
    "failed",
    "completed",
    "skipped",
  ]);
});

test("retry of a cancelled run goes on with everything that had not ended", () => {
  const world = new World({
    plan: chain,
    script: (action) => (isCommand(action, "a") && action.key === "a#1" ? [] : undefined),
  });
  world.send({ type: "cancel", by: "ada" });
  world.go();
  world.send({ type: "retry", step: "a", by: "ada" });
  world.go();
  expect(world.run.status).toBe("completed");
});

test("a cancel that was asked for before the run was opened again does not stop it again", () => {
  const world = new World({
    plan: chain,
    script: (action) => (isCommand(action, "a") ? [] : undefined),
  });
  world.go(1_000);
  const askedAt = world.now;
  world.send({ type: "cancel", by: "ada", askedAt });
  world.go(1_000);
  expect(world.run.status).toBe("cancelled");
  world.send({ type: "retry", step: "a", by: "ada" });
  world.send({ type: "cancel", by: "ada", askedAt });
  expect([world.run.status, world.run.cancel]).toEqual(["running", undefined]);
  world.send({ type: "cancel", by: "ada", askedAt: world.now });
  expect(world.run.cancel).toMatchObject({ by: "ada" });
});

test("a run that goes on takes no retry; an unknown step neither", () => {
  const world = new World({ plan: chain, script: () => [] });
  world.send({ type: "retry", step: "a", by: "ada" });
  world.send({ type: "cancel", by: "ada" });
  world.send({ type: "process_exited", step: "a", attempt: 1, code: 0, signal: null, output: "" });
  world.send({ type: "retry", step: "nobody", by: "ada" });
  expect(world.refused.map((it) => it.code)).toEqual(["run_going_on", "unknown_step"]);
});

test("values reach a command through its environment, never in its text", () => {
  const after = command("b", ["a"], { command: 'echo "$AR_1" {{item}}', env: { AR_1: "{{steps.a.output}}" } });
  const script = (action: Action) =>
    isCommand(action, "a") ? exits(action, { output: "$(rm -rf /) {{steps.a.output}}" }) : undefined;
  const world = new World({ plan: planOf([command("a"), after]), script }).go();
  expect(world.did("start_command")[1]).toMatchObject({
    command: 'echo "$AR_1" {{item}}',
    env: { AR_1: "$(rm -rf /) {{steps.a.output}}" },
  });
});

test("a check that needs the world is run, and the attempt waits for it", () => {
  const steps = [command("a", [], { verification: { type: "file_exists", value: "out.txt" } })];
  const world = new World({ plan: planOf(steps) }).go();
  expect(typesOf(world)).toEqual([
    "run_started",
    "attempt_started",
    "part_exited",
    "verified",
    "attempt_succeeded",
    "step_completed",
    "run_completed",
  ]);
});

test("CE1: a check that failed fails the step, whatever its status", () => {
  const steps = [command("a", [], { verification: { type: "output_contains", value: "DONE" } })];
  const world = new World({ plan: planOf(steps) }).go();
  expect(world.entries.find((it) => it.type === "step_failed")).toMatchObject({
    failure: {
      cause: "verification_mismatch",
      message: 'the check output_contains failed: expected "DONE" in the output',
    },
  });
});

test("the check exit_code really looks at the status", () => {
  const wants = (value: number): string => {
    const steps = [command("a", [], { verification: { type: "exit_code", value } })];
    return new World({
      plan: planOf(steps),
      script: (action) => (isCommand(action, "a") ? exits(action, { code: 3 }) : undefined),
    }).go().run.status;
  };
  expect([wants(3), wants(0)]).toEqual(["completed", "failed"]);
});

test("a person is asked for where the plan says so, and a retry goes on", () => {
  const world = new World({ plan: { ...chain, onExhaustion: "needs-human" }, script: flaky("b", 1) }).go();
  expect(world.entries.at(-1)).toEqual({ type: "run_needs_human", step: "b", reason: "it ended with status 1" });
  world.send({ type: "retry", step: "b", by: "ada" });
  world.go();
  expect(world.run.status).toBe("completed");
});

test("U3: what was interrupted beside a failure is not begun again, and says so", () => {
  const steps = [command("bad"), command("slow", [], { retries: 2, retryDelayMs: 0 })];
  let failures = 0;
  const world = new World({
    plan: planOf(steps),
    script: (action) => {
      if (isCommand(action, "slow")) return failures++ === 0 ? exits(action, { code: 1 }) : [];
      return { afterMs: 5, commands: exits(action, { code: 1 }) };
    },
  }).go();
  world.restart().go();
  expect(world.entries.find((it) => it.type === "step_failed" && it.step === "slow")).toMatchObject({
    failure: { message: "interrupted, and not begun again because bad had failed" },
  });
  expect(world.run.status).toBe("failed");
});

test("B3: an exhausted budget and a refusal are not retried", () => {
  const wait = {
    type: "wait_for",
    name: "ok",
    until: { what: "approval", question: "?" },
    dependsOn: [],
    retries: 3,
    retryDelayMs: 0,
  } as const;
  const world = new World({
    plan: planOf([wait]),
    script: () => [{ type: "answer", step: "ok", attempt: 1, approved: false, by: "ada" }],
  }).go();
  expect(world.started()).toHaveLength(1);
  expect(world.entries.find((it) => it.type === "step_failed")).toMatchObject({
    failure: { cause: "denied", message: "a person refused it: denied by ada" },
  });
});

test("U3: by itself the one function that says which step may start names none beside a failure", () => {
  const world = new World({ plan: planOf([command("bad"), command("next")], { maxConcurrency: 1 }), script: () => [] });
  const failure = { cause: "unknown", message: "" } as const;
  evolve(world.run, { type: "attempt_failed", step: "bad", attempt: 1, failure }, 0);
  expect(startable(world.run)?.name).toBe("next");
  evolve(world.run, { type: "step_failed", step: "bad", failure }, 0);
  expect(startable(world.run)).toBeUndefined();
});

test("what can never be started is not tried again, and what could not be started now is", () => {
  const attemptsOf = (more: { readonly final?: true }): number => {
    const world = new World({
      plan: planOf([command("a", [], { retries: 2 })]),
      script: (action) =>
        action.do === "start_command"
          ? [{ type: "process_failed", step: action.step, attempt: action.attempt, message: "too long", ...more }]
          : undefined,
    }).go();
    expect(world.entries.at(-1)).toMatchObject({ type: "run_failed", reason: "a failed: too long" });
    return world.started().length;
  };
  expect([attemptsOf({}), attemptsOf({ final: true })]).toEqual([3, 1]);
});
