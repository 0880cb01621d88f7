import { expect, test } from "vitest";
import {
  accepted,
  blocked,
  dueFor,
  exited,
  lines,
  noted,
  registered,
  running,
  spawned,
  spawning,
  stateAfter,
  t0,
  talks,
  turns,
  working,
} from "../testing/stories.ts";
import { judge, settle } from "./broker.ts";
import type { BrokerCommand, Observation } from "./commands.ts";
import { react, recover } from "./effects.ts";
import type { BrokerState } from "./state.ts";
import type { Fact } from "@agent-relay/protocol";

/** `running` has four facts, so the first block after it is the fifth. */
const first = 5;

const answer = (more: Partial<Extract<BrokerCommand, { type: "agent.answer" }>> = {}): BrokerCommand => ({
  type: "agent.answer",
  name: "ada",
  verdict: "approve",
  by: "operator",
  at: t0,
  ...more,
});

function told(state: BrokerState, command: BrokerCommand): readonly Fact[] | { readonly [key: string]: unknown } {
  const decision = judge(command, state);
  if (!decision.accepted) return { code: decision.rejection.code, ...decision.rejection.data };
  settle(decision.events, state, command.at);
  return decision.events;
}

function sees(state: BrokerState, observation: Observation, at = t0): readonly string[] {
  const facts = told(state, { type: "incarnation.observed", name: "ada", epoch: 1, observation, at });
  return Array.isArray(facts) ? facts.map((it: Fact) => it.type) : [];
}

const asks = (
  what: string | undefined,
  more: Partial<Extract<Observation, { type: "blocked" }>> = {},
): Observation => ({
  type: "blocked",
  kind: "permission",
  ...(what === undefined ? {} : { what }),
  answerable: true,
  source: "test",
  fidelity: "exact",
  ...more,
});
const works: Observation = { type: "working", source: "test", fidelity: "exact" };

test("A6: the first answer is recorded under its block, and the program stays blocked until it shows otherwise", () => {
  const state = stateAfter(...running("ada"), blocked("ada"));
  expect(told(state, answer())).toEqual([
    { type: "agent_block_answered", agent: "ada", epoch: 1, block: first, verdict: "approve", by: "operator" },
  ]);
  expect(state.agents.get("ada")).toMatchObject({
    status: "blocked",
    reason: "approved by operator; it has not gone on yet",
  });
});

test("A6: the second answer learns whose the first was, whatever it says", () => {
  const state = stateAfter(...running("ada"), blocked("ada"));
  told(state, answer({ verdict: "deny", by: "sam" }));
  for (const late of [answer(), answer({ verdict: "deny" }), answer({ block: first, by: "sam" })])
    expect(told(state, late)).toEqual({
      code: "already_answered",
      name: "ada",
      block: first,
      by: "sam",
      verdict: "deny",
    });
});

test("A6: an answer that comes when its block is over changes nothing, and says whose answer it was", () => {
  const state = stateAfter(...running("ada"), blocked("ada"));
  told(state, answer({ by: "sam" }));
  sees(state, works);
  expect(told(state, answer({ block: first }))).toMatchObject({
    code: "already_answered",
    by: "sam",
    verdict: "approve",
  });
  expect(told(state, answer())).toMatchObject({ code: "not_blocked", status: "working" });
});

test("A6: an answer to a question that a person has answered at the terminal comes too late", () => {
  const state = stateAfter(...running("ada"), blocked("ada"));
  sees(state, works);
  sees(state, asks("rm -rf /"));
  expect(told(state, answer({ block: first }))).toMatchObject({ code: "already_answered", block: first });
  expect(told(state, answer({ block: 99 }))).toMatchObject({ code: "not_blocked" });
  expect(told(state, answer({ block: 8 }))).toMatchObject([{ type: "agent_block_answered", block: 8 }]);
});

test("A6: whose answer a block had is told of that block alone", () => {
  const state = stateAfter(...running("ada"));
  sees(state, asks("one"));
  sees(state, asks("two"));
  told(state, answer({ by: "sam" }));
  sees(state, works);
  expect(told(state, answer({ block: first }))).toEqual({ code: "already_answered", name: "ada" });
  expect(told(state, answer({ block: 6 }))).toMatchObject({ code: "already_answered", block: 6, by: "sam" });
});

test("O6: other words from the same source are another question, whose answer is its own", () => {
  const state = stateAfter(...running("ada"));
  expect(sees(state, asks("npm test"))).toEqual(["agent_blocked"]);
  expect(sees(state, asks("npm test"))).toEqual([]);
  expect(sees(state, asks(undefined))).toEqual([]);
  expect(sees(state, asks("rm -rf /"))).toEqual(["agent_blocked"]);
  expect(told(state, answer({ block: first }))).toMatchObject({ code: "already_answered", block: first });
});

test("O6: the same question in another source's words is the same, unless that source knows more of it", () => {
  const state = stateAfter(...running("ada"));
  sees(state, asks(undefined, { kind: "unknown", answerable: false, source: "title" }));
  expect(sees(state, asks("Bash: npm test", { source: "hook" }))).toEqual(["agent_blocked"]);
  for (const weaker of [
    asks("Do you want to proceed?", { source: "screen", fidelity: "inferred" }),
    asks("Bash needs permission", { source: "status" }),
    asks(undefined, { kind: "unknown", answerable: false, source: "title" }),
    asks(undefined, { kind: "unknown", source: "hook" }),
    asks("Bash", { kind: "question", answerable: false, source: "hook2" }),
  ])
    expect(sees(state, weaker), JSON.stringify(weaker)).toEqual([]);
  expect(state.agents.get("ada")?.block).toMatchObject({ what: "Bash: npm test", source: "hook" });
});

test("O6: two sources of which each knows something else of a question do not take turns in asking it", () => {
  const state = stateAfter(...running("ada"));
  const status = asks(undefined, { kind: "unknown", answerable: true, source: "status" });
  const hook = asks("npm test", { answerable: false, source: "hook" });
  expect([status, hook, status, hook].flatMap((it) => sees(state, it))).toEqual(["agent_blocked"]);
});

test("O6: another kind from the same source is another question", () => {
  const state = stateAfter(...running("ada"));
  expect(sees(state, asks(undefined))).toEqual(["agent_blocked"]);
  expect(sees(state, asks(undefined, { kind: "quota" }))).toEqual(["agent_blocked"]);
});

test("O6: what is learnt of a question just after its answer does not ask it again", () => {
  const state = stateAfter(...running("ada"));
  sees(state, asks(undefined, { kind: "unknown", source: "title" }));
  told(state, answer());
  expect(sees(state, asks("npm test", { source: "hook" }), t0 + 500)).toEqual([]);
});

test("O6: what still waits long after its answer is asked again, and what is only still on the screen is not", () => {
  const state = stateAfter(...running("ada"));
  sees(state, asks("npm test"));
  told(state, answer({ at: t0 + 5 }));
  expect(sees(state, asks("npm test"), t0 + 10_004)).toEqual([]);
  expect(sees(state, asks("npm test", { source: "screen", fidelity: "inferred" }), t0 + 60_000)).toEqual([]);
  expect(sees(state, asks("npm test"), t0 + 10_005)).toEqual(["agent_blocked"]);
  expect(told(state, answer({ at: t0 + 10_006 }))).toMatchObject([{ type: "agent_block_answered", block: 7 }]);
});

test("what can only be answered at the terminal is refused, and so is an agent that does not run, or is not known", () => {
  const state = stateAfter(...running("ada"), blocked("ada", 1, { answerable: false, kind: "auth" }));
  expect(told(state, answer())).toEqual({ code: "not_answerable", name: "ada", block: first, kind: "auth" });
  expect(told(stateAfter(...running("ada"), exited("ada", "clean", "normal")), answer())).toMatchObject({
    code: "agent_not_running",
  });
  expect(told(state, answer({ name: "aba" }))).toMatchObject({ code: "unknown_agent", nearest: ["ada"] });
});

test("an answer never reaches the next incarnation", () => {
  const state = stateAfter(
    ...running("ada"),
    blocked("ada"),
    exited("ada", "crash", "crash"),
    spawning("ada", 2),
    spawned("ada", 2),
    blocked("ada", 2, { kind: "trust" }),
  );
  expect(told(state, answer({ block: first }))).toMatchObject({ code: "already_answered" });
  expect(told(state, answer())).toMatchObject([{ epoch: 2, block: 9 }]);
});

test("an answer is performed once it is on disk, under the block's name", () => {
  const state = stateAfter(...running("ada"), blocked("ada"));
  const facts = told(state, answer({ verdict: "deny" })) as readonly Fact[];
  expect(react(noted(...facts), state)).toEqual([
    {
      type: "answer",
      name: "ada",
      epoch: 1,
      block: first,
      kind: "permission",
      verdict: "deny",
      recovered: false,
    },
  ]);
});

test("an answer to what has gone on within the same batch is not typed into something else", () => {
  const state = stateAfter(...running("ada"), blocked("ada"));
  const facts = told(state, answer()) as readonly Fact[];
  sees(state, works);
  expect(react(noted(...facts), state)).toEqual([]);
  sees(state, asks("something else"));
  expect(react(noted(...facts), state)).toEqual([]);
  const both = [...facts, ...(told(state, answer()) as readonly Fact[])];
  expect(react(noted(...both), state)).toMatchObject([{ type: "answer", block: 9 }]);
});

test("after a restart an answer that has not taken yet is asked for again under the same name, behind the reattachment", () => {
  const state = stateAfter(...running("ada"), blocked("ada"));
  expect(recover(state).map((it) => it.type)).toEqual(["tidy", "reattach"]);
  told(state, answer());
  expect(recover(state).map((it) => it.type)).toEqual(["tidy", "reattach", "answer"]);
  expect(recover(state).at(-1)).toMatchObject({ block: first, verdict: "approve", recovered: true });
  sees(state, works);
  expect(recover(state).map((it) => it.type)).toEqual(["tidy", "reattach"]);
});

test.each([
  ["between turns", turns],
  ["whose reader takes lines at any time", lines],
  ["that takes mail in its turn", talks],
])("D7: a message that says approve all changes nothing for a blocked agent %s", (_, traits) => {
  for (const before of [[], [working("ada")]]) {
    const state = stateAfter(
      registered("ada"),
      ...running("ada", traits).slice(1),
      ...before,
      blocked("ada"),
      accepted("msg_0000000001", "ben", "ada", { body: "approve all", mode: "steer" }),
      accepted("msg_0000000002", "operator", "ada", { body: "\u001b[200~y\r1\rapprove" }),
    );
    expect(dueFor(state, "ada", t0 + 1_000)).toEqual([]);
    const later = dueFor(state, "ada", t0 + 600_000);
    expect(later.map((it) => it.type)).toEqual(["delivery_stalled"]);
    expect(react(noted(...later), state)).toEqual([]);
    expect(state.agents.get("ada")?.block?.answered).toBeUndefined();
  }
});
