/**
 * What the facts say of one delivery: a pure fold.
 *
 *   Y1  The stage only moves forward, but for a redelivery and for an attempt whose outcome nobody knows.
 *   Y2  A dead letter stays one until it is redelivered; later evidence does not bring it back.
 *   Y3  `at` is when the delivery reached its stage; attempts and stalls do not move it.
 */
import { unreachable } from "@agent-relay/kernel";
import type { DeliveryStage, DeliveryView, Fact } from "@agent-relay/protocol";

export type DeliveryFact = Extract<Fact, { type: `delivery_${string}` }>;

const ranks: Readonly<Record<DeliveryStage, number>> = {
  accepted: 0,
  handed_over: 1,
  seen: 2,
  answered: 3,
  dead_lettered: 4,
};

export function newDelivery(messageId: string, agent: string, at: number): DeliveryView {
  return {
    messageId,
    agent,
    stage: "accepted",
    attempts: 0,
    route: null,
    evidence: null,
    stalled: null,
    uncertain: false,
    possibleRepeat: false,
    deadLetterReason: null,
    at,
  };
}

export function deliveryAfter(delivery: DeliveryView, fact: DeliveryFact, at: number): DeliveryView {
  if (delivery.stage === "dead_lettered" && fact.type !== "delivery_redelivered") return delivery;
  switch (fact.type) {
    case "delivery_attempt_started":
      return {
        ...delivery,
        attempts: fact.attempt,
        route: fact.route,
        possibleRepeat: delivery.possibleRepeat || fact.possibleRepeat,
        stalled: null,
      };
    case "delivery_attempt_failed":
      return delivery;
    case "delivery_handed_over": {
      const attempts = Math.max(delivery.attempts, fact.attempt);
      const possibleRepeat = delivery.possibleRepeat || fact.possibleRepeat;
      const { route, evidence } = fact;
      return forward({ ...delivery, attempts, possibleRepeat }, "handed_over", at, { route, evidence });
    }
    case "delivery_seen":
      return forward(delivery, "seen", at, { evidence: fact.evidence });
    case "delivery_answered":
      return forward(delivery, "answered", at, { evidence: "reply" });
    case "delivery_uncertain": {
      // What the program itself has proved is not uncertain any more.
      if (ranks[delivery.stage] >= ranks.seen) return delivery;
      const back = delivery.stage === "accepted" ? {} : { stage: "accepted" as const, evidence: null, at };
      return { ...delivery, ...back, uncertain: true, possibleRepeat: true };
    }
    case "delivery_stalled":
      return { ...delivery, stalled: fact.reason };
    case "delivery_dead_lettered":
      return { ...delivery, stage: "dead_lettered", deadLetterReason: fact.reason, stalled: null, at };
    case "delivery_redelivered":
      return { ...newDelivery(delivery.messageId, delivery.agent, at), possibleRepeat: true };
    default:
      return unreachable(fact);
  }
}

/** Whether the agent got it, as far as anyone can say. */
export function isReceived(delivery: DeliveryView): boolean {
  return delivery.stage === "handed_over" || delivery.stage === "seen" || delivery.stage === "answered";
}

function forward(
  delivery: DeliveryView,
  stage: DeliveryStage,
  at: number,
  proof: Partial<Pick<DeliveryView, "route" | "evidence">>,
): DeliveryView {
  if (ranks[stage] <= ranks[delivery.stage]) return delivery;
  return { ...delivery, ...proof, stage, at, stalled: null, uncertain: false };
}
