import { codeOf } from "@agent-relay/kernel";
import { expect, test } from "vitest";
import { conformance } from "./conformance.ts";
import { fakePtyHost } from "./fake-pty-host.ts";
import { parrotSpec, pipedParrotSpec, teachParrot } from "./parrot.ts";
import { transcribe } from "./transcript.ts";
import type { Clock } from "@agent-relay/kernel";

conformance("the fake", async () => {
  const fake = fakePtyHost();
  teachParrot(fake);
  const host = fake.connect();
  return { host, reconnect: async () => fake.connect(), dispose: async () => undefined };
});

/** Time that moves by hand; fires in order. */
function handClock(): Clock & { readonly pass: (ms: number) => Promise<void> } {
  let now = 0;
  const timers = new Map<string, { readonly at: number; readonly fire: () => void }>();
  return {
    now: () => now,
    setTimer: (key, at, fire) => {
      timers.set(key, { at, fire });
    },
    clearTimer: (key) => {
      timers.delete(key);
    },
    pass: async (ms) => {
      await microtasks();
      now += ms;
      for (const [key, timer] of [...timers].toSorted(([, a], [, b]) => a.at - b.at)) {
        if (timer.at > now || !timers.delete(key)) continue;
        timer.fire();
        await microtasks();
      }
    },
  };
}

async function microtasks(): Promise<void> {
  for (let turn = 0; turn < 100; turn += 1) await Promise.resolve();
}

const code = (run: Promise<unknown>): Promise<unknown> =>
  run.then(
    () => "no fault",
    (error: unknown) => codeOf(error),
  );

test("F2: a killed broker hears nothing more, its calls never settle, and its write is still written", async () => {
  const fake = fakePtyHost();
  const seen = transcribe(fake);
  await fake.spawn(parrotSpec("a"));
  let settled = false;
  void fake
    .write("a", "w1", [
      { type: "data", data: "hello" },
      { type: "pause", ms: 5 },
      { type: "data", data: "\r" },
    ])
    .finally(() => {
      settled = true;
    });
  fake.severClients();
  await microtasks();
  fake.emitOutput("a", "nobody listens");
  expect(settled).toBe(false);
  expect(seen.events).toEqual([]);
  expect(fake.terminals.get("a")?.input).toBe("hello\r");
  expect(await fake.connect().writeState("a", "w1")).toBe("drained");
});

test("F2: a client severed while it is asked to answer to nothing stays silent for ever", async () => {
  const fake = fakePtyHost();
  const dead = fake.connect();
  fake.severClients();
  let settled = false;
  void dead.list().finally(() => {
    settled = true;
  });
  await microtasks();
  expect(settled).toBe(false);
});

test("a crash of the host ends every call and every terminal; a restart begins with nothing", async () => {
  const fake = fakePtyHost();
  const host = fake.connect();
  const seen = transcribe(host);
  await host.spawn(parrotSpec("a"));
  fake.stopReading("a");
  const waiting = code(host.write("a", "w1", [{ type: "data", data: "x" }]));
  fake.crash("out of memory");
  expect(await waiting).toBe("pty_host_lost");
  expect(seen.lost()).toBe("out of memory");
  expect(await code(fake.list())).toBe("pty_host_lost");
  expect(await fake.connect().list()).toEqual([]);
  expect(await code(host.list())).toBe("pty_host_lost");
});

test("F3: with a clock, pauses take their time", async () => {
  const clock = handClock();
  const fake = fakePtyHost(clock);
  await fake.spawn(parrotSpec("a"));
  void fake.write("a", "w1", [
    { type: "data", data: "a" },
    { type: "pause", ms: 100 },
    { type: "data", data: "b" },
  ]);
  await clock.pass(99);
  expect(fake.terminals.get("a")?.input).toBe("a");
  await clock.pass(1);
  expect(fake.terminals.get("a")?.input).toBe("ab");
});

test("F3: with a clock, a program that does not read lets its write fail, and the next one comes through", async () => {
  const clock = handClock();
  const fake = fakePtyHost(clock);
  await fake.spawn(parrotSpec("a"));
  fake.stopReading("a");
  const write = code(fake.write("a", "w1", [{ type: "data", data: "a" }]));
  await clock.pass(10_000);
  expect(await write).toBe("write_timeout");
  expect(await fake.writeState("a", "w1")).toBe("failed");
  fake.resumeReading("a");
  expect(await fake.write("a", "w2", [{ type: "data", data: "b" }])).toBe("drained");
});

test("F3: with a clock, the ladder waits on each rung", async () => {
  const clock = handClock();
  const fake = fakePtyHost(clock);
  fake.onSignal(() => "ignore");
  await fake.spawn(parrotSpec("a"));
  let over = false;
  void fake.terminate("a", { polite: [{ type: "data", data: "/exit\r" }], politeMs: 1_000, termMs: 2_000 }).then(() => {
    over = true;
  });
  await clock.pass(999);
  expect([fake.terminals.get("a")?.input, fake.terminals.get("a")?.signals]).toEqual(["/exit\r", []]);
  await clock.pass(1);
  await clock.pass(1_999);
  expect(fake.terminals.get("a")?.signals).toEqual(["SIGTERM"]);
  await clock.pass(1);
  expect(fake.terminals.get("a")?.signals).toEqual(["SIGTERM", "SIGKILL"]);
  expect(over).toBe(true);
});

test("F4: a listener is not called from within a call to the port", async () => {
  const fake = fakePtyHost();
  const heard: string[] = [];
  fake.onWrite((id) => {
    fake.emitOutput(id, "echo");
  });
  await fake.spawn(parrotSpec("a"));
  fake.subscribe((event) => heard.push(event.type));
  const write = fake.write("a", "w1", [{ type: "data", data: "x" }]);
  expect(heard).toEqual([]);
  await write;
  expect(heard).toEqual(["output"]);
});

test("spawns fail for the reason that the test gives", async () => {
  const fake = fakePtyHost();
  fake.failSpawns((spec) => (spec.id === "a" ? "no memory" : undefined));
  await expect(fake.spawn(parrotSpec("a"))).rejects.toThrow("no memory");
  await fake.spawn(parrotSpec("b"));
  expect(fake.spawns.map((it) => it.id)).toEqual(["b"]);
});

test("F3: on pipes, with a clock, a write that has begun is finished though it has failed", async () => {
  const clock = handClock();
  const fake = fakePtyHost(clock);
  await fake.spawn(pipedParrotSpec("a"));
  const first = code(
    fake.write("a", "w1", [
      { type: "data", data: "on" },
      { type: "pause", ms: 10 },
      { type: "data", data: "e\n" },
    ]),
  );
  await clock.pass(0);
  fake.stopReading("a");
  const second = code(fake.write("a", "w2", [{ type: "data", data: "two\n" }, { type: "end" }]));
  await clock.pass(10);
  await clock.pass(10_000);
  expect([await first, await second]).toEqual(["write_timeout", "write_timeout"]);
  fake.resumeReading("a");
  expect(await fake.write("a", "w3", [{ type: "data", data: "three\n" }, { type: "end" }])).toBe("drained");
  expect(fake.terminals.get("a")).toMatchObject({ input: "one\nthree\n", inputEnded: true });
  expect(await fake.writeState("a", "w1")).toBe("failed");
});

test("F2: what a killed broker got counts, and what it did not get waits for the next", async () => {
  const fake = fakePtyHost();
  const seen = transcribe(fake);
  await fake.spawn(pipedParrotSpec("a"));
  fake.emitOutput("a", "x".repeat(1_000));
  expect(seen.text("a")).toHaveLength(1_000);
  fake.severClients();
  fake.emitOutput("a", "y".repeat(7_000_000));
  expect(fake.terminals.get("a")?.info().nextOffset).toBe(1_000 + 6 * 1024 * 1024);
  const next = fake.connect();
  const later = transcribe(next);
  expect((await next.read("a", 1_000)).data).toHaveLength(6 * 1024 * 1024);
  await later.until(() => fake.terminals.get("a")?.info().nextOffset === 7_001_000);
});

test("what a program that is killed has not got into its pipe is lost, as in a real one", async () => {
  const fake = fakePtyHost();
  await fake.spawn(pipedParrotSpec("a"));
  fake.emitOutput("a", "x".repeat(9_000_000));
  fake.exit("a", { signal: "SIGKILL" });
  expect(await fake.list()).toMatchObject([{ nextOffset: 7 * 1024 * 1024, ending: { signal: "SIGKILL" } }]);
});

test("a terminal has no standard error of its own, so a test that prints there is mistaken", async () => {
  const fake = fakePtyHost();
  await fake.spawn(parrotSpec("a"));
  expect(() => {
    fake.emitErrors("a", "oh");
  }).toThrow("a runs in a terminal, where errors are output.");
});
