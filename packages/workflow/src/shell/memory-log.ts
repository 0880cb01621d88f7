/**
 * Memory log: streams and leases like those that a broker lends, in this process alone.
 *
 *   ML1  It answers as a broker does: an append with a revision that is not the newest is refused, a lease has one holder.
 *        Who does not hold the lease any more is told that, whatever the revision.
 *   ML2  What was appended is a copy: nobody changes it afterwards.
 *   ML3  It lives as long as the process. Nothing survives it.
 */
import { relayError, type StreamEntry, type StreamView } from "@agent-relay/protocol";
import type { HeldLease, Relay } from "@agent-relay/sdk";

interface Stream {
  readonly name: string;
  readonly entries: StreamEntry[];
  readonly createdAt: number;
  updatedAt: number;
  readonly firstSequence: number;
  lastSequence: number;
  summary: Readonly<Record<string, unknown>> | null;
}

const pageMax = 500;

export function memoryLog(now: () => number = Date.now): Pick<Relay, "streams" | "leases"> {
  const streams = new Map<string, Stream>();
  const leases = new Map<string, { readonly token: number; readonly holder: string }>();
  const waiting = new Set<() => void>();
  let sequence = 0;
  let tokens = 0;

  const leaseOf = (name: string): StreamView["lease"] => {
    const held = leases.get(name);
    return held === undefined ? null : { name, ...held, expiresAt: Number.MAX_SAFE_INTEGER };
  };

  const append: Relay["streams"]["append"] = (name, { expectedRevision, entries, lease, summary }) => {
    if (lease !== undefined && leases.get(lease.name)?.token !== lease.token)
      return Promise.reject(relayError("lease_lost", `the lease '${lease.name}' is not held under this token`));
    const revision = streams.get(name)?.entries.length ?? 0;
    if (revision !== expectedRevision)
      return Promise.reject(
        relayError("wrong_revision", `expected '${name}' at revision ${expectedRevision}, found it at ${revision}`),
      );
    const at = now();
    const stream = streams.get(name) ?? opened(name, at);
    for (const { kind, data } of entries) {
      sequence += 1;
      const next = stream.entries.length + 1;
      stream.entries.push({ revision: next, sequence, at, kind, data: structuredClone(data), actor: null });
    }
    stream.updatedAt = at;
    stream.lastSequence = sequence;
    if (summary !== undefined) stream.summary = structuredClone(summary);
    for (const wake of [...waiting]) wake();
    return Promise.resolve({ revision: stream.entries.length, sequence });
  };

  const opened = (name: string, at: number): Stream => {
    const firstSequence = sequence + 1;
    const made: Stream = {
      name,
      entries: [],
      createdAt: at,
      updatedAt: at,
      firstSequence,
      lastSequence: sequence,
      summary: null,
    };
    streams.set(name, made);
    return made;
  };

  const follow = async function* (
    name: string,
    { after = 0, signal }: { readonly after?: number; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<StreamEntry, void, undefined> {
    for (let revision = after; signal?.aborted !== true;) {
      const entry = streams.get(name)?.entries[revision];
      if (entry === undefined) {
        await somethingNew(signal);
        continue;
      }
      revision += 1;
      yield structuredClone(entry);
    }
  };

  const somethingNew = (signal: AbortSignal | undefined): Promise<void> =>
    new Promise((resolve) => {
      const wake = (): void => {
        waiting.delete(wake);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      waiting.add(wake);
      signal?.addEventListener("abort", wake, { once: true });
    });

  const acquire: Relay["leases"]["acquire"] = (name, { holder = "script" } = {}) => {
    const held = leases.get(name);
    if (held !== undefined)
      return Promise.reject(relayError("lease_taken", `the lease '${name}' is held by ${held.holder}`));
    tokens += 1;
    const token = tokens;
    leases.set(name, { token, holder });
    const release = (): Promise<void> => {
      if (leases.get(name)?.token === token) leases.delete(name);
      return Promise.resolve();
    };
    const lease: HeldLease = {
      name,
      token,
      holder,
      validUntil: () => Number.MAX_SAFE_INTEGER,
      lost: new AbortController().signal,
      release,
      [Symbol.asyncDispose]: release,
    };
    return Promise.resolve(lease);
  };

  return {
    streams: {
      append,
      read: (name, { after = 0, limit = 50 } = {}) => {
        const entries = streams.get(name)?.entries ?? [];
        const page = structuredClone(entries.slice(after, after + Math.min(limit, pageMax)));
        return Promise.resolve({ entries: page, revision: entries.length, head: sequence });
      },
      list: ({ prefix = "", order = "newest", after, limit = 50 } = {}) => {
        const sign = order === "newest" ? -1 : 1;
        const all = [...streams.values()]
          .filter(({ name }) => name.startsWith(prefix))
          .filter((it) => after === undefined || sign * (it.firstSequence - after) > 0)
          .sort((a, b) => sign * (a.firstSequence - b.firstSequence));
        const page = all.slice(0, limit).map(({ name, entries, summary, ...rest }): StreamView => ({
          stream: name,
          revision: entries.length,
          ...rest,
          summary: summary === null ? null : { ...summary },
          lease: leaseOf(name),
        }));
        const next = all.length > limit ? (page.at(-1)?.firstSequence ?? null) : null;
        return Promise.resolve({ streams: page, next });
      },
      follow: (name, options) => ({ [Symbol.asyncIterator]: () => follow(name, options) }),
    },
    leases: { acquire },
  };
}
