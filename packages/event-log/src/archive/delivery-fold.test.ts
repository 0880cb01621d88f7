import type { DeliveryView } from "@agent-relay/protocol";
import { expect, test } from "vitest";
import { deliveryAfter, isReceived, newDelivery } from "./delivery-fold.ts";
import type { DeliveryFact } from "./delivery-fold.ts";

const who = { messageId: "msg_0000000001", agent: "ada" };
const here = { ...who, epoch: 1 };
const started: DeliveryFact = {
  type: "delivery_attempt_started",
  ...here,
  attempt: 1,
  route: "paste",
  possibleRepeat: false,
  injection: "i1",
};
const failed: DeliveryFact = { type: "delivery_attempt_failed", ...here, attempt: 1, reason: "busy", retryAt: 9 };
const handedOver: DeliveryFact = {
  type: "delivery_handed_over",
  ...here,
  attempt: 1,
  route: "paste",
  evidence: "paste_drained",
  possibleRepeat: false,
};
const seen: DeliveryFact = { type: "delivery_seen", ...here, evidence: "prompt_hook" };
const answered: DeliveryFact = { type: "delivery_answered", ...who, replyId: "msg_0000000002" };
const uncertain: DeliveryFact = { type: "delivery_uncertain", ...here, attempt: 1, reason: "it crashed" };
const stalled: DeliveryFact = { type: "delivery_stalled", ...who, reason: "agent_busy" };
const dead: DeliveryFact = { type: "delivery_dead_lettered", ...who, reason: "attempts" };
const redelivered: DeliveryFact = {
  type: "delivery_redelivered",
  ...who,
  by: "operator",
  from: "bob",
  mode: "wait",
  bytes: 1,
  messageSequence: 1,
};

/** The first fact happens at 101, the second at 102, and so on. */
function after(...facts: readonly DeliveryFact[]): DeliveryView {
  return facts.reduce(
    (view, fact, index) => deliveryAfter(view, fact, 101 + index),
    newDelivery(who.messageId, who.agent, 100),
  );
}

test("a new delivery is accepted and nothing more", () => {
  expect(after()).toEqual({
    ...who,
    stage: "accepted",
    attempts: 0,
    route: null,
    evidence: null,
    stalled: null,
    uncertain: false,
    possibleRepeat: false,
    deadLetterReason: null,
    at: 100,
  });
});

test("each stage keeps the evidence that proved it", () => {
  expect(after(started, handedOver)).toMatchObject({
    stage: "handed_over",
    route: "paste",
    evidence: "paste_drained",
    attempts: 1,
  });
  expect(after(started, handedOver, seen)).toMatchObject({ stage: "seen", route: "paste", evidence: "prompt_hook" });
  expect(after(started, handedOver, seen, answered)).toMatchObject({ stage: "answered", evidence: "reply" });
});

test("Y1: evidence of an earlier stage that comes late changes nothing", () => {
  expect(after(started, seen, handedOver)).toEqual(after(started, seen));
  expect(after(started, handedOver, answered, seen)).toEqual(after(started, handedOver, answered));
});

test("what was presented a second time says so, whatever its stage", () => {
  const again: DeliveryFact = { ...handedOver, attempt: 2, possibleRepeat: true };
  expect(after(handedOver, again)).toEqual({ ...after(handedOver), attempts: 2, possibleRepeat: true });
  expect(after(handedOver, again, seen)).toMatchObject({ stage: "seen", possibleRepeat: true });
});

test("Y1: an attempt whose outcome nobody knows goes back, and says that it may repeat", () => {
  expect(after(started, handedOver, uncertain)).toMatchObject({
    stage: "accepted",
    evidence: null,
    uncertain: true,
    possibleRepeat: true,
    at: 103,
  });
  expect(after(started, uncertain)).toMatchObject({
    stage: "accepted",
    uncertain: true,
    possibleRepeat: true,
    at: 100,
  });
});

test("Y1: what the program has proved is never uncertain again", () => {
  expect(after(started, handedOver, seen, uncertain)).toEqual(after(started, handedOver, seen));
});

test("an uncertain delivery that is handed over again is certain, and still a possible repeat", () => {
  const again: DeliveryFact = { ...handedOver, attempt: 2, possibleRepeat: true };
  expect(after(started, uncertain, again)).toMatchObject({
    stage: "handed_over",
    attempts: 2,
    uncertain: false,
    possibleRepeat: true,
  });
});

test("Y2: a dead letter stays one whatever comes, until it is redelivered", () => {
  expect(after(started, dead, seen, answered, stalled)).toEqual(after(started, dead));
  expect(after(started, dead)).toMatchObject({ stage: "dead_lettered", deadLetterReason: "attempts", at: 102 });
  expect(after(started, dead, redelivered)).toEqual({ ...after(), possibleRepeat: true, at: 103 });
});

test("Y3: attempts and stalls do not move the time of the stage", () => {
  expect(after(stalled, started, failed)).toMatchObject({ at: 100, attempts: 1 });
  expect(after(started, handedOver, stalled)).toMatchObject({ at: 102, stalled: "agent_busy" });
});

test("a stall ends with the next attempt and with the next stage", () => {
  expect(after(stalled)).toMatchObject({ stalled: "agent_busy" });
  expect(after(stalled, started)).toMatchObject({ stalled: null });
  expect(after(started, handedOver, stalled, seen)).toMatchObject({ stalled: null });
});

test("received is what was handed over or better", () => {
  expect([after(), after(started), after(started, dead)].map(isReceived)).toEqual([false, false, false]);
  expect([after(handedOver), after(seen), after(answered)].map(isReceived)).toEqual([true, true, true]);
});
