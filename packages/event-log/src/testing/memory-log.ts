/**
 * The event log in memory, for tests: the same promises L1 to L4, without a disk to survive a crash.
 */
import { Fault, invariant } from "@agent-relay/kernel";
import type { Append, CommandStamp, EventLog, ReadOptions, Recorded, Sequence } from "@agent-relay/kernel";

/** What outlives a `close`: the disk's part. Open logs over the same store one after the other. */
export interface MemoryStore {
  readonly rows: MemoryRow[];
  readonly newestRevisions: Map<string, number>;
  readonly commands: Map<string, string>;
}

export interface MemoryRow {
  readonly fact: Omit<Recorded<unknown>, "event">;
  readonly type: string;
  /** As JSON, like on a disk: nobody can change a fact through an object that was appended or read. */
  readonly json: string;
}

export function memoryStore(): MemoryStore {
  return { rows: [], newestRevisions: new Map(), commands: new Map() };
}

export interface MemoryLogOptions<Event> {
  readonly store?: MemoryStore;
  /** Called before anything is appended. Throwing a `Fault` here plays a full disk. */
  readonly beforeAppend?: (appends: readonly Append<Event>[]) => void;
}

export function memoryLog<Event extends { readonly type: string }>(
  options: MemoryLogOptions<Event> = {},
): EventLog<Event> {
  const { rows, newestRevisions, commands } = options.store ?? memoryStore();
  let isOpen = true;

  const assertOpen = (): void => {
    if (!isOpen) throw new Fault({ code: "log_unwritable", message: "The event log is closed." });
  };

  const recorded = (row: MemoryRow): Recorded<Event> => {
    // It was written by `append` of this store, and only tests share stores.
    const event = JSON.parse(row.json) as Event;
    return { ...row.fact, event };
  };

  const append = (appends: readonly Append<Event>[]): readonly Recorded<Event>[] => {
    assertOpen();
    options.beforeAppend?.(appends);
    const revisions = new Map<string, number>();
    const stamps = new Map<string, string>();
    const added = appends.map(({ stream, event, at, actor, command }, index): MemoryRow => {
      if (command !== undefined) {
        invariant(
          !commands.has(command.id) && !stamps.has(command.id),
          `L4: the command id ${command.id} was recorded twice`,
        );
        stamps.set(command.id, JSON.stringify(command));
      }
      const revision = (revisions.get(stream) ?? newestRevisions.get(stream) ?? 0) + 1;
      revisions.set(stream, revision);
      const fact = { sequence: rows.length + index + 1, stream, revision, at, actor };
      return { fact, type: event.type, json: JSON.stringify(event) };
    });
    for (const row of added) rows.push(row);
    for (const [stream, revision] of revisions) newestRevisions.set(stream, revision);
    for (const [id, stamp] of stamps) commands.set(id, stamp);
    return added.map(recorded);
  };

  const read = ({ after, afterRevision = 0, limit, stream, types }: ReadOptions): readonly Recorded<Event>[] => {
    assertOpen();
    const found: Recorded<Event>[] = [];
    for (let index = Math.max(0, after); index < rows.length && found.length < limit; index += 1) {
      const row = rows[index];
      if (row === undefined || (stream !== undefined && row.fact.stream !== stream)) continue;
      if (row.fact.revision <= afterRevision) continue;
      if (types === undefined || types.includes(row.type)) found.push(recorded(row));
    }
    return found;
  };

  const get = (sequence: Sequence): Recorded<Event> | undefined => {
    assertOpen();
    const row = rows[sequence - 1];
    return row === undefined ? undefined : recorded(row);
  };

  const findCommand = (id: string): CommandStamp | undefined => {
    assertOpen();
    const stamp = commands.get(id);
    if (stamp === undefined) return undefined;
    // As above: it was written by `append`.
    const { digest, answer } = JSON.parse(stamp) as CommandStamp;
    return { id, digest, answer };
  };

  const head = (): Sequence => {
    assertOpen();
    return rows.length;
  };

  const revisionOf = (stream: string): number => {
    assertOpen();
    return newestRevisions.get(stream) ?? 0;
  };

  return { append, read, get, revisionOf, head, findCommand, close: () => void (isOpen = false) };
}
