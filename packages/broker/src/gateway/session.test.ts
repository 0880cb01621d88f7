import { describe, expect, test } from "vitest";
import { relayError, type ClientFrameInput } from "@agent-relay/protocol";
import { fakeService, working } from "./testing/fake-service.ts";
import { memoryConnection } from "./testing/memory-connection.ts";

const hello = { type: "hello", versions: { min: 1, max: 1 }, client: { name: "test", version: "1" } } as const;

async function connected(options: Parameters<typeof memoryConnection>[0] = {}) {
  const connection = memoryConnection(options);
  await connection.hello();
  return connection;
}

async function asAgent(options: Parameters<typeof memoryConnection>[0] = {}) {
  const connection = memoryConnection(options);
  connection.fake.tokens.set("token-ada", { kind: "agent", name: "ada", epoch: 3 });
  await connection.say({ ...hello, token: "token-ada" });
  return connection;
}

describe("hello", () => {
  test("G1: a hello in a common version is welcomed with the broker's identity and the head of the log", async () => {
    const connection = memoryConnection();
    connection.fake.append(working("ada"));
    await connection.say({ ...hello, versions: { min: 1, max: 99 } });
    expect(connection.got).toEqual([
      {
        type: "welcome",
        version: 1,
        broker: { pid: 42, version: "0.1.0", startedAt: 1_000, nonce: "nonce-1" },
        principal: { kind: "operator", name: "operator" },
        head: 1,
      },
    ]);
  });

  test("G1: versions that do not meet end the connection", async () => {
    const connection = memoryConnection();
    await connection.say({ ...hello, versions: { min: 2, max: 3 } });
    expect(connection.got).toMatchObject([
      {
        type: "error",
        error: { code: "unsupported_version", message: "expected a protocol version from 1 to 1, found 2 to 3" },
      },
    ]);
    expect(connection.closed()?.code).toBe(1008);
  });

  test("G1: a request before hello ends the connection, and the broker is not asked", async () => {
    const connection = memoryConnection();
    await connection.say({ type: "request", id: 1, method: "agent.list", params: {} });
    expect(connection.got).toMatchObject([
      { type: "error", error: { code: "invalid_frame", message: "expected hello first, found request" } },
    ]);
    expect([connection.closed()?.code, connection.fake.calls]).toEqual([1008, []]);
  });

  test("G1: silence for ten seconds ends the connection", async () => {
    const connection = memoryConnection();
    await connection.timers.advance(9_999);
    expect(connection.closed()).toBeUndefined();
    await connection.timers.advance(1);
    expect(connection.closed()).toEqual({ code: 1008, reason: "invalid_frame" });
  });

  test("A1: an operator speaks in the name that hello gives, and an invalid actor is dropped", async () => {
    const connection = memoryConnection();
    await connection.say({ ...hello, as: "maria", originActor: "not an actor!" });
    await connection.say({ type: "request", id: 1, method: "agent.list", params: {} });
    expect(connection.fake.calls[0]?.caller).toEqual({
      principal: { kind: "operator", name: "maria" },
      actor: undefined,
    });
  });

  test("A1: a token makes the peer of the local socket that agent and no more", async () => {
    const connection = await asAgent();
    expect(connection.got).toMatchObject([{ type: "welcome", principal: { kind: "agent", name: "ada", epoch: 3 } }]);
  });

  test("A2: a wrong token ends the connection", async () => {
    const connection = memoryConnection();
    await connection.say({ ...hello, token: "wrong" });
    expect(connection.got).toMatchObject([{ type: "error", error: { code: "unauthenticated" } }]);
    expect(connection.closed()?.code).toBe(1008);
  });

  test("A3: an agent that asks to speak as another is turned away", async () => {
    const connection = memoryConnection();
    connection.fake.tokens.set("token-ada", { kind: "agent", name: "ada", epoch: 3 });
    await connection.say({ ...hello, token: "token-ada", as: "ben" });
    expect(connection.got).toMatchObject([{ type: "error", error: { code: "not_allowed" } }]);
  });
});

describe("frames", () => {
  test.each([
    ["text that is not JSON", "{"],
    ["JSON that is no frame", "[]"],
    ["an unknown frame type", '{"type":"hallo"}'],
    ["a frame with a field of the wrong type", '{"type":"request","id":"1","method":"agent.list","params":{}}'],
    ["a second hello", JSON.stringify(hello)],
  ])("G1: %s gets one error and ends the connection", async (_, text) => {
    const connection = await connected();
    await connection.say(text);
    await connection.say({ type: "request", id: 1, method: "agent.list", params: {} });
    expect(connection.got.slice(1)).toMatchObject([
      { type: "error", error: { code: "invalid_frame", retryable: false } },
    ]);
    expect(connection.closed()?.code).toBe(1008);
    expect(connection.fake.calls).toEqual([]);
  });

  test("a field that we do not know is ignored", async () => {
    const connection = await connected();
    await connection.say('{"type":"request","id":1,"method":"agent.list","params":{},"colour":"red"}');
    expect(connection.got[1]).toEqual({ type: "result", id: 1, result: {} });
  });

  test("G1: an id that is in use ends the connection", async () => {
    const connection = await connected();
    connection.fake.answers.set("agent.wait", () => new Promise(() => undefined));
    const wait = { type: "request", id: 1, method: "agent.wait", params: {} } as const;
    await connection.say(wait);
    await connection.say(wait);
    expect(connection.ofType("error")).toMatchObject([
      { error: { code: "invalid_frame", message: "the id 1 is in use" } },
    ]);
  });
});

describe("requests", () => {
  test("G2: answers come when they are found, not in the order of asking", async () => {
    const connection = await connected();
    let release: (value: string) => void = () => undefined;
    connection.fake.answers.set("agent.wait", () => new Promise<string>((resolve) => (release = resolve)));
    await connection.say({ type: "request", id: 1, method: "agent.wait", params: {} });
    await connection.say({ type: "request", id: 2, method: "agent.list", params: {} });
    release("late");
    await connection.timers.settle();
    expect(connection.got.slice(1)).toEqual([
      { type: "result", id: 2, result: {} },
      { type: "result", id: 1, result: "late" },
    ]);
  });

  test("the command id and the parameters reach the broker as they are", async () => {
    const connection = await connected();
    await connection.say({
      type: "request",
      id: 1,
      method: "message.send",
      params: { to: "ben" },
      commandId: "cmd-0001",
    });
    expect(connection.fake.calls[0]).toMatchObject({
      method: "message.send",
      params: { to: "ben" },
      options: { commandId: "cmd-0001" },
    });
  });

  test("a refusal of the broker is passed on and the connection lives", async () => {
    const connection = await connected();
    connection.fake.answers.set("message.send", () => {
      throw relayError("unknown_agent", "no agent is called bne", {
        hint: "Did you mean ben?",
        data: { nearest: ["ben"] },
      });
    });
    await connection.say({ type: "request", id: 1, method: "message.send", params: {} });
    expect(connection.got[1]).toEqual({
      type: "error",
      id: 1,
      error: {
        code: "unknown_agent",
        message: "no agent is called bne",
        retryable: false,
        hint: "Did you mean ben?",
        data: { nearest: ["ben"] },
      },
    });
    expect(connection.closed()).toBeUndefined();
  });

  test("of a bug the client learns only that there is one", async () => {
    const connection = await connected();
    connection.fake.answers.set("agent.list", () => {
      throw new TypeError("secret internals");
    });
    await connection.say({ type: "request", id: 1, method: "agent.list", params: {} });
    expect(connection.got[1]).toMatchObject({
      type: "error",
      error: { code: "internal", message: "the broker failed at this; its log says why" },
    });
  });

  test.each(["agent.fly", "constructor", "__proto__"])(
    "the method %s is unknown and the connection lives",
    async (method) => {
      const connection = await connected();
      await connection.say({ type: "request", id: 1, method, params: {} });
      expect(connection.got[1]).toMatchObject({ type: "error", id: 1, error: { code: "unknown_method" } });
      expect([connection.closed(), connection.fake.calls]).toEqual([undefined, []]);
    },
  );

  test("G2: a cancelled request gets `cancelled` once, and the wait in the broker ends", async () => {
    const connection = await connected();
    let release: (value: string) => void = () => undefined;
    connection.fake.answers.set("agent.wait", () => new Promise<string>((resolve) => (release = resolve)));
    await connection.say({ type: "request", id: 1, method: "agent.wait", params: {} });
    await connection.say({ type: "cancel", id: 1 });
    release("too late");
    await connection.say({ type: "cancel", id: 1 });
    expect(connection.got.slice(1)).toMatchObject([{ type: "error", id: 1, error: { code: "cancelled" } }]);
    expect(connection.fake.calls[0]?.options.signal?.aborted).toBe(true);
  });

  test("G4: more requests than allowed are refused, and cancelled ones that still run count", async () => {
    const connection = await connected({ limits: { requestsInFlightMax: 2 } });
    connection.fake.answers.set("agent.wait", () => new Promise(() => undefined));
    for (const id of [1, 2]) await connection.say({ type: "request", id, method: "agent.wait", params: {} });
    await connection.say({ type: "cancel", id: 1 });
    await connection.say({ type: "request", id: 3, method: "agent.list", params: {} });
    expect(connection.got.at(-1)).toMatchObject({
      type: "error",
      id: 3,
      error: { code: "too_many_requests", retryable: true },
    });
  });

  test("an answer that is too large for a frame says so", async () => {
    const connection = await connected({ limits: { frameBytesMax: 1_000 } });
    connection.fake.answers.set("message.history", () => "x".repeat(2_000));
    await connection.say({ type: "request", id: 1, method: "message.history", params: {} });
    expect(connection.got[1]).toMatchObject({
      type: "error",
      id: 1,
      error: { code: "frame_too_large", hint: "Ask for a smaller page." },
    });
  });
});

describe("an agent's connection", () => {
  test("G3: what is asked after the end of the epoch is refused, each time", async () => {
    const connection = await asAgent();
    connection.fake.tokens.set("token-ada", relayError("epoch_expired", "ada@3 is over"));
    for (const id of [1, 2])
      await connection.say({ type: "request", id, method: "message.send", params: {}, commandId: "cmd-0001" });
    expect(connection.got.slice(1)).toMatchObject(
      [1, 2].map((id) => ({ type: "error", id, error: { code: "epoch_expired" } })),
    );
    expect(connection.fake.calls).toEqual([]);
  });

  test("G3: a token that now belongs to another epoch does not carry this connection over", async () => {
    const connection = await asAgent();
    connection.fake.tokens.set("token-ada", { kind: "agent", name: "ada", epoch: 4 });
    await connection.say({ type: "request", id: 1, method: "inbox.check", params: {} });
    expect(connection.got[1]).toMatchObject({ type: "error", error: { code: "epoch_expired" } });
  });

  test("G3: a wait under way is answered with `epoch_expired` when the incarnation ends", async () => {
    const connection = await asAgent();
    let release: (value: string) => void = () => undefined;
    connection.fake.answers.set("inbox.check", () => new Promise<string>((resolve) => (release = resolve)));
    await connection.say({ type: "request", id: 1, method: "inbox.check", params: {} });
    connection.fake.tokens.set("token-ada", relayError("epoch_expired", "ada@3 is over"));
    connection.fake.append(working("ada"));
    await connection.timers.settle();
    release("mail of the next incarnation");
    await connection.timers.settle();
    expect(connection.got.slice(1)).toMatchObject([{ type: "error", id: 1, error: { code: "epoch_expired" } }]);
    expect(connection.fake.calls[0]?.options.signal?.aborted).toBe(true);
  });

  test("G3: an answer that is found after the end of the epoch is not given", async () => {
    const connection = await asAgent();
    let release: (value: string) => void = () => undefined;
    connection.fake.answers.set("inbox.check", () => new Promise<string>((resolve) => (release = resolve)));
    await connection.say({ type: "request", id: 1, method: "inbox.check", params: {} });
    connection.fake.tokens.set("token-ada", relayError("epoch_expired", "ada@3 is over"));
    release("mail of the next incarnation");
    await connection.timers.settle();
    expect(connection.got.slice(1)).toMatchObject([{ type: "error", id: 1, error: { code: "epoch_expired" } }]);
  });

  test("G5: a connection that is gone listens to nothing", async () => {
    const connection = await asAgent();
    const before = connection.listening();
    connection.session.gone();
    expect([before, connection.listening()]).toEqual([1, 0]);
  });

  test.each<ClientFrameInput>([
    { type: "subscribe", id: 1, filter: {} },
    { type: "follow", id: 1, agent: "ada" },
  ])("an agent may not $type", async (frame) => {
    const connection = await asAgent();
    await connection.say(frame);
    expect(connection.got[1]).toMatchObject({ type: "error", id: 1, error: { code: "not_allowed" } });
  });
});

describe("slow clients", () => {
  test("G4: answers count, and too many unread ones end the connection", async () => {
    const connection = await connected({ limits: { outboxFramesMax: 8 } });
    connection.block();
    for (let id = 1; id <= 12; id += 1) await connection.say({ type: "request", id, method: "agent.list", params: {} });
    expect(connection.closed()).toEqual({ code: 1013, reason: "slow_consumer: resume from 0" });
    await connection.unblock();
    expect(connection.got.at(-1)).toMatchObject({ type: "error", error: { code: "slow_consumer", retryable: true } });
  });

  test("G4: a client that takes nothing for thirty seconds is told its cursor and dropped", async () => {
    const connection = await connected();
    await connection.say({ type: "subscribe", id: 7, from: 0, filter: {} });
    connection.block();
    connection.fake.append(working("ada"), working("ada"));
    await connection.timers.settle();
    await connection.timers.advance(29_999);
    expect(connection.closed()).toBeUndefined();
    await connection.timers.advance(1);
    expect(connection.closed()).toEqual({ code: 1013, reason: "slow_consumer: resume from 2" });
    await connection.unblock();
    expect(connection.got.at(-1)).toMatchObject({
      type: "error",
      error: { code: "slow_consumer", data: { cursor: 2, cursors: { "7": 2 } } },
    });
  });

  test("G4: a client that takes a little every 20 s is slow, not dead", async () => {
    const connection = await connected();
    await connection.say({ type: "subscribe", id: 7, from: 0, filter: {} });
    connection.block();
    for (let round = 0; round < 5; round += 1) {
      connection.fake.append(working("ada"));
      await connection.timers.settle();
      await connection.timers.advance(20_000);
      await connection.takeOne();
    }
    expect(connection.closed()).toBeUndefined();
  });
});

describe("the end", () => {
  test("G5: a connection that goes before its hello leaves no timer", () => {
    const connection = memoryConnection();
    connection.session.gone();
    expect(connection.timers.pending()).toBe(0);
  });

  test("G5: closing ends every wait, stops every timer and listener, and sends nothing afterwards", async () => {
    const fake = fakeService();
    const connection = await connected({ fake });
    fake.answers.set("agent.wait", () => new Promise(() => undefined));
    await connection.say({ type: "request", id: 1, method: "agent.wait", params: {} });
    await connection.say({ type: "subscribe", id: 2, filter: {} });
    await connection.say({ type: "follow", id: 3, agent: "ada" });
    const before = connection.got.length;
    connection.session.close(1001, "the broker is shutting down");
    connection.session.close(1001, "again");
    fake.append(working("ada"));
    fake.print("late");
    await connection.say({ type: "request", id: 4, method: "agent.list", params: {} });
    expect(connection.closed()).toEqual({ code: 1001, reason: "the broker is shutting down" });
    expect(connection.got.length).toBe(before);
    expect(fake.calls[0]?.options.signal?.aborted).toBe(true);
    // The feed itself goes on for the other connections.
    expect([connection.timers.pending(), connection.listening(), fake.listeners()]).toEqual([0, 0, 1]);
  });
});

test("X2: the answers of one turn leave in one write", async () => {
  const connection = await connected();
  const before = connection.writes();
  for (let id = 1; id <= 50; id += 1)
    connection.session.receive(JSON.stringify({ type: "request", id, method: "agent.list", params: {} }));
  await connection.timers.settle();
  expect([connection.ofType("result").length, connection.writes() - before]).toEqual([50, 1]);
});
