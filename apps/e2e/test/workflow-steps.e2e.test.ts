/** Everything that a step can be, and what a run keeps to, under a real broker, in a real repository. */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import type { Relay } from "@agent-relay/sdk";
import { scriptedAgentPath } from "@agent-relay/testkit";
import { runPerformer } from "@agent-relay/workflow";
import { beforeAll, expect, test } from "vitest";
import { commandLineOf, until, type Stage } from "./stage.ts";
import {
  becomes,
  decidesByTool,
  makeRepository,
  outOfTimeSoon,
  outputsOf,
  owner,
  plays,
  program,
  rule,
  runTimeoutMs,
  says,
  script,
  team,
  useTheatre,
  worker,
  type Theatre,
} from "./workflow-cast.ts";

let stage: Stage;
let relay: Relay;
let theatre: Theatre;

useTheatre((it) => ({ stage, relay, theatre } = it));
beforeAll(() => makeRepository(stage));

const inProject = (name: string): string => path.join(stage.project, name);
const steps = (...list: readonly object[]) => ({
  swarm: { pattern: "dag", timeoutMs: runTimeoutMs },
  workflows: [{ name: "main", steps: list }],
});

test("wait_for a message: what fits comes through, also when it came while no runner ran", async () => {
  await relay.channel("news").create();
  const plan = theatre.plan(
    steps(
      { name: "first", command: "true" },
      { name: "wait", wait_for: { message: { channel: "news", contains: "green" } }, dependsOn: ["first"] },
    ),
  );
  const runId = await theatre.begin(plan);
  const stop = new AbortController();
  const gone = theatre.runs.execute(runId, { performer: runPerformer(relay), signal: stop.signal });
  await becomes(theatre.runs, runId, "attempt_started", "wait");
  await relay.channel("news").post("all red");
  stop.abort();
  await gone;
  await relay.channel("news").post("all green");
  for (let index = 0; index < 250; index += 1) await relay.channel("news").post(`noise ${index}`);
  const played = await theatre.execute(runId);
  expect([played.status, outputsOf(played.recorded)["wait"]]).toEqual(["completed", "all green"]);
});

test("wait_for an event of an agent", async () => {
  const runId = await theatre.begin(
    theatre.plan(steps({ name: "wait", wait_for: { event: { type: "agent_exited", agent: "guest" } } })),
  );
  const done = theatre.execute(runId);
  await becomes(theatre.runs, runId, "attempt_started", "wait");
  const guest = await stage.play(relay, "guest", worker);
  await guest.handle.release();
  const played = await done;
  expect(JSON.parse(outputsOf(played.recorded)["wait"] ?? "{}")).toMatchObject({
    type: "agent_exited",
    agent: "guest",
  });
});

test("an approval that a person refuses fails the step, and a message that says yes is none", async () => {
  const runId = await theatre.begin(
    theatre.plan(steps({ name: "ask", wait_for: { approval: "Ship it?" }, retries: 3 })),
  );
  const done = theatre.execute(runId);
  await becomes(theatre.runs, runId, "attempt_started", "ask");
  await relay.channel("wf-main").create();
  await relay.channel("wf-main").post("approved");
  await theatre.runs.answer(runId, { step: "ask", attempt: 1, by: "ada", approved: false });
  const played = await done;
  expect([played.status, played.causes]).toEqual(["failed", ["denied"]]);
});

test("a worktree step makes a worktree of the repository, and the next step works in it", async () => {
  const played = await theatre.run(
    steps(
      { name: "tree", type: "worktree", branch: "feature", verification: { type: "file_exists", value: ".gitignore" } },
      {
        name: "work",
        command: "cd {{steps.tree.output}} && git branch --show-current",
        dependsOn: ["tree"],
      },
    ),
  );
  expect(outputsOf(played.recorded)).toMatchObject({ tree: inProject(".worktrees/feature"), work: "feature\n" });
});

test("runs that want the same worktree at once get it, whole, one after the other", async () => {
  const hook = path.join(stage.project, ".git/hooks/post-checkout");
  writeFileSync(hook, "#!/bin/sh\nsleep 1\necho whole >filled\n", { mode: 0o755 });
  const plan = theatre.plan(
    steps(
      { name: "tree", type: "worktree", branch: "shared" },
      { name: "look", command: "cat {{steps.tree.output}}/filled", dependsOn: ["tree"] },
    ),
  );
  const played = await Promise.all([1, 2, 3].map(async () => theatre.execute(await theatre.begin(plan))));
  rmSync(hook);
  expect(played.map(({ status, causes }) => [status, causes])).toEqual([1, 2, 3].map(() => ["completed", []]));
  expect(played.map(({ recorded }) => outputsOf(recorded)["look"])).toEqual(["whole\n", "whole\n", "whole\n"]);
});

test("an agent that takes one prompt gets it as it is, has its words as its output, and is ended with its group", async () => {
  const claude = program(stage, "claude", ['printf "<%s>\\n" "$@" "$(cat)"']);
  const slow = program(stage, "codex", ["sleep 600 & wait"]);
  const agents = [
    { name: "asked", cli: claude, interactive: false, constraints: { model: "small" } },
    { name: "slow", cli: slow, preset: "worker" },
  ];
  const task = "say \"$(touch was-run)\" '; touch was-run; '";
  const played = await theatre.run({ ...steps({ name: "ask", agent: "asked", task }), agents });
  expect(outputsOf(played.recorded)["ask"]).toBe(
    `${["--permission-mode", "acceptEdits", "--model", "small", "-p", task].map((it) => `<${it}>`).join("\n")}\n`,
  );
  expect(existsSync(inProject("was-run"))).toBe(false);
  const late = await theatre.run({ ...steps({ name: "wait", agent: "slow", task: "t", timeoutMs: 700 }), agents });
  expect(late.causes).toEqual(["timeout"]);
  expect(stage.processes().filter((pid) => commandLineOf(pid).startsWith("sleep"))).toEqual([]);
});

test("a reviewer that takes one prompt decides by its words", async () => {
  const cli = program(stage, "gemini", ['echo "REVIEW_DECISION: REJECT"', 'echo "REVIEW_REASON: no"']);
  const document = team({ lead: owner.byTool });
  const agents = [...(document["agents"] as readonly object[]), { name: "critic", cli, preset: "reviewer" }];
  const played = await theatre.run({
    ...document,
    agents,
    workflows: [{ name: "main", steps: [{ name: "build", agent: "builder", task: "Build it." }] }],
  });
  expect(played.told.find((it) => it.type === "step:review-completed")).toMatchObject({
    reviewerName: "critic",
    decision: "rejected",
    reason: "no",
  });
});

test("the pattern says who may write to whom, and the broker keeps to it", async () => {
  const obeys = script(rule("mail (\\S+)", { send: { to: "{{1}}", text: "psst" } }));
  const play = async (pattern: string): Promise<string> => {
    const agents = ["left", "right"].map((name) => ({ name, cli: plays(obeys) }));
    const list = ["left", "right"].map((name) => ({ name, agent: name, task: "Wait.", owner: name, reviewer: "none" }));
    const plan = theatre.plan({ agents, workflows: [{ name: "main", steps: list }], swarm: { pattern } });
    const runId = await theatre.begin(plan);
    const done = theatre.execute(runId);
    const started = (step: string): Promise<string> =>
      until(
        async () =>
          (await theatre.runs.read(runId))
            .flatMap(({ entry }) => (entry.type === "agent_started" && entry.step === step ? [entry.agent] : []))
            .at(0),
        `${step} is there`,
      );
    const [left, right] = [await started("left"), await started("right")];
    const { messageId } = await relay.send({ to: left, body: `mail ${right}` });
    const shows = async (): Promise<string> =>
      Buffer.from((await relay.client.call("terminal.read", { name: left })).data, "base64").toString();
    const came = async (): Promise<string | false> => {
      const { messages } = await relay.history({ limit: 20 });
      if (messages.some((it) => it.from === left && it.body === "psst")) return "delivered";
      return (await shows()).includes("may not write to") ? "refused" : false;
    };
    const outcome = await until(came, `something becomes of ${messageId}`);
    await theatre.runs.cancel(runId, "ada");
    await done;
    return outcome;
  };
  expect([await play("mesh"), await play("fan-out")]).toEqual(["delivered", "refused"]);
});

test("tokens that programs say they use count against the budget of the run and of the agent", async () => {
  const spends = (outputTokens: number) =>
    script(rule(undefined, { hook: { type: "tokens", inputTokens: 100, outputTokens } }, { busy: 86_400_000 }));
  const swarm = { timeoutMs: runTimeoutMs, tokenBudget: 1_000 };
  const within = await theatre.run(
    team(
      {
        builder: script(
          rule(
            undefined,
            { hook: { type: "tokens", inputTokens: 100, outputTokens: 5 } },
            ...decidesByTool("COMPLETE", "ok", "build"),
          ),
        ),
      },
      {},
      { swarm },
    ),
  );
  expect([within.status, within.trajectory.tokens]).toEqual(["completed", 105]);
  const over = await theatre.run(team({ builder: spends(950) }, {}, { swarm }));
  expect([over.status, over.trajectory.reason]).toEqual(["failed", "the run used 1050 tokens, of 1000 that it may"]);
  const agents = [{ name: "builder", cli: plays(spends(10)), constraints: { maxTokens: 100 } }];
  const own = await theatre.run({ ...team({ builder: worker }, { retries: 2 }), agents });
  expect(own.causes).toEqual(["budget"]);
});

test("what the worker changed and posted is noted as evidence", async () => {
  const cli = program(stage, "maker", [
    "echo made > made.txt",
    `exec '${process.execPath}' '${scriptedAgentPath()}' --script '${JSON.stringify(
      script(
        rule(undefined, { send: { to: "#desk", text: "I made it" } }, ...decidesByTool("COMPLETE", "made", "build")),
      ),
    )}'`,
  ]);
  const document = team({ builder: worker }, { verification: { type: "git_diff", value: "made.txt" } });
  const played = await theatre.run({
    ...document,
    swarm: { channel: "desk", timeoutMs: runTimeoutMs },
    agents: [{ name: "builder", cli }],
  });
  expect([played.status, played.trajectory.steps[0]?.attempts[0]?.by]).toEqual(["completed", "verification"]);
  const notes = played.trajectory.steps[0]?.attempts[0]?.notes ?? [];
  expect(notes.map(({ kind, text }) => [kind, text])).toEqual(
    expect.arrayContaining([
      ["channel_post", "#desk: I made it"],
      ["file_changed", "created made.txt"],
    ]),
  );
});

test("failures and the end of a run are posted where the file says", async () => {
  const played = await theatre.run({
    ...steps({ name: "bad", command: "exit 3" }, { name: "good", command: "sleep 0.2" }),
    errorHandling: { strategy: "continue", notifyChannel: "alerts" },
  });
  const { messages } = await relay.channel("alerts").history({ limit: 10 });
  expect(messages.map((it) => it.body).toSorted()).toEqual([
    `The run ${played.runId} of main has failed: bad failed: it ended with status 3`,
    "The step bad has failed: it ended with status 3",
  ]);
});

test("a repair agent mends what made a step fail for good, and the step is tried once more", async () => {
  const cli = program(stage, "mender", [
    "touch mended",
    `exec '${process.execPath}' '${scriptedAgentPath()}' --script '${JSON.stringify(script(rule(undefined, { exit: 0 })))}'`,
  ]);
  const played = await theatre.run({
    ...steps({ name: "check", command: "test -f mended" }),
    agents: [{ name: "mender", cli, role: "mends" }],
    errorHandling: { repairAgent: "mender" },
  });
  expect([played.status, played.trajectory.steps.find((it) => it.step === "check")?.repairs]).toEqual(["completed", 1]);
});

test("what cannot be mended asks for a person, and goes on when one has helped", async () => {
  const runId = await theatre.begin(
    theatre.plan({
      ...steps({ name: "check", command: "test -f helped" }, { name: "after", command: "true", dependsOn: ["check"] }),
      errorHandling: { onExhaustion: "needs-human" },
    }),
  );
  expect((await theatre.execute(runId)).status).toBe("needs_human");
  writeFileSync(inProject("helped"), "");
  expect(await theatre.runs.retry(runId, "check", "ada")).toBeUndefined();
  expect((await theatre.execute(runId)).status).toBe("completed");
});

test("agents for each item of a list, as many at a time as it says, in a workflow inside another", async () => {
  const each = script(
    rule("item (\\w+)", { say: "did {{1}}" }, { busy: 150 }, { say: "STEP_COMPLETE:all/page[0]" }, { exit: 0 }),
  );
  const played = await theatre.run({
    swarm: { pattern: "dag", timeoutMs: runTimeoutMs },
    agents: [{ name: "hand", cli: plays(each) }],
    workflows: [
      { name: "main", steps: [{ name: "all", workflow: "inner" }] },
      {
        name: "inner",
        steps: [
          {
            name: "page",
            agent: "hand",
            task: "Do item {{item}}.",
            reviewer: "none",
            for_each: { items: ["a", "b", "c"], maxConcurrency: 2 },
            verification: { type: "output_contains", value: "did" },
          },
        ],
      },
    ],
  });
  expect(played.status).toBe("completed");
  const list = JSON.parse(outputsOf(played.recorded)["all/page"] ?? "[]") as readonly string[];
  expect(list.map((it) => /did (\w)/u.exec(it)?.[1])).toEqual(["a", "b", "c"]);
  let under = 0;
  let most = 0;
  for (const { entry } of played.recorded) {
    if (!("step" in entry) || !/\[\d\]$/u.test(entry.step)) continue;
    if (entry.type === "attempt_started") most = Math.max(most, (under += 1));
    if (entry.type === "attempt_succeeded") under -= 1;
  }
  expect(most).toBe(2);
});

test("a barrier for any of several steps is passed with the first, and shared state is a directory for all", async () => {
  const played = await theatre.run({
    ...steps(
      // It ends after what waits for the first of the two, or never.
      { name: "slow", command: "until test -e after-ran; do sleep 0.05; done" },
      { name: "fast", command: "echo shared > .agent-relay/state/board/note" },
      { name: "after", command: "cat .agent-relay/state/board/note; touch after-ran", dependsOn: ["first"] },
    ),
    coordination: { barriers: [{ name: "first", waitFor: ["slow", "fast"], mode: "any" }] },
    state: { namespace: "board" },
  });
  expect([played.status, outputsOf(played.recorded)["after"]]).toEqual(["completed", "shared\n"]);
  expect(played.trajectory.reflections).toMatchObject([{ on: "barrier", step: "first" }]);
});

test("a command that does not exist, and a program that does not, fail with what the system says", async () => {
  const command = await theatre.run(steps({ name: "run", command: "no-such-command" }));
  expect(command.causes).toEqual(["exit_nonzero"]);
  const agents = [{ name: "ghost", cli: "/no/such/program" }];
  const agent = await theatre.run({ ...steps({ name: "run", agent: "ghost", task: "t", reviewer: "none" }), agents });
  expect(agent.causes).toEqual(["spawn_failed"]);
});

test("silence alone is no answer: a lone worker that only says something is not done", async () => {
  const runId = await theatre.begin(theatre.plan(team({ builder: says("hm") }, outOfTimeSoon)));
  const done = theatre.execute(runId);
  await becomes(theatre.runs, runId, "agent_idle");
  await theatre.timePasses(runId);
  const played = await done;
  expect(played.causes).toEqual(["owner_timeout"]);
});
