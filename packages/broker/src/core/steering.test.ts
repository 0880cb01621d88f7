import type { Fact } from "@agent-relay/protocol";
import { expect, test } from "vitest";
import {
  accepted,
  attempted,
  blocked,
  dueFor,
  exited,
  handedOver,
  lines,
  noted,
  ready,
  running,
  spawned,
  spawning,
  stateAfter,
  t0,
  talks,
  turnEnded,
  turns,
  working,
} from "../testing/stories.ts";
import { judge, settle } from "./broker.ts";
import type { BrokerCommand, Observation } from "./commands.ts";
import { react, recover } from "./effects.ts";
import { TURN_OWED_MS } from "./evolve-delivery.ts";
import { INJECTION_ITEMS_MAX, STALL_AFTER_MS } from "./plan.ts";
import type { BrokerState } from "./state.ts";

const m = (index: number): string => `msg_${String(index).padStart(10, "0")}`;
const startedIds = (facts: readonly Fact[]): readonly string[] =>
  facts.flatMap((it) => (it.type === "delivery_attempt_started" ? [it.messageId] : []));
const mail = (index: number, mode: "wait" | "steer" = "wait"): Fact => accepted(m(index), "ben", "ada", { mode });
const typesOf = (facts: readonly Fact[]): readonly string[] => facts.map((it) => it.type);

/** Decides, folds and answers what followed, the command's own facts included. */
function tell(state: BrokerState, command: BrokerCommand): readonly Fact[] {
  const decision = judge(command, state);
  if (!decision.accepted) throw new Error(decision.rejection.message);
  return settle(decision.events, state, command.at).map((it) => it.fact);
}
const sees = (state: BrokerState, observation: Observation, at = t0): readonly Fact[] =>
  tell(state, { type: "incarnation.observed", name: "ada", epoch: 1, observation, at });
const exact = { source: "test", fidelity: "exact" } as const;

function injectionOf(state: BrokerState): string {
  return state.agents.get("ada")?.injection?.id ?? "none";
}

test("D2: urgent mail goes into the turn together with all that waited before it, and what came after waits", () => {
  const state = stateAfter(
    ...running("ada", talks),
    working("ada"),
    mail(1),
    mail(2, "steer"),
    mail(3),
    mail(4, "steer"),
    mail(5),
  );
  const facts = dueFor(state, "ada", t0);
  expect(startedIds(facts)).toEqual([m(1), m(2)]);
  expect(facts).toMatchObject([{ route: "structured" }, { route: "structured" }]);
  expect(react(noted(...facts), state)).toMatchObject([{ type: "inject", steer: true, recovered: false }]);
  const next = tell(state, {
    type: "injection.drained",
    name: "ada",
    injection: injectionOf(state),
    evidence: "turn_steered",
    at: t0 + 10,
  });
  expect(next.filter((it) => it.type === "delivery_handed_over")).toMatchObject([
    { messageId: m(1), route: "structured", evidence: "turn_steered" },
    { messageId: m(2) },
  ]);
  expect(startedIds(next)).toEqual([m(3), m(4)]);
});

test("D2: more mail than goes in together goes into the turn in several injections, in order", () => {
  const many = Array.from({ length: INJECTION_ITEMS_MAX + 2 }, (_, index) => mail(index));
  const state = stateAfter(...running("ada", talks), working("ada"), ...many, mail(99, "steer"));
  expect(startedIds(dueFor(state, "ada", t0))).toHaveLength(INJECTION_ITEMS_MAX);
  const drained = { type: "injection.drained", name: "ada", evidence: "turn_steered", at: t0 } as const;
  expect(startedIds(tell(state, { ...drained, injection: injectionOf(state) }))).toEqual([m(16), m(17), m(99)]);
});

test("D4: mail that is not urgent waits for the end of the turn, also where it could be steered", () => {
  const state = stateAfter(...running("ada", talks), working("ada"), mail(1));
  expect(dueFor(state, "ada", t0)).toEqual([]);
  const [, ...due] = settle([turnEnded("ada")], state, t0 + 5);
  expect(startedIds(due.map((it) => it.fact))).toEqual([m(1)]);
  expect(react(due, state)).toMatchObject([{ type: "inject", steer: false }]);
});

const releasing = { type: "agent_releasing", agent: "ada", epoch: 1, how: "release", by: "operator" } as const;
const held = {
  type: "agent_held",
  agent: "ada",
  leaseId: "lease-one",
  holder: "operator",
  expiresAt: t0 + 60_000,
} as const;

test.each([
  ["blocked", [...running("ada", talks), working("ada"), blocked("ada")]],
  ["held", [...running("ada", talks), working("ada"), held]],
  ["starting", running("ada", talks).slice(0, 3)],
  ["leaving", [...running("ada", talks), working("ada"), releasing]],
] as const)("D4: nothing is steered into an agent that is %s", (_, history) => {
  const state = stateAfter(...history, mail(1, "steer"));
  expect(dueFor(state, "ada", t0 + 1_000)).toEqual([]);
});

test("D4: a program that takes nothing in its turn is interrupted as ever", () => {
  const state = stateAfter(...running("ada", turns), working("ada"), mail(1, "steer"));
  expect(typesOf(dueFor(state, "ada", t0))).toEqual(["agent_interrupting"]);
});

test("a turn that refused mail is not asked again; the mail interrupts it, and its attempts are not spent", () => {
  const state = stateAfter(...running("ada", talks), working("ada"), mail(1, "steer"));
  dueFor(state, "ada", t0);
  const refused = {
    type: "injection.failed",
    name: "ada",
    reason: "review turns take nothing",
    partial: false,
  } as const;
  const facts = tell(state, { ...refused, injection: injectionOf(state), at: t0 + 1 });
  expect(typesOf(facts)).toEqual(["delivery_attempt_failed", "agent_interrupting"]);
  expect(typesOf(dueFor(state, "ada", t0 + 500_000))).not.toContain("delivery_attempt_started");
  const [, ...after] = settle([turnEnded("ada")], state, t0 + 500_001);
  expect(startedIds(after.map((it) => it.fact))).toEqual([m(1)]);
  settle([working("ada")], state, t0 + 500_002);
  expect(state.agents.get("ada")?.steerRefused).toBe(false);
});

test("D4: what was steered in owes no turn of its own, so the end of the turn opens the agent", () => {
  const state = stateAfter(...running("ada", talks), working("ada"), mail(1, "steer"), mail(2));
  dueFor(state, "ada", t0);
  const drained = { type: "injection.drained", name: "ada", injection: injectionOf(state), at: t0 } as const;
  tell(state, { ...drained, evidence: "turn_steered" });
  const [, ...after] = settle([turnEnded("ada")], state, t0 + 5);
  expect(startedIds(after.map((it) => it.fact))).toEqual([m(2)]);
});

test("D4: what came too late for the turn begins one of its own, and the next mail waits for that", () => {
  const state = stateAfter(...running("ada", talks), working("ada"), mail(1, "steer"), mail(2));
  dueFor(state, "ada", t0);
  const injection = injectionOf(state);
  settle([turnEnded("ada")], state, t0 + 5);
  const late = { type: "injection.drained", name: "ada", injection, evidence: "request_accepted", at: t0 + 6 } as const;
  expect(startedIds(tell(state, late))).toEqual([]);
  expect(startedIds(settle([working("ada")], state, t0 + 7).map((it) => it.fact))).toEqual([]);
  expect(startedIds(settle([turnEnded("ada")], state, t0 + 8).map((it) => it.fact))).toEqual([m(2)]);
});

test("D4: what was steered into a turn that ended before the news of it came owes no turn either", () => {
  const state = stateAfter(...running("ada", talks), working("ada"), mail(1, "steer"), mail(2));
  dueFor(state, "ada", t0);
  const injection = injectionOf(state);
  settle([turnEnded("ada")], state, t0 + 5);
  const late = { type: "injection.drained", name: "ada", injection, evidence: "turn_steered", at: t0 + 6 } as const;
  expect(startedIds(tell(state, late))).toEqual([m(2)]);
});

test("D4: what began a turn of its own, which is over when the news of it comes, owes none", () => {
  const state = stateAfter(...running("ada", talks), working("ada"), mail(1, "steer"), mail(2));
  dueFor(state, "ada", t0);
  const injection = injectionOf(state);
  settle([turnEnded("ada"), working("ada"), turnEnded("ada")], state, t0 + 5);
  const late = { type: "injection.drained", name: "ada", injection, evidence: "request_accepted", at: t0 + 6 } as const;
  expect(startedIds(tell(state, late))).toEqual([m(2)]);
});

test("mail that a turn refused after it had ended is steered into the next one as ever", () => {
  const state = stateAfter(...running("ada", talks), working("ada"), mail(1, "steer"));
  dueFor(state, "ada", t0);
  const injection = injectionOf(state);
  settle([turnEnded("ada")], state, t0 + 5);
  tell(state, { type: "injection.failed", name: "ada", injection, reason: "no turn", partial: false, at: t0 + 6 });
  expect(state.agents.get("ada")?.steerRefused).toBe(false);
});

test("a plain reader is given lines in its turn, and nothing is steered", () => {
  const state = stateAfter(...running("ada", lines), working("ada"), mail(1, "steer"));
  expect(react(noted(...dueFor(state, "ada", t0)), state)).toMatchObject([{ type: "inject", steer: false }]);
});

test("an echo and a reply prove the way that the mail was taking", () => {
  const echoed = stateAfter(...running("ada", talks), mail(1));
  dueFor(echoed, "ada", t0);
  const prompt = { type: "prompt", messageIds: [m(1)], evidence: "turn_started", ...exact } as const;
  expect(sees(echoed, prompt)).toMatchObject([
    { route: "structured", evidence: "turn_started" },
    { type: "delivery_seen" },
  ]);
  const answered = stateAfter(...running("ada", talks), ...running("ben"), mail(1));
  dueFor(answered, "ada", t0);
  const reply = {
    messageId: m(2),
    from: "ada",
    fromEpoch: 1,
    to: { kind: "agent", name: "ben" },
    body: "yes",
  } as const;
  const facts = tell(answered, {
    type: "message.send",
    ...reply,
    bytes: 3,
    mode: "wait",
    replyTo: { messageId: m(1), threadId: m(1) },
    expiresAt: undefined,
    at: t0,
  });
  expect(facts.filter((it) => it.type === "delivery_handed_over")).toMatchObject([
    { messageId: m(1), route: "structured", evidence: "reply" },
  ]);
});

test("after a restart of the broker mail on its way into a turn is asked for again as that", () => {
  const state = stateAfter(...running("ada", talks), working("ada"), mail(1, "steer"));
  dueFor(state, "ada", t0);
  expect(recover(state).at(-1)).toMatchObject({ type: "inject", steer: true, recovered: true });
});

test("what a hook took along went by the hook, whatever way the program's mail takes otherwise", () => {
  const state = stateAfter(...running("ada", turns), mail(1));
  dueFor(state, "ada", t0);
  const served = { type: "injection.drained", name: "ada", injection: injectionOf(state), at: t0 } as const;
  expect(tell(state, { ...served, evidence: "hook_served" })).toMatchObject([
    { route: "hook", evidence: "hook_served" },
  ]);
});

test("O5: an echo in a record proves as much as one in a hook, and says which it was", () => {
  const state = stateAfter(...running("ada", talks), mail(1), attempted(m(1), "ada"), handedOver(m(1), "ada"));
  const prompt = { type: "prompt", messageIds: [m(1)], evidence: "transcript", ...exact } as const;
  expect(sees(state, prompt)).toMatchObject([{ type: "delivery_seen", evidence: "transcript" }]);
  expect(sees(state, prompt)).toEqual([]);
});

// Drafts

const begins: Observation = { type: "draft", present: true, ...exact };
const clears: Observation = { type: "draft", present: false, ...exact };
const works: Observation = { type: "working", ...exact };
const drafting: Fact = { type: "agent_draft_begun", agent: "ada", epoch: 1 };

test("D4: nothing is pasted to a person's draft, also after the hold is gone; it goes in when the composer is empty", () => {
  const state = stateAfter(...running("ada"), drafting, mail(1));
  expect(dueFor(state, "ada", t0)).toEqual([]);
  expect(dueFor(state, "ada", t0 + STALL_AFTER_MS)).toMatchObject([
    { type: "agent_idle" },
    { type: "delivery_stalled", reason: "draft_in_composer" },
  ]);
  const after = sees(state, clears, t0 + STALL_AFTER_MS + 1);
  expect(typesOf(after)).toEqual(["agent_draft_ended", "delivery_attempt_started"]);
});

test("D4: a turn is not interrupted while a person writes, for the mail could not go in after it", () => {
  const state = stateAfter(...running("ada"), working("ada"), drafting, mail(1, "steer"));
  expect(dueFor(state, "ada", t0)).toEqual([]);
});

test("D4: a conversation has no composer, so no draft is in the way of its mail", () => {
  expect(startedIds(dueFor(stateAfter(...running("ada", talks), drafting, mail(1)), "ada", t0))).toEqual([m(1)]);
});

const openedBy = (route: "file" | "plugin" | "paste"): Fact => ({
  type: "agent_route_changed",
  agent: "ada",
  epoch: 1,
  route,
  source: "test",
});

test.each(["file", "plugin"] as const)(
  "D4: mail that goes in by %s needs no keys, so no draft is in its way",
  (route) => {
    const state = stateAfter(...running("ada"), openedBy(route), drafting, mail(1));
    expect(dueFor(state, "ada", t0)).toMatchObject([{ type: "delivery_attempt_started", messageId: m(1), route }]);
  },
);

test("D4: it waits as ever while a person is asked or holds the terminal, and while a turn runs", () => {
  const held: Fact = { type: "agent_held", agent: "ada", leaseId: "one", holder: "operator", expiresAt: t0 + 60_000 };
  for (const fact of [blocked("ada"), held, working("ada")])
    expect(dueFor(stateAfter(...running("ada"), openedBy("file"), fact, mail(1)), "ada", t0)).toEqual([]);
});

test("D4: no key is pressed while a draft stands, whatever way mail takes: urgent mail waits for the turn", () => {
  const state = stateAfter(...running("ada"), openedBy("file"), working("ada"), drafting, mail(1, "steer"));
  expect(dueFor(state, "ada", t0)).toEqual([]);
  expect(typesOf(sees(state, { type: "turn_ended", ...exact }))).toEqual([
    "agent_turn_ended",
    "delivery_attempt_started",
  ]);
});

test("D8: what went in without keys is not submitted by a key", () => {
  const state = stateAfter(...running("ada"), openedBy("file"), mail(1), attempted(m(1), "ada", { route: "file" }));
  tell(state, {
    type: "injection.drained",
    name: "ada",
    injection: injectionOf(state),
    evidence: "line_appended",
    at: t0,
  });
  expect(dueFor(state, "ada", t0 + TURN_OWED_MS)).toEqual([]);
});

test("O9: a way in is told when it opens and when it closes, once, and what waited goes in", () => {
  const state = stateAfter(...running("ada"), drafting, mail(1));
  const opens: Observation = { type: "route", route: "file", ...exact };
  const closes: Observation = { type: "route", route: "paste", ...exact };
  expect(typesOf(sees(state, closes))).toEqual([]);
  expect(typesOf(sees(state, opens))).toEqual(["agent_route_changed", "delivery_attempt_started"]);
  expect(typesOf(sees(state, opens))).toEqual([]);
  expect(typesOf(sees(state, closes))).toEqual(["agent_route_changed"]);
});

test("O9: a way in is of one incarnation: the next is pasted to until its own has opened", () => {
  const next = [spawning("ada", 2), spawned("ada", 2), ready("ada", 2)];
  const state = stateAfter(...running("ada"), openedBy("file"), exited("ada", "crash", "crash"), ...next, mail(1));
  expect(dueFor(state, "ada", t0)).toMatchObject([{ route: "paste" }]);
});

test("O7: a draft begins once and ends once", () => {
  const state = stateAfter(...running("ada"));
  expect([begins, begins, clears, clears, begins].flatMap((it) => typesOf(sees(state, it)))).toEqual([
    "agent_draft_begun",
    "agent_draft_ended",
    "agent_draft_begun",
  ]);
});

test("O7: a turn that a person began was the draft, and so was a prompt without a message of ours", () => {
  const one = stateAfter(...running("ada"), drafting);
  expect(typesOf(sees(one, works))).toEqual(["agent_working", "agent_draft_ended"]);
  const other = stateAfter(...running("ada"), working("ada"), drafting);
  expect(typesOf(sees(other, { type: "prompt", messageIds: [], ...exact }))).toEqual(["agent_draft_ended"]);
});

test("O7: the turn and the echo of our own mail prove nothing about a draft begun meanwhile", () => {
  const state = stateAfter(...running("ada"), mail(1), attempted(m(1), "ada"), handedOver(m(1), "ada"), drafting);
  expect(typesOf(sees(state, works))).toEqual(["agent_working"]);
  expect(typesOf(sees(state, { type: "prompt", messageIds: [m(1)], ...exact }))).toEqual(["delivery_seen"]);
  expect(state.agents.get("ada")?.drafting).toBe(true);
  const early = stateAfter(...running("ada"), mail(1), attempted(m(1), "ada"), drafting);
  expect(typesOf(sees(early, works))).toEqual(["agent_working"]);
});

test("O7: once our mail's turn is not expected any more, the next turn is the draft's", () => {
  const state = stateAfter(...running("ada"), mail(1), attempted(m(1), "ada"), handedOver(m(1), "ada"), drafting);
  expect(typesOf(sees(state, works, t0 + TURN_OWED_MS))).toEqual(["agent_working", "agent_draft_ended"]);
});

test("O7: a draft ends with its incarnation", () => {
  const state = stateAfter(...running("ada"), drafting);
  const exit = { type: "incarnation.exited", name: "ada", epoch: 1, reason: "crash", code: 1, signal: null } as const;
  tell(state, { ...exit, lastLines: [], chance: 0, at: t0 });
  expect(state.agents.get("ada")?.drafting).toBe(false);
});

test("an agent with a draft is asked to leave without typing: the exit command would be joined to it", () => {
  const polite = (...more: readonly Fact[]): unknown => {
    const state = stateAfter(...running("ada"), ...more, releasing);
    return react(noted(releasing), state)[0];
  };
  expect(polite()).toMatchObject({ type: "terminate", polite: true });
  expect(polite(drafting)).toMatchObject({ type: "terminate", polite: false });
});

test("O3: a compaction arms the context thresholds again at once", () => {
  const state = stateAfter(...running("ada"));
  const left = (pctLeft: number): readonly string[] => typesOf(sees(state, { type: "context", pctLeft, ...exact }));
  expect(left(9)).toEqual(["agent_context_low"]);
  expect(left(9)).toEqual([]);
  expect(typesOf(sees(state, { type: "compacted", ...exact }))).toEqual(["agent_compacted"]);
  expect(left(19)).toEqual(["agent_context_low"]);
});
