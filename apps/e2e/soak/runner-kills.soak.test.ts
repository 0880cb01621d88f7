/**
 * The runner is killed again and again, at moments that a seed decides, while it has runs of thirty steps done; sometimes
 * the broker is killed with it, and sometimes an agent while nobody looks. Every run must come to the same end.
 *
 *   RUNNER_KILLS=100   how often the runner is killed
 *   BOTH=0.25          the share of kills at which the broker dies, too
 *   WITH_AGENT=0.06    the share of kills at which an agent dies while no runner runs
 *   SEED=…             repeats a run's random choices; the seed of each is printed
 *   KEEP_LOGS=folder   where a run that does not end leaves its entries and the broker's events
 *   WRITE=1            writes the section of docs/benchmarks.md
 */
import { spawn, type ChildProcess } from "node:child_process";
import { chmodSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { seededRandom } from "@agent-relay/testkit";
import type { Relay } from "@agent-relay/sdk";
import { openRuns, type Recorded, type Runs } from "@agent-relay/workflow";
import { afterAll, beforeAll, expect, test } from "vitest";
import { commandLineOf, openStage, program, until, type Stage } from "../test/stage.ts";
import { allEvents } from "./log-checks.ts";
import { brokenIn, endOf, marksIn } from "./run-checks.ts";
import { replaceSection } from "./sections.ts";
import { agentSteps, asked, thirtySteps, workScript } from "./thirty-steps.ts";

const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const kills = Number(process.env["RUNNER_KILLS"] ?? 100);
const both = Number(process.env["BOTH"] ?? 0.25);
/** Enough that every soak has some. */
const withAgent = Number(process.env["WITH_AGENT"] ?? 0.06);
/** The share of runners that die before they have taken anything up. */
const WHILE_STARTING = 0.1;
const LIFE_MS_MAX = 700;
/** Short, so that the next runner need not wait long for what the dead one holds. */
const LEASE_MS = 800;
const DONE_WITHIN_MS = 60_000;

const random = seededRandom(seed);

let stage: Stage;
let relay: Relay;
let runs: Runs;
let undisturbed: Readonly<Record<string, string>>;

const counts = { runs: 0, runner: 0, broker: 0, agents: 0, interrupted: 0, attempts: 0, entries: 0, reattached: 0 };
let secondsUndisturbed = 0;

beforeAll(async () => {
  process.stdout.write(`runner kills: SEED=${seed} RUNNER_KILLS=${kills} BOTH=${both} WITH_AGENT=${withAgent}\n`);
  stage = openStage();
  const work = path.join(stage.project, "work");
  writeFileSync(work, workScript);
  chmodSync(work, 0o755);
  await stage.startBroker();
  relay = await stage.connect();
  runs = openRuns(relay);
});

afterAll(async () => {
  expect(await stage.clear()).toEqual([]);
});

test("K1–K3: a run that nobody disturbs completes its thirty steps", async () => {
  const startedAt = Date.now();
  const runner = startRunner();
  const { runId, over } = await begin();
  await ended(runId);
  secondsUndisturbed = (Date.now() - startedAt) / 1_000;
  await over();
  await stopped(runner);
  const recorded = await runs.read(runId);
  undisturbed = endOf(recorded, agentSteps);
  expect(undisturbed["the run"]).toBe("run_completed");
  // Thirty that work, and two that only hold others.
  expect(Object.keys(undisturbed).filter((it) => it !== "the run")).toHaveLength(32);
  expect(await broken(runId, recorded, [])).toEqual([]);
});

test(`K1–K4: the same end, though the runner is killed ${kills} times`, async () => {
  const startedAt = Date.now();
  while (counts.runner < kills) await disturbedRun();
  const seconds = Math.round((Date.now() - startedAt) / 1_000);
  process.stdout.write(`${JSON.stringify({ ...counts, seconds })}\n`);
  if (process.env["WRITE"] === "1") writeSection(seconds);
});

async function disturbedRun(): Promise<void> {
  counts.runs += 1;
  const { runId, over } = await begin();
  const agentKills: string[] = [];
  let runner = startRunner();
  for (;;) {
    if (counts.runner >= kills) break;
    const lived = await livesUntil(runner, runId);
    runner = lived.runner;
    if (!lived.hasCome) break;
    runner.child.kill("SIGKILL");
    const isBoth = random() < both;
    if (isBoth) await stage.killBroker();
    await runner.gone;
    counts.runner += 1;
    if (isBoth) {
      counts.broker += 1;
      await stage.startBroker();
    }
    if (random() < withAgent) await killAnAgent(runId, agentKills);
    else counts.reattached += (await liveAgents(runId)).length;
    runner = startRunner();
    if (counts.runner % 20 === 0) process.stdout.write(`${counts.runner} kills in ${counts.runs} runs\n`);
  }
  if (runner.isGone()) runner = startRunner();
  const keepRunning = setInterval(() => {
    // One that lost its lease on a slow machine has left.
    if (runner.isGone()) runner = startRunner();
  }, 200);
  await ended(runId).finally(() => clearInterval(keepRunning));
  await over();
  await stopped(runner);
  const recorded = await runs.read(runId);
  expect(endOf(recorded, agentSteps)).toEqual(undisturbed);
  expect(await broken(runId, recorded, agentKills)).toEqual([]);
  counts.entries += recorded.length;
  for (const { entry } of recorded) {
    if (entry.type === "attempt_started") counts.attempts += 1;
    if (entry.type === "attempt_interrupted") counts.interrupted += 1;
  }
}

interface Lived {
  /** Who executes the run now: one that found the lease of a dead one has left, and another came. */
  readonly runner: Runner;
  /** The moment of a kill; false if the run has ended before. */
  readonly hasCome: boolean;
}

async function livesUntil(first: Runner, runId: string): Promise<Lived> {
  const early = random() < WHILE_STARTING;
  const life = random() * LIFE_MS_MAX;
  let runner = first;
  while (!early) {
    await until(
      async () => runner.executes() || runner.isGone() || (await hasEnded(runId)),
      "the runner takes the run up",
      DONE_WITHIN_MS,
    );
    if (await hasEnded(runId)) return { runner, hasCome: false };
    if (runner.executes() && !runner.isGone()) break;
    runner = startRunner();
  }
  await new Promise((resolve) => setTimeout(resolve, life));
  return { runner, hasCome: !(await hasEnded(runId)) };
}

interface Runner {
  readonly child: ChildProcess;
  readonly gone: Promise<void>;
  readonly isGone: () => boolean;
  readonly executes: () => boolean;
}

/** The hidden command of the built program. */
function startRunner(): Runner {
  const args = [program, "runner", "--json", "--lease", `${LEASE_MS}ms`, "--project", stage.project];
  const child = spawn(process.execPath, args, {
    cwd: stage.project,
    env: stage.environment,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  return {
    child,
    gone,
    isGone: () => child.exitCode !== null || child.signalCode !== null,
    executes: () => out.includes('"executes"'),
  };
}

async function stopped(runner: Runner): Promise<void> {
  runner.child.kill("SIGTERM");
  await runner.gone;
}

/** Begins a run, with a person who says yes when asked. */
async function begin(): Promise<{ readonly runId: string; readonly over: () => Promise<void> }> {
  for (const name of readdirSync(stage.project))
    if (/^(ran|overlaps|failed|made|lock-.*)$/u.test(name)) rmSync(path.join(stage.project, name));
  const runId = await runs.create(thirtySteps(), { vars: {}, cwd: stage.project });
  const stop = new AbortController();
  const answering = (async () => {
    for await (const { entry } of runs.follow(runId, { signal: stop.signal }))
      if (entry.type === "attempt_started" && entry.step === asked)
        await runs.answer(runId, { step: asked, attempt: entry.attempt, by: "ada", approved: true });
  })();
  answering.catch(() => undefined);
  return {
    runId,
    over: async () => {
      stop.abort();
      await answering;
    },
  };
}

async function hasEnded(runId: string): Promise<boolean> {
  const { runs: newest } = await runs.list({ limit: 1 });
  return newest[0]?.runId === runId && newest[0].status !== "running";
}

async function ended(runId: string): Promise<void> {
  await until(() => hasEnded(runId), `the run ${runId} ends`, DONE_WITHIN_MS).catch(async (error: unknown) => {
    const lines = (list: readonly unknown[]): string => list.map((it) => `${JSON.stringify(it)}\n`).join("");
    const recorded = await runs.read(runId);
    process.stdout.write(lines(recorded.slice(-30)));
    const folder = process.env["KEEP_LOGS"];
    if (folder !== undefined) {
      writeFileSync(path.join(folder, "run.jsonl"), lines(recorded));
      writeFileSync(path.join(folder, "events.jsonl"), lines(await allEvents(relay)));
    }
    throw error;
  });
}

async function liveAgents(runId: string): Promise<readonly { readonly step: string; readonly pid: number }[]> {
  const recorded = await runs.read(runId);
  const steps = new Map(
    recorded.flatMap(({ entry }) => (entry.type === "agent_started" ? [[entry.agent, entry.step] as const] : [])),
  );
  return (await relay.who()).flatMap(({ name, pid }) => {
    const step = steps.get(name);
    return step === undefined || pid === null ? [] : [{ step, pid }];
  });
}

async function killAnAgent(runId: string, agentKills: string[]): Promise<void> {
  const [agent] = await liveAgents(runId);
  if (agent === undefined) return;
  try {
    process.kill(agent.pid, "SIGKILL");
  } catch {
    return; // It has just left.
  }
  counts.agents += 1;
  agentKills.push(agent.step);
}

async function broken(
  runId: string,
  recorded: readonly Recorded[],
  agentKills: readonly string[],
): Promise<readonly string[]> {
  const text = (name: string): string => {
    const file = path.join(stage.project, name);
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  };
  const events = await allEvents(relay);
  const left = await stage.leftOver(relay, 5_000);
  return [
    ...brokenIn({ recorded, marks: marksIn(text("ran")), overlaps: text("overlaps"), events, agentSteps, agentKills }),
    ...left.map((pid) => `left behind by ${runId}: ${pid} ${commandLineOf(pid)}`),
  ];
}

function writeSection(seconds: number): void {
  const page = fileURLToPath(new URL("../../../docs/benchmarks.md", import.meta.url));
  const rows: readonly (readonly [string, string | number])[] = [
    ["runs of 30 steps that work", counts.runs],
    ["runner killed with SIGKILL", counts.runner],
    ["of them, the broker killed with it", counts.broker],
    ["agents killed while no runner ran", counts.agents],
    ["agents that lived at a kill, and were gone on with", counts.reattached],
    ["attempts begun, of them interrupted by a kill", `${counts.attempts}, ${counts.interrupted}`],
    ["runs that came to another end than one that nobody disturbed", 0],
    ["completed steps that were begun again", 0],
    ["commands that began while an earlier one of their step still ran", 0],
    ["processes left behind", 0],
    ["a run that nobody disturbed / all of them", `${secondsUndisturbed.toFixed(1)} s / ${seconds} s`],
    ["entries in the logs of the runs", counts.entries.toLocaleString("en")],
  ];
  replaceSection(page, "## Soak of the runner", [
    "`WRITE=1 npm run test:soak` writes this section. A runner has runs of thirty steps done, of commands, agents in",
    "terminals, a list, a workflow inside, a check, a retry and an approval, and is killed at random moments. The commands",
    "write down themselves when they begin and end, so that what is counted is what happened, not only what the log says.",
    "",
    `${new Date().toISOString().slice(0, 10)}: ${os.cpus().length} cores, load average ${(os.loadavg()[2] ?? 0).toFixed(1)} over the last quarter of an hour, ${process.platform} ${os.release()}, Node ${process.versions.node}. \`SEED=${seed}\`.`,
    "",
    "| What | Measured |",
    "| --- | --- |",
    ...rows.map(([what, measured]) => `| ${what} | ${measured} |`),
  ]);
}
