/** A broker as the agents of a run see it, made by hand: what is said in it, a test says. */
import type { AgentView, RelayEvent } from "@agent-relay/protocol";
import { relayError } from "@agent-relay/protocol";
import type { AgentHandle, Relay } from "@agent-relay/sdk";

type Spawn = Parameters<Relay["spawn"]>[0];
type Send = Parameters<Relay["send"]>[0];
/** Of an event what is read, beside its sequence. */
type Told = { readonly type: RelayEvent["type"]; readonly agent: string } & Readonly<Record<string, unknown>>;

export interface RelayDouble {
  readonly relay: Relay;
  readonly spawned: Spawn[];
  readonly sent: Send[];
  /** Names and reasons, in order. */
  readonly released: (readonly [string, string | undefined])[];
  /** Cursors from which events were asked for. */
  readonly askedFrom: (number | undefined)[];
  /** Makes it true of an agent, and at once if it was not there. */
  readonly know: (name: string, view: Partial<AgentView>) => void;
  readonly forget: (name: string) => void;
  readonly say: (event: Told) => void;
  /** On its terminal. Those who follow it hear of it while `isShowing`; who reads it has all of it. */
  readonly show: (name: string, text: string) => void;
  isShowing: boolean;
  /** What is shown is kept for nobody: who follows it hears of a gap. */
  isForgetting: boolean;
  /** Ends all streams of events with a failure. */
  readonly breakOff: () => void;
  /** What comes of requests; each does well and at once if it is not replaced. */
  onSpawn: () => Promise<void>;
  onReady: () => Promise<void>;
  onRelease: (name: string) => Promise<void>;
  onSend: (message: Send) => Promise<void>;
}

export function relayDouble(): RelayDouble {
  const events: RelayEvent[] = [];
  const views = new Map<string, AgentView>();
  const readers = new Set<{ readonly wake: () => void; broken: boolean }>();

  const read = async function* (from: number, signal: AbortSignal | undefined): AsyncGenerator<RelayEvent> {
    let wake = (): void => undefined;
    const reader = { wake: () => wake(), broken: false };
    readers.add(reader);
    const aborted = (): void => wake();
    signal?.addEventListener("abort", aborted, { once: true });
    try {
      for (let next = from; ;) {
        const event = events[next];
        if (event === undefined && reader.broken) throw relayError("slow_consumer", "the stream was given up");
        if (signal?.aborted === true) return;
        if (event !== undefined) {
          next += 1;
          yield event;
          continue;
        }
        await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      readers.delete(reader);
      signal?.removeEventListener("abort", aborted);
    }
  };

  const info = (name: string): Promise<AgentView> => {
    const view = views.get(name);
    return view === undefined
      ? Promise.reject(relayError("unknown_agent", `no agent has the name ${name}`))
      : Promise.resolve(view);
  };

  const handle = (name: string): AgentHandle =>
    ({
      name,
      epoch: 1,
      info: () => info(name),
      waitForReady: async () => {
        await double.onReady();
        return info(name);
      },
      release: async (reason?: string) => {
        double.released.push([name, reason]);
        await double.onRelease(name);
      },
      output: ({ from = 0, signal }: { from?: number; signal?: AbortSignal } = {}) => outputOf(name, from, signal),
    }) as unknown as AgentHandle;

  const terminals = new Map<string, Buffer>();
  const outputOf = async function* (name: string, from: number, signal: AbortSignal | undefined) {
    // Of one that has shown nothing nothing more will come.
    for (let offset = from; terminals.has(name) && signal?.aborted !== true;) {
      const data = terminals.get(name)?.subarray(offset) ?? Buffer.alloc(0);
      if (data.length > 0 && double.isShowing) {
        if (double.isForgetting)
          yield { type: "gap", from: offset, to: offset + data.length, reason: "no_longer_kept" };
        else yield { type: "output", offset, data };
        offset += data.length;
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };

  const double: RelayDouble = {
    isShowing: true,
    isForgetting: false,
    show: (name, text) =>
      void terminals.set(name, Buffer.concat([terminals.get(name) ?? Buffer.alloc(0), Buffer.from(text)])),
    spawned: [],
    sent: [],
    released: [],
    askedFrom: [],
    know: (name, view) => {
      const known = views.get(name) ?? { name, epoch: 1, state: "idle", pid: 7, pending: 0, lastExit: null };
      views.set(name, { ...known, ...view } as AgentView);
    },
    forget: (name) => void views.delete(name),
    say: (event) => {
      events.push({ at: 0, sequence: events.length + 1, epoch: 1, ...event } as unknown as RelayEvent);
      for (const { wake } of [...readers]) wake();
    },
    breakOff: () => {
      for (const reader of [...readers]) {
        reader.broken = true;
        reader.wake();
      }
    },
    onSpawn: () => Promise.resolve(),
    onReady: () => Promise.resolve(),
    onRelease: () => Promise.resolve(),
    onSend: () => Promise.resolve(),
    relay: {
      agent: handle,
      spawn: async (options: Spawn) => {
        double.spawned.push(options);
        await double.onSpawn();
        double.know(options.name, {});
        return handle(options.name);
      },
      send: async (message: Send) => {
        double.sent.push(message);
        await double.onSend(message);
        return {};
      },
      events: ({ from, signal }: { from?: number; signal?: AbortSignal } = {}) => {
        double.askedFrom.push(from);
        return read(from ?? events.length, signal);
      },
      client: {
        head: () => events.length,
        call: (method: string, { name = "", from = 0 }: { readonly name?: string; readonly from?: number } = {}) => {
          const data = terminals.get(name) ?? Buffer.alloc(0);
          return Promise.resolve(
            method === "terminal.read"
              ? { data: data.subarray(from).toString("base64"), next: data.length }
              : { events: [], next: 0 },
          );
        },
      },
    } as unknown as Relay,
  };
  return double;
}
