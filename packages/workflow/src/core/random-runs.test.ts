import fc from "fast-check";
import { expect, test } from "vitest";
import type { Action } from "./actions.ts";
import type { Entry } from "./entries.ts";
import type { Plan } from "./plan.ts";
import { command, exits, planOf, World } from "./testing/world.ts";

interface Shape {
  readonly dependsOn: readonly number[];
  readonly retries: number;
  /** Attempts that fail before one succeeds. */
  readonly failures: number;
  readonly ms: number;
  readonly waits: boolean;
}

const shape: fc.Arbitrary<Shape> = fc.record({
  dependsOn: fc.uniqueArray(fc.nat(30), { maxLength: 4 }),
  retries: fc.nat(2),
  failures: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(4) }),
  ms: fc.nat(20),
  waits: fc.boolean(),
});
const graph = fc.record({
  shapes: fc.array(shape, { minLength: 1, maxLength: 25, size: "max" }),
  maxConcurrency: fc.integer({ min: 1, max: 5 }),
  strategy: fc.constantFrom("fail-fast" as const, "continue" as const),
  crashes: fc.array(fc.nat(60), { maxLength: 3 }),
  cancelAt: fc.option(fc.nat(100), { freq: 5, nil: undefined }),
});
type Graph = typeof graph extends fc.Arbitrary<infer It> ? It : never;

const nameOf = (index: number): string => `s${index}`;

function planned({ shapes, maxConcurrency, strategy }: Graph): Plan {
  const steps = shapes.map((it, index) => {
    const dependsOn = it.dependsOn.filter((to) => to < index).map(nameOf);
    if (it.waits && it.failures === 0) {
      const until = { what: "event", event: "x" } as const;
      return { type: "wait_for", name: nameOf(index), until, dependsOn, retries: 0, retryDelayMs: 0 } as const;
    }
    return command(nameOf(index), dependsOn, { retries: it.retries, retryDelayMs: 3 });
  });
  return planOf(steps, { maxConcurrency, strategy });
}

/** Plays it, with its runner dying where the graph says. */
function play(made: Graph): World {
  const attempts = new Map<string, number>();
  const script = (action: Action) => {
    if (action.do !== "start_command") return undefined;
    const it = made.shapes[Number(action.step.slice(1))];
    const played = (attempts.get(action.step) ?? 0) + 1;
    attempts.set(action.step, played);
    return { afterMs: it?.ms ?? 0, commands: exits(action, played <= (it?.failures ?? 0) ? { code: 1 } : {}) };
  };
  const world = new World({ plan: planned(made), script });
  for (const ms of made.crashes) world.go(ms).restart();
  if (made.cancelAt !== undefined) {
    world.go(made.cancelAt);
    world.send({ type: "cancel", by: "ada" });
  }
  return world.go();
}

const check = (property: (world: World, made: Graph) => void): void => {
  fc.assert(
    fc.property(graph, (made) => {
      property(play(made), made);
    }),
    { numRuns: 150 },
  );
};

/** Walks the history and keeps what a reader of it knows, apart from the decider's own state. */
function walk(world: World, look: (entry: Entry, known: { completed: Set<string>; under: Set<string> }) => void): void {
  const known = { completed: new Set<string>(), under: new Set<string>() };
  for (const entry of world.entries) {
    look(entry, known);
    if (entry.type === "attempt_started") known.under.add(entry.step);
    if (entry.type === "attempt_succeeded" || entry.type === "attempt_failed" || entry.type === "attempt_interrupted")
      known.under.delete(entry.step);
    if (entry.type === "step_completed") known.completed.add(entry.step);
  }
}

test("U4: every run comes to an end, and is completed only if each of its steps is", () => {
  check((world) => {
    expect(["completed", "failed", "cancelled"]).toContain(world.run.status);
    const all = [...world.run.steps.values()].every((it) => it.status === "completed");
    expect(world.run.status === "completed").toBe(all && world.run.cancel === undefined);
    expect(world.entries.filter((it) => /^run_(completed|failed|cancelled)$/.test(it.type))).toHaveLength(1);
    expect(world.run.active.size).toBe(0);
  });
});

test("U2: never more attempts at a time than maxConcurrency, waits apart", () => {
  check((world, { maxConcurrency }) => {
    walk(world, (_, { under }) => {
      const working = [...under].filter((it) => world.run.steps.get(it)?.def.type === "deterministic");
      expect(working.length).toBeLessThanOrEqual(maxConcurrency);
    });
  });
});

test("U1: a step starts only when all that it depends on is completed; skipped never counts", () => {
  check((world) => {
    walk(world, (entry, { completed }) => {
      if (entry.type !== "attempt_started") return;
      const missing = world.run.steps.get(entry.step)?.def.dependsOn.filter((it) => !completed.has(it));
      expect(missing).toEqual([]);
    });
  });
});

test("V2: a completed step never begins again, and attempts are numbered without a gap", () => {
  check((world) => {
    const numbers = new Map<string, number>();
    walk(world, (entry, { completed }) => {
      if (entry.type !== "attempt_started") return;
      expect(completed.has(entry.step)).toBe(false);
      expect(entry.attempt).toBe((numbers.get(entry.step) ?? 0) + 1);
      numbers.set(entry.step, entry.attempt);
    });
  });
});

test("U3: under fail-fast nothing starts after a step has failed", () => {
  check((world, { strategy }) => {
    if (strategy !== "fail-fast") return;
    const failure = world.entries.findIndex((it) => it.type === "step_failed");
    if (failure < 0) return;
    expect(world.entries.slice(failure).filter((it) => it.type === "attempt_started")).toEqual([]);
  });
});

test("with continue, exactly what depends on a failure is skipped", () => {
  check((world, { strategy }) => {
    if (strategy !== "continue" || world.run.status === "cancelled") return;
    for (const step of world.run.steps.values()) {
      const spoiled = step.dependencies.some((it) => it.status === "failed" || it.status === "skipped");
      expect(step.status === "skipped").toBe(spoiled);
    }
  });
});

test("B1: a step fails at most once more often than it may be retried", () => {
  check((world) => {
    for (const step of world.run.steps.values()) {
      const failures = world.entries.filter(
        (it) => it.type === "attempt_failed" && it.step === step.name && it.failure.cause !== "cancelled",
      );
      expect(failures.length).toBeLessThanOrEqual(step.def.retries + 1);
    }
  });
});

test("retrying every failed step in turn brings every run to its completion", () => {
  fc.assert(
    fc.property(graph, (made) => {
      const world = play({ ...made, cancelAt: undefined });
      for (let round = 0; round < 200 && world.run.status === "failed"; round += 1) {
        const step = [...world.run.steps.values()].find((it) => it.status === "failed");
        world.send({ type: "retry", step: step?.name ?? "", by: "ada" });
        world.go();
      }
      expect(world.run.status).toBe("completed");
    }),
    { numRuns: 100 },
  );
});
