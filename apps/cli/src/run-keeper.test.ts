import type { RelayEvent } from "@agent-relay/protocol";
import { expect, test } from "vitest";
import { keepRuns } from "./run-keeper.ts";

/** A keeper on a clock that moves when it is told to, and runners that end when they are told to. */
function stage() {
  let now = 0;
  let timer: { at: number; fire: () => void } | undefined;
  const said: string[] = [];
  const runners: ((how: string) => void)[] = [];
  const keeper = keepRuns({
    clock: {
      now: () => now,
      setTimer: (_key, at, fire) => (timer = { at, fire }),
      clearTimer: () => (timer = undefined),
    },
    logger: {
      debug: () => undefined,
      info: () => undefined,
      warn: (message) => void said.push(`warn: ${message}`),
      error: (message) => void said.push(`error: ${message}`),
    },
    startRunner: () => new Promise((resolve) => runners.push(resolve)),
  });
  const hear = (event: object): void =>
    keeper.hear([{ sequence: 1, at: 0, stream: "x", revision: 1, ...event } as unknown as RelayEvent]);
  return {
    keeper,
    hear,
    said,
    started: () => runners.length,
    begun: (runId: string, more: object = {}) =>
      hear({
        type: "stream_appended",
        stream: `run/${runId}`,
        summary: { status: "running", host: "project", ...more },
      }),
    lease: (name: string, how: "acquired" | "ended") => hear({ type: `lease_${how}`, lease: name }),
    pass: (ms: number): void => {
      for (const until = now + ms; ;) {
        if (timer === undefined || timer.at > until) {
          now = until;
          return;
        }
        now = Math.max(now, timer.at);
        const { fire } = timer;
        timer = undefined;
        fire();
      }
    },
    end: async (how = "status 1"): Promise<void> => {
      runners.at(-1)?.(how);
      await Promise.resolve();
    },
  };
}

test("K1: a run that nobody takes up within the grace gets a runner, and not before", () => {
  const it = stage();
  it.begun("a");
  it.pass(1_999);
  expect(it.started()).toBe(0);
  it.pass(1);
  expect(it.started()).toBe(1);
});

test("K1: a run that is executed, has ended, or is its script's alone needs nobody", () => {
  const it = stage();
  it.begun("a");
  it.lease("run/a", "acquired");
  it.begun("b");
  it.begun("b", { status: "completed" });
  it.begun("c", { host: "script" });
  it.pass(600_000);
  expect(it.started()).toBe(0);
});

test("K1: a run whose executor has died gets a runner, and so does one that was there at the start", () => {
  const it = stage();
  it.begun("a");
  it.lease("run/a", "acquired");
  it.lease("run/a", "ended");
  it.pass(2_000);
  expect(it.started()).toBe(1);
  const later = stage();
  later.keeper.listed([{ runId: "a", status: "running", isExecuted: false }]);
  later.pass(2_000);
  expect(later.started()).toBe(1);
});

test("what was heard outranks what was listed", () => {
  const it = stage();
  it.begun("a", { status: "completed" });
  it.keeper.listed([{ runId: "a", status: "running", isExecuted: false }]);
  it.pass(60_000);
  expect(it.started()).toBe(0);
});

test("K2: none is started while ours runs, or while somebody has the right to be the runner", async () => {
  const it = stage();
  it.begun("a");
  it.pass(2_000);
  it.begun("b");
  it.pass(60_000);
  expect(it.started()).toBe(1);
  it.lease("runner/project", "acquired");
  await it.end();
  it.pass(60_000);
  expect(it.started()).toBe(1);
  it.lease("runner/project", "ended");
  it.pass(2_000);
  expect(it.started()).toBe(2);
});

test("K3: runners that end at once are started with growing pauses, then no more, and the log says so", async () => {
  const it = stage();
  it.begun("a");
  const at: number[] = [];
  for (let count = 0; count < 8; count += 1) {
    let waited = 0;
    while (it.started() === count && waited < 100_000) {
      it.pass(100);
      waited += 100;
    }
    at.push(waited);
    await it.end();
  }
  expect(at).toEqual([2_000, 2_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000]);
  it.pass(10_000_000);
  expect(it.started()).toBe(8);
  expect(it.said).toHaveLength(8);
  expect(it.said.at(-1)).toMatch(/^error: .*runner\.log/u);
});

/** The right to be the runner and the run are held by one that dies; its leases end when they are over. */
async function takesUpAndDies(it: ReturnType<typeof stage>, runId: string, how = "SIGKILL"): Promise<void> {
  it.lease("runner/project", "acquired");
  it.lease(`run/${runId}`, "acquired");
  await it.end(how);
  it.pass(10_000);
  it.lease("runner/project", "ended");
  it.lease(`run/${runId}`, "ended");
}

test("K3: runners that take a run up and die of it are counted like those that end at once", async () => {
  const it = stage();
  it.begun("a");
  for (let count = 0; count < 20; count += 1) {
    it.pass(100_000);
    if (it.started() > count) await takesUpAndDies(it, "a");
  }
  expect(it.started()).toBe(8);
  expect(it.said.at(-1)).toMatch(/^error: /u);
});

test("K3: a run that a runner brought to its end begins the count anew, whatever became of the others", async () => {
  const it = stage();
  it.begun("a");
  for (let count = 0; count < 12; count += 1) {
    it.pass(100_000);
    if (count % 4 === 0) {
      it.begun(`of ${count}`);
      it.begun(`of ${count}`, { status: "failed" });
    }
    await takesUpAndDies(it, "a");
  }
  it.pass(100_000);
  expect(it.started()).toBe(13);
});

test("K3: a runner that stayed ten minutes did not end at once", async () => {
  const it = stage();
  it.begun("a");
  for (let count = 0; count < 12; count += 1) {
    it.pass(100_000);
    it.pass(600_000);
    await takesUpAndDies(it, "a");
  }
  it.pass(2_000);
  expect(it.started()).toBe(13);
});

test("K3: a runner that leaves while a script executes its own run has not failed", async () => {
  const it = stage();
  it.begun("a");
  it.pass(2_000);
  it.begun("a", { status: "completed" });
  it.begun("b");
  it.lease("run/b", "acquired");
  await it.end("status 0");
  expect(it.said).toEqual([]);
});

test("K3: after eight times something that is asked of a run, or a new one, begins the count anew", async () => {
  const asked = stage();
  asked.begun("a");
  for (let count = 0; count < 8; count += 1) {
    asked.pass(100_000);
    await asked.end();
  }
  // What a dead runner has appended is heard late.
  asked.begun("a");
  asked.lease("run/a", "acquired");
  asked.lease("run/a", "ended");
  asked.pass(100_000);
  expect(asked.started()).toBe(8);
  asked.hear({ type: "stream_appended", stream: "asks/a" });
  asked.pass(100_000);
  expect(asked.started()).toBe(9);
  const begun = stage();
  begun.begun("a");
  for (let count = 0; count < 8; count += 1) {
    begun.pass(100_000);
    await begun.end();
  }
  begun.begun("b");
  begun.pass(100_000);
  expect(begun.started()).toBe(9);
});

test("K3: a run that another takes up after that begins the count anew", async () => {
  const it = stage();
  it.begun("a");
  for (let count = 0; count < 8; count += 1) {
    it.pass(100_000);
    await it.end();
  }
  it.pass(60_000);
  it.lease("run/a", "acquired");
  it.lease("run/a", "ended");
  it.pass(100_000);
  expect(it.started()).toBe(9);
});

test("once closed it starts nothing", () => {
  const it = stage();
  it.begun("a");
  it.keeper.close();
  it.pass(60_000);
  expect(it.started()).toBe(0);
});
