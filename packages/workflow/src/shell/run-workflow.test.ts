import { expect, test, vi } from "vitest";
import { workflow } from "../builder.ts";
import { InvalidWorkflow } from "../definition/invalid-workflow.ts";
import type { Executor } from "./executor.ts";
import type { WorkflowEvent } from "./run-handle.ts";
import { resume, runsInMemory, runWorkflow, startWorkflow } from "./run-workflow.ts";

const commands = () =>
  workflow("flow")
    .pattern("dag")
    .step("one", { type: "deterministic", command: "one" })
    .step("two", { type: "deterministic", command: "echo {{steps.one.output}}", dependsOn: ["one"] });

const supervised = () =>
  workflow("team")
    .pattern("dag")
    .agent("boss", { cli: "claude", role: "lead" })
    .agent("ada", { cli: "codex", role: "developer" })
    .agent("rev", { cli: "claude", preset: "reviewer", interactive: true })
    .step("build", { agent: "ada", task: "Build it." });

/** Commands answer what they are, places filled in. */
const echo: Executor = {
  command: ({ command, env }) =>
    Object.entries(env).reduce((text, [name, value]) => `${text} ${name}=${value}`, command),
};

test("a run with an executor needs no agents and no broker, and its result says what came of every step", async () => {
  const result = await commands().run({ executor: echo });
  expect(result.status).toBe("completed");
  expect(result.outputs["one"]).toBe("one");
  expect(result.outputs["two"]).toMatch(/^echo .*=one$/u);
  expect(result.steps["two"]).toMatchObject({ status: "completed", attempts: 1 });
  expect(result.trajectory.steps.map(({ step }) => step)).toEqual(["one", "two"]);
});

test("a step that fails is told with its cause, and what depends on it is skipped", async () => {
  const result = await commands().run({ executor: { command: () => ({ exitCode: 3, output: "broken" }) } });
  expect(result).toMatchObject({
    status: "failed",
    steps: { one: { status: "failed", cause: "exit_nonzero", exitCode: 3 }, two: { status: "skipped" } },
    outputs: {},
  });
  expect(result.error).toContain("one");
});

test("RW1: what is wrong with a workflow is told all together, and nothing has begun", async () => {
  const command = vi.fn(() => "");
  const wrong = workflow("x").step("a", { type: "deterministic", command: "x", dependsOn: ["nobody", "nothing"] });
  const thrown: unknown = await wrong.run({ executor: { command } }).catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(InvalidWorkflow);
  expect((thrown as InvalidWorkflow).problems.length).toBeGreaterThan(1);
  expect((thrown as InvalidWorkflow).message).toContain("nobody");
  expect(command).not.toHaveBeenCalled();
});

test("a dry run describes and does nothing", async () => {
  const command = vi.fn(() => "");
  const plan = await commands().run({ dryRun: true, executor: { command } });
  expect(plan.waves.map(({ steps }) => steps.map(({ name }) => name))).toEqual([["one"], ["two"]]);
  expect(command).not.toHaveBeenCalled();
});

test("H1: a listener hears every event in order, all of them before the result", async () => {
  const heard: WorkflowEvent[] = [];
  const { runId } = await commands().run({ executor: echo, onEvent: (event) => void heard.push(event) });
  expect(heard.map((it) => ("step" in it ? `${it.type} ${it.step}` : it.type))).toEqual([
    "run:started",
    "step:started one",
    "step:completed one",
    "step:started two",
    "step:completed two",
    "run:completed",
  ]);
  expect(heard.every((it) => it.runId === runId && it.at > 0)).toBe(true);
});

test("H1: events as an iterable end with the run, and each iteration begins at the beginning", async () => {
  const run = await commands().start({ executor: echo });
  const read = async (): Promise<string[]> => {
    const types: string[] = [];
    for await (const event of run.events()) types.push(event.type);
    return types;
  };
  const [first, second] = await Promise.all([read(), read()]);
  expect(first.at(0)).toBe("run:started");
  expect(first.at(-1)).toBe("run:completed");
  expect(second).toEqual(first);
  await run.result();
});

test("H2: listeners that throw, at once or later, are told of; the run and the others hear everything", async () => {
  const heard: string[] = [];
  const told: unknown[] = [];
  const run = await commands().start({ executor: echo, onListenerError: (error) => void told.push(error) });
  run.on(() => {
    throw new Error("at once");
  });
  run.on(() => Promise.reject(new Error("later")));
  run.on(({ type }) => void heard.push(type));
  expect((await run.result()).status).toBe("completed");
  expect(heard).toHaveLength(6);
  expect(told.map(String)).toEqual(expect.arrayContaining(["Error: at once", "Error: later"]));
  expect(told).toHaveLength(12);
});

test("a listener that has been taken off hears nothing more", async () => {
  const heard: string[] = [];
  let goOn: (text: string) => void = () => undefined;
  const gate = new Promise<string>((resolve) => (goOn = resolve));
  const run = await commands().start({ executor: { command: () => gate } });
  const off = run.on(({ type }) => {
    heard.push(type);
    if (type === "step:started") off();
  });
  await expect.poll(() => heard).toContain("step:started");
  goOn("done");
  await run.result();
  expect(heard).toEqual(["run:started", "step:started"]);
});

test("X1, X4: a supervised step: the specialist works, then the owner decides on it, then the reviewer approves", async () => {
  const calls: string[] = [];
  const result = await supervised().run({
    executor: {
      agent: ({ part, agent, output, prompt }) => {
        calls.push(`${part} ${agent.name}`);
        if (part === "specialist") {
          expect(prompt).toContain("Build it.");
          return "built";
        }
        if (part === "owner") {
          expect(output).toBe("built");
          return { decision: "COMPLETE", reason: "it is there" };
        }
        return { decision: "APPROVE", reason: "fine" };
      },
    },
  });
  expect(calls).toEqual(["specialist ada", "owner boss", "reviewer rev"]);
  expect(result.status).toBe("completed");
  expect(result.outputs["build"]).toContain("built");
  expect(result.trajectory.steps[0]?.attempts[0]?.decisions).toMatchObject([
    { who: "owner", decision: "COMPLETE", reason: "it is there" },
    { who: "reviewer", decision: "approved", reason: "fine" },
  ]);
});

test("X1: a rejection fails the attempt, and the next one is told why", async () => {
  const prompts: string[] = [];
  let reviews = 0;
  const result = await supervised()
    .step("again", { agent: "ada", task: "Do it.", retries: 1 })
    .run({
      executor: {
        agent: ({ part, step, prompt }) => {
          if (part === "specialist" && step === "again") prompts.push(prompt);
          if (part !== "reviewer") return "done";
          if (step !== "again") return "REVIEW_DECISION: APPROVE";
          reviews += 1;
          return reviews === 1 ? "REVIEW_DECISION: REJECT\nREVIEW_REASON: no tests" : { decision: "APPROVE" };
        },
      },
    });
  expect(result.status).toBe("completed");
  expect(prompts).toHaveLength(2);
  expect(prompts[1]).toContain("no tests");
});

test("X1: an agent's function that throws fails the attempt; a reviewer that never decides does too", async () => {
  const thrown = await supervised().run({
    executor: {
      agent: () => {
        throw new Error("out of credit");
      },
    },
  });
  expect(thrown.steps["build"]).toMatchObject({ status: "failed", cause: "agent_failed" });
  const silent = await supervised().run({ executor: { agent: () => "I like it" } });
  expect(silent.steps["build"]).toMatchObject({ status: "failed", cause: "review_missing" });
});

test("X2: without a function for agents and without a broker a step fails and says what is missing", async () => {
  const result = await supervised().run({ executor: {} });
  expect(result.steps["build"]?.error).toContain("give the executor a function `agent`");
});

test("X2: a wait for a message needs a function; an approval is given by the handle", async () => {
  const waiting = workflow("w").step("wait", { type: "wait_for", wait_for: { message: { contains: "go" } } });
  expect((await waiting.run({ executor: {} })).steps["wait"]?.error).toContain("function `wait`");
  expect((await waiting.run({ executor: { wait: () => "came" } })).outputs["wait"]).toBe("came");
  const asking = await workflow("a")
    .step("ask", { type: "wait_for", wait_for: { approval: "Ship?" } })
    .start({ executor: {} });
  asking.on(({ type }) => void (type === "step:started" && asking.approve("ask")));
  expect((await asking.result()).outputs["ask"]).toContain("approved");
});

test("an answer is refused where no person is asked, with what was found and who is asked", async () => {
  const run = await workflow("a")
    .step("mail", { type: "wait_for", wait_for: { message: { contains: "go" } } })
    .step("ask", { type: "wait_for", wait_for: { approval: "Ship?" } })
    .step("late", { type: "wait_for", wait_for: { approval: "Sure?" }, dependsOn: ["ask"] })
    .start({ executor: { wait: () => new Promise(() => undefined) } });
  await new Promise<void>((resolve) => {
    run.on((event) => {
      if (event.type === "step:started" && event.step === "ask") resolve();
    });
  });
  await expect(run.approve("mail")).rejects.toMatchObject({
    code: "invalid_request",
    message: "expected a step that waits for a person, found 'mail', which waits for something else",
    hint: "those that wait are ask",
  });
  await expect(run.deny("late")).rejects.toThrow(/found 'late', which has not begun/u);
  await expect(run.deny("nobody")).rejects.toThrow(/found 'nobody', which is no step of the run/u);
  await run.cancel();
  expect((await run.result()).status).toBe("cancelled");
  await expect(run.approve("ask")).rejects.toThrow(/found 'ask', which is not under way/u);
});

test("X3: aborting the signal cancels: what runs is told, and the result says so", async () => {
  const stop = new AbortController();
  let told = false;
  const result = commands().run({
    signal: stop.signal,
    executor: {
      command: ({ signal }) =>
        new Promise(() => {
          signal.addEventListener("abort", () => (told = true));
          stop.abort();
        }),
    },
  });
  expect((await result).status).toBe("cancelled");
  expect(told).toBe(true);
});

test("checks that are commands are the executor's, too", async () => {
  const purposes: string[] = [];
  const result = await workflow("c")
    .step("one", { type: "deterministic", command: "make", verification: { type: "tests", value: "make test" } })
    .run({
      executor: {
        command: ({ purpose, command }) => {
          purposes.push(`${purpose}: ${command}`);
          return purpose === "check" ? { exitCode: 1, output: "2 failed" } : "";
        },
      },
    });
  expect(purposes).toEqual(["step: make", "check: make test"]);
  expect(result.steps["one"]).toMatchObject({ status: "failed", cause: "verification_mismatch" });
});

test("H3: resuming a run that failed tries what failed again, and nothing that was completed", async () => {
  const runs = runsInMemory();
  const ran: string[] = [];
  const executor = (fails: boolean): Executor => ({
    command: ({ step }) => {
      ran.push(step);
      return { exitCode: fails && step === "two" ? 1 : 0, output: step };
    },
  });
  const first = await commands().run({ runs, executor: executor(true) });
  expect(first.status).toBe("failed");
  const heard: string[] = [];
  const second = await resume(first.runId, {
    runs,
    executor: executor(false),
    onEvent: ({ type }) => void heard.push(type),
  });
  expect(second).toMatchObject({ status: "completed", outputs: { one: "one", two: "two" } });
  expect(ran).toEqual(["one", "two", "two"]);
  expect(heard.at(0)).not.toBe("run:started");
  expect(heard.at(-1)).toBe("run:completed");
  expect((await resume(first.runId, { runs, executor: echo })).status).toBe("completed");
  expect(ran).toHaveLength(3);
});

test("H3: a run that was left is gone on with from where it was", async () => {
  const runs = runsInMemory();
  const ran: string[] = [];
  const run = await commands().start({
    runs,
    executor: {
      command: ({ step }) => {
        ran.push(step);
        return step === "one" ? "1" : new Promise(() => undefined);
      },
    },
  });
  await expect.poll(() => ran).toEqual(["one", "two"]);
  await run.detach();
  await expect(run.result()).rejects.toMatchObject({ code: "cancelled" });
  const result = await resume(run.runId, {
    runs,
    executor: {
      command: ({ step }) => {
        ran.push(step);
        return "2";
      },
    },
  });
  expect(result.outputs).toEqual({ one: "1", two: "2" });
  expect(ran).toEqual(["one", "two", "two"]);
});

test("resuming a run that is not there is refused", async () => {
  await expect(resume("nope", { runs: runsInMemory() })).rejects.toThrow(/expected the id of a run, found 'nope'/u);
});

test("a file is run like a document; one that is not there is a problem like any other", async () => {
  await expect(runWorkflow("/nowhere/flow.yaml")).rejects.toThrow(InvalidWorkflow);
  const run = await startWorkflow(commands().toConfig(), { executor: echo });
  expect((await run.result()).status).toBe("completed");
});

test("a dry run tells of directories that are not there, and how programs are started", async () => {
  const plan = await workflow("d")
    .timeout(60_000)
    .agent("bob", { cli: "claude", preset: "worker", model: "opus" })
    .step("one", { type: "deterministic", command: "ls", cwd: "nowhere" })
    .step("two", { agent: "bob", task: "Do it." })
    .run({ dryRun: true, cwd: import.meta.dirname });
  expect(plan.warnings.map(({ code, step }) => `${code} ${step ?? ""}`).toSorted()).toEqual(["CWD_MISSING one"]);
  const two = plan.waves.flatMap(({ steps }) => steps).find(({ name }) => name === "two");
  expect(two?.argv).toEqual(["claude", "--permission-mode", "acceptEdits", "--model", "opus", "-p"]);
  expect(two?.stdin).toBe("<prompt>");
});
