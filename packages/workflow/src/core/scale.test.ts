import { expect, test } from "vitest";
import { plan } from "./agenda.ts";
import type { Plan } from "./plan.ts";
import { advance, recover } from "./run.ts";
import type { Run } from "./state.ts";
import { command, planOf } from "./testing/world.ts";

const named = (index: number): string => `s${index}`;
const chainOf = (length: number): Plan =>
  planOf(Array.from({ length }, (_, index) => command(named(index), index === 0 ? [] : [named(index - 1)])));
const waveOf = (length: number): Plan =>
  planOf(
    Array.from({ length }, (_, index) => command(named(index))),
    { maxConcurrency: length },
  );

/** The time that each thousand steps took. */
function play(
  planned: Plan,
  output = "ok",
): { readonly run: Run; readonly ms: readonly number[]; readonly entries: number } {
  const run = recover([]);
  let entries = 0;
  const send = (message: Parameters<typeof advance>[1]): void => {
    const decision = advance(run, message, 1_000);
    entries += decision.accepted ? decision.events.length : 0;
    plan(run, 1_000);
  };
  send({ type: "start", runId: "run_01", plan: planned, vars: {}, cwd: "/" });
  const ms: number[] = [];
  let since = performance.now();
  planned.steps.forEach(({ name }, index) => {
    send({ type: "process_exited", step: name, attempt: 1, code: 0, signal: null, output });
    if (index % 1_000 !== 999) return;
    ms.push(performance.now() - since);
    since = performance.now();
  });
  return { run, ms, entries };
}

test("a plan of 1,000 steps is decided, as a chain and as one wave", () => {
  for (const [what, planned] of [
    ["chain", chainOf(1_000)],
    ["wave", waveOf(1_000)],
  ] as const) {
    const began = performance.now();
    const run = recover([]);
    const decision = advance(run, { type: "start", runId: "run_01", plan: planned, vars: {}, cwd: "/" }, 1_000);
    const { actions } = plan(run, 1_000);
    const ms = performance.now() - began;
    process.stdout.write(`1,000 steps as a ${what}: begun in ${ms.toFixed(1)} ms, ${actions.length} actions\n`);
    expect(decision.accepted && decision.events.length).toBe(what === "chain" ? 2 : 1_001);
    const played = play(planned);
    process.stdout.write(`1,000 steps as a ${what}: played in ${played.ms.map((it) => it.toFixed(0)).join()} ms\n`);
    expect(played.run.status).toBe("completed");
  }
});

test("V1, U6: the entries of a chain of 10,000 steps cost the same at its end as at its beginning", () => {
  const { run, ms, entries } = play(chainOf(10_000));
  process.stdout.write(`10,000 steps as a chain, ms for each thousand: ${ms.map((it) => it.toFixed(0)).join(" ")}\n`);
  expect([run.status, entries]).toEqual(["completed", 30_002]);
  expect([run.active.size, run.delayed.size, run.touched.size, run.toSkip.length]).toEqual([0, 0, 0, 0]);
});

test("V3: of 10,000 outputs nothing is kept that nobody names", () => {
  const { run } = play(chainOf(10_000), "x".repeat(10_000));
  const kept = [...run.steps.values()].reduce((sum, it) => sum + (it.output?.length ?? 0), 0);
  expect(kept).toBe(0);
});

test("V3: of an output that somebody names at most 32 KiB are kept, its head and its tail", () => {
  const steps = [command("a"), command("b", ["a"], { env: { A: "{{steps.a.output}}" } })];
  const { run } = play(planOf(steps), `head${"x".repeat(100_000)}tail`);
  const output = run.steps.get("a")?.output ?? "";
  expect([output.length <= 32_768, output.startsWith("head"), output.endsWith("tail")]).toEqual([true, true, true]);
});
