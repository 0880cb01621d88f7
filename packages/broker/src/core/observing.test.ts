import { Fact } from "@agent-relay/protocol";
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

const saying = (text: string, epoch = 1) => ({
  type: "incarnation.observed" as const,
  name: "ada",
  epoch,
  observation: { type: "said" as const, text, source: "hook:Stop", fidelity: "exact" as const },
  at: t0,
});

test("O8: what a model answered is told in its own words, clean and bounded", () => {
  const state = stateAfter(...running("ada"));
  const told = (text: string) => judge(saying(text), state);
  const fact = { type: "agent_said", agent: "ada", epoch: 1, source: "hook:Stop", fidelity: "exact" };
  expect(told("\u001b[31mAll\r\ngreen.\u001b[0m\u0007\n")).toEqual({
    accepted: true,
    events: [{ ...fact, text: "All\ngreen." }],
  });
  expect(told(" \n\u001b[0m")).toEqual({ accepted: true, events: [] });
  const long = told(`${"a".repeat(20_000)}${"b".repeat(20_000)}`);
  const [said] = long.accepted ? long.events : [];
  expect(Fact.parse(said)).toMatchObject({
    text: expect.stringMatching(/^a{7970}\n\[… 24060 characters left out …\]\nb{7970}$/u),
  });
});

test("O8: it changes nothing of its agent, and an incarnation that is not the newest says nothing", () => {
  const state = stateAfter(...running("ada"));
  const before = structuredClone({ ...state.agents.get("ada"), mailbox: undefined });
  const decision = judge(saying("done"), state);
  if (!decision.accepted) throw new Error("refused");
  settle(decision.events, state, t0);
  expect(structuredClone({ ...state.agents.get("ada"), mailbox: undefined })).toEqual(before);
  expect(judge(saying("done", 2), state)).toEqual({ accepted: true, events: [] });
});
