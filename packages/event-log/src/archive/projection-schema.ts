/**
 * The archive's own tables. They hold nothing that the log does not say: the body of a message stays in its fact, and
 * these tables only know where to look.
 *
 *   J1  Whatever happens to them (dropped, half there, of another version) they are made anew, empty, at the next start.
 *   J2  Making them anew touches no table but theirs.
 */
import type { Logger } from "@agent-relay/kernel";
import type { Database as Connection } from "better-sqlite3";

/** Any change of these tables, or of what the projector writes into them, raises this number. */
const PROJECTION_VERSION = 2;

const tables: Readonly<Record<string, string>> = {
  archive_state: `CREATE TABLE archive_state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,
    position INTEGER NOT NULL
  ) STRICT;`,
  /** `pair` names the two ends of a direct message in alphabetical order. */
  archive_messages: `CREATE TABLE archive_messages (
    sequence INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL UNIQUE,
    sender TEXT NOT NULL,
    channel TEXT,
    pair TEXT,
    thread_id TEXT NOT NULL
  ) STRICT;
  CREATE INDEX archive_messages_by_channel ON archive_messages (channel, sequence) WHERE channel IS NOT NULL;
  CREATE INDEX archive_messages_by_pair ON archive_messages (pair, sequence) WHERE pair IS NOT NULL;
  CREATE INDEX archive_messages_by_thread ON archive_messages (thread_id, sequence);`,
  /** Without content: the words lead to the fact, and the text is not stored twice. */
  archive_text: `CREATE VIRTUAL TABLE archive_text USING fts5(
    body, content='', tokenize='unicode61 remove_diacritics 2'
  );`,
  archive_involved: `CREATE TABLE archive_involved (
    agent TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (agent, sequence)
  ) STRICT, WITHOUT ROWID;`,
  archive_reactions: `CREATE TABLE archive_reactions (
    message_id TEXT NOT NULL,
    emoji TEXT NOT NULL,
    by TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (message_id, emoji, by)
  ) STRICT, WITHOUT ROWID;`,
  /** `dead_sequence` is the fact that made it a dead letter, while it is one. */
  archive_deliveries: `CREATE TABLE archive_deliveries (
    id INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL,
    agent TEXT NOT NULL,
    stage TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    route TEXT,
    evidence TEXT,
    stalled TEXT,
    uncertain INTEGER NOT NULL,
    possible_repeat INTEGER NOT NULL,
    dead_letter_reason TEXT,
    at INTEGER NOT NULL,
    received INTEGER NOT NULL,
    dead_sequence INTEGER,
    UNIQUE (message_id, agent)
  ) STRICT;
  CREATE INDEX archive_dead_letters ON archive_deliveries (dead_sequence) WHERE dead_sequence IS NOT NULL;
  CREATE INDEX archive_dead_letters_by_agent ON archive_deliveries (agent, dead_sequence) WHERE dead_sequence IS NOT NULL;`,
  archive_read_marks: `CREATE TABLE archive_read_marks (
    conversation TEXT NOT NULL,
    reader TEXT NOT NULL,
    up_to INTEGER NOT NULL,
    PRIMARY KEY (conversation, reader)
  ) STRICT, WITHOUT ROWID;`,
  /** What each agent's newest incarnation runs. */
  archive_agents: `CREATE TABLE archive_agents (
    agent TEXT PRIMARY KEY,
    harness TEXT NOT NULL,
    model TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;`,
  archive_counts: `CREATE TABLE archive_counts (
    agent TEXT NOT NULL,
    harness TEXT NOT NULL,
    model TEXT NOT NULL,
    sent INTEGER NOT NULL,
    received INTEGER NOT NULL,
    turns INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    PRIMARY KEY (agent, harness, model)
  ) STRICT, WITHOUT ROWID;`,
};

export function ensureProjection(connection: Connection, logger: Logger | undefined): void {
  const found = versionOf(connection);
  if (found === PROJECTION_VERSION) return;
  if (found !== undefined) logger?.info("the archive is rebuilt from the log", { found, wanted: PROJECTION_VERSION });
  connection
    .transaction(() => {
      // The virtual table goes first: its own hidden tables can only be dropped through it.
      for (const name of ["archive_text", ...remaining(connection)]) connection.exec(`DROP TABLE IF EXISTS "${name}"`);
      for (const sql of Object.values(tables)) connection.exec(sql);
      connection.prepare("INSERT INTO archive_state (id, version, position) VALUES (1, ?, 0)").run(PROJECTION_VERSION);
    })
    .immediate();
}

/** The version of the tables that are there; 0 when they are incomplete, nothing when there are none. */
function versionOf(connection: Connection): number | undefined {
  const present = new Set(remaining(connection));
  if (present.size === 0) return undefined;
  if (!Object.keys(tables).every((name) => present.has(name))) return 0;
  return connection.prepare<[], number>("SELECT version FROM archive_state").pluck().get() ?? 0;
}

function remaining(connection: Connection): readonly string[] {
  return connection
    .prepare<[], string>(
      `SELECT name FROM sqlite_master
       WHERE type = 'table' AND name GLOB 'archive_*' AND name NOT GLOB 'archive_text_*'`,
    )
    .pluck()
    .all();
}
