/**
 * The projector: brings the archive's tables up to the head of the log.
 *
 *   K1  What it writes and how far it has come are committed together, so a crash repeats nothing and skips nothing.
 *   K2  It reads facts and nothing else: no clock, no other state, so a second run writes the same.
 *   K3  A bounded catch-up stops after the fact during which its time ran out, and always moves on by one at least.
 */
import { invariant } from "@agent-relay/kernel";
import type { EventLog, Recorded } from "@agent-relay/kernel";
import type { DeliveryView, Fact } from "@agent-relay/protocol";
import type { LogDatabase } from "../database.ts";
import { attributionOfSender, attributionOfSpawn, attributionOfTokens, unattributed } from "./attribution.ts";
import type { Attribution } from "./attribution.ts";
import { isReceived, newDelivery, deliveryAfter } from "./delivery-fold.ts";
import type { DeliveryFact } from "./delivery-fold.ts";
import { deliveryColumns, deliveryFrom, pairOf } from "./rows.ts";
import type { DeliveryRow } from "./rows.ts";

/** Bodies have up to 256 KiB: this keeps what is in memory at once under 16 MiB. */
const PAGE = 64;
/** One flush of the disk for so many facts. */
const FACTS_PER_COMMIT = 2_048;

export interface Projector {
  /** Works for about `limitMs`, to the end if not given. Answers how many facts are left. */
  readonly catchUp: (limitMs?: number) => number;
}

export function projector(database: LogDatabase, log: EventLog<Fact>): Projector {
  const { connection } = database;
  const apply = applier(database);
  const savePosition = connection.prepare("UPDATE archive_state SET position = ?");
  let position = connection.prepare<[], number>("SELECT position FROM archive_state").pluck().get() ?? 0;

  /** Answers where it came to; the caller believes it only after the commit. */
  const slice = connection.transaction((from: number, deadline: number): number => {
    let at = from;
    while (at - from < FACTS_PER_COMMIT) {
      const page = log.read({ after: at, limit: PAGE });
      for (const recorded of page) {
        apply(recorded);
        at = recorded.sequence;
        if (performance.now() >= deadline) break;
      }
      if (page.length < PAGE || performance.now() >= deadline) break;
    }
    invariant(at > from, "K3: a catch-up moves on while there are facts");
    savePosition.run(at);
    return at;
  });

  const catchUp = (limitMs = Number.POSITIVE_INFINITY): number =>
    database.use(() => {
      const deadline = performance.now() + limitMs;
      const head = log.head();
      if (position < head)
        unflushed(() => {
          while (position < head) {
            position = slice.immediate(position, deadline);
            if (performance.now() >= deadline) break;
          }
        });
      return head - position;
    });

  /** What can be derived again need not wait for the disk: a power cut takes the archive back a little, and nothing else. */
  const unflushed = (work: () => void): void => {
    connection.pragma("synchronous = NORMAL");
    try {
      work();
    } finally {
      connection.pragma("synchronous = FULL");
    }
  };

  return { catchUp };
}

interface Counted {
  readonly sent?: number;
  readonly received?: number;
  readonly turns?: number;
  readonly inputTokens?: number;
  readonly cachedInputTokens?: number;
  readonly outputTokens?: number;
}

/** Writes one fact into the tables. */
function applier({ connection }: LogDatabase): (recorded: Recorded<Fact>) => void {
  const addMessage = connection.prepare(
    "INSERT INTO archive_messages (sequence, message_id, sender, channel, pair, thread_id) VALUES (?, ?, ?, ?, ?, ?)",
  );
  const addText = connection.prepare("INSERT INTO archive_text (rowid, body) VALUES (?, ?)");
  const addInvolved = connection.prepare("INSERT OR IGNORE INTO archive_involved (agent, sequence) VALUES (?, ?)");
  const addReaction = connection.prepare(
    "INSERT OR IGNORE INTO archive_reactions (message_id, emoji, by, sequence) VALUES (?, ?, ?, ?)",
  );
  const dropReaction = connection.prepare(
    "DELETE FROM archive_reactions WHERE message_id = ? AND emoji = ? AND by = ?",
  );
  const addDelivery = connection.prepare(
    `INSERT INTO archive_deliveries (${deliveryColumns}, received, dead_sequence)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, NULL)`,
  );
  const findDelivery = connection.prepare<
    [string, string],
    DeliveryRow & { readonly id: number; readonly received: number }
  >(`SELECT id, ${deliveryColumns}, received FROM archive_deliveries WHERE message_id = ? AND agent = ?`);
  const changeDelivery = connection.prepare(
    `UPDATE archive_deliveries SET (${deliveryColumns}, received, dead_sequence) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     WHERE id = ?`,
  );
  const markRead = connection.prepare(
    `INSERT INTO archive_read_marks (conversation, reader, up_to) VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET up_to = max(up_to, excluded.up_to)`,
  );
  const setAgent = connection.prepare(
    `INSERT INTO archive_agents (agent, harness, model) VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET harness = excluded.harness, model = excluded.model`,
  );
  const findAgent = connection.prepare<[string], Attribution>(
    "SELECT harness, model FROM archive_agents WHERE agent = ?",
  );
  const addCounts = connection.prepare(
    `INSERT INTO archive_counts
       (agent, harness, model, sent, received, turns, input_tokens, cached_input_tokens, output_tokens)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET
       sent = sent + excluded.sent, received = received + excluded.received, turns = turns + excluded.turns,
       input_tokens = input_tokens + excluded.input_tokens,
       cached_input_tokens = cached_input_tokens + excluded.cached_input_tokens,
       output_tokens = output_tokens + excluded.output_tokens`,
  );

  const count = (agent: string, to: Attribution, what: Counted): void => {
    const { sent = 0, received = 0, turns = 0, inputTokens = 0, cachedInputTokens = 0, outputTokens = 0 } = what;
    addCounts.run(agent, to.harness, to.model, sent, received, turns, inputTokens, cachedInputTokens, outputTokens);
  };

  const accept = ({ sequence, at, actor }: Recorded<Fact>, fact: Extract<Fact, { type: "message_accepted" }>): void => {
    const { messageId, from, to, threadId, recipients, body } = fact;
    const channel = to.kind === "channel" ? to.name : null;
    const pair = to.kind === "agent" ? pairOf(from, to.name) : null;
    addMessage.run(sequence, messageId, from, channel, pair, threadId);
    addText.run(sequence, body);
    for (const agent of [from, ...recipients]) addInvolved.run(agent, sequence);
    for (const agent of new Set(recipients)) addDelivery.run(...valuesOf(newDelivery(messageId, agent, at)));
    count(from, attributionOfSender(actor, findAgent.get(from)), { sent: 1 });
  };

  const follow = ({ sequence, at }: Recorded<Fact>, fact: DeliveryFact): void => {
    const row = findDelivery.get(fact.messageId, fact.agent);
    if (row === undefined) return;
    const next = deliveryAfter(deliveryFrom(row), fact, at);
    const isFirst = row.received === 0 && isReceived(next);
    const received = isFirst ? 1 : row.received;
    const deadSequence = next.stage === "dead_lettered" ? sequence : null;
    // Once dead, only a redelivery changes anything, so the place among the dead letters is never overwritten.
    if (row.stage === "dead_lettered" && next.stage === "dead_lettered") return;
    changeDelivery.run(...valuesOf(next), received, deadSequence, row.id);
    if (isFirst) count(fact.agent, findAgent.get(fact.agent) ?? unattributed, { received: 1 });
  };

  return (recorded) => {
    const fact = recorded.event;
    switch (fact.type) {
      case "message_accepted":
        accept(recorded, fact);
        return;
      case "delivery_attempt_started":
      case "delivery_attempt_failed":
      case "delivery_handed_over":
      case "delivery_seen":
      case "delivery_answered":
      case "delivery_uncertain":
      case "delivery_stalled":
      case "delivery_dead_lettered":
      case "delivery_redelivered":
        follow(recorded, fact);
        return;
      case "message_reacted":
        addReaction.run(fact.messageId, fact.emoji, fact.by, recorded.sequence);
        return;
      case "message_unreacted":
        dropReaction.run(fact.messageId, fact.emoji, fact.by);
        return;
      case "read_marked":
        markRead.run(fact.conversation, fact.reader, fact.upTo);
        return;
      case "agent_spawned": {
        const runs = attributionOfSpawn(fact);
        setAgent.run(fact.agent, runs.harness, runs.model);
        // A worker that has said nothing yet is part of the team.
        count(fact.agent, runs, {});
        return;
      }
      case "agent_turn_ended":
        count(fact.agent, findAgent.get(fact.agent) ?? unattributed, { turns: 1 });
        return;
      case "agent_tokens_used":
        count(fact.agent, attributionOfTokens(fact, findAgent.get(fact.agent)), fact);
        return;
      default:
        // Nothing else is asked of the archive; a new kind of fact that is raises PROJECTION_VERSION.
        return;
    }
  };
}

function valuesOf(view: DeliveryView): readonly unknown[] {
  return [
    view.messageId,
    view.agent,
    view.stage,
    view.attempts,
    view.route,
    view.evidence,
    view.stalled,
    view.uncertain ? 1 : 0,
    view.possibleRepeat ? 1 : 0,
    view.deadLetterReason,
    view.at,
  ];
}
