/** Trace: one fact of a message's life as a line that a person reads. */
import type { Recorded } from "@agent-relay/kernel";
import type { Fact, TraceStep } from "@agent-relay/protocol";

export function describeStep(recorded: Recorded<Fact>, acceptedAt: number): TraceStep {
  const { event, sequence, at } = recorded;
  const { what, detail } = wordsFor(event);
  const agent = "agent" in event ? event.agent : null;
  return { sequence, at, afterMs: at - acceptedAt, agent, what, detail };
}

function wordsFor(fact: Fact): { readonly what: string; readonly detail: string } {
  switch (fact.type) {
    case "message_accepted":
      return {
        what: "accepted",
        detail: `on disk; owed to ${fact.recipients.length === 0 ? "nobody" : fact.recipients.join(", ")}`,
      };
    case "delivery_attempt_started":
      return {
        what: "attempt",
        detail: `${fact.attempt} by ${fact.route}${fact.possibleRepeat ? ", marked as a possible repeat" : ""}`,
      };
    case "delivery_attempt_failed":
      return { what: "attempt failed", detail: fact.reason };
    case "delivery_handed_over":
      return {
        what: "handed over",
        detail: `by ${fact.route} (${fact.evidence})${fact.possibleRepeat ? ", marked as a possible repeat" : ""}`,
      };
    case "delivery_seen":
      return { what: "seen", detail: fact.evidence };
    case "delivery_answered":
      return { what: "answered", detail: fact.replyId };
    case "delivery_uncertain":
      return { what: "uncertain", detail: fact.reason };
    case "delivery_stalled":
      return { what: "stalled", detail: fact.reason };
    case "delivery_dead_lettered":
      return { what: "dead letter", detail: fact.reason };
    case "delivery_redelivered":
      return { what: "redelivered", detail: `by ${fact.by}` };
    case "message_reacted":
      return { what: "reaction", detail: `${fact.emoji} by ${fact.by}` };
    case "message_unreacted":
      return { what: "reaction removed", detail: `${fact.emoji} by ${fact.by}` };
    default:
      return { what: fact.type, detail: "" };
  }
}
