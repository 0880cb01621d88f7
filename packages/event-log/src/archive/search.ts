/** Full-text search, as the sequences of the messages' facts. */
import type { Database as Connection, Statement } from "better-sqlite3";
import { searchQuery } from "./search-query.ts";

export interface SearchQuestion {
  readonly query: string;
  readonly channel?: string;
  readonly from?: string;
  /** Only what this agent sent, was owed, or can read in these channels. */
  readonly visibleTo?: { readonly agent: string; readonly channels: readonly string[] };
  readonly limit: number;
}

const visible = `(m.channel IN (SELECT value FROM json_each(?))
  OR EXISTS (SELECT 1 FROM archive_involved AS i WHERE i.agent = ? AND i.sequence = m.sequence))`;

export function textSearch(connection: Connection): (question: SearchQuestion) => readonly number[] {
  // One for each set of restrictions, so there are at most 8.
  const statements = new Map<string, Statement<unknown[], number>>();
  return ({ query, channel, from, visibleTo, limit }) => {
    const words = searchQuery(query);
    if (words === undefined) return [];
    const conditions = ["archive_text MATCH ?"];
    const values: unknown[] = [words];
    if (channel !== undefined) {
      conditions.push("m.channel = ?");
      values.push(channel);
    }
    if (from !== undefined) {
      conditions.push("m.sender = ?");
      values.push(from);
    }
    if (visibleTo !== undefined) {
      conditions.push(visible);
      values.push(JSON.stringify(visibleTo.channels), visibleTo.agent);
    }
    const sql = `SELECT m.sequence FROM archive_text CROSS JOIN archive_messages AS m ON m.sequence = archive_text.rowid
      WHERE ${conditions.join(" AND ")} ORDER BY archive_text.rank, m.sequence DESC LIMIT ?`;
    const statement = statements.get(sql) ?? connection.prepare<unknown[], number>(sql).pluck();
    statements.set(sql, statement);
    return statement.all(...values, limit);
  };
}
