import type { Fact } from "@agent-relay/protocol";
import { expect, test } from "vitest";
import {
  accepted,
  attempted,
  blocked,
  dueFor,
  noted,
  running,
  stateAfter,
  t0,
  turnEnded,
  turns,
  working,
} from "../testing/stories.ts";
import { judge } from "./broker.ts";
import { react, recover } from "./effects.ts";

const stubborn = { ...turns, interruptible: false };
const held: Fact = { type: "agent_held", agent: "ada", leaseId: "one", holder: "operator", expiresAt: t0 + 60_000 };
const urgent = { mode: "steer" } as const;
const drained = (evidence: "hook_served") =>
  ({ type: "injection.drained", name: "ada", injection: "m1.ada.1.1", evidence, at: t0 }) as const;

/** What is served to ada at a boundary after this history. */
function served(...facts: readonly Fact[]): readonly Fact[] {
  const state = stateAfter(...facts);
  const decision = judge({ type: "mail.serve", name: "ada", epoch: 1, at: t0 }, state);
  return decision.accepted ? decision.events : [];
}
const idsIn = (facts: readonly Fact[]): readonly string[] =>
  facts.flatMap((it) => (it.type === "delivery_attempt_started" ? [`${it.messageId} ${it.route}`] : []));

test("K1: urgent mail that waits for the end of a turn is served, with what stands before it", () => {
  const history = [
    ...running("ada", stubborn),
    working("ada"),
    accepted("m1", "ben", "ada"),
    accepted("m2", "ben", "ada", urgent),
    accepted("m3", "ben", "ada"),
  ];
  expect(idsIn(served(...history))).toEqual(["m1 hook", "m2 hook"]);
});

test("K1: mail that can wait for the end of the turn does", () => {
  expect(served(...running("ada"), working("ada"), accepted("m1", "ben", "ada"))).toEqual([]);
});

test.each([
  ["holds the terminal", held],
  ["has begun a draft", { type: "agent_draft_begun", agent: "ada", epoch: 1 } as const],
])("K1: while a person %s, any mail is served", (_what, fact) => {
  expect(idsIn(served(...running("ada"), working("ada"), fact, accepted("m1", "ben", "ada")))).toEqual(["m1 hook"]);
});

test("K2: nothing is served beside an injection under way, or while an interrupt may still take", () => {
  const mail = accepted("m2", "ben", "ada", urgent);
  const begun = [...running("ada", stubborn), accepted("m1", "ben", "ada")];
  expect(served(...begun, attempted("m1", "ada"), working("ada"), mail)).toEqual([]);
  const interrupting: Fact = { type: "agent_interrupting", agent: "ada", epoch: 1, messageId: "m2" };
  expect(served(...running("ada"), working("ada"), mail, interrupting)).toEqual([]);
});

test("K2: a text that a program would put aside is not served", () => {
  const long = accepted("m1", "ben", "ada", { body: "x".repeat(6_001) });
  expect(served(...running("ada"), working("ada"), held, long)).toEqual([]);
});

test.each([
  ["waits for a person", [working("ada"), blocked("ada")]],
  ["is between turns", [working("ada"), turnEnded("ada")]],
])("K3: nothing is served to a program that %s", (_what, facts) => {
  expect(served(...running("ada", stubborn), ...facts, held, accepted("m1", "ben", "ada", urgent))).toEqual([]);
});

test("K2: it is handed over by the answer, owes no turn, and is written by nobody else", () => {
  const history = [...running("ada"), working("ada"), held, accepted("m1", "ben", "ada")];
  const attempt = { ...attempted("m1", "ada", { injection: "m1.ada.1.1" }), route: "hook" } as Fact;
  const state = stateAfter(...history, attempt);
  expect(react(noted(...history, attempt).slice(-1), state)).toEqual([]);
  const decision = judge(drained("hook_served"), state);
  expect(decision).toMatchObject({ accepted: true, events: [{ route: "hook", evidence: "hook_served" }] });
  const after = stateAfter(...history, attempt, ...(decision.accepted ? decision.events : []));
  expect(after.agents.get("ada")?.turnOwedUntil).toBeUndefined();
  expect(dueFor(after, "ada", t0)).toEqual([]);
});

test("K2: after a restart an answer that may not have been written is known for what it is", () => {
  const attempt = { ...attempted("m1", "ada"), route: "hook" } as Fact;
  const state = stateAfter(...running("ada"), working("ada"), held, accepted("m1", "ben", "ada"), attempt);
  expect(recover(state).at(-1)).toMatchObject({ type: "inject", route: "hook", recovered: true });
});
