/**
 * What must hold of a run whose runners were killed: by its entries, and by what its commands wrote down themselves.
 *
 *   K1  A step that has completed is never begun again, neither in the log nor in the world.
 *   K2  Of one step never two commands at a time: what a dead runner left is gone before the next attempt begins.
 *   K3  What a runner's death interrupts are commands. An agent that lives is gone on with, under its one spawning.
 *   K4  A run comes to the same end as one that nobody disturbed.
 */
import type { RelayEvent } from "@agent-relay/sdk";
import type { Entry, Recorded } from "@agent-relay/workflow";

/** A line that a command wrote. */
export interface Mark {
  readonly what: "began" | "done";
  readonly name: string;
  readonly atMs: number;
}

export function marksIn(text: string): readonly Mark[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [what, name, at] = line.split(" ");
      if ((what !== "began" && what !== "done") || name === undefined || at === undefined)
        throw new Error(`a line that no command writes: ${line}`);
      return { what, name, atMs: Number(BigInt(at) / 1_000_000n) };
    });
}

/** How each step ended, with the output of those whose output is not a terminal's. */
export function endOf(recorded: readonly Recorded[], agentSteps: readonly string[]): Readonly<Record<string, string>> {
  const ends: Record<string, string> = {};
  for (const { entry } of recorded) {
    if (entry.type === "step_completed")
      ends[entry.step] = agentSteps.includes(entry.step) ? "completed" : `completed: ${entry.output}`;
    if (entry.type === "step_failed" || entry.type === "step_skipped") ends[entry.step] = entry.type;
    if (/^run_(?!started)/u.test(entry.type)) ends["the run"] = entry.type;
  }
  return ends;
}

export interface Disturbed {
  readonly recorded: readonly Recorded[];
  readonly marks: readonly Mark[];
  readonly overlaps: string;
  readonly events: readonly RelayEvent[];
  readonly agentSteps: readonly string[];
  /** Steps whose agents were killed, as often as that was done. */
  readonly agentKills: readonly string[];
}

export function brokenIn(run: Disturbed): readonly string[] {
  return [...begunAgain(run), ...overlapping(run), ...interruptedAgents(run)];
}

function begunAgain({ recorded, marks }: Disturbed): readonly string[] {
  const broken: string[] = [];
  const completedAt = new Map<string, number>();
  const attempts = new Map<string, number>();
  for (const { entry, at } of recorded) {
    if (entry.type === "attempt_started") {
      attempts.set(entry.step, (attempts.get(entry.step) ?? 0) + 1);
      if (completedAt.has(entry.step)) broken.push(`${entry.step} was begun after it had completed`);
    }
    if (entry.type !== "step_completed") continue;
    if (completedAt.has(entry.step)) broken.push(`${entry.step} completed twice`);
    completedAt.set(entry.step, at);
  }
  const written = new Set(marks.map(({ name }) => name));
  const steps = new Map(
    recorded.flatMap(({ entry }) => (entry.type === "step_completed" ? named(entry, written) : [])),
  );
  const began = new Map<string, number>();
  for (const { what, name, atMs } of marks) {
    const step = steps.get(name);
    if (what !== "began" || step === undefined) continue;
    began.set(step, (began.get(step) ?? 0) + 1);
    if (atMs > (completedAt.get(step) ?? Number.POSITIVE_INFINITY))
      broken.push(`${name} was begun in the world after it had completed`);
  }
  for (const [step, times] of began)
    if (times > (attempts.get(step) ?? 0))
      broken.push(`${step} was begun ${times} times in ${attempts.get(step) ?? 0} attempts`);
  for (const [name, step] of steps)
    if (!marks.some((it) => it.what === "done" && it.name === name))
      broken.push(`${step} has completed, and ${name} never was done`);
  return broken;
}

/** Commands print the name under which they write, and that is their output; one that prints something else writes its own. */
function named(
  { step, output }: Extract<Entry, { type: "step_completed" }>,
  written: ReadonlySet<string>,
): readonly (readonly [string, string])[] {
  if (/^[a-z]+(-[a-z0-9]+)?$/u.test(output)) return [[output, step]];
  return written.has(step) ? [[step, step]] : [];
}

function overlapping({ overlaps }: Disturbed): readonly string[] {
  return overlaps
    .split("\n")
    .filter((name) => name !== "")
    .map((name) => `${name} began while an earlier one still ran`);
}

function interruptedAgents({ recorded, events, agentSteps, agentKills }: Disturbed): readonly string[] {
  const broken: string[] = [];
  for (const step of agentSteps) {
    const kills = agentKills.filter((it) => it === step).length;
    const attempts = recorded.filter(({ entry }) => entry.type === "attempt_started" && entry.step === step).length;
    if (attempts > 1 + kills) broken.push(`${step} had ${attempts} attempts, and ${kills} of its agents were killed`);
    const names = new Set(
      recorded.flatMap(({ entry }) => (entry.type === "agent_started" && entry.step === step ? [entry.agent] : [])),
    );
    for (const name of names) {
      const spawned = events.filter((it) => it.type === "agent_spawned" && it.agent === name).length;
      if (spawned > attempts) broken.push(`${name} was spawned ${spawned} times in ${attempts} attempts`);
    }
  }
  return broken;
}
