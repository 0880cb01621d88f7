import { limits, type Fact, type MethodResult } from "@agent-relay/protocol";
import { CrashableLog, sequentialIds, SimulatedClock } from "@agent-relay/testkit";
import { expect, test } from "vitest";
import type { Caller } from "../service.ts";
import { openPlainBroker } from "../testing/plain-broker.ts";
import { registered, ready, spawned, spawning } from "../testing/stories.ts";
import type { Broker } from "./open-broker.ts";

const operator: Caller = { principal: { kind: "operator", name: "operator" }, actor: "agent-relay-cli/cli" };
const entry = { kind: "said", data: { word: "hello" } };
const stream = "run/one";

interface Bench {
  readonly clock: SimulatedClock;
  readonly log: CrashableLog<Fact>;
  /** How many facts each append had. */
  readonly appends: number[];
  readonly call: (method: string, params: object, commandId?: string, caller?: Caller) => Promise<unknown>;
  readonly pass: (ms: number) => Promise<void>;
  /** The broker dies, and another begins. */
  readonly kill: (downMs?: number) => Promise<void>;
  /** The clock goes on, or is set, while the broker does not run: its timers know nothing of it. */
  readonly sleep: (ms: number) => void;
}

async function bench(history: readonly Fact[] = []): Promise<Bench> {
  const log = new CrashableLog<Fact>();
  log.append(history.map((event) => ({ stream: "agent" in event ? `agent/${event.agent}` : "broker", event, at: 0 })));
  const clock = new SimulatedClock(0);
  let slept = 0;
  const appends: number[] = [];
  let commands = 0;
  let broker: Broker;
  const open = async (): Promise<void> => {
    broker = openPlainBroker({
      log: {
        ...log,
        append: (facts) => {
          appends.push(facts.length);
          return log.append(facts);
        },
      },
      clock: {
        now: () => clock.now() + slept,
        setTimer: (key, at, fire) => {
          clock.setTimer(key, at - slept, fire);
        },
        clearTimer: clock.clearTimer,
      },
      ids: sequentialIds(),
    });
    await broker.start();
  };
  await open();
  return {
    clock,
    log,
    appends,
    call: (method, params, commandId = `command-${(commands += 1)}`, caller = operator) =>
      broker.service.call(caller, method, params, { commandId }),
    pass: async (ms) => {
      await clock.advanceAsync(ms);
    },
    kill: async (downMs = 0) => {
      clock.forget();
      await clock.advanceAsync(downMs);
      await open();
    },
    sleep: (ms) => {
      slept += ms;
    },
  };
}

const append = (expectedRevision: number, more: object = {}): object => ({
  stream,
  expectedRevision,
  entries: [entry],
  ...more,
});
const acquire = (more: object = {}): object => ({ name: stream, ttlMs: 1_000, holder: "me", ...more });
const leaseFacts = (log: CrashableLog<Fact>): readonly string[] =>
  log
    .history()
    .flatMap((it) => (it.type === "lease_ended" ? [it.how] : it.type === "lease_acquired" ? ["acquired"] : []));

test("an append under one id happens once, over a restart too, and the same id with other entries is refused", async () => {
  const { call, log, kill } = await bench();
  const first = await call("stream.append", append(0), "command-once");
  expect(first).toEqual({ revision: 1, sequence: log.head() });
  expect(await call("stream.append", append(0), "command-once")).toEqual(first);
  await kill();
  expect(await call("stream.append", append(0), "command-once")).toEqual(first);
  await expect(call("stream.append", append(1), "command-once")).rejects.toMatchObject({ code: "command_conflict" });
  expect(log.revisionOf(stream)).toBe(1);
});

test("appends of one turn, to one stream and to others, go into one transaction", async () => {
  const { call, appends } = await bench();
  appends.length = 0;
  await Promise.all([
    call("stream.append", append(0, { entries: [entry, entry] })),
    call("stream.append", append(2)),
    call("stream.append", append(0, { stream: "run/two" })),
    call("lease.acquire", acquire()),
  ]);
  expect(appends).toEqual([5]);
});

test("of two who append to the same revision in one turn, one is refused and told how far the stream is", async () => {
  const { call } = await bench();
  const both = await Promise.allSettled([call("stream.append", append(0)), call("stream.append", append(0))]);
  expect(both).toMatchObject([
    { status: "fulfilled", value: { revision: 1 } },
    { status: "rejected", reason: { code: "wrong_revision", data: { revision: 1 } } },
  ]);
});

test("what is in the log of a stream is what the state says of it: its revision and nothing else", async () => {
  const { call, log, kill } = await bench();
  await call("lease.acquire", acquire());
  for (let n = 0; n < 3; n += 1) await call("stream.append", append(n));
  await call("lease.release", { name: stream, token: 2 });
  await kill();
  await call("stream.append", append(3));
  const own = log.read({ after: 0, limit: 100, stream });
  expect(own.map(({ revision, event }) => [event.type, revision, "revision" in event && event.revision])).toEqual(
    [1, 2, 3, 4].map((n) => ["stream_appended", n, n]),
  );
});

test("the broker's own streams cannot be written, or read as a client's", async () => {
  const { call } = await bench();
  for (const name of [
    "agent/ada",
    "message/msg_0000000001",
    "channel/general",
    "reader/ada",
    "lease/x",
    "broker/x",
    "broker",
  ]) {
    await expect(call("stream.append", append(0, { stream: name }))).rejects.toMatchObject({ code: "invalid_request" });
    await expect(call("stream.read", { stream: name })).rejects.toMatchObject({ code: "invalid_request" });
    await expect(call("lease.acquire", acquire({ name }))).rejects.toMatchObject({ code: "invalid_request" });
  }
});

test("no agent may do any of it", async () => {
  const { call } = await bench([registered("ada"), spawning("ada"), spawned("ada"), ready("ada")]);
  const ada: Caller = { principal: { kind: "agent", name: "ada", epoch: 1 }, actor: undefined };
  const token = { name: stream, token: 1 };
  for (const [method, params] of [
    ["stream.append", append(0)],
    ["stream.read", { stream }],
    ["stream.list", {}],
    ["lease.acquire", acquire()],
    ["lease.renew", { ...token, ttlMs: 1_000 }],
    ["lease.release", token],
  ] as const)
    await expect(call(method, params, "command-of-ada", ada)).rejects.toMatchObject({ code: "not_allowed" });
});

test("a page of entries holds what fits into an answer, at least one, and the next goes on from it", async () => {
  const { call } = await bench();
  const big = { kind: "said", data: { word: "x".repeat(limits.entryBytesMax - 11) } };
  await call("stream.append", append(0, { entries: [big] }));
  await call("stream.append", append(1, { entries: [big, ...Array.from({ length: 60 }, () => entry)] }));
  const read = async (after: number): Promise<readonly number[]> => {
    const page = (await call("stream.read", { stream, after, limit: 500 })) as MethodResult<"stream.read">;
    expect(page.revision).toBe(62);
    return page.entries.map(({ revision }) => revision);
  };
  expect(await read(0)).toEqual([1]);
  expect(await read(1)).toEqual([2]);
  expect(await read(2)).toHaveLength(60);
  expect(await read(62)).toEqual([]);
  await expect(
    call("stream.append", append(62, { entries: [{ ...big, data: { word: `${big.data.word}x` } }] })),
  ).rejects.toMatchObject({ code: "entry_too_large" });
});

test("events can be read by their stream, a client's or the broker's own", async () => {
  const { call } = await bench();
  await call("stream.append", append(0));
  await call("agent.register", { name: "ada" });
  await call("stream.append", append(1));
  const read = async (streams: readonly string[]): Promise<MethodResult<"events.read">> =>
    (await call("events.read", { from: 0, filter: { streams } })) as MethodResult<"events.read">;
  const typesOf = ({ events }: MethodResult<"events.read">): readonly string[] =>
    (events as readonly { readonly type: string }[]).map(({ type }) => type);
  const one = await read([stream]);
  expect(typesOf(one)).toEqual(["stream_appended", "stream_appended"]);
  expect(one.next).toBe(one.head);
  expect(typesOf(await read([stream, "agent/ada"]))).toEqual([
    "stream_appended",
    "agent_registered",
    "stream_appended",
  ]);
  expect(typesOf(await read(["run/nobody"]))).toEqual([]);
});

test("streams are listed a page at a time, with the lease of the same name", async () => {
  const { call, pass } = await bench();
  for (const name of ["a", "b", "c"])
    await call("stream.append", append(0, { stream: `run/${name}`, summary: { name } }));
  await call("lease.acquire", acquire({ name: "run/b" }));
  const list = async (params: object): Promise<MethodResult<"stream.list">> =>
    (await call("stream.list", params)) as MethodResult<"stream.list">;
  const first = await list({ prefix: "run/", limit: 2 });
  expect(first.streams).toMatchObject([
    { stream: "run/c", revision: 1, summary: { name: "c" }, lease: null },
    { stream: "run/b", lease: { holder: "me", token: 5, expiresAt: 1_000 } },
  ]);
  const second = await list({ prefix: "run/", limit: 2, after: first.next ?? 0 });
  expect(second).toMatchObject({ streams: [{ stream: "run/a" }], next: null });
  await pass(1_000);
  expect((await list({ prefix: "run/b" })).streams).toMatchObject([{ lease: null }]);
});

test("Q3: a lease that is not renewed is ended by itself, on disk, at its time", async () => {
  const { call, log, pass } = await bench();
  const { token } = (await call("lease.acquire", acquire())) as MethodResult<"lease.acquire">;
  await pass(900);
  expect(await call("lease.renew", { name: stream, token, ttlMs: 1_000 })).toEqual({ expiresAt: 1_900 });
  await pass(999);
  expect(leaseFacts(log)).toEqual(["acquired"]);
  await pass(1);
  expect(leaseFacts(log)).toEqual(["acquired", "expired"]);
  await expect(call("lease.renew", { name: stream, token, ttlMs: 1_000 })).rejects.toMatchObject({
    code: "lease_lost",
  });
});

test("Q3: renewals cost the log nothing", async () => {
  const { call, log, pass } = await bench();
  const { token } = (await call("lease.acquire", acquire())) as MethodResult<"lease.acquire">;
  const before = log.head();
  for (let n = 0; n < 50; n += 1) {
    await pass(500);
    await call("lease.renew", { name: stream, token, ttlMs: 1_000 });
  }
  expect(log.head()).toBe(before);
});

test("Q5: after a broker that was away for long, a lease lasts its whole time again, and then ends", async () => {
  const { call, log, kill, pass } = await bench();
  const { token } = (await call("lease.acquire", acquire())) as MethodResult<"lease.acquire">;
  await kill(3_600_000);
  await pass(999);
  await expect(call("lease.acquire", acquire({ holder: "you" }))).rejects.toMatchObject({ code: "lease_taken" });
  await call("stream.append", append(0, { lease: { name: stream, token } }));
  await call("lease.renew", { name: stream, token, ttlMs: 1_000 });
  await kill();
  await pass(1_000);
  expect(leaseFacts(log)).toEqual(["acquired", "expired"]);
});

test.each([
  ["stopped for a minute", 60_000],
  ["a clock that is set back", -3_600_000],
])("Q5: %s, a broker takes no lease away, and ends it in time when nobody says more", async (_, ms) => {
  const { call, log, pass, sleep } = await bench();
  const { token } = (await call("lease.acquire", acquire({ ttlMs: 10_000 }))) as MethodResult<"lease.acquire">;
  await pass(5_000);
  sleep(ms);
  await call("lease.renew", { name: stream, token, ttlMs: 10_000 });
  await call("stream.append", append(0, { lease: { name: stream, token } }));
  sleep(ms);
  await pass(9_000);
  expect(leaseFacts(log)).toEqual(["acquired"]);
  await pass(2_000);
  expect(leaseFacts(log)).toEqual(["acquired", "expired"]);
});

test("Q5: a lease whose end passed while the broker was stopped is not ended by its timer either", async () => {
  const { call, log, clock, pass, sleep } = await bench();
  await call("lease.acquire", acquire({ ttlMs: 10_000 }));
  await pass(9_500);
  sleep(60_000);
  await pass(9_000);
  expect(leaseFacts(log)).toEqual(["acquired"]);
  await pass(2_000);
  expect(leaseFacts(log)).toEqual(["acquired", "expired"]);
  expect(clock.pending()).toEqual([]);
});

test("Q5: a full disk takes no lease away either: the state that is folded anew gives each its whole time", async () => {
  const { call, log, pass } = await bench();
  const { token } = (await call("lease.acquire", acquire())) as MethodResult<"lease.acquire">;
  for (let n = 0; n < 5; n += 1) {
    await pass(900);
    await call("lease.renew", { name: stream, token, ttlMs: 1_000 });
  }
  log.failAppends({ code: "disk_full", times: 1 });
  await expect(call("stream.append", append(0))).rejects.toMatchObject({ code: "disk_full" });
  await pass(999);
  await call("lease.renew", { name: stream, token, ttlMs: 1_000 });
  await pass(1_000);
  expect(leaseFacts(log)).toEqual(["acquired", "expired"]);
});

test("Q2: a token is never given again, over restarts and ends of every kind", async () => {
  const { call, kill, pass } = await bench();
  const tokens: number[] = [];
  for (let n = 0; n < 12; n += 1) {
    const { token } = (await call("lease.acquire", acquire())) as MethodResult<"lease.acquire">;
    tokens.push(token);
    if (n % 3 === 0) await call("lease.release", { name: stream, token });
    else if (n % 3 === 1) await pass(1_000);
    else {
      await kill();
      await pass(1_000);
    }
  }
  expect(tokens).toEqual([...new Set(tokens)].sort((one, other) => one - other));
});
