import type { ServerFrame } from "@agent-relay/protocol";
import { expect, test } from "vitest";
import type { TerminalNews } from "../service.ts";
import { follow } from "./follow.ts";
import { fakeService } from "./testing/fake-service.ts";
import { memoryConnection } from "./testing/memory-connection.ts";

async function following(options: Parameters<typeof memoryConnection>[0] = {}, from?: number) {
  const connection = memoryConnection(options);
  await connection.hello();
  await connection.say({ type: "follow", id: 1, agent: "ada", ...(from === undefined ? {} : { from }) });
  const text = (): string =>
    connection
      .ofType("output")
      .map(({ data }) => Buffer.from(data, "base64").toString())
      .join("");
  return { ...connection, text };
}

test("W1: what is kept comes first and what is printed follows", async () => {
  const fake = fakeService();
  fake.print("one ");
  const connection = await following({ fake });
  fake.print("two ");
  fake.print("three");
  await connection.timers.settle();
  expect(connection.text()).toBe("one two three");
  expect(connection.got.slice(1, 3)).toMatchObject([
    { type: "subscribed", id: 1, from: 0 },
    { type: "output", id: 1, epoch: 1, offset: 0 },
  ]);
});

test("W1: output that comes while the first page is read is neither lost nor repeated", async () => {
  const fake = fakeService();
  const connection = memoryConnection({ fake });
  await connection.hello();
  connection.session.receive(JSON.stringify({ type: "follow", id: 1, agent: "ada" }));
  fake.print("early");
  await connection.timers.settle();
  expect(connection.ofType("output").map(({ data }) => Buffer.from(data, "base64").toString())).toEqual(["early"]);
});

test("W1: output that comes after a read was answered and before the answer is here is no gap", async () => {
  const told: ServerFrame[] = [];
  const reads: ((kept: string) => void)[] = [];
  let news = (_: TerminalNews): void => undefined;
  const settle = (): Promise<unknown> => new Promise((resolve) => setImmediate(resolve));
  const { pump } = follow({
    id: 1,
    agent: "ada",
    from: 0,
    terminals: {
      onNews: (listener) => {
        news = listener;
        return () => undefined;
      },
      read: async (_, from) => {
        const kept = await new Promise<string>((resolve) => void reads.push(resolve));
        return { epoch: 1, isOver: false, offset: from, data: Buffer.from(kept) };
      },
    },
    hasRoom: () => true,
    tell: (frame) => void told.push(frame),
    onEnd: () => undefined,
    onFailure: () => undefined,
  });
  const print = (offset: number, text: string): void =>
    news({ type: "output", agent: "ada", epoch: 1, offset, data: Buffer.from(text) });
  pump();
  print(0, "one ");
  reads[0]?.("one ");
  await settle();
  reads[1]?.("");
  print(4, "two");
  await settle();
  reads[2]?.("two");
  await settle();
  expect(told).toMatchObject([
    { type: "subscribed", from: 0 },
    { type: "output", offset: 0 },
    { type: "output", offset: 4 },
  ]);
});

test("W1: from an offset that is no longer kept the gap is declared", async () => {
  const fake = fakeService({ ringBytes: 4 });
  fake.print("abcdefgh");
  const connection = await following({ fake }, 2);
  expect(connection.got.slice(1)).toMatchObject([
    { type: "subscribed", from: 2 },
    { type: "gap", id: 1, from: 2, to: 4, reason: "no_longer_kept" },
    { type: "output", offset: 4 },
  ]);
  expect(connection.text()).toBe("efgh");
});

test("W1: an offset that the incarnation has not reached is another's, and its own is told", async () => {
  const fake = fakeService();
  fake.print("abc");
  const connection = await following({ fake }, 5_000);
  fake.print("def");
  await connection.timers.settle();
  expect(connection.got.slice(1)).toMatchObject([
    { type: "subscribed", from: 3 },
    { type: "output", offset: 3 },
  ]);
});

test("W2: a client that falls behind gets what the ring still has, after a gap", async () => {
  const fake = fakeService({ ringBytes: 10 });
  const connection = await following({ fake, limits: { outboxFramesMax: 8 } });
  connection.block();
  for (let number = 0; number < 100; number += 1) {
    fake.print(`${String(number).padStart(4, "0")} `);
    await connection.timers.settle();
  }
  await connection.unblock();
  const [gap] = connection.ofType("gap");
  expect(gap).toMatchObject({ to: 490, reason: "no_longer_kept" });
  expect(connection.text().endsWith("0098 0099 ")).toBe(true);
  fake.print("live");
  await connection.timers.settle();
  expect(connection.text().endsWith("0098 0099 live")).toBe(true);
});

test("W3: the end of the program ends the follow, after its last output", async () => {
  const fake = fakeService();
  const connection = await following({ fake });
  fake.print("bye");
  fake.endTerminal();
  fake.restartTerminal();
  fake.print("another");
  await connection.timers.settle();
  expect(connection.got.slice(2)).toMatchObject([{ type: "output" }, { type: "end", id: 1, reason: "terminal_ended" }]);
});

test("W3: who comes after the end of the program gets what is kept, and the end", async () => {
  const fake = fakeService();
  fake.print("bye");
  fake.endTerminal();
  const connection = await following({ fake });
  expect(connection.got.slice(2)).toMatchObject([{ type: "output" }, { type: "end", id: 1, reason: "terminal_ended" }]);
});

test("W3: output of the next incarnation ends the follow of this one", async () => {
  const fake = fakeService();
  const connection = await following({ fake });
  fake.restartTerminal();
  fake.print("another");
  await connection.timers.settle();
  expect(connection.got.slice(2)).toEqual([{ type: "end", id: 1, reason: "incarnation_over" }]);
});

test("W3: a client that is behind when the program ends still gets what is kept", async () => {
  const fake = fakeService();
  const connection = await following({ fake, limits: { outboxFramesMax: 4 } });
  connection.block();
  for (let number = 0; number < 10; number += 1) {
    fake.print(`${number}`);
    await connection.timers.settle();
  }
  fake.endTerminal();
  await connection.unblock();
  expect(connection.text()).toBe("0123456789");
  expect(connection.got.at(-1)).toEqual({ type: "end", id: 1, reason: "terminal_ended" });
});

test("W3: of an incarnation that ended unheard while the client was behind, the rest is a gap", async () => {
  const fake = fakeService();
  const connection = await following({ fake, limits: { outboxFramesMax: 4 } });
  connection.block();
  for (let number = 0; number < 10; number += 1) {
    fake.print(`${number}`);
    await connection.timers.settle();
  }
  fake.restartTerminal();
  await connection.unblock();
  const sent = connection.text().length;
  expect(connection.got.slice(-2)).toEqual([
    { type: "gap", id: 1, from: sent, to: 10, reason: "no_longer_kept" },
    { type: "end", id: 1, reason: "incarnation_over" },
  ]);
});

test("an agent that nobody knows cannot be followed", async () => {
  const connection = memoryConnection();
  await connection.hello();
  await connection.say({ type: "follow", id: 1, agent: "nobody" });
  expect(connection.got[1]).toMatchObject({ type: "error", id: 1, error: { code: "unknown_agent" } });
});

test("a large page of output comes in pieces that fit a frame", async () => {
  const fake = fakeService();
  fake.print("x".repeat(200_000));
  const connection = await following({ fake });
  expect(connection.ofType("output").map(({ offset }) => offset)).toEqual([0, 65_536, 131_072, 196_608]);
  expect(connection.text().length).toBe(200_000);
});
