import { expect, test } from "vitest";
import { CrashableLog } from "./crashable-log.ts";
import { CrashPlan, isSimulatedCrash, SimulatedCrash } from "./crash-plan.ts";
import { crashPoints, sweep } from "./sweep.ts";

/** A till that owes one receipt per sale: it records the sale, prints, and records the print. */
function sellOnce(plan: CrashPlan, options: { readonly printsAgain: boolean }): readonly string[] {
  const log = new CrashableLog<{ readonly type: "sold" | "printed" }>(plan);
  const paper: string[] = [];
  const has = (type: string): boolean => log.history().some((it) => it.type === type);
  const record = (type: "sold" | "printed"): void => {
    log.append([{ stream: "till", event: { type }, at: 0 }]);
  };
  const life = (): void => {
    if (!has("sold")) record("sold");
    if (has("printed")) return;
    if (options.printsAgain || paper.length === 0) {
      plan.point("before printing");
      paper.push("receipt");
      plan.point("after printing");
    }
    record("printed");
  };
  for (;;) {
    try {
      life();
      return paper;
    } catch (error) {
      if (!isSimulatedCrash(error)) throw error;
    }
  }
}

test("W1: the scenario runs once to count and once for each point", async () => {
  const died: number[] = [];
  const report = await sweep((plan) => {
    sellOnce(plan, { printsAgain: false });
    died.push(plan.crashes);
  });
  expect([report, died]).toEqual([{ points: 6, runs: 7 }, [0, 1, 1, 1, 1, 1, 1]]);
});

test("W1: with two crashes, the recovery is killed at each of its points too", async () => {
  const most = { crashes: 0 };
  const report = await sweep(
    (plan) => {
      sellOnce(plan, { printsAgain: false });
      most.crashes = Math.max(most.crashes, plan.crashes);
    },
    { crashes: 2 },
  );
  expect(report.points).toBe(6);
  expect(report.runs).toBeGreaterThan(1 + 6 + 15);
  expect(most.crashes).toBe(2);
});

test("W2: a failure names the point, and keeps its cause", async () => {
  const promise = sweep((plan) => {
    expect(sellOnce(plan, { printsAgain: true }), "printed once").toEqual(["receipt"]);
  });
  await expect(promise).rejects.toThrow(/^crash after printing \(point 3\): printed once/u);
  await expect(promise).rejects.toMatchObject({ cause: { name: "AssertionError" } });
});

test("W2: a scenario that fails without a crash says so", async () => {
  await expect(sweep(() => Promise.reject(new Error("wrong")))).rejects.toThrow("without a crash: wrong");
});

test("a crash that nobody survives is a failure", async () => {
  await expect(sweep((plan) => plan.point("at work"))).rejects.toThrow("nobody restarted the process");
});

test("W3: a scenario that takes another way on another run fails", async () => {
  let run = 0;
  const fickle = (plan: CrashPlan): void => {
    run += 1;
    try {
      plan.point(`run ${run}`);
    } catch {
      // The restart of this process is to do nothing.
    }
  };
  await expect(sweep(fickle)).rejects.toThrow(
    'W3: the scenario is not deterministic: point 0 was "run 1" in one run and "run 2" in the next',
  );
});

test("X1: a point kills once, and its crash says where", () => {
  const plan = new CrashPlan(1);
  plan.point("first");
  expect(() => plan.point("second")).toThrow(new SimulatedCrash(1, "second"));
  plan.point("third");
  expect([plan.points, plan.crashes, plan.places]).toEqual([3, 1, ["first", "second", "third"]]);
});

test("X2: crashPoints names each point of a scenario", async () => {
  const points = await crashPoints((plan) => {
    sellOnce(plan, { printsAgain: false });
  });
  expect(points.map((it) => it.where)).toEqual([
    "before append",
    "after append",
    "before printing",
    "after printing",
    "before append",
    "after append",
  ]);
});
