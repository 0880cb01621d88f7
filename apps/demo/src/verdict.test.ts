import type { RelayEvent } from "@agent-relay/sdk";
import { expect, test } from "vitest";
import { players } from "./command-line.mjs";
import type { Arrival } from "./team.ts";
import { judge, type Judged } from "./verdict.ts";

const [claude] = players;

function log(...facts: readonly Record<string, unknown>[]): readonly RelayEvent[] {
  return facts.map((fact, index) => ({ sequence: index + 1, at: 1_000 + index, ...fact }) as unknown as RelayEvent);
}

function accepted(messageId: string, recipient: string): Record<string, unknown> {
  const to = { kind: "agent", name: recipient };
  return { type: "message_accepted", messageId, from: "operator", to, recipients: [recipient], body: "hello" };
}

function delivery(what: string, messageId: string, agent: string): Record<string, unknown> {
  return { type: `delivery_${what}`, messageId, agent, possibleRepeat: false, reason: "expired" };
}

function shown(messageId: string, isMarkedRepeat = false, where = "1"): Arrival {
  return { messageId, isMarkedRepeat, where };
}

const scripted = (...arrivals: readonly Arrival[]): Judged => ({
  name: "ada",
  player: undefined,
  arrivals: () => arrivals,
});
const program = (arrivals: readonly Arrival[] | undefined): Judged => ({
  name: "claude",
  player: claude,
  arrivals: arrivals === undefined ? undefined : () => arrivals,
});

test("a message that is seen and arrived breaks nothing", () => {
  const events = log(accepted("m1", "ada"), delivery("handed_over", "m1", "ada"), delivery("seen", "m1", "ada"));
  expect(judge(events, [scripted(shown("m1"))])).toMatchObject({ accepted: 1, seen: 1, lost: 0, broken: [] });
});

test("V1: a message that is only accepted is lost, whoever it is for", () => {
  const verdict = judge(log(accepted("m1", "claude")), [program(undefined)]);
  expect(verdict).toMatchObject({ lost: 1, broken: ["m1 to claude is only accepted"] });
});

test("V1: a scripted agent must prove what was handed over to it", () => {
  const events = log(accepted("m1", "ada"), delivery("handed_over", "m1", "ada"));
  expect(judge(events, [scripted(shown("m1"))]).broken).toEqual(["m1 to ada is only handed over"]);
});

test("V1: the operator must have read it", () => {
  const events = log(accepted("m1", "operator"), delivery("handed_over", "m1", "operator"));
  expect(judge(events, []).broken).toEqual(["m1 to operator is only handed over"]);
});

test("V1: an agent program may prove nothing, and this is counted", () => {
  const events = log(accepted("m1", "claude"), delivery("handed_over", "m1", "claude"));
  expect(judge(events, [program(undefined)])).toMatchObject({ handedOver: 1, seen: 0, lost: 0, broken: [] });
});

test("V1: what was uncertain and never handed over again is lost", () => {
  const events = log(
    accepted("m1", "claude"),
    delivery("handed_over", "m1", "claude"),
    delivery("uncertain", "m1", "claude"),
  );
  expect(judge(events, [program([shown("m1")])]).lost).toBe(1);
});

test("V1: a dead letter is told and not lost", () => {
  const events = log(accepted("m1", "ada"), delivery("dead_lettered", "m1", "ada"));
  expect(judge(events, [scripted()])).toMatchObject({ deadLettered: 1, lost: 0 });
});

test("V2: what the log calls seen and never reached the model is lost", () => {
  const events = log(
    accepted("m1", "claude"),
    delivery("handed_over", "m1", "claude"),
    delivery("seen", "m1", "claude"),
  );
  expect(judge(events, [program([])])).toMatchObject({ lost: 1, broken: ["m1 never reached claude"] });
});

test("V3: a message that was shown twice without a mark is a broken promise, and is not called lost", () => {
  const events = log(accepted("m1", "ada"), delivery("seen", "m1", "ada"));
  const verdict = judge(events, [scripted(shown("m1"), shown("m1"))]);
  expect(verdict).toMatchObject({ lost: 0, repeated: 0, broken: ["m1 was shown to ada twice without a mark"] });
});

test("V3: a second time with the mark, or in another life, is counted and breaks nothing", () => {
  const events = log(accepted("m1", "ada"), delivery("seen", "m1", "ada"));
  expect(judge(events, [scripted(shown("m1"), shown("m1", true))])).toMatchObject({ repeated: 1, broken: [] });
  expect(judge(events, [scripted(shown("m1"), shown("m1", false, "2"))])).toMatchObject({ broken: [] });
});

test("an answer that is known before the program reports the prompt stays an answer", () => {
  const events = log(accepted("m1", "ada"), delivery("answered", "m1", "ada"), delivery("seen", "m1", "ada"));
  expect(judge(events, [scripted(shown("m1"))]).answered).toBe(1);
});
