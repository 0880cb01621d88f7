/**
 * What a workflow costs: steps that do nothing, beside the spawning of a program that does nothing and one commit; and
 * what the runner itself costs when nothing has to be waited for.
 *
 * Everything is asked through the package's public face: real steps through a real broker, the others through a log in
 * memory and a performer that answers at once.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  executorPerformer,
  openRuns,
  planWorkflow,
  runPerformer,
  runsInMemory,
  type Plan,
} from "@agent-relay/workflow";
import type { Relay } from "@agent-relay/sdk";
import { monotonicMs, percentiles, type Percentiles } from "./figures.ts";

export type Shape = "chain" | "wave";

const FLOOR_ROUNDS = 200;

/** Milliseconds for `true` on pipes, of many one after the other, or all at once. */
export async function spawnFloor(shape: Shape): Promise<number> {
  await Promise.all(Array.from({ length: 20 }, spawnTrue));
  const start = monotonicMs();
  if (shape === "wave") {
    await Promise.all(Array.from({ length: FLOOR_ROUNDS }, spawnTrue));
    return (monotonicMs() - start) / FLOOR_ROUNDS;
  }
  for (let round = 0; round < FLOOR_ROUNDS; round += 1) await spawnTrue();
  return (monotonicMs() - start) / FLOOR_ROUNDS;
}

function spawnTrue(): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn("true", [], { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.resume();
    child.stderr.resume();
    child.on("error", reject);
    child.on("close", () => resolve());
  });
}

/** Milliseconds for each step of a run through a real broker, reckoned as the floor is. */
export async function realSteps(relay: Relay, shape: Shape, count: number): Promise<number> {
  const cwd = mkdtempSync(path.join(tmpdir(), "agent-relay-bench-"));
  const runs = openRuns(relay);
  const runId = await runs.create(planOf(shape, count), { vars: {}, cwd });
  const start = monotonicMs();
  const status = await runs.execute(runId, { performer: runPerformer(relay, { env: process.env }) });
  const took = monotonicMs() - start;
  rmSync(cwd, { recursive: true });
  if (status !== "completed") throw new Error(`the ${shape} has ${status}`);
  return took / count;
}

/** From taking a run up until the first of its steps are begun. */
export async function decided(shape: Shape, count: number, rounds: number): Promise<Percentiles> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const runs = runsInMemory();
    const runId = await runs.create(planOf(shape, count), { vars: {}, cwd: "/" });
    const stop = new AbortController();
    let first: number | undefined;
    const start = monotonicMs();
    await runs.execute(runId, {
      signal: stop.signal,
      performer: executorPerformer({
        command: () => {
          // Called for each of those that may start, one after the other: the last moment counts.
          first = monotonicMs();
          stop.abort();
          return "";
        },
      }),
    });
    times.push((first ?? Number.NaN) - start);
  }
  return percentiles(times);
}

export interface LongRun {
  /** Heap after a collection, in bytes, after so many steps. */
  readonly heap: readonly { readonly steps: number; readonly bytes: number }[];
  /** Microseconds for each step of the third and of the last thousand: before that the runtime still compiles. */
  readonly earlyUs: number;
  readonly lastUs: number;
}

/** A long chain with nothing but the runner at work; each of its steps prints a kilobyte. */
export async function longRun(count: number, marks: readonly number[]): Promise<LongRun> {
  const collect = collector();
  const runs = openRuns(forgetfulLog());
  const runId = await runs.create(planOf("chain", count), { vars: {}, cwd: "/" });
  const heap: { steps: number; bytes: number }[] = [];
  const at: number[] = [];
  let done = 0;
  const performer = executorPerformer({
    command: async () => {
      await setImmediate();
      done += 1;
      at.push(monotonicMs());
      if (marks.includes(done)) {
        collect();
        heap.push({ steps: done, bytes: process.memoryUsage().heapUsed });
      }
      return "x".repeat(1_024);
    },
  });
  await runs.execute(runId, { performer });
  const thousandUs = (from: number): number => ((at[from + 999] ?? 0) - (at[from] ?? 0)) * (1_000 / 999);
  // The last step is left out: the collection at the mark before it is no work of the runner's.
  return { heap, earlyUs: thousandUs(2_000), lastUs: thousandUs(count - 1_001) };
}

/** The collector, which the runtime shows only to those who ask for it. */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

function planOf(shape: Shape, count: number): Plan {
  const named = (index: number): string => `s${index}`;
  const planned = planWorkflow({
    version: "1.0",
    name: "bench",
    swarm: { pattern: "dag", maxConcurrency: shape === "wave" ? count : 8 },
    agents: [{ name: "nobody", cli: "true" }],
    workflows: [
      {
        name: "main",
        steps: Array.from({ length: count }, (_, index) => ({
          name: named(index),
          command: "true",
          dependsOn: shape === "wave" || index === 0 ? [] : [named(index - 1)],
        })),
      },
    ],
  });
  if (!planned.ok) throw new Error(JSON.stringify(planned.problems));
  return planned.plan;
}

/** A broker that forgets: of each stream it keeps how long it is, and the first entry. What it keeps of a run costs nothing. */
function forgetfulLog(): Pick<Relay, "streams" | "leases"> {
  type Kept = Awaited<ReturnType<Relay["streams"]["read"]>>["entries"][number];
  const streams = new Map<string, { revision: number; readonly first: Kept[] }>();
  const open = (name: string): { revision: number; readonly first: Kept[] } => {
    const stream = streams.get(name) ?? { revision: 0, first: [] };
    streams.set(name, stream);
    return stream;
  };
  return {
    streams: {
      append: (name, { entries }) => {
        const stream = open(name);
        const [entry] = entries;
        if (stream.revision === 0 && entry !== undefined)
          stream.first.push({ revision: 1, sequence: 1, at: 0, ...entry, actor: null });
        stream.revision += entries.length;
        return Promise.resolve({ revision: stream.revision, sequence: stream.revision });
      },
      read: (name, { after = 0 } = {}) => {
        const { revision, first } = open(name);
        return Promise.resolve({ entries: first.slice(after), revision, head: 0 });
      },
      list: () => Promise.resolve({ streams: [], next: null }),
      follow: (_name, { signal } = {}) => ({
        [Symbol.asyncIterator]: () => ({
          next: () =>
            new Promise((resolve) => {
              signal?.addEventListener("abort", () => resolve({ done: true, value: undefined }), { once: true });
            }),
        }),
      }),
    },
    leases: {
      acquire: (name) =>
        Promise.resolve({
          name,
          token: 1,
          holder: "bench",
          validUntil: () => Number.MAX_SAFE_INTEGER,
          lost: new AbortController().signal,
          release: () => Promise.resolve(),
          [Symbol.asyncDispose]: () => Promise.resolve(),
        }),
    },
  };
}

/** What stands between two steps of a chain: five entries, appended through the broker. The middle, in milliseconds. */
export async function appendThroughBroker(relay: Relay): Promise<number> {
  const stream = `bench/${monotonicMs()}`;
  const kinds = ["process_started", "part_exited", "attempt_succeeded", "step_completed", "attempt_started"];
  const entries = kinds.map((kind) => ({ kind, data: { type: kind, step: "s1", attempt: 1, code: 0, output: "" } }));
  const ends = [monotonicMs()];
  for (let round = 0; round < FLOOR_ROUNDS; round += 1) {
    await relay.streams.append(stream, { expectedRevision: round * kinds.length, entries });
    ends.push(monotonicMs());
  }
  return middleGap(ends);
}

function middleGap(ends: readonly number[]): number {
  return percentiles(ends.slice(1).map((end, index) => end - (ends[index] ?? end))).p50;
}
