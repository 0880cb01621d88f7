import { relayError, type Method } from "@agent-relay/protocol";
import type { Client } from "@agent-relay/sdk";
import { expect, test } from "vitest";
import { holdMs, typist, type Typist, type TypistOptions } from "./typist.ts";

interface Asked {
  readonly method: Method;
  readonly params: Record<string, unknown>;
}

/** A broker that notes what it is asked, and answers as told. */
function scene(
  answer: (asked: Asked, earlier: readonly Asked[]) => unknown = () => ({}),
  more: Partial<Pick<TypistOptions, "takeOver" | "holdMs">> = {},
) {
  const asked: Asked[] = [];
  const dropped: string[] = [];
  let now = 0;
  const call = async (method: Method, params: Record<string, unknown>): Promise<unknown> => {
    const one = { method, params };
    const earlier = [...asked];
    asked.push(one);
    await Promise.resolve();
    return answer(one, earlier);
  };
  const stop = new AbortController();
  const subject: Typist = typist({
    client: { call: call as Client["call"] },
    name: "ada",
    leaseId: "lease-0001",
    takeOver: "never",
    ...more,
    now: () => now,
    signal: stop.signal,
    onDropped: (why) => dropped.push(why),
  });
  return {
    subject,
    asked,
    dropped,
    later: (ms: number) => (now += ms),
    type: (text: string) => subject.type(Buffer.from(text)),
    holds: () => asked.filter(({ method }) => method === "agent.hold").map(({ params }) => params),
    typed: () =>
      asked
        .filter(({ method }) => method === "terminal.write")
        .map(({ params }) => Buffer.from(String(params["data"]), "base64").toString()),
    methods: () => asked.map(({ method }) => method),
  };
}

test("Y1: keys arrive in the order in which they were typed", async () => {
  const { subject, type, typed } = scene();
  await subject.begin();
  type("a");
  type("b");
  type("c");
  await subject.end();
  expect(typed().join("")).toBe("abc");
});

test("Y1: a large paste arrives whole, in pieces that the protocol allows", async () => {
  const { subject, type, typed, asked } = scene();
  const paste = "x".repeat(150_000);
  type(paste);
  await subject.end();
  expect(typed().join("")).toBe(paste);
  expect(
    asked
      .filter(({ method }) => method === "terminal.write")
      .every(({ params }) => (params["data"] as string).length <= 65_536),
  ).toBe(true);
});

test("Y2: typing renews the hold, silence does not", async () => {
  const { subject, type, later, methods } = scene();
  await subject.begin();
  later(holdMs * 10);
  expect(methods()).toEqual(["agent.hold"]);
  type("a");
  await subject.end();
  expect(methods()).toEqual(["agent.hold", "agent.hold", "terminal.write", "agent.unhold"]);
});

test("Y2: quick typing does not ask for the hold with each key", async () => {
  const { subject, type, later, methods } = scene();
  await subject.begin();
  type("a");
  await Promise.resolve();
  later(1_000);
  type("b");
  await subject.end();
  expect(methods().filter((method) => method === "agent.hold")).toHaveLength(1);
});

test("a hold that expired is taken again, and the keys are typed once", async () => {
  let lost = true;
  const { subject, type, typed, dropped } = scene(({ method }) => {
    if (method !== "terminal.write" || !lost) return {};
    lost = false;
    throw relayError("hold_lost", "the hold has expired");
  });
  await subject.begin();
  type("a");
  await subject.end();
  expect([typed(), dropped]).toEqual([["a", "a"], []]);
});

test("Y3: what could not be typed is dropped and said, and does not come back with the next key", async () => {
  const { subject, type, typed, dropped } = scene(({ method }, earlier) => {
    if (method === "terminal.write" && !earlier.some((it) => it.method === "terminal.write"))
      throw relayError("held_by_another", "eve holds ada");
    return {};
  });
  await subject.begin();
  type("a");
  await new Promise((resolve) => setImmediate(resolve));
  type("b");
  await subject.end();
  expect([typed().slice(1), dropped]).toEqual([["b"], ["eve holds ada"]]);
});

test("Y4: what waits is bounded, and what is over is said", async () => {
  const { subject, type, dropped, typed } = scene();
  type("x".repeat(200_000));
  type("y".repeat(200_000));
  await subject.end();
  expect([dropped, typed().join("").includes("y")]).toEqual([["typed faster than the agent reads"], false]);
});

test("Y1: a character that is read in two parts is written in one", async () => {
  const { subject, typed } = scene();
  const [first, second] = [Buffer.from("工🚧").subarray(0, 4), Buffer.from("工🚧").subarray(4)];
  subject.type(first);
  await new Promise((resolve) => setImmediate(resolve));
  subject.type(second);
  await subject.end();
  expect(typed()).toEqual(["工", "🚧"]);
});

test("Y1: a paste is not cut inside a character", async () => {
  const { subject, type, typed } = scene();
  const paste = `a${"工".repeat(40_000)}`;
  type(paste);
  await subject.end();
  expect([typed().length > 1, typed().join("") === paste]).toEqual([true, true]);
});

test("Y5: what the terminal says by itself takes a hold for a second", async () => {
  const { subject, holds } = scene(undefined, { holdMs: 8_000 });
  subject.type(Buffer.from("\u001b[I"), "report");
  await subject.end();
  expect(holds()).toMatchObject([{ ttlMs: 1_000 }]);
});

test("Y5: it shortens no hold of someone who types, and typing afterwards makes it longer", async () => {
  const { subject, type, holds } = scene(undefined, { holdMs: 8_000 });
  type("a");
  await new Promise((resolve) => setImmediate(resolve));
  subject.type(Buffer.from("\u001b[I"), "report");
  await subject.end();
  expect(holds()).toMatchObject([{ ttlMs: 8_000 }]);
  const other = scene(undefined, { holdMs: 8_000 });
  other.subject.type(Buffer.from("\u001b[I"), "report");
  await new Promise((resolve) => setImmediate(resolve));
  other.type("a");
  await other.subject.end();
  expect(other.holds()).toMatchObject([{ ttlMs: 1_000 }, { ttlMs: 8_000 }]);
});

test("whoever owns the terminal takes the hold from anyone, each time", async () => {
  const { subject, type, later, holds } = scene(undefined, { takeOver: "always" });
  type("a");
  await new Promise((resolve) => setImmediate(resolve));
  later(holdMs * 2);
  type("b");
  await subject.end();
  expect(holds()).toMatchObject([{ takeOver: true }, { takeOver: true }]);
});
