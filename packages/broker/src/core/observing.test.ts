import { expect, test } from "vitest";
import { running, stateAfter, t0 } from "../testing/stories.ts";
import { judge, settle } from "./broker.ts";
import type { BrokerState } from "./state.ts";

function contextSeen(
  state: BrokerState,
  pctLeft: number,
  fidelity: "exact" | "inferred" = "exact",
): readonly (readonly [string, number])[] {
  const decision = judge(
    {
      type: "incarnation.observed",
      name: "ada",
      epoch: 1,
      observation: { type: "context", pctLeft, source: "test", fidelity },
      at: t0,
    },
    state,
  );
  if (!decision.accepted) throw new Error("refused");
  settle(decision.events, state, t0);
  return decision.events.flatMap((it): readonly (readonly [string, number])[] => {
    if (it.type === "agent_context_low") return [["low", it.threshold]];
    return it.type === "agent_context_recovered" ? [["recovered", it.pct]] : [];
  });
}

test("O3: one event for each threshold on the way down", () => {
  const state = stateAfter(...running("ada"));
  expect([25, 19, 18, 9, 9, 4, 3].flatMap((pct) => contextSeen(state, pct))).toEqual([
    ["low", 20],
    ["low", 10],
    ["low", 5],
  ]);
});

test("O3: a fall over several thresholds is one event, for the lowest", () => {
  expect(contextSeen(stateAfter(...running("ada")), 6)).toEqual([["low", 10]]);
});

test("O3: room again arms the thresholds, chatter around one does not", () => {
  const state = stateAfter(...running("ada"));
  expect([19, 21, 19, 24].flatMap((pct) => contextSeen(state, pct))).toEqual([["low", 20]]);
  expect([60, 19].flatMap((pct) => contextSeen(state, pct))).toEqual([
    ["recovered", 60],
    ["low", 20],
  ]);
});

test("O4: what the screen suggests does not count once the program itself has spoken", () => {
  const state = stateAfter(...running("ada"));
  expect(contextSeen(state, 18, "exact")).toEqual([["low", 20]]);
  expect(contextSeen(state, 4, "inferred")).toEqual([]);
  expect(contextSeen(state, 4, "exact")).toEqual([["low", 5]]);
});
