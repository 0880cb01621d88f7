/**
 * Streams: what a program keeps in the broker's log, entry after entry, and reads back after whatever happened to it.
 *
 *   T1  Following gives every entry after `after` once, in order of revision, over reconnects and broker restarts.
 *   T2  What was there before is read by the stream itself, so following costs what the stream has, not what the log has.
 *   T3  A log that knows less of the stream than the reader does is another log, and a failure.
 *   T4  Aborting, and closing the client, end the following without a failure.
 */
import { relayError } from "@agent-relay/protocol";
import type { MethodParams, MethodResult, StreamEntry } from "@agent-relay/protocol";
import type { CallOptions, Client } from "../client.ts";
import { isRelayError } from "../errors.ts";

/** What is to be appended, under which conditions. */
export interface AppendOptions extends CallOptions {
  /** The revision up to which the stream was read; 0 for one that does not exist yet. Fails with `wrong_revision`. */
  readonly expectedRevision: number;
  readonly entries: readonly { readonly kind: string; readonly data: Readonly<Record<string, unknown>> }[];
  /** Only while this lease is held. Fails with `lease_lost`. */
  readonly lease?: { readonly name: string; readonly token: number };
  /** What the stream is like from here on, for `list`. */
  readonly summary?: Readonly<Record<string, unknown>>;
}

export interface Streams {
  /** All entries or none. Answers the revision of the last of them, and its place in the log. */
  readonly append: (stream: string, options: AppendOptions) => Promise<MethodResult<"stream.append">>;
  /** A page of entries, in order, from `after` (a revision) on; also how far the stream is. */
  readonly read: (
    stream: string,
    options?: { readonly after?: number; readonly limit?: number; readonly signal?: AbortSignal },
  ) => Promise<MethodResult<"stream.read">>;
  /** Streams whose names begin with `prefix`, the newest first; `after` is the `next` of the page before. */
  readonly list: (options?: MethodParams<"stream.list">) => Promise<MethodResult<"stream.list">>;
  /** Every entry after a revision, those that are there and those to come. */
  readonly follow: (
    stream: string,
    options?: { readonly after?: number; readonly signal?: AbortSignal },
  ) => AsyncIterable<StreamEntry>;
}

const pageMax = 500;

export function openStreams(client: Client): Streams {
  return {
    append: (stream, { expectedRevision, entries, lease, summary, ...options }) => {
      const params: MethodParams<"stream.append"> = {
        stream,
        expectedRevision,
        entries: entries.map(({ kind, data }) => ({ kind, data })),
        ...(lease === undefined ? {} : { lease: { name: lease.name, token: lease.token } }),
        ...(summary === undefined ? {} : { summary }),
      };
      return client.call("stream.append", params, options);
    },
    read: (stream, { signal, ...more } = {}) =>
      client.call("stream.read", { stream, ...more }, signal === undefined ? {} : { signal }),
    list: (options = {}) => client.call("stream.list", options),
    follow: (stream, options = {}) => ({ [Symbol.asyncIterator]: () => follow(client, stream, options) }),
  };
}

async function* follow(
  client: Client,
  stream: string,
  { after = 0, signal }: { readonly after?: number; readonly signal?: AbortSignal },
): AsyncGenerator<StreamEntry, void, undefined> {
  const stoppable = signal === undefined ? {} : { signal };
  const filter = { types: ["stream_appended"], streams: [stream] };
  let revision = after;
  try {
    for (;;) {
      let head: number;
      for (;;) {
        const page = await client.call("stream.read", { stream, after: revision, limit: pageMax }, stoppable);
        if (page.revision < revision) throw anotherLog(stream, page.revision, revision);
        for (const entry of page.entries) {
          if (signal?.aborted === true) return;
          revision = entry.revision;
          yield entry;
        }
        head = page.head;
        if (page.revision <= revision) break;
      }
      let missed = false;
      for await (const event of client.events({ from: head, filter, ...stoppable })) {
        if (event.type !== "stream_appended") continue;
        // Nobody leaves one out, so this would be a defect; the log has it all the same.
        missed = event.revision > revision + 1;
        if (missed) break;
        const { sequence, at, kind, data, actor } = event;
        revision = event.revision;
        yield { revision, sequence, at, kind, data, actor: actor ?? null };
      }
      if (!missed) return;
    }
  } catch (error) {
    if (!isRelayError(error, "cancelled")) throw error;
  }
}

function anotherLog(stream: string, found: number, known: number): Error {
  return relayError(
    "log_corrupt",
    `'${stream}' is at revision ${found} in the broker's log, and was read up to ${known} before: it is another log`,
    { hint: "Start again from 0." },
  );
}
