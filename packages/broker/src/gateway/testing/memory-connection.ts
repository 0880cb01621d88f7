/** One session over a transport in memory, with time that moves by hand. */
import type { ClientFrameInput, ServerFrame } from "@agent-relay/protocol";
import { admitLocally, type Admit } from "../admission.ts";
import { eventFeed } from "../event-feed.ts";
import { gatewayLimits, type GatewayLimits } from "../gateway-limits.ts";
import { openSession, type Session } from "../session.ts";
import type { Timers } from "../timers.ts";
import { fakeService, type FakeService } from "./fake-service.ts";

export interface ManualTimers extends Timers {
  /** Runs what was deferred until nothing is, letting promises settle in between. */
  readonly settle: () => Promise<void>;
  readonly advance: (ms: number) => Promise<void>;
  readonly pending: () => number;
}

function manualTimers(): ManualTimers {
  let now = 0;
  let deferred: (() => void)[] = [];
  const timers = new Set<{ readonly at: number; readonly run: () => void }>();
  const settle = async (): Promise<void> => {
    for (let quiet = 0; quiet < 3; quiet += 1) {
      for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
      const due = deferred;
      deferred = [];
      if (due.length > 0) quiet = -1;
      for (const run of due) run();
    }
  };
  return {
    defer: (run) => deferred.push(run),
    after: (ms, run) => {
      const timer = { at: now + ms, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    settle,
    advance: async (ms) => {
      now += ms;
      for (const timer of [...timers].filter(({ at }) => at <= now)) {
        timers.delete(timer);
        timer.run();
      }
      await settle();
    },
    pending: () => timers.size,
  };
}

export interface MemoryConnection {
  readonly fake: FakeService;
  readonly session: Session;
  readonly timers: ManualTimers;
  /** Sends a frame and lets everything settle. */
  readonly say: (frame: ClientFrameInput | string) => Promise<void>;
  readonly hello: () => Promise<void>;
  /** What the client has got, in order. */
  readonly got: ServerFrame[];
  readonly ofType: <T extends ServerFrame["type"]>(type: T) => readonly Extract<ServerFrame, { type: T }>[];
  readonly writes: () => number;
  /** How often the session listens to the feed. */
  readonly listening: () => number;
  readonly closed: () => { readonly code: number; readonly reason: string } | undefined;
  /** Makes the socket take nothing, and take everything again. */
  readonly block: () => void;
  readonly unblock: () => Promise<void>;
  /** Takes one write and blocks again. */
  readonly takeOne: () => Promise<void>;
}

export function memoryConnection(
  options: { readonly limits?: Partial<GatewayLimits>; readonly fake?: FakeService; readonly admit?: Admit } = {},
): MemoryConnection {
  const fake = options.fake ?? fakeService();
  const timers = manualTimers();
  const got: ServerFrame[] = [];
  const feed = eventFeed(fake.service.events);
  let listening = 0;
  let writes = 0;
  let blocked = false;
  let closed: { readonly code: number; readonly reason: string } | undefined;
  const held: { readonly frames: readonly Uint8Array[]; readonly taken: () => void }[] = [];
  const arrive = (frames: readonly Uint8Array[]): void => {
    for (const frame of frames) got.push(JSON.parse(Buffer.from(frame).toString()) as ServerFrame);
  };
  const takeHeld = (): void => {
    const next = held.shift();
    if (next === undefined) return;
    arrive(next.frames);
    next.taken();
  };
  const session = openSession({
    service: fake.service,
    feed: {
      ...feed,
      listen: (listener) => {
        const stop = feed.listen(listener);
        listening += 1;
        return () => {
          listening -= 1;
          stop();
        };
      },
    },
    timers,
    limits: { ...gatewayLimits, ...options.limits },
    admit: options.admit ?? admitLocally(fake.service.authenticate),
    logger: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
    transport: {
      write: (frames, taken) => {
        writes += 1;
        if (blocked) held.push({ frames, taken });
        else {
          arrive(frames);
          timers.defer(taken);
        }
      },
      close: (code, reason) => {
        closed ??= { code, reason };
      },
    },
  });
  const say = async (frame: ClientFrameInput | string): Promise<void> => {
    session.receive(typeof frame === "string" ? frame : JSON.stringify(frame));
    await timers.settle();
  };
  return {
    fake,
    session,
    timers,
    say,
    hello: () => say({ type: "hello", versions: { min: 1, max: 1 }, client: { name: "test", version: "1" } }),
    got,
    ofType: <T extends ServerFrame["type"]>(type: T) =>
      got.filter((frame): frame is Extract<ServerFrame, { type: T }> => frame.type === type),
    writes: () => writes,
    listening: () => listening,
    closed: () => closed,
    block: () => {
      blocked = true;
    },
    unblock: async () => {
      blocked = false;
      while (held.length > 0) takeHeld();
      await timers.settle();
    },
    takeOne: async () => {
      takeHeld();
      await timers.settle();
    },
  };
}
