import { limits, type Fact } from "@agent-relay/protocol";
import { expect, test } from "vitest";
import {
  accepted,
  exited,
  attempted,
  blocked,
  dueFor,
  fetches,
  handedOver,
  lines,
  registered,
  running,
  spawned,
  spawning,
  stateAfter,
  t0,
  turnEnded,
  turns,
  working,
} from "../testing/stories.ts";
import { judge, settle } from "./broker.ts";
import { TURN_OWED_MS } from "./evolve-delivery.ts";
import { INTERRUPT_MS, evolve } from "./evolve.ts";
import { INJECTION_ITEMS_MAX, nextDue, STALL_AFTER_MS } from "./plan.ts";
import type { BrokerState } from "./state.ts";

const m = (index: number): string => `msg_${String(index).padStart(10, "0")}`;
const typesOf = (facts: readonly Fact[]): readonly string[] => facts.map((it) => it.type);
const startedIds = (facts: readonly Fact[]): readonly string[] =>
  facts.flatMap((it) => (it.type === "delivery_attempt_started" ? [it.messageId] : []));
const fold = (state: BrokerState, fact: Fact, at: number): readonly Fact[] =>
  settle([fact], state, at)
    .slice(1)
    .map((it) => it.fact);

test("D1: while one injection is in flight nothing else begins", () => {
  const state = stateAfter(
    ...running("ada"),
    accepted(m(1), "ben", "ada"),
    attempted(m(1), "ada"),
    accepted(m(2), "ben", "ada"),
  );
  expect(dueFor(state, "ada", t0 + 1_000)).toEqual([]);
});

test("D2: waiting mail goes in in order, up to sixteen messages together, under one injection", () => {
  const mail = Array.from({ length: INJECTION_ITEMS_MAX + 4 }, (_, index) => accepted(m(index), "ben", "ada"));
  const facts = dueFor(stateAfter(...running("ada"), ...mail), "ada", t0);
  expect(startedIds(facts)).toEqual(Array.from({ length: INJECTION_ITEMS_MAX }, (_, index) => m(index)));
  expect(new Set(facts.map((it) => (it.type === "delivery_attempt_started" ? it.injection : ""))).size).toBe(1);
});

test("D2: the injections of one message to several agents have names of their own", () => {
  const both = accepted(m(1), "cleo", "ada", { recipients: ["ada", "ben"] });
  const state = stateAfter(...running("ada"), ...running("ben"), both);
  const injections = [...dueFor(state, "ada", t0), ...dueFor(state, "ben", t0)].map((it) =>
    it.type === "delivery_attempt_started" ? it.injection : "",
  );
  expect(new Set(injections).size).toBe(2);
});

test.each([
  ["starting", [registered("ada"), spawning("ada"), spawned("ada")]],
  ["working", [...running("ada"), working("ada")]],
  ["blocked", [...running("ada"), blocked("ada")]],
  [
    "held",
    [
      ...running("ada"),
      { type: "agent_held", agent: "ada", leaseId: "lease-one", holder: "operator", expiresAt: t0 + 60_000 } as const,
    ],
  ],
  [
    "leaving",
    [...running("ada"), { type: "agent_releasing", agent: "ada", epoch: 1, how: "release", by: "operator" } as const],
  ],
  ["fetching its own mail", running("ada", fetches)],
])("D4: nothing goes into an agent that is %s", (_, history) => {
  const state = stateAfter(...history, accepted(m(1), "ben", "ada"));
  expect(startedIds(dueFor(state, "ada", t0 + 1_000))).toEqual([]);
});

test("D4: a plain reader takes mail at any time, but not while it is blocked", () => {
  expect(
    startedIds(dueFor(stateAfter(...running("ada", lines), working("ada"), accepted(m(1), "ben", "ada")), "ada", t0)),
  ).toEqual([m(1)]);
  expect(
    startedIds(dueFor(stateAfter(...running("ada", lines), blocked("ada"), accepted(m(1), "ben", "ada")), "ada", t0)),
  ).toEqual([]);
});

test("D4: the next mail waits until the turn of the last prompt has shown and ended", () => {
  const state = stateAfter(
    ...running("ada"),
    accepted(m(1), "ben", "ada"),
    attempted(m(1), "ada"),
    handedOver(m(1), "ada"),
    accepted(m(2), "ben", "ada"),
  );
  expect(dueFor(state, "ada", t0 + 10)).toEqual([]);
  expect(fold(state, working("ada"), t0 + 20)).toEqual([]);
  expect(startedIds(fold(state, turnEnded("ada"), t0 + 30))).toEqual([m(2)]);
});

test("D4: a turn that showed before the write was confirmed is not waited for again", () => {
  const state = stateAfter(
    ...running("ada"),
    accepted(m(1), "ben", "ada"),
    attempted(m(1), "ada"),
    working("ada"),
    turnEnded("ada"),
    accepted(m(2), "ben", "ada"),
  );
  expect(startedIds(fold(state, handedOver(m(1), "ada"), t0 + 5))).toEqual([m(2)]);
});

test("a prompt that was swallowed does not close the agent for ever", () => {
  const state = stateAfter(
    ...running("ada"),
    accepted(m(1), "ben", "ada"),
    attempted(m(1), "ada"),
    handedOver(m(1), "ada"),
    accepted(m(2), "ben", "ada"),
  );
  expect(dueFor(state, "ada", t0 + TURN_OWED_MS - 1)).toEqual([]);
  pressedTwice(state);
  expect(startedIds(dueFor(state, "ada", t0 + 3 * TURN_OWED_MS))).toEqual([m(2)]);
});

const pasted = [...running("ada"), accepted(m(1), "ben", "ada"), attempted(m(1), "ada"), handedOver(m(1), "ada")];
const due = t0 + TURN_OWED_MS;

/** Each time when it is due. */
function pressedTwice(state: BrokerState): void {
  for (const repeat of [1, 2]) {
    const pressed = dueFor(state, "ada", t0 + repeat * TURN_OWED_MS);
    expect(pressed).toMatchObject([{ type: "agent_submit_repeated", agent: "ada", epoch: 1, repeat }]);
  }
}

test("D8: a paste of which nothing came is submitted again, twice, and each time looked after", () => {
  const state = stateAfter(...pasted);
  const agent = state.agents.get("ada");
  expect(agent === undefined ? undefined : nextDue(agent, t0)).toBe(due);
  pressedTwice(state);
  expect(dueFor(state, "ada", t0 + 60_000)).toMatchObject([{ type: "agent_idle" }]);
});

test.each([
  ["it works", [working("ada")]],
  ["its turn is over", [working("ada"), turnEnded("ada")]],
  ["it was seen", [{ type: "delivery_seen", messageId: m(1), agent: "ada", epoch: 1, evidence: "prompt_hook" }]],
  ["it waits for a person", [blocked("ada")]],
  ["a person has typed", [{ type: "agent_draft_begun", agent: "ada", epoch: 1 }]],
  ["a person is at it", [{ type: "agent_held", agent: "ada", leaseId: "l", holder: "ben", expiresAt: t0 + 1 }]],
] as const)("D8: nothing is submitted again once %s", (_when, facts) => {
  const state = stateAfter(...pasted, ...facts);
  expect(typesOf(dueFor(state, "ada", due))).not.toContain("agent_submit_repeated");
});

test.each([
  ["that does not say which prompts it took", { ...turns, provesSeen: false }],
  ["that reads at any time", lines],
])("D8: nothing is submitted again to a program %s", (_what, traits) => {
  const state = stateAfter(...running("ada", traits), ...pasted.slice(4));
  expect(typesOf(dueFor(state, "ada", due))).not.toContain("agent_submit_repeated");
});

test("agent_idle is not said of an agent whose prompt is just being taken", () => {
  const state = stateAfter(...running("ada"), accepted(m(1), "ben", "ada"), attempted(m(1), "ada"));
  expect(dueFor(state, "ada", t0 + 60_000)).toEqual([]);
  fold(state, handedOver(m(1), "ada"), t0 + 60_000);
  expect(dueFor(state, "ada", t0 + 60_000 + TURN_OWED_MS - 1)).toEqual([]);
  const { repeats } = state.agents.get("ada")?.unconfirmed ?? { repeats: -1 };
  expect(repeats).toBe(0);
  fold(state, { type: "delivery_seen", messageId: m(1), agent: "ada", epoch: 1, evidence: "prompt_hook" }, t0 + 60_001);
  expect(dueFor(state, "ada", t0 + 60_000 + TURN_OWED_MS)).toMatchObject([{ type: "agent_idle" }]);
});

test("steer interrupts the turn once, and what waits goes in in order when it has ended", () => {
  const state = stateAfter(
    ...running("ada"),
    working("ada"),
    accepted(m(1), "ben", "ada"),
    accepted(m(2), "ben", "ada", { mode: "steer" }),
  );
  expect(dueFor(state, "ada", t0)).toMatchObject([{ type: "agent_interrupting", messageId: m(2) }]);
  expect(dueFor(state, "ada", t0 + 100)).toEqual([]);
  expect(startedIds(fold(state, turnEnded("ada"), t0 + 200))).toEqual([m(1), m(2)]);
});

test("D5: an interrupt that does not take is told, not repeated, and moves nothing", () => {
  const state = stateAfter(...running("ada"), working("ada"), accepted(m(1), "ben", "ada", { mode: "steer" }));
  dueFor(state, "ada", t0);
  expect(dueFor(state, "ada", t0 + INTERRUPT_MS)).toMatchObject([
    { type: "delivery_stalled", reason: "interrupt_unconfirmed" },
  ]);
  expect(dueFor(state, "ada", t0 + 10 * INTERRUPT_MS)).toEqual([]);
  expect(startedIds(fold(state, turnEnded("ada"), t0 + 11 * INTERRUPT_MS))).toEqual([m(1)]);
});

test("D5: mail that waits long says why, once for each reason", () => {
  const state = stateAfter(...running("ada"), blocked("ada"), accepted(m(1), "ben", "ada"));
  expect(dueFor(state, "ada", t0 + STALL_AFTER_MS - 1)).toEqual([]);
  expect(dueFor(state, "ada", t0 + STALL_AFTER_MS)).toMatchObject([
    { type: "delivery_stalled", reason: "agent_blocked" },
  ]);
  expect(dueFor(state, "ada", t0 + STALL_AFTER_MS + 1)).toEqual([]);
});

test("D3: mail of an agent that has ended becomes dead letters, and each sender is told once", () => {
  const state = stateAfter(
    ...running("ada"),
    ...running("ben"),
    blocked("ada"),
    accepted(m(1), "ben", "ada"),
    accepted(m(2), "ben", "ada"),
  );
  const exit = judge(
    {
      type: "incarnation.exited",
      name: "ada",
      epoch: 1,
      reason: "clean",
      code: 0,
      signal: null,
      lastLines: [],
      chance: 0,
      at: t0,
    },
    state,
  );
  if (!exit.accepted) throw new Error("refused");
  settle(exit.events, state, t0);
  const facts = settle([{ type: "agent_released", agent: "ada", epoch: 1 }], state, t0 + 5).map((it) => it.fact);
  expect(typesOf(facts).filter((it) => it === "delivery_dead_lettered")).toHaveLength(2);
  const told = facts.filter((it) => it.type === "message_accepted");
  expect(told).toMatchObject([{ from: "system", recipients: ["ben"] }]);
  expect(told[0]?.type === "message_accepted" && told[0].body).toContain("2 of your messages to ada");
});

test("D3: an agent is not told of the mail that it sent itself", () => {
  const state = stateAfter(...running("ada"), working("ada"), accepted(m(1), "ada", "ada", { expiresAt: t0 + 500 }));
  expect(typesOf(dueFor(state, "ada", t0 + 500))).toEqual(["delivery_dead_lettered"]);
});

test("D3: notices never cause notices", () => {
  const history = [...running("ada"), blocked("ada"), accepted(m(1), "system", "ada")];
  const state = stateAfter(...history);
  const facts = settle([exited("ada", "killed", "stopped")], state, t0).map((it) => it.fact);
  expect(typesOf(facts)).toEqual(["agent_exited", "delivery_dead_lettered"]);
});

test("D3: mail that is not wanted after its time is a dead letter, and not before", () => {
  const state = stateAfter(...running("ada"), working("ada"), accepted(m(1), "ben", "ada", { expiresAt: t0 + 500 }));
  expect(nextDue(state.agents.get("ada") ?? fail(), t0)).toBe(t0 + 500);
  expect(dueFor(state, "ada", t0 + 499)).toEqual([]);
  expect(dueFor(state, "ada", t0 + 500)).toMatchObject([{ type: "delivery_dead_lettered", reason: "expired" }]);
});

test("D3: the last attempt ends in a dead letter, and the next message gets its turn", () => {
  const state = stateAfter(...running("ada"), accepted(m(1), "ben", "ada"), accepted(m(2), "ben", "ada"));
  let now = t0;
  const facts: Fact[] = [...dueFor(state, "ada", now)];
  for (let attempt = 1; attempt <= limits.deliveryAttemptsMax; attempt += 1) {
    const { injection } = state.agents.get("ada") ?? fail();
    const decision = judge(
      {
        type: "injection.failed",
        name: "ada",
        injection: injection?.id ?? "",
        reason: "it does not read",
        partial: true,
        at: now,
      },
      state,
    );
    if (!decision.accepted) throw new Error("refused");
    facts.push(...settle(decision.events, state, now).map((it) => it.fact));
    now += 120_000;
    facts.push(...dueFor(state, "ada", now));
  }
  const attempts = facts.filter((it) => it.type === "delivery_attempt_started" && it.messageId === m(1));
  expect(attempts.map((it) => it.type === "delivery_attempt_started" && [it.attempt, it.possibleRepeat])).toEqual([
    [1, false],
    [2, true],
    [3, true],
    [4, true],
    [5, true],
  ]);
  expect(facts.filter((it) => it.type === "delivery_dead_lettered")).toMatchObject([
    { messageId: m(1), reason: "attempts" },
    { messageId: m(2), reason: "attempts" },
  ]);
});

test("an attempt that failed is repeated after a delay that doubles", () => {
  const state = stateAfter(...running("ada", turns), accepted(m(1), "ben", "ada"), attempted(m(1), "ada"));
  const decision = judge(
    { type: "injection.failed", name: "ada", injection: `${m(1)}.ada.1.1`, reason: "no", partial: false, at: t0 },
    state,
  );
  if (!decision.accepted) throw new Error("refused");
  expect(typesOf(decision.events)).toEqual(["delivery_attempt_failed"]);
  settle(decision.events, state, t0);
  expect(dueFor(state, "ada", t0 + 999)).toEqual([]);
  expect(dueFor(state, "ada", t0 + 1_000)).toMatchObject([
    { type: "delivery_attempt_started", attempt: 2, possibleRepeat: false },
  ]);
});

test("D6: what is due at a time is found from the state alone", () => {
  const state = stateAfter(...running("ada"), accepted(m(1), "ben", "ada"));
  const again = stateAfter(...running("ada"), accepted(m(1), "ben", "ada"));
  expect(dueFor(state, "ada", t0)).toEqual(dueFor(again, "ada", t0));
  expect(evolve).toBeTypeOf("function");
});

function fail(): never {
  throw new Error("no such agent");
}

test("D3: notices to one sender about one message and many agents have ids of their own", () => {
  const names = Array.from({ length: 600 }, (_, index) => `a${((index * 7_919_993) % 60_466_176).toString(36)}`);
  const history = [registered("ben"), ...names.flatMap((name) => [...running(name), working(name)])];
  const state = stateAfter(
    ...history,
    accepted(m(1), "ben", names[0] ?? "", { recipients: names, expiresAt: t0 + 500 }),
  );
  for (const name of names) state.touched.add(name);
  const told = settle([], state, t0 + 500).flatMap(({ fact }) =>
    fact.type === "message_accepted" ? [fact.messageId] : [],
  );
  expect(new Set(told).size).toBe(600);
});

test("D1: an injection after a redelivery has a name of its own, so that it is really written", () => {
  const dead = { type: "delivery_dead_lettered", messageId: m(1), agent: "ada", reason: "attempts" } as const;
  const again = {
    type: "delivery_redelivered",
    messageId: m(1),
    agent: "ada",
    by: "operator",
    from: "ben",
    mode: "wait",
    bytes: 4,
    messageSequence: 5,
  } as const;
  const history = [...running("ada"), accepted(m(1), "ben", "ada")];
  const [first] = dueFor(stateAfter(...history), "ada", t0);
  const attempt = first?.type === "delivery_attempt_started" ? first.injection : "";
  const [second] = dueFor(
    stateAfter(...history, attempted(m(1), "ada", { injection: attempt }), dead, again),
    "ada",
    t0,
  );
  expect(second?.type === "delivery_attempt_started" ? second.injection : attempt).not.toBe(attempt);
});
