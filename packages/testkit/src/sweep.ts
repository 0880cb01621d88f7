/**
 * Crash sweep: kills a scenario at every point where its process can die, one run per point.
 *
 *   W1  The scenario runs once without a crash, which counts the points, and then once for each point; with
 *       `crashes: 2` also once for each pair, which kills the recovery as well.
 *   W2  A failure names the points and what was being done there, and keeps the original error as its cause.
 *   W3  A scenario that passes other points on another run fails: a sweep over chance proves nothing.
 *
 * The scenario plays the whole story: it boots the process, catches the `SimulatedCrash` where a supervisor would,
 * calls `clock.forget()`, boots again, lets the client retry, and checks the promises.
 */
import { messageOf } from "@agent-relay/kernel";
import { CrashPlan, isSimulatedCrash } from "./crash-plan.ts";

export type Scenario = (plan: CrashPlan) => void | Promise<void>;

export interface CrashPoint {
  readonly index: number;
  /** What the point was called, for example `before append`. */
  readonly where: string;
}

export interface SweepOptions {
  /** How many crashes a run may have. 1 if absent; the number of runs grows with its power. */
  readonly crashes?: number;
}

export interface SweepReport {
  readonly points: number;
  readonly runs: number;
}

/** Runs the whole sweep, one run after the other, and stops at the first failure. */
export async function sweep(scenario: Scenario, options: SweepOptions = {}): Promise<SweepReport> {
  let runs = 0;
  const sweepFrom = async (crashAt: readonly number[], expected: readonly string[]): Promise<number> => {
    const plan = await runOnce(scenario, crashAt, expected);
    runs += 1;
    if (crashAt.length >= (options.crashes ?? 1)) return plan.points;
    for (let next = (crashAt.at(-1) ?? -1) + 1; next < plan.points; next++)
      await sweepFrom([...crashAt, next], plan.places.slice(0, next + 1));
    return plan.points;
  };
  const points = await sweepFrom([], []);
  return { points, runs };
}

/** The points of a scenario, so that a test runner can show each as a test of its own. */
export async function crashPoints(scenario: Scenario): Promise<readonly CrashPoint[]> {
  const plan = await runOnce(scenario, [], []);
  return plan.places.map((where, index) => ({ index, where }));
}

async function runOnce(
  scenario: Scenario,
  crashAt: readonly number[],
  expected: readonly string[],
): Promise<CrashPlan> {
  const plan = new CrashPlan(...crashAt);
  try {
    await scenario(plan);
  } catch (error) {
    const unhandled = isSimulatedCrash(error) ? "nobody restarted the process: " : "";
    throw new Error(`${describe(crashAt, plan.places)}: ${unhandled}${messageOf(error)}`, { cause: error });
  }
  const strayed = expected.findIndex((where, index) => plan.places[index] !== where);
  if (strayed >= 0) {
    const [before, now] = [expected[strayed], plan.places[strayed] ?? "nothing"];
    throw new Error(
      `W3: the scenario is not deterministic: point ${strayed} was "${before}" in one run and "${now}" in the next`,
    );
  }
  return plan;
}

function describe(crashAt: readonly number[], places: readonly string[]): string {
  if (crashAt.length === 0) return "without a crash";
  return crashAt.map((point) => `crash ${places[point] ?? "at a point not reached"} (point ${point})`).join(", then ");
}
