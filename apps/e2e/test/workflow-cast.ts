/** Who plays what in workflows on a stage: scripted programs, as command lines, and runs with them. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import {
  eventsOf,
  openRuns,
  planWorkflow,
  runPerformer,
  trajectoryOf,
  type Plan,
  type Recorded,
  type RunEvent,
  type Runs,
  type Trajectory,
} from "@agent-relay/workflow";
import { scriptedAgentPath, type ScriptInput } from "@agent-relay/testkit";
import type { Relay } from "@agent-relay/sdk";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { openStage, until, type Stage } from "./stage.ts";

/** A program that plays a part in a terminal, as a command line. */
export function plays(script: ScriptInput): string {
  return `env SCRIPTED_AGENT_SCRIPT='${JSON.stringify(script)}' '${process.execPath}' '${scriptedAgentPath()}'`;
}

type Rules = NonNullable<ScriptInput["rules"]>;
type Does = Rules[number]["do"];
const on = (match: string | undefined, ...actions: Does): Rules[number] => ({
  on: "message",
  ...(match === undefined ? {} : { match }),
  do: actions,
});
export const script = (...rules: Rules): ScriptInput => ({ rules });
export const says = (...lines: readonly string[]): ScriptInput =>
  script(on(undefined, ...lines.map((say) => ({ say }))));
/** Decides with its own tool, about the step that its prompt names. */
export const decidesByTool = (decision: string, reason: string, step = "{{1}}"): Does => [
  { tool: { name: "submit_verdict", arguments: { step, decision, reason } } },
];
export const ownerRule = (...actions: Does): Rules[number] => on('You own the step "([^"]+)"', ...actions);
export const reviewRule = (...actions: Does): Rules[number] => on('You review the step "([^"]+)"', ...actions);
export const rule = on;

export const owner = {
  byMarker: says("OWNER_DECISION: COMPLETE", "REASON: I looked"),
  byTool: script(ownerRule(...decidesByTool("COMPLETE", "I looked"))),
};
export const reviewer = (decision: string, reason = "as I see it"): ScriptInput =>
  says(`REVIEW_DECISION: ${decision}`, `REVIEW_REASON: ${reason}`);
export const reviewerByTool = (decision: string, reason = "as I see it"): ScriptInput =>
  script(reviewRule(...decidesByTool(decision, reason)));
export const worker: ScriptInput = says("the work is done");
/** Reads, and never says anything of use. */
export const silent: ScriptInput = { rules: [] };

/** Does whatever part it is told to play, whichever step it is, and does it well. */
export const everybody = (...answer: readonly string[]): ScriptInput =>
  script(
    // First: what it reviews holds what others were told.
    reviewRule({ say: "I have read it" }, ...decidesByTool("APPROVE", "nothing is wrong")),
    ownerRule({ say: "I have looked at it" }, ...decidesByTool("COMPLETE", "it is there")),
    on(
      // The last one: outputs of other steps, which stand before it, may quote theirs.
      '.*You answer for the step "([^"]+)" yourself',
      ...answer.map((say) => ({ say })),
      ...decidesByTool("COMPLETE", "I have checked it"),
    ),
    on(undefined, ...answer.map((say) => ({ say })), { say: "the work is done" }),
  );

/** A program for a file, executable. */
export function program(stage: Stage, name: string, lines: readonly string[]): string {
  const directory = path.join(stage.root, "bin");
  mkdirSync(directory, { recursive: true });
  const file = path.join(directory, name);
  writeFileSync(file, `#!/bin/sh\n${lines.join("\n")}\n`);
  chmodSync(file, 0o755);
  return file;
}

export interface Played {
  readonly runId: string;
  readonly status: string;
  readonly told: readonly RunEvent[];
  readonly types: readonly string[];
  readonly recorded: readonly Recorded[];
  readonly trajectory: Trajectory;
  /** The causes of attempts that failed, in order. */
  readonly causes: readonly string[];
}

/** More than a step may take that is to run out of time, and less than its run may. */
const longMs = 150_000;
/** For a step that is to run out of time once `timePasses`: on a machine that stands still it does not do so before. */
export const outOfTimeSoon = { timeoutMs: 120_000 };
/** For a run: shorter than a test may take, and longer than any machine needs. */
export const runTimeoutMs = 280_000;

export interface Theatre {
  readonly runs: Runs;
  readonly plan: (document: Readonly<Record<string, unknown>>) => Plan;
  readonly begin: (plan: Plan, vars?: Readonly<Record<string, string>>) => Promise<string>;
  readonly execute: (runId: string) => Promise<Played>;
  /** Plans, begins and executes. */
  readonly run: (document: Readonly<Record<string, unknown>>) => Promise<Played>;
  /** By the clock of the run a long time is over at once, until the end of the test. */
  readonly timePasses: (runId: string) => Promise<void>;
  /** The clock is right again. */
  readonly setClock: () => void;
}

export interface Opened {
  readonly stage: Stage;
  readonly relay: Relay;
  readonly theatre: Theatre;
}

/** The project's runner leaves a run alone that only its script executes; else it takes up each that waits two seconds for us. */
export const executedHere = { host: "script" } as const;

/** A stage with a theatre on it for all tests of a file. After each test nobody is left on it, and at the end nothing. */
export function useTheatre(opened: (it: Opened) => void): void {
  let open: Opened | undefined;
  beforeAll(async () => {
    const stage = openStage();
    await stage.startBroker();
    const relay = await stage.connect();
    open = { stage, relay, theatre: openTheatre(stage, relay) };
    opened(open);
  });
  afterEach(async () => {
    open?.theatre.setClock();
    expect(await open?.stage.strike(open.relay)).toEqual([]);
  });
  afterAll(async () => {
    expect(await open?.stage.clear()).toEqual([]);
  });
}

export interface OpenedRuns {
  readonly stage: Stage;
  readonly relay: Relay;
  readonly runs: Runs;
  /** Executes a run here, for real. */
  readonly execute: (runId: string) => ReturnType<Runs["execute"]>;
}

/** The same, for suites that execute runs themselves. */
export function useRuns(opened: (it: OpenedRuns) => void): void {
  let open: Stage | undefined;
  beforeAll(async () => {
    const stage = openStage();
    open = stage;
    await stage.startBroker();
    const relay = await stage.connect();
    const runs = openRuns(relay);
    const env = { ...process.env, ...stage.environment };
    const execute: OpenedRuns["execute"] = (runId) => runs.execute(runId, { performer: runPerformer(relay, { env }) });
    opened({ stage, relay, runs, execute });
  });
  afterAll(async () => {
    expect(await open?.clear()).toEqual([]);
  });
}

function openTheatre(stage: Stage, relay: Relay): Theatre {
  let laterMs = 0;
  const runs = openRuns(relay, () => Date.now() + laterMs);
  const theatre: Theatre = {
    runs,
    plan: (document) => {
      const loaded = planWorkflow({ version: "1.0", name: "play", ...document, ...asWritten(document) });
      if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
      return loaded.plan;
    },
    begin: (plan, vars = {}) => runs.create(plan, { vars, cwd: stage.project, ...executedHere }),
    execute: async (runId) => {
      const env = { ...process.env, ...stage.environment };
      const status = await runs.execute(runId, { performer: runPerformer(relay, { env }) });
      const recorded = await runs.read(runId);
      const told = recorded.flatMap(({ entry }) => eventsOf(entry));
      return {
        runId,
        status,
        recorded,
        told,
        types: told.map(({ type }) => type),
        trajectory: trajectoryOf(recorded),
        causes: recorded.flatMap(({ entry }) => (entry.type === "attempt_failed" ? [entry.failure.cause] : [])),
      };
    },
    run: async (document) => theatre.execute(await theatre.begin(theatre.plan(document))),
    timePasses: async (runId) => {
      laterMs += longMs;
      // Whatever is asked of a run has it look at its clock; of this nothing else comes.
      const nothing = { kind: "answer", data: { step: "no-such-step", attempt: 1, by: "the clock", approved: false } };
      await relay.streams.append(`asks/${runId}`, { expectedRevision: 0, entries: [nothing] });
    },
    setClock: () => void (laterMs = 0),
  };
  return theatre;
}

/** What steps have come to, the last of each. */
export const outputsOf = (recorded: readonly Recorded[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    recorded.flatMap(({ entry }) => (entry.type === "step_completed" ? [[entry.step, entry.output]] : [])),
  );

type EntryType = Recorded["entry"]["type"];

/** Asks whether something is true of a run, of any step or of this one. */
const hasEntry = (runs: Runs, runId: string, type: EntryType, step?: string) => async (): Promise<boolean> =>
  (await runs.read(runId)).some(
    ({ entry }) => entry.type === type && (step === undefined || ("step" in entry && entry.step === step)),
  );

/** Resolves when it is true. */
export const becomes = (runs: Runs, runId: string, type: EntryType, step?: string): Promise<unknown> =>
  until(hasEntry(runs, runId, type, step), `${type}${step === undefined ? "" : ` of ${step}`}`);

export function gitOn(stage: Stage, ...args: readonly string[]): void {
  execFileSync("git", args, { cwd: stage.project, env: { ...process.env, ...stage.environment } });
}

/** A repository of the project, with all that is there in its one commit on main. */
export function makeRepository(stage: Stage): void {
  writeFileSync(path.join(stage.project, ".gitignore"), ".agent-relay\n.worktrees\n");
  gitOn(stage, "init", "--quiet", "--initial-branch=main");
  gitOn(stage, "config", "user.name", "stage");
  gitOn(stage, "config", "user.email", "stage@example.org");
  gitOn(stage, "add", ".");
  gitOn(stage, "commit", "--quiet", "-m", "begin");
}

/** What stands in braces in a script is for the scripted program. */
function asWritten({ agents }: Readonly<Record<string, unknown>>): object {
  if (!Array.isArray(agents)) return {};
  const list = agents as readonly { readonly cli: string }[];
  return { agents: list.map((it) => ({ ...it, cli: it.cli.replaceAll("{{", String.raw`\{{`) })) };
}

/** A lead, a builder and, if there is one, a critic, with one step. */
export function team(
  parts: { readonly builder?: ScriptInput; readonly lead?: ScriptInput; readonly critic?: ScriptInput },
  step: Readonly<Record<string, unknown>> = {},
  more: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  const { builder = worker, lead, critic } = parts;
  return {
    swarm: { pattern: "hub-spoke", timeoutMs: runTimeoutMs },
    agents: [
      ...(lead === undefined ? [] : [{ name: "lead", cli: plays(lead), role: "lead" }]),
      { name: "builder", cli: plays(builder), role: "builds" },
      ...(critic === undefined ? [] : [{ name: "critic", cli: plays(critic), role: "reviewer" }]),
    ],
    workflows: [
      {
        name: "main",
        steps: [
          {
            name: "build",
            agent: "builder",
            task: "Build it.",
            ...(critic === undefined ? { reviewer: "none" } : {}),
            ...step,
          },
        ],
      },
    ],
    ...more,
  };
}
