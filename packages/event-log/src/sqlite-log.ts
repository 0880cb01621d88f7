/**
 * The kernel's event log over one SQLite file.
 *
 * Its promises are the port's, L1 to L4. The table keeps the last three on its own: the primary key and
 * `UNIQUE (stream, revision)` refuse what is not new, the index over command ids refuses a second recording, and nothing
 * here updates or deletes a row.
 *
 *   E1  The cost of an append depends on its own facts, not on how many are in the log.
 *   E2  Reading by stream or by type costs what it returns, not what it skips.
 *   E3  A log whose file was moved or deleted under it takes no more facts, because nobody would find them again.
 */
import { statSync } from "node:fs";
import { codeOf, invariant, InvariantViolation } from "@agent-relay/kernel";
import type { Append, CommandStamp, EventLog, ReadOptions, Recorded, Sequence } from "@agent-relay/kernel";
import type { Fact } from "@agent-relay/protocol";
import type { LogDatabase } from "./database.ts";
import { unwritable } from "./faults.ts";
import { NewestRevisions } from "./newest-revisions.ts";
import { recordedFrom, storable } from "./stored-fact.ts";
import type { FactRow } from "./stored-fact.ts";

/** A stream's name and a number take about 100 bytes, so this is about a megabyte. */
const REVISIONS_CACHED = 10_000;
/** SQLite allows 500 parts in one compound query. Clients may ask for 100 types. */
const TYPES_MAX = 400;

const columns = "sequence, stream, revision, type, at, actor, data";

interface Insertion extends Recorded<Fact> {
  readonly data: string;
  readonly command: CommandStamp | undefined;
}

export function sqliteLog(database: LogDatabase, options: { readonly revisionsCached?: number } = {}): EventLog<Fact> {
  const { connection, file, use } = database;
  const inode = statSync(file).ino;
  const statements = prepare(database);
  const revisions = new NewestRevisions(options.revisionsCached ?? REVISIONS_CACHED);
  let head = statements.head.get() ?? 0;

  const insertAll = connection.transaction((rows: readonly Insertion[]) => {
    for (const { sequence, stream, revision, event, at, actor, command, data } of rows) {
      statements.insert.run(
        sequence,
        stream,
        revision,
        event.type,
        at,
        actor ?? null,
        command?.id ?? null,
        command?.digest ?? null,
        command === undefined ? null : (JSON.stringify(command.answer) ?? null),
        data,
      );
    }
  });

  const append = (appends: readonly Append<Fact>[]): readonly Recorded<Fact>[] => {
    if (appends.length === 0) return [];
    const facts = appends.map(({ event }) => storable(event));
    return use(() => {
      assertInPlace();
      const next = new Map<string, number>();
      const rows = appends.map(({ stream, at, actor, command }, index): Insertion => {
        const fact = facts[index];
        invariant(fact !== undefined, "each append has its fact");
        const revision = (next.get(stream) ?? revisionOf(stream)) + 1;
        next.set(stream, revision);
        return { sequence: head + index + 1, stream, revision, at, actor, command, ...fact };
      });
      try {
        insertAll.immediate(rows);
      } catch (error) {
        throw refusalOf(error, rows);
      }
      head += rows.length;
      for (const [stream, revision] of next) revisions.set(stream, revision);
      return rows.map(({ sequence, stream, revision, at, actor, event }) => ({
        sequence,
        stream,
        revision,
        at,
        actor,
        event,
      }));
    });
  };

  const revisionOf = (stream: string): number => {
    const cached = revisions.get(stream);
    if (cached !== undefined) return cached;
    return statements.revision.get(stream) ?? 0;
  };

  const assertInPlace = (): void => {
    if (statSync(file, { throwIfNoEntry: false })?.ino !== inode)
      throw unwritable(file, "the file was moved or deleted");
  };

  /** What a broken uniqueness says about the caller, or about somebody who should not be there. */
  const refusalOf = (error: unknown, rows: readonly Insertion[]): unknown => {
    const code = codeOf(error);
    if (code !== "SQLITE_CONSTRAINT_UNIQUE" && code !== "SQLITE_CONSTRAINT_PRIMARYKEY") return error;
    const isOurs = (statements.head.get() ?? 0) === head;
    if (isOurs) {
      const ids = rows.flatMap(({ command }) => (command === undefined ? [] : [command.id]));
      return new InvariantViolation(`L4: a command id was recorded twice, out of ${ids.join(", ")}`);
    }
    head = statements.head.get() ?? 0;
    revisions.clear();
    return unwritable(file, "another process wrote to it", error);
  };

  const read = (wanted: ReadOptions): readonly Recorded<Fact>[] =>
    use(() => rowsOf(statements, wanted).map((row) => recordedFrom(row, file)));

  const get = (sequence: Sequence): Recorded<Fact> | undefined =>
    use(() => {
      const row = statements.get.get(sequence);
      return row === undefined ? undefined : recordedFrom(row, file);
    });

  const findCommand = (id: string): CommandStamp | undefined =>
    use(() => {
      const row = statements.command.get(id);
      if (row === undefined) return undefined;
      const answer: unknown = row.answer === null ? undefined : JSON.parse(row.answer);
      return { id, digest: row.digest, answer };
    });

  return {
    append,
    read,
    get,
    revisionOf: (stream) => use(() => revisionOf(stream)),
    head: () => use(() => head),
    findCommand,
    close: database.close,
  };
}

type Statements = ReturnType<typeof prepare>;

function prepare({ connection }: LogDatabase) {
  const byTypes = new Map<number, ReturnType<typeof prepareByTypes>>();
  const prepareByTypes = (count: number) => {
    // Each part walks its own range of the index; the merge stops at the limit.
    const part = "SELECT sequence FROM events WHERE type = ? AND sequence > ?";
    const merged = Array.from({ length: count }, () => part).join(" UNION ALL ");
    return connection.prepare<unknown[], number>(`${merged} ORDER BY sequence LIMIT ?`).pluck();
  };
  return {
    insert: connection.prepare(
      `INSERT INTO events (sequence, stream, revision, type, at, actor, command_id, command_digest, command_answer, data)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    head: connection.prepare<[], number>("SELECT max(sequence) FROM events").pluck(),
    revision: connection.prepare<[string], number>("SELECT max(revision) FROM events WHERE stream = ?").pluck(),
    get: connection.prepare<[number], FactRow>(`SELECT ${columns} FROM events WHERE sequence = ?`),
    all: connection.prepare<[number, number], FactRow>(
      `SELECT ${columns} FROM events WHERE sequence > ? ORDER BY sequence LIMIT ?`,
    ),
    sequenceOf: connection
      .prepare<[string, number], number>("SELECT sequence FROM events WHERE stream = ? AND revision = ?")
      .pluck(),
    stream: connection.prepare<[string, number, number], FactRow>(
      `SELECT ${columns} FROM events WHERE stream = ? AND revision >= ? ORDER BY revision LIMIT ?`,
    ),
    streamOfTypes: connection.prepare<[string, number, string, number], FactRow>(
      `SELECT ${columns} FROM events WHERE stream = ? AND revision >= ?
       AND type IN (SELECT value FROM json_each(?)) ORDER BY revision LIMIT ?`,
    ),
    command: connection.prepare<[string], { readonly digest: string; readonly answer: string | null }>(
      "SELECT command_digest AS digest, command_answer AS answer FROM events WHERE command_id = ?",
    ),
    byTypes: (count: number) => {
      const statement = byTypes.get(count) ?? prepareByTypes(count);
      byTypes.set(count, statement);
      return statement;
    },
  };
}

function rowsOf(statements: Statements, wanted: ReadOptions): readonly FactRow[] {
  const { after, stream } = wanted;
  invariant(wanted.afterRevision === undefined || stream !== undefined, "revisions are counted within a stream");
  const limit = Math.max(0, Math.min(wanted.limit, Number.MAX_SAFE_INTEGER));
  const types = wanted.types === undefined ? undefined : [...new Set(wanted.types)];
  if (types?.length === 0 || limit === 0) return [];
  if (stream !== undefined) {
    const from = Math.max(firstRevisionAfter(statements, stream, after), (wanted.afterRevision ?? 0) + 1);
    if (types === undefined) return statements.stream.all(stream, from, limit);
    return statements.streamOfTypes.all(stream, from, JSON.stringify(types), limit);
  }
  if (types === undefined) return statements.all.all(after, limit);
  invariant(types.length <= TYPES_MAX, `at most ${TYPES_MAX} types in one read`);
  const sequences = statements.byTypes(types.length).all(...types.flatMap((type) => [type, after]), limit);
  return sequences.map((sequence) => {
    const row = statements.get.get(sequence);
    invariant(row !== undefined, "L3: a fact that the index names is there");
    return row;
  });
}

/** By halving: revisions are dense and in order of sequence (L2), so the index over them serves for both. */
function firstRevisionAfter(statements: Statements, stream: string, after: Sequence): number {
  if (after <= 0) return 1;
  let low = 1;
  let high = (statements.revision.get(stream) ?? 0) + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((statements.sequenceOf.get(stream, middle) ?? 0) > after) high = middle;
    else low = middle + 1;
  }
  return low;
}
