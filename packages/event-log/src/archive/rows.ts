/** How views are kept in the archive's rows. */
import type { DeliveryView } from "@agent-relay/protocol";

/** In the order in which a view's fields are written. */
export const deliveryColumns =
  "message_id, agent, stage, attempts, route, evidence, stalled, uncertain, possible_repeat, dead_letter_reason, at";

/** The projector writes only what the fold returns, so the columns have the view's own types. */
export interface DeliveryRow {
  readonly message_id: string;
  readonly agent: string;
  readonly stage: DeliveryView["stage"];
  readonly attempts: number;
  readonly route: DeliveryView["route"];
  readonly evidence: DeliveryView["evidence"];
  readonly stalled: DeliveryView["stalled"];
  readonly uncertain: number;
  readonly possible_repeat: number;
  readonly dead_letter_reason: DeliveryView["deadLetterReason"];
  readonly at: number;
}

export function deliveryFrom(row: DeliveryRow): DeliveryView {
  return {
    messageId: row.message_id,
    agent: row.agent,
    stage: row.stage,
    attempts: row.attempts,
    route: row.route,
    evidence: row.evidence,
    stalled: row.stalled,
    uncertain: row.uncertain === 1,
    possibleRepeat: row.possible_repeat === 1,
    deadLetterReason: row.dead_letter_reason,
    at: row.at,
  };
}

/** The same for both directions, and no two pairs share it, whatever characters the names have. */
export function pairOf(one: string, other: string): string {
  return JSON.stringify([one, other].toSorted());
}
