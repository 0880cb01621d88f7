/** Streams and leases as a broker has them, with its bounds, in memory. */
import { limits, relayError } from "@agent-relay/protocol";
import type { HeldLease, Relay } from "@agent-relay/sdk";

type Append = Parameters<Relay["streams"]["append"]>[1];
type StreamEntry = Awaited<ReturnType<Relay["streams"]["read"]>>["entries"][number];

interface Kept {
  readonly entries: StreamEntry[];
  summary: Readonly<Record<string, unknown>> | undefined;
}

export interface StreamBroker {
  readonly relay: Pick<Relay, "streams" | "leases">;
  readonly appends: Append[];
  /** Entries that were read, all together. */
  reads: number;
  readonly stream: (name: string) => Kept;
  /** Called before each append; may throw what the broker would answer. */
  beforeAppend: (append: Append) => void;
  /** Gives it to somebody else. */
  readonly take: (lease: string) => void;
}

export function streamBroker(): StreamBroker {
  const streams = new Map<string, Kept>();
  const tokens = new Map<string, number>();
  let token = 0;
  const open = (name: string): Kept => {
    const kept = streams.get(name) ?? { entries: [], summary: undefined };
    streams.set(name, kept);
    return kept;
  };

  const append = (name: string, options: Append): { revision: number; sequence: number } => {
    const { entries, expectedRevision, lease, summary } = options;
    broker.beforeAppend(options);
    const frame = Buffer.byteLength(
      JSON.stringify({
        type: "request",
        id: 1_000_000,
        method: "stream.append",
        params: { stream: name, ...options, commandId: "x".repeat(64) },
      }),
    );
    if (frame > limits.frameBytesMax) throw new Error(`a frame of ${frame} bytes`);
    if (entries.length > limits.streamEntriesMax) throw new Error(`${entries.length} entries`);
    if (lease !== undefined && tokens.get(lease.name) !== lease.token)
      throw relayError("lease_lost", `The lease '${lease.name}' is not yours any more.`);
    const stream = open(name);
    if (stream.entries.length !== expectedRevision)
      throw relayError("wrong_revision", `at ${stream.entries.length}, expected ${expectedRevision}`);
    broker.appends.push(options);
    for (const { kind, data } of entries) {
      const revision = stream.entries.length + 1;
      stream.entries.push({
        revision,
        sequence: revision,
        at: 0,
        kind,
        data: structuredClone({ ...data }),
        actor: null,
      });
    }
    stream.summary = summary ?? stream.summary;
    return { revision: stream.entries.length, sequence: 0 };
  };

  const broker: StreamBroker = {
    appends: [],
    reads: 0,
    stream: open,
    beforeAppend: () => undefined,
    take: (lease) => void tokens.set(lease, (token += 1)),
    relay: {
      streams: {
        append: async (name, options) => append(name, options),
        read: (name, { after = 0, limit = 500 } = {}) => {
          const { entries } = open(name);
          const page = entries.slice(after, after + limit);
          broker.reads += page.length;
          return Promise.resolve({ entries: page, revision: entries.length, head: 0 });
        },
        list: () => Promise.resolve({ streams: [], next: null }),
        follow: (_name, { signal } = {}) => ({
          [Symbol.asyncIterator]: () => ({
            next: () =>
              new Promise((resolve) => {
                signal?.addEventListener("abort", () => resolve({ done: true, value: undefined }), { once: true });
              }),
          }),
        }),
      },
      leases: {
        acquire: (name) => {
          tokens.set(name, (token += 1));
          return Promise.resolve(heldLease(name, token));
        },
      },
    },
  };
  return broker;
}

function heldLease(name: string, token: number): HeldLease {
  const release = (): Promise<void> => Promise.resolve();
  return {
    name,
    token,
    holder: "test",
    validUntil: () => Number.MAX_SAFE_INTEGER,
    lost: new AbortController().signal,
    release,
    [Symbol.asyncDispose]: release,
  };
}
