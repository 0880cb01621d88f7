/**
 * The archive: what can be asked of the past.
 *
 *   Q1  An answer includes everything that was appended before the question.
 *   Q2  Everything in it comes from the log: without its tables, a restart gives the same answers.
 *   Q3  No question text is an error; a question without words finds nothing.
 *   Q4  A page costs what it holds, not what it skips.
 */
import { invariant } from "@agent-relay/kernel";
import type { EventLog, Logger } from "@agent-relay/kernel";
import type { DeliveryView, Fact, MessageView, StatsRow } from "@agent-relay/protocol";
import { backupTo } from "../backup.ts";
import type { LogDatabase } from "../database.ts";
import { historyPages } from "./history.ts";
import type { HistoryQuestion } from "./history.ts";
import { ensureProjection } from "./projection-schema.ts";
import { projector } from "./projector.ts";
import { deliveryColumns, deliveryFrom } from "./rows.ts";
import type { DeliveryRow } from "./rows.ts";
import { textSearch } from "./search.ts";
import type { SearchQuestion } from "./search.ts";

export type StatsBy = "harness" | "model" | "agent";

/** The broker's archive, and a way to do its work ahead of the next question. */
export interface EventArchive {
  readonly message: (messageId: string) => MessageView | undefined;
  /** In ascending order. Without `after` the newest page, ending before `before` if that is given. */
  readonly history: (question: HistoryQuestion) => readonly MessageView[];
  /** Messages with all words of the query, best match first. */
  readonly search: (question: SearchQuestion) => readonly MessageView[];
  /** One for each recipient, in the order in which the message names them. */
  readonly deliveries: (messageId: string) => readonly DeliveryView[];
  /** Newest first. */
  readonly deadLetters: (question: { readonly agent?: string; readonly limit: number }) => readonly DeliveryView[];
  readonly deadLetterCount: () => number;
  readonly readers: (conversation: string) => readonly { readonly reader: string; readonly upTo: number }[];
  readonly stats: (by: StatsBy) => readonly StatsRow[];
  /** Writes a consistent copy of the log to a file that does not exist yet. Appends go on meanwhile. */
  readonly backup: (file: string) => Promise<{ readonly bytes: number; readonly sequence: number }>;
  /** For idle time: works for about `limitMs`, to the end if not given. Answers how many facts are left. */
  readonly catchUp: (limitMs?: number) => number;
}

export function openArchive(database: LogDatabase, log: EventLog<Fact>, logger?: Logger): EventArchive {
  const { connection } = database;
  database.use(() => {
    ensureProjection(connection, logger);
  });
  const { catchUp } = projector(database, log);
  const pageOf = historyPages(connection);
  const find = textSearch(connection);
  const sequenceOf = connection
    .prepare<[string], number>("SELECT sequence FROM archive_messages WHERE message_id = ?")
    .pluck();
  const reactionsOf = connection.prepare<[string], { readonly emoji: string; readonly by: string }>(
    "SELECT emoji, by FROM archive_reactions WHERE message_id = ? ORDER BY sequence",
  );
  const deliveriesOf = connection.prepare<[string], DeliveryRow>(
    `SELECT ${deliveryColumns} FROM archive_deliveries WHERE message_id = ? ORDER BY id`,
  );
  const newestDead = connection.prepare<[number], DeliveryRow>(
    `SELECT ${deliveryColumns} FROM archive_deliveries WHERE dead_sequence IS NOT NULL
     ORDER BY dead_sequence DESC LIMIT ?`,
  );
  const newestDeadOf = connection.prepare<[string, number], DeliveryRow>(
    `SELECT ${deliveryColumns} FROM archive_deliveries WHERE agent = ? AND dead_sequence IS NOT NULL
     ORDER BY dead_sequence DESC LIMIT ?`,
  );
  const countDead = connection
    .prepare<[], number>("SELECT count(*) FROM archive_deliveries WHERE dead_sequence IS NOT NULL")
    .pluck();
  const readersOf = connection.prepare<[string], { readonly reader: string; readonly upTo: number }>(
    "SELECT reader, up_to AS upTo FROM archive_read_marks WHERE conversation = ? ORDER BY reader",
  );
  const statsBy = (column: StatsBy) =>
    connection.prepare<[], StatsRow>(
      `SELECT ${column} AS key, count(DISTINCT agent) AS agents, sum(sent) AS sent, sum(received) AS received,
              sum(turns) AS turns, sum(input_tokens) AS inputTokens,
              sum(cached_input_tokens) AS cachedInputTokens, sum(output_tokens) AS outputTokens
       FROM archive_counts GROUP BY ${column} ORDER BY ${column}`,
    );
  const stats = { harness: statsBy("harness"), model: statsBy("model"), agent: statsBy("agent") };

  const view = (sequence: number): MessageView => {
    const recorded = log.get(sequence);
    invariant(recorded?.event.type === "message_accepted", "the archive names a fact that is a message");
    const { messageId, from, to, body, mode, replyTo, threadId } = recorded.event;
    // A map first, because an emoji is any text that an agent sends, `__proto__` included.
    const reactions = new Map<string, string[]>();
    for (const { emoji, by } of reactionsOf.all(messageId)) reactions.set(emoji, [...(reactions.get(emoji) ?? []), by]);
    return {
      messageId,
      sequence,
      at: recorded.at,
      from,
      to,
      body,
      mode,
      replyTo: replyTo ?? null,
      threadId,
      actor: recorded.actor ?? null,
      reactions: Object.fromEntries(reactions),
    };
  };

  /** Q1. */
  const ask = <Answer>(question: () => Answer): Answer =>
    database.use(() => {
      catchUp();
      return question();
    });

  return {
    message: (messageId) =>
      ask(() => {
        const sequence = sequenceOf.get(messageId);
        return sequence === undefined ? undefined : view(sequence);
      }),
    history: (question) => ask(() => pageOf(question).map(view)),
    search: (question) => ask(() => find(question).map(view)),
    deliveries: (messageId) => ask(() => deliveriesOf.all(messageId).map(deliveryFrom)),
    deadLetters: ({ agent, limit }) =>
      ask(() => (agent === undefined ? newestDead.all(limit) : newestDeadOf.all(agent, limit)).map(deliveryFrom)),
    deadLetterCount: () => ask(() => countDead.get() ?? 0),
    readers: (conversation) => ask(() => readersOf.all(conversation)),
    stats: (by) => ask(() => stats[by].all()),
    backup: (file) => backupTo(database, file),
    catchUp,
  };
}
