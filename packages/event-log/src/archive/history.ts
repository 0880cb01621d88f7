/** Pages of messages, as the sequences of their facts. */
import type { Database as Connection, Statement } from "better-sqlite3";
import { pairOf } from "./rows.ts";

/** Several restrictions hold together. */
export interface HistoryQuestion {
  readonly channel?: string;
  /** Messages between these two, either way. */
  readonly between?: readonly [string, string];
  /** Everything that this agent sent or was owed. */
  readonly about?: string;
  readonly thread?: string;
  /** Sequences; both exclusive. Without `after` the newest page comes, in ascending order. */
  readonly before?: number;
  readonly after?: number;
  readonly limit: number;
}

export function historyPages(connection: Connection): (question: HistoryQuestion) => readonly number[] {
  // One for each set of restrictions, so there are at most 128.
  const statements = new Map<string, Statement<unknown[], number>>();
  return (question) => {
    const { sql, values } = compose(question);
    const statement = statements.get(sql) ?? connection.prepare<unknown[], number>(sql).pluck();
    statements.set(sql, statement);
    const page = statement.all(...values);
    return question.after === undefined ? page.toReversed() : page;
  };
}

function compose({ channel, between, about, thread, before, after, limit }: HistoryQuestion): {
  readonly sql: string;
  readonly values: readonly unknown[];
} {
  // The walk goes along the index of the agent's messages; a cross join keeps the planner from turning it around.
  const from =
    about === undefined
      ? "archive_messages AS m"
      : "archive_involved AS i CROSS JOIN archive_messages AS m ON m.sequence = i.sequence";
  const sequence = about === undefined ? "m.sequence" : "i.sequence";
  const conditions: (readonly [string, unknown])[] = [];
  if (about !== undefined) conditions.push(["i.agent = ?", about]);
  if (channel !== undefined) conditions.push(["m.channel = ?", channel]);
  if (between !== undefined) conditions.push(["m.pair = ?", pairOf(...between)]);
  if (thread !== undefined) conditions.push(["m.thread_id = ?", thread]);
  if (before !== undefined) conditions.push([`${sequence} < ?`, before]);
  if (after !== undefined) conditions.push([`${sequence} > ?`, after]);
  const where = conditions.length === 0 ? "" : `WHERE ${conditions.map(([sql]) => sql).join(" AND ")}`;
  const order = after === undefined ? "DESC" : "ASC";
  return {
    sql: `SELECT ${sequence} FROM ${from} ${where} ORDER BY ${sequence} ${order} LIMIT ?`,
    values: [...conditions.map(([, value]) => value), limit],
  };
}
