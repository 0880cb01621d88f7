import { expect, test } from "vitest";
import type { Observation } from "../core/commands.ts";
import { ofOneTakenUp } from "./past.ts";

const by = { source: "status", fidelity: "exact" } as const;
const seen = (...types: readonly ("ready" | "working" | "turn_ended" | "unblocked")[]): readonly Observation[] =>
  types.map((type) => ({ type, ...by }));
const typesOf = (observations: readonly Observation[]): readonly string[] =>
  ofOneTakenUp(observations).map(({ type }) => type);

test("a program that was taken up in a dialog, and is idle in the same breath as the answer, has ended its turn", () => {
  expect(typesOf(seen("unblocked", "ready"))).toEqual(["unblocked", "turn_ended"]);
});

test("a program that was taken up in a dialog and goes on working has ended no turn", () => {
  expect(typesOf(seen("unblocked", "ready", "working"))).toEqual(["unblocked", "working"]);
});

test("silence after a program was taken up proves no end of a turn", () => {
  expect(typesOf([{ type: "ready", source: "silence", fidelity: "inferred" }])).toEqual(["ready"]);
});
