import { fakePtyHost } from "@agent-relay/pty/testing";
import type { Fact } from "@agent-relay/protocol";
import { CrashableLog, sequentialIds, SimulatedClock } from "@agent-relay/testkit";
import { expect, test } from "vitest";
import type { Caller } from "../service.ts";
import { openPlainBroker } from "../testing/plain-broker.ts";
import { registered, spawned, spawning } from "../testing/stories.ts";
import { scriptedHarnesses } from "../testing/scripted-harnesses.ts";
import type { Harnesses } from "./harness-port.ts";
import type { Broker } from "./open-broker.ts";

const operator: Caller = { principal: { kind: "operator", name: "operator" }, actor: undefined };

interface Bench {
  readonly broker: Broker;
  readonly host: ReturnType<typeof fakePtyHost>;
  readonly log: CrashableLog<Fact>;
  readonly call: (method: string, params: object, commandId?: string, caller?: Caller) => Promise<unknown>;
}

async function bench(history: readonly Fact[] = [], harnesses: Partial<Harnesses> = {}): Promise<Bench> {
  const log = new CrashableLog<Fact>();
  log.append(history.map((event) => ({ stream: "agent" in event ? `agent/${event.agent}` : "broker", event, at: 0 })));
  const host = fakePtyHost();
  const clock = new SimulatedClock(0);
  host.onSpawn((id) => {
    host.emitOutput(id, "<ready>");
  });
  const broker = openPlainBroker({
    log,
    clock,
    ids: sequentialIds(),
    harnesses: { ...scriptedHarnesses, ...harnesses },
    openHost: () => Promise.resolve(host),
  });
  await broker.start();
  return {
    broker,
    host,
    log,
    call: (method, params, commandId, caller = operator) =>
      broker.service.call(caller, method, params, commandId === undefined ? {} : { commandId }),
  };
}

const launch = { cli: "turns", restart: { when: "never" } };

test("a spawn answers with the pid of a program that runs, and asked again with the same", async () => {
  const { call } = await bench();
  const first = await call("agent.spawn", { name: "ada", launch }, "one");
  expect(first).toMatchObject({ agent: "ada", epoch: 1, pid: 1_000 });
  expect(await call("agent.spawn", { name: "ada", launch }, "one")).toEqual(first);
});

test("a spawn that failed says so, however many lives the agent has had", async () => {
  const lives = Array.from({ length: 400 }, (_, index): readonly Fact[] => [
    spawning("ada", index + 1),
    spawned("ada", index + 1),
    {
      type: "agent_exited",
      agent: "ada",
      epoch: index + 1,
      reason: "clean",
      class: "normal",
      code: 0,
      signal: null,
      uptimeSecs: 1,
      lastLines: [],
      undelivered: 0,
    },
  ]);
  const { call, host } = await bench([registered("ada"), ...lives.flat()]);
  host.failSpawns(() => "no more processes");
  await expect(call("agent.spawn", { name: "ada", launch }, "one")).rejects.toMatchObject({ code: "spawn_failed" });
});

test("a release that is asked again after a new spawn does not wait for the new incarnation", async () => {
  const { call } = await bench();
  await call("agent.spawn", { name: "ada", launch }, "one");
  await call("agent.release", { name: "ada" }, "two");
  await call("agent.spawn", { name: "ada", launch }, "three");
  expect(await call("agent.release", { name: "ada" }, "two")).toEqual({});
  expect(await call("agent.list", {})).toMatchObject({
    agents: [{ name: "operator" }, { name: "ada", epoch: 2, status: "idle" }].slice(1),
  });
});

test("an answer that is asked again is the same, also when its original can no longer be read", async () => {
  const { call } = await bench();
  await call("agent.spawn", { name: "ada", launch }, "one");
  const ada: Caller = { principal: { kind: "agent", name: "ada", epoch: 1 }, actor: undefined };
  await call("channel.create", { channel: "general" }, "two");
  await call("channel.join", { channel: "general" }, "three", ada);
  const { messageId } = (await call(
    "message.send",
    { to: { kind: "channel", name: "general" }, body: "hello" },
    "four",
  )) as { messageId: string };
  const reply = await call("message.reply", { replyTo: messageId, body: "hello back" }, "five", ada);
  await call("channel.leave", { channel: "general" }, "six", ada);
  expect(await call("message.reply", { replyTo: messageId, body: "hello back" }, "five", ada)).toEqual(reply);
  await expect(call("message.reply", { replyTo: messageId, body: "once more" }, "seven", ada)).rejects.toMatchObject({
    code: "unknown_message",
  });
});

test("what an agent does carries the actor that the broker stamped it with, whatever it says of itself", async () => {
  const { call, log } = await bench();
  await call("agent.spawn", { name: "ada", launch }, "one");
  const ada: Caller = { principal: { kind: "agent", name: "ada", epoch: 1 }, actor: "someone/else" };
  await call("agent.report", { text: "busy" }, undefined, ada);
  await call("read.mark", { with: "operator", upTo: 1 }, undefined, ada);
  expect(
    log.read({ after: 0, limit: 100, types: ["agent_status_reported", "read_marked"] }).map((it) => it.actor),
  ).toEqual(["agent-relay-cli/agent/turns", "agent-relay-cli/agent/turns"]);
});

test("an end with all agents releases who runs and leaves the mail of who has ended by itself", async () => {
  const { broker, call, host, log } = await bench();
  await call("agent.spawn", { name: "ada", launch }, "one");
  await call("agent.spawn", { name: "ben", launch }, "two");
  host.exit("ben@1", { code: 0 });
  await call("agent.wait", { names: ["ben"], until: "exited", timeoutMs: 1_000 });
  await call("message.send", { to: { kind: "agent", name: "ben" }, body: "for the next life" }, "three");
  await broker.close({ endAgents: true });
  expect(
    log
      .history()
      .filter((it) => it.type === "agent_exited")
      .map((it) => `${it.agent} ${it.reason}`),
  ).toEqual(["ben clean", "ada released"]);
  expect(log.history().some((it) => it.type === "delivery_dead_lettered")).toBe(false);
  expect(log.history().at(-1)?.type).toBe("broker_stopped");
});

test("what is lent for a first start reaches that start, and neither the log nor the next start", async () => {
  const envs: unknown[] = [];
  const { call, log, host } = await bench([], {
    prepare: (of, launch_, options) => {
      envs.push(options?.transientEnv);
      return scriptedHarnesses.prepare(of, launch_);
    },
  });
  const transientEnv = { SHELL_TOKEN: "never-to-be-stored" };
  const params = { name: "ada", launch, transientEnv };
  const first = await call("agent.spawn", params, "one");
  expect(await call("agent.spawn", params, "one")).toEqual(first);
  expect(await call("agent.spawn", { ...params, transientEnv: { OTHER: "shell" } }, "one")).toEqual(first);
  await expect(call("agent.spawn", params, "two")).rejects.toMatchObject({ code: "name_taken" });
  host.exit("ada@1", { code: 1 });
  await call("agent.wait", { names: ["ada"], until: "exited", timeoutMs: 1_000 });
  expect(envs).toEqual([transientEnv]);
  await call("agent.spawn", { name: "ada", launch }, "three");
  expect(envs).toEqual([transientEnv, undefined]);
  expect(JSON.stringify([...log.history(), log.findCommand("operator/one")])).not.toContain("never-to-be-stored");
});

test("an answer is given once, tells what it answered, and never by an agent", async () => {
  const { call, host } = await bench();
  await call("agent.spawn", { name: "ada", launch }, "one");
  await expect(call("agent.answer", { name: "ada", verdict: "approve" }, "two")).rejects.toMatchObject({
    code: "not_blocked",
  });
  host.emitOutput("ada@1", "<blocked>");
  await call("agent.wait", { names: ["ada"], until: "blocked", timeoutMs: 1_000 });
  const ada: Caller = { principal: { kind: "agent", name: "ada", epoch: 1 }, actor: undefined };
  await expect(call("agent.answer", { name: "ada", verdict: "approve" }, "three", ada)).rejects.toMatchObject({
    code: "not_allowed",
  });
  const answered = await call("agent.answer", { name: "ada", verdict: "approve" }, "four");
  expect(answered).toEqual({ block: expect.any(Number) as number });
  expect(await call("agent.answer", { name: "ada", verdict: "approve" }, "four")).toEqual(answered);
  await expect(call("agent.answer", { name: "ada", verdict: "deny" }, "five")).rejects.toMatchObject({
    code: "already_answered",
  });
  expect(host.terminals.get("ada@1")?.input).toBe("<approve>");
});

test("a program that takes context in the middle of a turn gets the mail that a held terminal keeps away", async () => {
  const { call, host, log } = await bench();
  await call("agent.spawn", { name: "ada", launch }, "one");
  const ada: Caller = { principal: { kind: "agent", name: "ada", epoch: 1 }, actor: undefined };
  const signal = (it: object): Promise<unknown> => call("agent.signal", { signal: it }, undefined, ada);
  host.emitOutput("ada@1", "<working>");
  await call("agent.wait", { names: ["ada"], until: "ready", timeoutMs: 1_000 });
  expect(await signal({ type: "boundary" })).toEqual({});
  await call("agent.hold", { name: "ada", leaseId: "lease-one", ttlMs: 60_000 }, "two");
  await call("message.send", { to: { kind: "agent", name: "ada" }, body: "look here" }, "three");
  const { handover } = (await signal({ type: "boundary" })) as { handover: { id: string; text: string } };
  expect(handover.text).toContain("look here");
  expect(await signal({ type: "boundary" })).toEqual({});
  expect(log.history().some((it) => it.type === "delivery_handed_over")).toBe(false);
  await signal({ type: "served", handover: handover.id, arrived: true });
  expect(log.history().at(-1)).toMatchObject({
    type: "delivery_handed_over",
    route: "hook",
    evidence: "hook_served",
  });
  await signal({ type: "prompt", text: handover.text });
  expect(host.terminals.get("ada@1")?.input).toBe("");
});

test("a spawn tells what a person should know of it", async () => {
  const { call } = await bench([], {
    check: (launch_) => ({ ...scriptedHarnesses.check(launch_), notes: ["It gets no tools."] }),
    prepare: async (of, launch_) => ({
      ...(await scriptedHarnesses.prepare(of, launch_)),
      version: "9.9.9",
      versionTried: false,
    }),
  });
  const spawned = await call("agent.spawn", { name: "ada", launch }, "one");
  expect(spawned).toMatchObject({ notes: ["It gets no tools.", expect.stringContaining("9.9.9 was not tried")] });
});
