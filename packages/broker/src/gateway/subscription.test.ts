import { expect, test } from "vitest";
import fc from "fast-check";
import type { Fact } from "@agent-relay/protocol";
import { fakeService, working } from "./testing/fake-service.ts";
import { memoryConnection } from "./testing/memory-connection.ts";

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

async function subscribed(
  options: Parameters<typeof memoryConnection>[0] = {},
  frame: { from?: number; filter?: object } = {},
) {
  const connection = memoryConnection(options);
  await connection.hello();
  await connection.say({ type: "subscribe", id: 1, filter: {}, ...frame });
  const sequences = (): number[] => connection.ofType("event").map(({ event }) => event.sequence);
  return { ...connection, sequences };
}

test("S1: a subscriber from a cursor gets the past and then the present, without gap or repeat", async () => {
  const fake = fakeService();
  fake.append(...range(1, 1_000).map(() => working("ada")));
  const connection = await subscribed({ fake }, { from: 10 });
  fake.append(working("ben"), working("ada"));
  fake.append(working("ada"));
  await connection.timers.settle();
  expect(connection.sequences()).toEqual(range(11, 1_003));
});

test("S1: without a cursor only what comes is sent", async () => {
  const fake = fakeService();
  fake.append(working("ada"));
  const connection = await subscribed({ fake });
  fake.append(working("ada"));
  await connection.timers.settle();
  expect(connection.got.slice(1)).toMatchObject([
    { type: "subscribed", id: 1, from: 1 },
    { type: "event", id: 1, event: { sequence: 2 } },
  ]);
});

test("S1: an event that was read before it was announced is not repeated, and one that was never announced is read", async () => {
  const fake = fakeService();
  const { service } = fake;
  const announce: ((events: ReturnType<typeof service.events.read>) => void)[] = [];
  // A session whose feed hears of events only when the test says so.
  const late = memoryConnection({
    fake: {
      ...fake,
      service: {
        ...service,
        events: {
          ...service.events,
          onAppended: (listener) => {
            announce.push(listener);
            return () => undefined;
          },
        },
      },
    },
  });
  fake.append(working("ada"), working("ada"));
  await late.hello();
  await late.say({ type: "subscribe", id: 1, from: 0, filter: {} });
  for (const listener of announce) listener(service.events.read(0, 10));
  fake.append(working("ada"));
  for (const listener of announce) listener(service.events.read(1, 10));
  fake.append(working("ada"), working("ada"));
  for (const listener of announce) listener(service.events.read(4, 10));
  await late.timers.settle();
  expect(late.ofType("event").map(({ event }) => event.sequence)).toEqual([1, 2, 3, 4, 5]);
});

test("a cursor beyond the head is refused, because the log is not the one that it came from", async () => {
  const connection = await subscribed({}, { from: 5 });
  expect(connection.got[1]).toMatchObject({
    type: "error",
    id: 1,
    error: { code: "invalid_request", data: { head: 0 } },
  });
});

test("S2: while the client does not read nothing is kept, and afterwards nothing is missing", async () => {
  const fake = fakeService();
  const connection = await subscribed({ fake, limits: { outboxFramesMax: 20 } });
  connection.block();
  for (let round = 0; round < 50; round += 1) {
    fake.append(...range(1, 20).map(() => working("ada")));
    await connection.timers.settle();
  }
  const readsWhileBlocked = fake.reads();
  await connection.unblock();
  expect(connection.sequences()).toEqual(range(1, 1_000));
  expect(readsWhileBlocked).toBeLessThan(5);
});

test("S3: a filter that matches nothing moves the cursor now and then, and at the end of the past", async () => {
  const fake = fakeService();
  fake.append(...range(1, 2_500).map(() => working("ada")));
  const connection = await subscribed({ fake }, { from: 0, filter: { agents: ["ben"] } });
  expect(connection.ofType("cursor").map(({ next }) => next)).toEqual([1_000, 2_000, 2_500]);
  fake.append(...range(1, 1_000).map(() => working("ada")));
  await connection.timers.settle();
  expect(connection.ofType("cursor").at(-1)).toEqual({ type: "cursor", id: 1, next: 3_500 });
});

test("a filter by streams lets through what is in one of them, and goes together with the others", async () => {
  const entry = (stream: string, revision: number): Fact => ({
    type: "stream_appended",
    stream,
    revision,
    kind: "said",
    data: {},
  });
  const fake = fakeService();
  const filter = { streams: ["run/one", "agent/ada"], types: ["stream_appended", "agent_working"] };
  const connection = await subscribed({ fake }, { from: 0, filter });
  fake.append(entry("run/one", 1), entry("run/two", 1), working("ada"), working("ben"), entry("run/one", 2));
  await connection.timers.settle();
  expect(connection.sequences()).toEqual([1, 3, 5]);
});

test("S4: an event too large for a frame is declared by a gap, and the next one follows", async () => {
  const fake = fakeService();
  const connection = await subscribed({ fake, limits: { frameBytesMax: 500 } });
  fake.append({ ...working("ada"), source: "x".repeat(600) } as Fact, working("ada"));
  await connection.timers.settle();
  expect(connection.got.slice(2)).toMatchObject([
    { type: "gap", id: 1, from: 0, to: 1, reason: "frame_too_large" },
    { type: "event", event: { sequence: 2 } },
  ]);
});

test("after unsubscribe comes `end` and nothing else; a second one is silent", async () => {
  const fake = fakeService();
  const connection = await subscribed({ fake });
  await connection.say({ type: "unsubscribe", id: 1 });
  await connection.say({ type: "unsubscribe", id: 1 });
  fake.append(working("ada"));
  await connection.timers.settle();
  expect(connection.got.slice(2)).toEqual([{ type: "end", id: 1, reason: "unsubscribed" }]);
});

test("G4: more subscriptions than allowed are refused", async () => {
  const connection = await subscribed({ limits: { subscriptionsMax: 2 } });
  await connection.say({ type: "follow", id: 2, agent: "ada" });
  await connection.say({ type: "subscribe", id: 3, filter: {} });
  expect(connection.got.at(-1)).toMatchObject({ type: "error", id: 3, error: { code: "too_many_requests" } });
});

const message = {
  type: "message_accepted",
  messageId: "msg_0000000001",
  from: "ada",
  to: { kind: "channel", name: "general" },
  body: "hello",
  mode: "wait",
  replyTo: "msg_0000000000",
  threadId: "msg_0000000000",
  recipients: ["ben"],
} as const satisfies Fact;
const joined = { type: "channel_joined", channel: "general", member: "eve", by: "operator" } as const satisfies Fact;
const facts: readonly Fact[] = [working("ada"), message, joined, working("ben")];

test.each([
  [{ types: ["channel_joined", "agent_working"] }, [1, 3, 4]],
  [{ agents: ["ada"] }, [1, 2]],
  [{ agents: ["ben"] }, [2, 4]],
  [{ agents: ["eve"] }, [3]],
  [{ channels: ["general"] }, [2, 3]],
  [{ messages: ["msg_0000000001"] }, [2]],
  [{ messages: ["msg_0000000000"] }, [2]],
  [{ types: ["agent_working"], agents: ["ben", "eve"] }, [4]],
  [{ types: [] }, []],
])("the filter %j lets through %j", async (filter, expected) => {
  const fake = fakeService();
  const connection = await subscribed({ fake }, { from: 0, filter });
  fake.append(...facts);
  await connection.timers.settle();
  expect(connection.sequences()).toEqual(expected);
});

test("S1: whatever the pace of writer and reader, every wanted event arrives once and in order", async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("append" as const), count: fc.integer({ min: 1, max: 40 }) }),
    fc.record({ do: fc.constantFrom("block" as const, "unblock" as const, "take" as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.integer({ min: 0, max: 30 }), async (steps, past) => {
      const fake = fakeService();
      const mixed = (count: number): Fact[] =>
        range(1, count).map((number) => working(number % 3 === 0 ? "ben" : "ada"));
      fake.append(...mixed(past));
      const connection = await subscribed(
        { fake, limits: { outboxFramesMax: 8 } },
        { from: 0, filter: { agents: ["ada"] } },
      );
      for (const item of steps) {
        if (item.do === "append") fake.append(...mixed(item.count));
        else if (item.do === "block") connection.block();
        else if (item.do === "take") await connection.takeOne();
        else await connection.unblock();
        await connection.timers.settle();
      }
      await connection.unblock();
      const wanted = fake.service.events.read(0, 10_000).filter((event) => "agent" in event && event.agent === "ada");
      expect(connection.sequences()).toEqual(wanted.map(({ sequence }) => sequence));
    }),
    { numRuns: 60 },
  );
});
