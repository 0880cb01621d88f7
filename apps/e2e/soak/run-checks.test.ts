import type { Entry } from "@agent-relay/workflow";
import { expect, test } from "vitest";
import { brokenIn, type Mark } from "./run-checks.ts";

const recorded = (...entries: readonly Entry[]) => entries.map((entry, index) => ({ entry, at: index * 10 }));
const completes = (step: string, output: string): readonly Entry[] => [
  { type: "attempt_started", step, attempt: 1 },
  { type: "step_completed", step, output },
];
const wrote = (what: Mark["what"], name: string, atMs: number): Mark => ({ what, name, atMs });
const broken = (entries: readonly Entry[], ...marks: readonly Mark[]): readonly string[] =>
  brokenIn({ recorded: recorded(...entries), marks, overlaps: "", events: [], agentSteps: [], agentKills: [] });

test("K1: a command that was begun once and was done is as it should be", () => {
  expect(broken(completes("each[0]", "each-a"), wrote("began", "each-a", 1), wrote("done", "each-a", 9))).toEqual([]);
});

test.each([
  ["that prints the name under which it writes", "each[0]", "each-a", "each-a"],
  ["that prints something else", "list", '["a","b"]', "list"],
])("K1: a command %s is seen when it is begun again in the world", (_how, step, output, name) => {
  const marks = [wrote("began", name, 1), wrote("done", name, 9), wrote("began", name, 50)];
  expect(broken(completes(step, output), ...marks)).toEqual([
    `${name} was begun in the world after it had completed`,
    `${step} was begun 2 times in 1 attempts`,
  ]);
});
