import { errorEnvelope } from "@agent-relay/protocol";
import type { RelayEvent } from "@agent-relay/protocol";
import { afterEach, expect, test } from "vitest";
import { connectClient } from "../connect-client.ts";
import { isRelayError } from "../errors.ts";
import { agentView, inboxMessage } from "../testing/samples.ts";
import { linkedLine, type TestLine } from "../testing/lines.ts";
import type { Answer, Request } from "../testing/scripted-broker.ts";
import { settle, simulatedTimers, until } from "../testing/simulated-timers.ts";
import { relayOver, type Relay } from "./relay.ts";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

type Answers = Partial<Record<string, (params: Record<string, unknown>, request: Request) => Answer | object>>;

async function open(answers: Answers = {}): Promise<{
  readonly relay: Relay;
  readonly line: TestLine;
  readonly asked: (method: string) => unknown[];
  readonly errors: unknown[];
}> {
  const line = await linkedLine();
  line.broker.answer = (request) => {
    const answer = answers[request.method]?.(request.params as Record<string, unknown>, request);
    if (answer === undefined) return { error: errorEnvelope("unknown_method", request.method) };
    return typeof answer === "string" || "result" in answer || "error" in answer
      ? (answer as Answer)
      : { result: answer };
  };
  const client = await connectClient({ ...line.address, client: { name: "test", version: "1" }, timers: line.timers });
  const errors: unknown[] = [];
  const relay = relayOver({
    client,
    timers: line.timers,
    cwd: "/home/me/here",
    onListenerError: (error) => errors.push(error),
    onLost: (error) => errors.push(error),
  });
  closers.push(relay.close, line.close);
  return {
    relay,
    line,
    errors,
    asked: (method) =>
      line.broker.requests.filter((request) => request.method === method).map((request) => request.params),
  };
}

const spawned = (): object => ({ agent: "ada", epoch: 3, harness: "claude-code", pid: 7 });
const receipt = { messageId: "msg_0123456789", sequence: 4, threadId: "msg_0123456789", recipients: ["ada"] };
const exit = (epoch: number, more: object = {}): Partial<RelayEvent> =>
  ({
    type: "agent_exited",
    agent: "ada",
    epoch,
    reason: "signal",
    class: "crash",
    code: null,
    signal: "SIGKILL",
    uptimeSecs: 1,
    lastLines: ["bye"],
    undelivered: 0,
    ...more,
  }) as Partial<RelayEvent>;

test("spawning sends what was given and leaves the rest to the broker", async () => {
  const { relay, asked } = await open({ "agent.spawn": spawned });
  await relay.spawn({
    name: "ada",
    cli: "claude --verbose",
    args: ["-x"],
    model: "haiku",
    task: "go",
    channels: ["#dev"],
    cwd: "sub",
    env: { A: "1" },
    permissionMode: "auto",
    restart: { when: "never" },
    idleThresholdSecs: 5,
  });
  expect(asked("agent.spawn")).toEqual([
    {
      name: "ada",
      launch: {
        cli: "claude --verbose",
        args: ["-x"],
        model: "haiku",
        task: "go",
        channels: ["dev"],
        cwd: "/home/me/here/sub",
        env: { A: "1" },
        permissionMode: "auto",
        restart: { when: "never" },
        idleThresholdSecs: 5,
      },
    },
  ]);
});

test("the short names spawn the program of their harness", async () => {
  const { relay, asked } = await open({ "agent.spawn": spawned });
  await relay.claude.spawn({ name: "ada" });
  await relay.gemini.spawn({ name: "ben", cli: "/opt/gemini --fast" });
  await relay.spawn({ name: "cy", harness: "codex" });
  expect(asked("agent.spawn")).toEqual([
    { name: "ada", launch: { cli: "claude", harness: "claude-code" } },
    { name: "ben", launch: { cli: "/opt/gemini --fast", harness: "gemini-cli" } },
    { name: "cy", launch: { cli: "codex", harness: "codex" } },
  ]);
});

test("spawning without a command line or a known harness is refused here", async () => {
  const { relay } = await open();
  await expect(relay.spawn({ name: "ada" })).rejects.toMatchObject({ code: "invalid_request" });
  await expect(relay.spawn({ name: "ada", harness: "zork" })).rejects.toMatchObject({ code: "invalid_request" });
});

test("H1 an exit that came before anyone waited is found", async () => {
  const { relay, line } = await open({
    "agent.spawn": () => {
      line.broker.append(exit(2), exit(3));
      return spawned();
    },
    "message.send": () => receipt,
  });
  const ada = await relay.spawn({ name: "ada", cli: "x" });
  await ada.send("the receipt tells of a head beyond the exit");
  await expect(ada.waitForExit()).resolves.toEqual({
    reason: "signal",
    code: null,
    signal: "SIGKILL",
    epoch: 3,
    lastLines: ["bye"],
  });
});

test("H1 an exit while the connection was gone is found", async () => {
  const { relay, line } = await open({ "agent.spawn": spawned });
  const ada = await relay.spawn({ name: "ada", cli: "x" });
  const exited = ada.waitForExit();
  await settle();
  await line.fall();
  line.broker.append(exit(3, { reason: "clean", code: 0, signal: null }));
  await line.rise();
  await expect(exited).resolves.toMatchObject({ reason: "clean", code: 0, signal: null });
});

test("H1 waiting for an exit can run out", async () => {
  const { relay } = await open({ "agent.spawn": spawned });
  const ada = await relay.spawn({ name: "ada", cli: "x" });
  await expect(ada.waitForExit({ timeoutMs: 20 })).rejects.toMatchObject({ code: "timeout" });
});

test("waiting for an exit can be cancelled", async () => {
  const { relay, line } = await open({ "agent.spawn": spawned });
  const ada = await relay.spawn({ name: "ada", cli: "x" });
  const controller = new AbortController();
  const exited = ada.waitForExit({ signal: controller.signal });
  await settle();
  controller.abort();
  await expect(exited).rejects.toMatchObject({ code: "cancelled" });
  await until(() => line.broker.connections[0]?.subscriptions.size === 0);
});

test("H2 an agent that ends before it is ready fails the wait at once, with how it ended", async () => {
  const { relay, line } = await open({ "agent.spawn": spawned, "agent.wait": () => "silence" });
  const ada = await relay.spawn({ name: "ada", cli: "x" });
  const ready = ada.waitForReady();
  await settle();
  line.broker.append(exit(3, { reason: "startup_failure", code: 1, signal: null }));
  await expect(ready).rejects.toMatchObject({
    code: "agent_not_running",
    data: { reason: "startup_failure", code: 1, lastLines: ["bye"] },
  });
  await until(() => line.broker.cancelled.length === 1);
});

test("H3 a later incarnation that is ready does not settle the wait of the earlier one", async () => {
  const { relay, line } = await open({
    "agent.spawn": spawned,
    "agent.wait": () => ({ agents: [agentView({ epoch: 4 })] }),
  });
  const ada = await relay.spawn({ name: "ada", cli: "x" });
  const ready = ada.waitForReady();
  await settle();
  line.broker.append(exit(3));
  await expect(ready).rejects.toMatchObject({ code: "agent_not_running" });
});

test("ready and idle are what the broker says of this incarnation", async () => {
  const { relay, asked, line } = await open({
    "agent.spawn": spawned,
    "agent.wait": () => ({ agents: [agentView({ epoch: 3 })] }),
  });
  const ada = await relay.spawn({ name: "ada", cli: "x" });
  await expect(ada.waitForReady()).resolves.toMatchObject({ name: "ada", epoch: 3 });
  await ada.waitForIdle({ timeoutMs: 5_000 });
  expect(asked("agent.wait")).toEqual([
    { names: ["ada"], until: "ready", timeoutMs: 60_000 },
    { names: ["ada"], until: "idle", timeoutMs: 5_000 },
  ]);
  await until(() => line.broker.connections[0]?.subscriptions.size === 0);
});

test("a wait without an end is asked again when one request has run out", async () => {
  let times = 0;
  const { relay } = await open({
    "agent.wait": () =>
      (times += 1) < 3 ? { error: errorEnvelope("timeout", "not yet") } : { agents: [agentView({})] },
  });
  await relay.agent("ada").waitForIdle();
  expect(times).toBe(3);
});

test("a handle by name tells how the agent ended last", async () => {
  const lastExit = { reason: "crash", code: 1, signal: null, at: 5 } as const;
  const { relay } = await open({
    "agent.list": () => ({ agents: [agentView({ state: "ended", status: "exited", epoch: 2, lastExit })] }),
  });
  await expect(relay.agent("ada").waitForExit()).resolves.toEqual({
    reason: "crash",
    code: 1,
    signal: null,
    epoch: 2,
    lastLines: [],
  });
});

test("a handle by name waits for the exit of what runs now", async () => {
  const { relay, line } = await open({ "agent.list": () => ({ agents: [agentView({ epoch: 2 })] }) });
  const exited = relay.agent("ada").waitForExit();
  await settle();
  line.broker.append(exit(1), exit(2, { code: 3, signal: null }));
  await expect(exited).resolves.toMatchObject({ epoch: 2, code: 3 });
});

test("an agent, which may not read events, asks instead", async () => {
  const line = await linkedLine();
  line.broker.welcome = { principal: { kind: "agent", name: "lead", epoch: 1 } };
  const lastExit = { reason: "clean", code: 0, signal: null, at: 5 } as const;
  line.broker.answer = (request) => ({
    result:
      request.method === "agent.spawn" ? spawned() : { agents: [agentView({ epoch: 3, state: "ended", lastExit })] },
  });
  const client = await connectClient({ ...line.address, client: { name: "test", version: "1" }, timers: line.timers });
  const relay = relayOver({
    client,
    timers: line.timers,
    cwd: "/",
    onListenerError: () => undefined,
    onLost: () => undefined,
  });
  closers.push(relay.close, line.close);
  const ada = await relay.spawn({ name: "ada", cli: "x" });
  await expect(ada.waitForExit()).resolves.toMatchObject({ reason: "clean" });
  expect(line.broker.connections[0]?.subscriptions.size).toBe(0);
});

test("info of an agent that does not exist is a refusal", async () => {
  const { relay } = await open({ "agent.list": () => ({ agents: [] }) });
  await expect(relay.agent("ada").info()).rejects.toMatchObject({ code: "unknown_agent" });
});

test("waitAny answers with the handle of the first", async () => {
  const { relay, asked } = await open({ "agent.wait": () => ({ agents: [agentView({ name: "ben" })] }) });
  const [ada, ben] = [relay.agent("ada"), relay.agent("ben")];
  const first = await relay.waitAny([ada, ben], { until: "idle", timeoutMs: 100 });
  expect(first.handle).toBe(ben);
  expect(asked("agent.wait")).toEqual([{ names: ["ada", "ben"], until: "idle", any: true, timeoutMs: 100 }]);
});

test("sending answers with the receipt, and asks for deliveries only if told to wait", async () => {
  const { relay, asked } = await open({ "message.send": () => receipt, "message.await": () => ({ deliveries: [] }) });
  await expect(relay.send({ to: "ada", body: "x" })).resolves.toEqual(receipt);
  expect(asked("message.await")).toEqual([]);
  await expect(relay.agent("ada").send("y", { until: "seen", timeoutMs: 9, mode: "steer" })).resolves.toEqual({
    ...receipt,
    deliveries: [],
  });
  expect(asked("message.send")).toEqual([
    { to: "ada", body: "x" },
    { to: "ada", body: "y", mode: "steer" },
  ]);
  expect(asked("message.await")).toEqual([{ messageId: receipt.messageId, until: "seen", timeoutMs: 9 }]);
});

test("M1 a wait that runs out says what was accepted", async () => {
  const { relay } = await open({
    "message.send": () => receipt,
    "message.await": () => ({ error: errorEnvelope("timeout", "not seen in time") }),
  });
  const error: unknown = await relay.send({ to: "ada", body: "x", until: "seen" }).catch((thrown: unknown) => thrown);
  expect(isRelayError(error, "timeout")).toBe(true);
  expect(error).toMatchObject({ message: "not seen in time", data: { receipt } });
});

test("a channel is used by its name, with or without the hash", async () => {
  const view = { name: "dev", topic: null, members: [], createdBy: "operator", createdAt: 1 };
  const { relay, asked } = await open({
    "channel.create": () => view,
    "channel.join": () => view,
    "channel.leave": () => ({}),
    "message.send": () => receipt,
    "message.history": () => ({ messages: [], before: null, after: null }),
  });
  const dev = relay.channel("#dev");
  await dev.create({ topic: "all things" });
  await dev.join("ada");
  await dev.leave();
  await dev.post("hello");
  await dev.history({ limit: 3 });
  expect(asked("channel.create")).toEqual([{ channel: "dev", topic: "all things" }]);
  expect(asked("channel.join")).toEqual([{ channel: "dev", member: "ada" }]);
  expect(asked("channel.leave")).toEqual([{ channel: "dev" }]);
  expect(asked("message.send")).toEqual([{ to: "#dev", body: "hello" }]);
  expect(asked("message.history")).toEqual([{ channel: "dev", limit: 3 }]);
});

test("I1 each message is acknowledged when the next is asked for, and the one that was being worked on is not", async () => {
  const pages = [[inboxMessage(1), inboxMessage(2)], [], [inboxMessage(3), inboxMessage(4)]];
  const { relay, asked } = await open({
    "inbox.check": () => ({ messages: pages.shift() ?? [], remaining: 0 }),
    "inbox.ack": () => ({ acknowledged: 1 }),
  });
  const seen: string[] = [];
  for await (const message of relay.inbox.messages()) {
    seen.push(message.messageId);
    expect(asked("inbox.ack")).toHaveLength(seen.length - 1);
    if (seen.length === 3) break;
  }
  expect(seen).toEqual([1, 2, 3].map((number) => inboxMessage(number).messageId));
  expect(asked("inbox.ack")).toEqual([1, 2].map((number) => ({ messageIds: [inboxMessage(number).messageId] })));
});

test("aborting ends the inbox without an error", async () => {
  const { relay, line } = await open({ "inbox.check": () => "silence" });
  const controller = new AbortController();
  const reading = (async () => {
    for await (const message of relay.inbox.messages({ signal: controller.signal })) throw new Error(message.body);
  })();
  await until(() => line.broker.requests.length === 1);
  controller.abort();
  await reading;
});

test("N1 N3 listeners share one subscription, hear their type only, and end it with the last", async () => {
  const { relay, line } = await open();
  const heard: string[] = [];
  const off = relay.on("agent_exited", (event) => heard.push(`exited ${event.reason}`));
  const offToo = relay.on("agent_status_reported", (event) => heard.push(event.text));
  await settle();
  expect(line.broker.connections[0]?.subscriptions.size).toBe(1);
  line.broker.append(exit(1), { text: "hello" });
  await settle();
  expect(heard).toEqual(["exited signal", "hello"]);
  off();
  off();
  line.broker.append(exit(2));
  await settle();
  expect(heard).toHaveLength(2);
  offToo();
  await until(() => line.broker.connections[0]?.subscriptions.size === 0);
});

test("N1 a listener misses nothing over a reconnect", async () => {
  const { relay, line } = await open();
  const heard: string[] = [];
  relay.on("agent_status_reported", (event) => heard.push(event.text));
  await settle();
  await line.fall();
  line.broker.append({ text: "while away" });
  await line.rise();
  await until(() => heard.length === 1);
  line.broker.append({ text: "after" });
  await until(() => heard.length === 2);
  expect(heard).toEqual(["while away", "after"]);
});

test("N2 a listener that throws, or rejects, is reported, and the others hear the event", async () => {
  const { relay, line, errors } = await open();
  const heard: string[] = [];
  relay.on("agent_status_reported", () => {
    throw new Error("thrown");
  });
  relay.on("agent_status_reported", () => Promise.reject(new Error("rejected")));
  relay.on("agent_status_reported", (event) => heard.push(event.text));
  await settle();
  line.broker.append({ text: "one" }, { text: "two" });
  await settle();
  expect(heard).toEqual(["one", "two"]);
  expect(errors.map((error) => (error as Error).message).sort()).toEqual(["rejected", "rejected", "thrown", "thrown"]);
});

test("N4 a broker that stays away for long only delays listeners", async () => {
  const timers = simulatedTimers();
  const line = await linkedLine(timers);
  const lost: unknown[] = [];
  const client = await connectClient({
    ...line.address,
    client: { name: "test", version: "1" },
    timers,
    onLost: (error) => lost.push(error.code),
  });
  const relay = relayOver({
    client,
    timers,
    cwd: "/",
    onListenerError: () => undefined,
    onLost: () => lost.push("listeners"),
  });
  closers.push(relay.close, line.close);
  const heard: string[] = [];
  relay.on("agent_status_reported", (event) => heard.push(event.text));
  await settle();
  await line.fall();
  await timers.advance(60_000);
  line.broker.append({ text: "while away" });
  await line.rise();
  line.broker.answer = () => ({ result: { channels: [] } });
  await relay.channels();
  await settle();
  expect([heard, lost]).toEqual([["while away"], ["broker_unreachable"]]);
});

test("listening again after the last listener left starts from now", async () => {
  const { relay, line } = await open();
  relay.on("agent_status_reported", () => undefined)();
  await settle();
  line.broker.append({ text: "between" });
  const heard: string[] = [];
  relay.on("agent_status_reported", (event) => heard.push(event.text));
  await settle();
  line.broker.append({ text: "after" });
  await settle();
  expect(heard).toEqual(["after"]);
});

test("R2 closing ends what is waited for and asks nothing of the broker", async () => {
  const { relay, line } = await open({ "agent.wait": () => "silence" });
  const waiting = relay.agent("ada").waitForIdle();
  await settle();
  const before = line.broker.requests.length;
  await relay.close();
  await expect(waiting).rejects.toMatchObject({ code: "cancelled" });
  expect(line.broker.requests).toHaveLength(before);
});

test("approving and denying name the block that is meant, and answer which it was", async () => {
  const { relay, asked } = await open({ "agent.answer": ({ block }) => ({ block: block ?? 41 }) });
  const answers = [
    await relay.agent("ada").approve({ block: 12 }),
    await relay.agent("ada").deny(),
    await relay.answer("ben", "approve", { block: 7 }),
  ];
  expect([answers, asked("agent.answer")]).toEqual([
    [{ block: 12 }, { block: 41 }, { block: 7 }],
    [
      { name: "ada", verdict: "approve", block: 12 },
      { name: "ada", verdict: "deny" },
      { name: "ben", verdict: "approve", block: 7 },
    ],
  ]);
});

test("an answer is a command: its id is the caller's, or made up", async () => {
  const ids: (string | undefined)[] = [];
  const { relay } = await open({
    "agent.answer": (_, request) => {
      ids.push(request.commandId);
      return { block: 1 };
    },
  });
  await relay.answer("ada", "deny", { commandId: "answer-0001" });
  await relay.answer("ada", "deny");
  expect([ids[0], typeof ids[1]]).toEqual(["answer-0001", "string"]);
});

test("a second answer fails with who was first", async () => {
  const { relay } = await open({
    "agent.answer": () => ({
      error: errorEnvelope("already_answered", "it was approved", { data: { by: "eve", verdict: "approve" } }),
    }),
  });
  const failed: unknown = await relay
    .agent("ada")
    .approve()
    .catch((error: unknown) => error);
  expect(isRelayError(failed, "already_answered") && failed.data).toEqual({ by: "eve", verdict: "approve" });
});
