import { CrashableLog, SimulatedClock } from "@agent-relay/testkit";
import { LaunchSpec, type Fact } from "@agent-relay/protocol";
import { expect, test } from "vitest";
import type { ClientCommand } from "../core/commands.ts";
import type { BrokerEffect } from "../core/effects.ts";
import { turns } from "../testing/stories.ts";
import { createEngine, replayLog, type CommandKey, type Engine } from "./engine.ts";

type Send = Extract<ClientCommand, { type: "message.send" }>;

function send(n: number, more: Partial<Send> = {}): Send {
  const messageId = `msg_${String(n).padStart(10, "0")}`;
  return {
    type: "message.send",
    messageId,
    from: "ben",
    fromEpoch: undefined,
    to: { kind: "agent", name: "ada" },
    body: `body ${n}`,
    bytes: 6,
    mode: "wait",
    replyTo: undefined,
    expiresAt: undefined,
    at: 0,
    ...more,
  };
}

const register = (name: string): ClientCommand => ({ type: "agent.register", name, by: name, at: 0 });
const spawn = (name: string): ClientCommand => ({
  type: "agent.spawn",
  name,
  launch: LaunchSpec.parse({ cli: "turns" }),
  harness: "turns",
  runtime: "pty",
  traits: turns,
  by: "operator",
  taskMessageId: "msg_0000000000",
  at: 0,
});
const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;
/** Answers with the sequence of the last fact, so that a stored answer can be told from a new one. */
const key = (id: string, digest = id): CommandKey<number> => ({
  id,
  digest,
  answer: (facts) => facts.at(-1)?.sequence ?? 0,
});

interface Bench {
  readonly log: CrashableLog<Fact>;
  readonly clock: SimulatedClock;
  readonly engine: Engine;
  /** Each reading of the log. */
  readonly reads: () => number;
  /** How many facts each append had. */
  readonly appends: number[];
  /** What happened, in order. */
  readonly happened: string[];
  readonly effects: BrokerEffect[];
  readonly defects: unknown[];
  /** Ends the turn of the event loop. */
  readonly turn: () => void;
  readonly ask: (command: ClientCommand) => Promise<unknown>;
}

function bench(
  log = new CrashableLog<Fact>(),
  options: {
    readonly startLater?: boolean;
    /** How long it takes to read a page of the log. */
    readonly readMs?: number;
  } = {},
): Bench {
  const clock = new SimulatedClock(0);
  let reads = 0;
  const appends: number[] = [];
  const happened: string[] = [];
  const effects: BrokerEffect[] = [];
  const defects: unknown[] = [];
  let deferred: (() => void)[] = [];
  const turn = (): void => {
    const due = deferred;
    deferred = [];
    for (const work of due) work();
  };
  const engine = createEngine({
    log: {
      append: (facts) => {
        const recorded = log.append(facts);
        appends.push(facts.length);
        happened.push("on disk");
        return recorded;
      },
      read: (wanted) => {
        reads += 1;
        clock.advance(options.readMs ?? 0);
        return log.read(wanted);
      },
      get: log.get,
      revisionOf: log.revisionOf,
      head: log.head,
      findCommand: log.findCommand,
      close: log.close,
    },
    clock,
    defer: (work) => deferred.push(work),
    perform: (effect) => {
      happened.push(`effect ${effect.type}`);
      effects.push(effect);
    },
    onDefect: (error) => defects.push(error),
  });
  engine.onAppended(() => happened.push("told"));
  if (options.startLater !== true) {
    engine.start();
    turn();
  }
  const ask = (command: ClientCommand): Promise<unknown> => {
    const answer = engine.submit(command);
    turn();
    return answer;
  };
  return { log, clock, engine, reads: () => reads, appends, happened, effects, defects, turn, ask };
}

/** Everything about the state that a replay of the log must give again. */
const shape = (engine: Engine, log: CrashableLog<Fact>): void => {
  const replayed = replayLog(log);
  expect(engine.state().head).toBe(log.head());
  expect(JSON.stringify([...engine.state().agents.values()])).toBe(JSON.stringify([...replayed.agents.values()]));
};

test("R1: facts are on disk, then subscribers are told, then effects begin; the one who asked is answered after it", async () => {
  const { engine, happened, turn } = bench();
  const answered = engine.submit(spawn("ada")).then(() => happened.push("answered"));
  expect(happened).toEqual([]);
  turn();
  expect(happened).toEqual(["on disk", "told", "effect spawn"]);
  await answered;
  expect(happened.at(-1)).toBe("answered");
});

test("R2: commands of one turn go into one append, in the order in which they came", async () => {
  const { engine, appends, log, turn } = bench();
  const all = Promise.all([engine.submit(register("ada")), engine.submit(send(1)), engine.submit(send(2))]);
  turn();
  await all;
  expect(appends).toEqual([4]);
  expect(log.history().map((it) => ("body" in it ? it.body : it.type))).toEqual([
    "agent_registered",
    "agent_registered",
    "body 1",
    "body 2",
  ]);
});

test("R2: a command is decided against what the ones before it in the batch have changed", async () => {
  const { engine, turn } = bench();
  const first = engine.submit(spawn("ada"));
  const second = engine.submit(spawn("ada"));
  turn();
  await first;
  await expect(second).rejects.toMatchObject({ code: "name_taken" });
});

test("R3: nothing of a batch is decided before the turn ends, and everything of it when it does", async () => {
  const { engine, turn, log } = bench();
  const asked = engine.submit(register("ada"));
  await Promise.resolve();
  expect(engine.state().agents.size).toBe(0);
  turn();
  expect(log.head()).toBe(1);
  await asked;
});

test("R5: when the append fails, every command of the batch fails, nothing is told or done, and the state is the log's", async () => {
  const { engine, log, turn, happened, effects, defects, ask } = bench();
  await ask(register("ada"));
  happened.length = 0;
  log.failAppends({ code: "disk_full", times: 1 });
  const outcomes = Promise.allSettled([
    engine.submit(spawn("ben")),
    engine.submit(send(1)),
    engine.submit(register("ada")),
  ]);
  turn();
  const codes = (await outcomes).map((it) => (it.status === "rejected" ? codeOf(it.reason) : it.status));
  expect(codes).toEqual(["disk_full", "disk_full", "disk_full"]);
  expect({ happened, effects, defects }).toEqual({ happened: [], effects: [], defects: [] });
  shape(engine, log);
  await ask(send(2, { from: "ada" }));
  expect(log.history().map((it) => it.type)).toEqual(["agent_registered", "message_accepted"]);
});

test("R5: a refusal stays a refusal when the rest of the batch could not be recorded", async () => {
  const { engine, log, turn } = bench();
  log.failAppends({ code: "disk_full", times: 1 });
  const fine = engine.submit(register("ada"));
  const refused = engine.submit(send(1, { to: { kind: "agent", name: "nobody" } }));
  turn();
  await expect(fine).rejects.toMatchObject({ code: "disk_full" });
  await expect(refused).rejects.toMatchObject({ code: "unknown_agent" });
});

test("R7: a long log that takes nothing is not read anew for each who asks, who are told the same meanwhile", async () => {
  const { engine, clock, log, reads, ask } = bench(undefined, { readMs: 200 });
  await ask(register("ada"));
  await ask({ type: "lease.acquire", name: "desk", holder: "ben", ttlMs: 10_000, at: clock.now() });
  const token = engine.state().leases.get("desk")?.token ?? 0;
  log.failAppends({ code: "disk_full", times: 1 });
  await expect(ask(send(1))).rejects.toMatchObject({ code: "disk_full" });
  const before = reads();
  clock.advance(1_900);
  await expect(ask(send(2))).rejects.toMatchObject({ code: "disk_full" });
  await expect(ask(send(3, { to: { kind: "agent", name: "nobody" } }))).rejects.toMatchObject({
    code: "unknown_agent",
  });
  // What needs no room is done.
  await ask({ type: "lease.renew", name: "desk", token, ttlMs: 10_000, at: clock.now() });
  expect(reads()).toBe(before);
  clock.advance(200);
  await ask(send(4));
  shape(engine, log);
  expect(log.history().filter((it) => it.type === "message_accepted")).toHaveLength(1);
});

test("R7: what is due is looked at again after the rest", async () => {
  const { clock, log, reads, turn, ask } = bench(undefined, { readMs: 200 });
  await ask(register("ada"));
  await ask(send(1, { expiresAt: 5_000 }));
  log.failAppends({ code: "disk_full", times: 1 });
  const before = reads();
  for (let second = 0; second < 10; second += 1) {
    clock.advance(1_000);
    turn();
    for (let settled = 0; settled < 3; settled += 1) await Promise.resolve();
  }
  expect(log.history().some((it) => it.type === "delivery_dead_lettered")).toBe(true);
  expect(reads()).toBe(before + 1);
});

test("R6: the same id in a later turn, in the same turn and after a restart gets the first answer", async () => {
  const { engine, log, turn, ask } = bench();
  await ask(register("ada"));
  const twins = [
    engine.submitOnce(send(1), undefined, key("ben/one")),
    engine.submitOnce(send(2), undefined, key("ben/one")),
  ];
  turn();
  expect(await Promise.all(twins)).toEqual([3, 3]);
  const later = engine.submitOnce(send(3), undefined, key("ben/one"));
  turn();
  expect(await later).toBe(3);
  const next = bench(log);
  const again = next.engine.submitOnce(send(4), undefined, key("ben/one"));
  next.turn();
  expect(await again).toBe(3);
  expect(log.history().filter((it) => it.type === "message_accepted")).toHaveLength(1);
});

test("R6: the same id with another payload is refused, in the same turn and later", async () => {
  const { engine, turn, ask } = bench();
  await ask(register("ada"));
  const first = engine.submitOnce(send(1), undefined, key("ben/one", "payload"));
  const twin = engine.submitOnce(send(2), undefined, key("ben/one", "other"));
  turn();
  await first;
  await expect(twin).rejects.toMatchObject({ code: "command_conflict" });
  const later = engine.submitOnce(send(3), undefined, key("ben/one", "other"));
  turn();
  await expect(later).rejects.toMatchObject({ code: "command_conflict" });
});

test("R6: an id whose append failed is free again", async () => {
  const { engine, log, turn, ask } = bench();
  await ask(register("ada"));
  log.failAppends({ code: "disk_full", times: 1 });
  const failed = engine.submitOnce(send(1), undefined, key("ben/one"));
  turn();
  await expect(failed).rejects.toMatchObject({ code: "disk_full" });
  const again = engine.submitOnce(send(1), undefined, key("ben/one"));
  turn();
  expect(await again).toBe(3);
});

test("R5: the twin of a command that could not be recorded fails with it", async () => {
  const { engine, log, turn, ask } = bench();
  await ask(register("ada"));
  log.failAppends({ code: "disk_full", times: 1 });
  const outcomes = Promise.allSettled([
    engine.submitOnce(send(1), undefined, key("ben/one")),
    engine.submitOnce(send(2), undefined, key("ben/one")),
  ]);
  turn();
  const failed = { status: "rejected", reason: { code: "disk_full" } };
  expect(await outcomes).toMatchObject([failed, failed]);
});

test("before the start nothing is performed: what is due by then is found in the state", async () => {
  const { engine, effects, ask } = bench(undefined, { startLater: true });
  await ask(spawn("ada"));
  expect(effects).toEqual([]);
  engine.start();
  expect(effects.filter((it) => it.type === "reattach")).toHaveLength(1);
});

test("what falls due between a command and its recording is not forgotten", async () => {
  const { engine, clock, turn, log, ask } = bench();
  await ask(register("ada"));
  // The command was made at 0 and is recorded at 40; the message was not wanted after 20.
  const asked = engine.submit(send(1, { expiresAt: 20 }));
  clock.advance(40);
  turn();
  await asked;
  clock.advance(1);
  turn();
  expect(log.history().some((it) => it.type === "delivery_dead_lettered")).toBe(true);
});

test("a timer whose tick could not be recorded is asked again", async () => {
  const { clock, turn, log, ask } = bench();
  await ask(register("ada"));
  await ask(send(1, { expiresAt: 1_000 }));
  log.failAppends({ code: "disk_full", times: 3 });
  for (let second = 0; second < 10; second += 1) {
    clock.advance(1_000);
    turn();
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
  }
  expect(log.history().some((it) => it.type === "delivery_dead_lettered")).toBe(true);
});

test("what came before the stop is decided, what comes after it is refused, and no timer is left", async () => {
  const { engine, clock, ask } = bench();
  await ask(register("ada"));
  const last = engine.submit(send(1, { expiresAt: 5_000 }));
  engine.stop();
  await expect(last).resolves.toHaveLength(2);
  await expect(engine.submit(send(2))).rejects.toMatchObject({ code: "broker_stopping" });
  expect(clock.pending()).toEqual([]);
});

test("a broken promise of the core fails the whole batch and is reported as a defect", async () => {
  const { engine, defects, turn } = bench();
  const broken: CommandKey<never> = {
    id: "x",
    digest: "x",
    answer: () => {
      throw new Error("a bug");
    },
  };
  const asked = engine.submitOnce(register("ada"), undefined, broken);
  turn();
  await expect(asked).rejects.toThrow("a bug");
  expect(defects).toHaveLength(1);
});
