/** A memory log with what only a broker has: bounds, leases that are lost, and counts of what is asked of it. */
import { limits } from "@agent-relay/protocol";
import type { HeldLease, Relay } from "@agent-relay/sdk";
import { memoryLog } from "../memory-log.ts";

type Append = Parameters<Relay["streams"]["append"]>[1];

export interface StreamBroker {
  readonly relay: Pick<Relay, "streams" | "leases">;
  readonly appends: Append[];
  /** Entries that were read, all together; what is followed is not read. */
  reads: number;
  /** How many entries a stream has, and its newest summary. */
  readonly look: (stream: string) => Promise<{
    readonly revision: number;
    readonly summary: Readonly<Record<string, unknown>> | null | undefined;
  }>;
  /** Called before each append; may throw what the broker would answer. */
  beforeAppend: (append: Append) => void;
  /** Whoever holds it has lost it. */
  readonly take: (lease: string) => Promise<void>;
}

export function streamBroker(): StreamBroker {
  const log = memoryLog(() => 0);
  const held = new Map<string, HeldLease>();

  const append: Relay["streams"]["append"] = async (name, options) => {
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
    if (options.entries.length > limits.streamEntriesMax) throw new Error(`${options.entries.length} entries`);
    const appended = await log.streams.append(name, options);
    broker.appends.push(options);
    return appended;
  };

  const broker: StreamBroker = {
    appends: [],
    reads: 0,
    look: async (stream) => {
      const { streams } = await log.streams.list({ prefix: stream });
      const found = streams.find((it) => it.stream === stream);
      return { revision: found?.revision ?? 0, summary: found?.summary };
    },
    beforeAppend: () => undefined,
    take: async (lease) => held.get(lease)?.release(),
    relay: {
      streams: {
        ...log.streams,
        append,
        read: async (name, options) => {
          const page = await log.streams.read(name, options);
          broker.reads += page.entries.length;
          return page;
        },
      },
      leases: {
        acquire: async (name, options) => {
          const lease = await log.leases.acquire(name, options);
          held.set(name, lease);
          return lease;
        },
      },
    },
  };
  return broker;
}
