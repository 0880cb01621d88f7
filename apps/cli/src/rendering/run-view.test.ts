import type { Plan, PlannedStep, Recorded } from "@agent-relay/workflow";
import { expect, test } from "vitest";
import { createOutput } from "../terminal-output.ts";
import { displayWidth } from "./display-width.ts";
import { newRunView, runFrame, viewEntry, type FrameOptions, type RunView } from "./run-view.ts";

const { colours } = createOutput({ environment: {}, json: false, color: false, verbose: false });

const command = (name: string, dependsOn: readonly string[] = []): PlannedStep => ({
  type: "deterministic",
  name,
  dependsOn,
  command: name,
  retries: 0,
  retryDelayMs: 0,
  failOnError: true,
  captureOutput: true,
});

const planOf = (steps: readonly PlannedStep[]): Plan => ({
  workflow: "flow",
  pattern: "dag",
  strategy: "fail-fast",
  maxConcurrency: 8,
  agents: {},
  onExhaustion: "fail",
  steps,
});

function viewOf(steps: readonly PlannedStep[], ...entries: readonly [number, Recorded["entry"]][]): RunView {
  const view = newRunView();
  viewEntry(view, { at: 0, entry: { type: "run_started", runId: "r1", plan: planOf(steps), vars: {}, cwd: "/" } });
  for (const [at, entry] of entries) viewEntry(view, { at, entry });
  return view;
}

const frame = (view: RunView, options: Partial<FrameOptions> = {}): readonly string[] =>
  runFrame(view, { now: 5_000, width: 60, height: 24, colours, ...options });

const started = (step: string, attempt = 1): Recorded["entry"] => ({ type: "attempt_started", step, attempt });
const completed = (step: string, output = ""): Recorded["entry"] => ({ type: "step_completed", step, output });

const diamond = [
  command("get"),
  command("left", ["get"]),
  command("right", ["get"]),
  command("end", ["left", "right"]),
];

test("steps stand by wave, with their time, their newest words, and what is to come", () => {
  const view = viewOf(
    diamond,
    [0, started("get")],
    [1_000, completed("get", "one\ntwo\n")],
    [1_000, started("left")],
    [1_000, started("right")],
    [3_000, { type: "evidence_noted", step: "left", attempt: 1, evidence: "monitoring", text: "compiling" }],
    [
      4_000,
      { type: "step_failed", step: "right", failure: { cause: "exit_nonzero", message: "it ended with status 1" } },
    ],
  );
  expect(frame(view)).toEqual([
    "flow r1  1/4  5s",
    "wave 1",
    "  ✓ get       1s  two",
    "wave 2",
    "  ⠋ left      4s  compiling",
    "  ✗ right     3s  it ended with status 1",
    "wave 3",
    "  · end",
  ]);
});

test("who does a step, for whom, and who reviews; what the agent says now outranks what was noted", () => {
  const step: PlannedStep = {
    type: "agent",
    name: "build",
    dependsOn: [],
    retries: 1,
    retryDelayMs: 0,
    agent: "ada",
    task: "t",
    owner: "boss",
    reviewer: "rev",
  };
  const view = viewOf(
    [step],
    [0, started("build", 2)],
    [0, { type: "owner_assigned", step: "build", attempt: 2, owner: "boss", specialist: "ada" }],
    [0, { type: "agent_started", step: "build", attempt: 2, part: "specialist", agent: "build-worker-1", epoch: 1 }],
  );
  const heard = new Map([["build-worker-1", "Reading files"]]);
  expect(frame(view, { width: 100, heard })).toEqual([
    "flow r1  0/1  5s",
    "  ⠋ build     5s  ada for boss, rev reviews  attempt 2  Reading files",
  ]);
});

test("a step that waits for a person says what it asks", () => {
  const view = viewOf(
    [
      {
        type: "wait_for",
        name: "ship",
        dependsOn: [],
        retries: 0,
        retryDelayMs: 0,
        until: { what: "approval", question: "Ship it?" },
      },
    ],
    [0, started("ship")],
  );
  expect(frame(view)[1]).toBe("  ? ship     5s  Ship it?");
});

test("a list counts what is inside it", () => {
  const list: PlannedStep = {
    type: "for_each",
    name: "all",
    dependsOn: [],
    retries: 0,
    retryDelayMs: 0,
    items: "[]",
    maxConcurrency: 2,
    step: command("all") as Extract<PlannedStep, { type: "deterministic" }>,
  };
  const view = viewOf(
    [list],
    [0, started("all")],
    [0, started("all[0]")],
    [1, completed("all[0]")],
    [1, started("all[1]")],
  );
  expect(frame(view)[1]).toBe("  ⠋ all     5s  1/2");
});

test("the end is told with its reason, and its time stands still", () => {
  const view = viewOf([command("a")], [0, started("a")], [2_000, { type: "run_failed", reason: "a failed" }]);
  expect(frame(view, { now: 99_000 })[0]).toBe("flow r1  0/1  2s failed: a failed");
});

test("a step that is asked for again waits again, and so does what was left out", () => {
  const view = viewOf(
    [command("a"), command("b", ["a"])],
    [0, { type: "step_failed", step: "a", failure: { cause: "unknown", message: "x" } }],
    [0, { type: "step_skipped", step: "b", because: "a" }],
    [0, { type: "run_failed", reason: "a failed" }],
    [4_000, { type: "step_retried", step: "a", by: "ada" }],
  );
  expect(frame(view)).toEqual(["flow r1  0/2  1s", "  · a         asked for again by ada", "  · b"]);
});

const many = Array.from({ length: 50 }, (_, index) => command(`step-${index}`));

test("V2: a frame is never higher than the terminal: what is done is one line, and so is what is to come", () => {
  const view = viewOf(
    many,
    ...Array.from({ length: 20 }, (_, at): [number, Recorded["entry"]] => [0, completed(`step-${at}`)]),
    [0, started("step-20")],
    [0, started("step-21")],
  );
  const lines = frame(view, { height: 10 });
  expect(lines.length).toBeLessThanOrEqual(9);
  expect(lines[1]).toBe("✓ 20 steps done");
  expect(lines.join("\n")).toMatch(/step-20.*\n.*step-21/u);
  expect(lines.at(-1)).toMatch(/^· \d+ more steps to come$/u);
});

test.each([3, 4, 6, 10, 24, 80])("V2: with %d rows the frame fits, whatever runs", (height) => {
  const all = many.map(({ name }): [number, Recorded["entry"]] => [0, started(name)]);
  for (const count of [0, 1, 5, 25, 50]) {
    const lines = frame(viewOf(many, ...all.slice(0, count)), { height });
    expect(lines.length).toBeLessThan(height);
  }
});

test.each([1, 5, 12, 20, 40, 200])("V2, V3: with %d columns no line is wider, whatever is said", (width) => {
  const view = viewOf(
    diamond,
    [0, started("left")],
    [
      0,
      {
        type: "evidence_noted",
        step: "left",
        attempt: 1,
        evidence: "monitoring",
        text: "漢字\u001b[31m red\u001b[0m\nand a very long line of words that goes on and on and on and on",
      },
    ],
    [9, { type: "run_failed", reason: "for a long, long reason that does not fit" }],
  );
  const lines = frame(view, { width });
  expect(lines.filter((line) => displayWidth(line) > width)).toEqual([]);
  // eslint-disable-next-line no-control-regex
  expect(lines.join("")).not.toMatch(/[\u0000-\u001f]/u);
});

test("a step that failed says why, and the last line that it printed", () => {
  const failure = {
    cause: "exit_nonzero",
    message: "it ended with status 1",
    outputTail: "fine\nthe tree is dirty\n",
  } as const;
  const view = viewOf([command("one")], [0, started("one")], [1_000, { type: "step_failed", step: "one", failure }]);
  expect(frame(view, { width: 100 }).join("\n")).toContain("it ended with status 1: the tree is dirty");
});
