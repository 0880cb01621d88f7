/**
 * Streams and leases under a broker that is killed: at every point of one story, and at random in many.
 *
 * What is checked is the history alone: every entry once and in its place, a lease with one holder at a time, tokens that
 * only grow, and no entry under a token that was not the holder's.
 *
 * `SEED=… npx vitest run --project sim packages/broker/src/shell/streams` tells a failing story again.
 */
import type { Fact } from "@agent-relay/protocol";
import { seeded, sweep, type CrashPlan } from "@agent-relay/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { ClientCommand } from "../core/commands.ts";
import { openWorld, type World } from "../testing/world.ts";

type Asked = Awaited<ReturnType<World["ask"]>>;
type Append = Extract<ClientCommand, { type: "stream.append" }>;

const name = "run/one";
const ttlMs = 1_000;

const acquire = (world: World, id: string, holder: string): Promise<Asked> =>
  world.ask(id, (at) => ({ type: "lease.acquire", name, holder, ttlMs, at }));

/** Entries that say who appended them, under which token, and as the how-manieth of theirs. */
function append(
  world: World,
  id: string,
  {
    stream = name,
    expectedRevision,
    token,
    count = 1,
  }: { stream?: string; expectedRevision: number; token: number; count?: number },
): Promise<Asked> {
  const entries: Append["entries"] = Array.from({ length: count }, (_, index) => ({
    kind: "counted",
    data: { id, token, index },
  }));
  const entryBytes = entries.map(() => 50);
  const lease = { name, token };
  const rest = { summary: { id }, summaryBytes: 10, inLog: false } as const;
  return world.ask(id, (at) => ({
    type: "stream.append",
    stream,
    expectedRevision,
    lease,
    entries,
    entryBytes,
    ...rest,
    at,
  }));
}

const tokens = (world: World): readonly number[] =>
  world.facts().flatMap((it) => (it.type === "lease_acquired" ? [it.token] : []));
const newestToken = (world: World): number => tokens(world).at(-1) ?? 0;

function check(facts: readonly Fact[]): void {
  let holder: number | undefined;
  let newest = 0;
  const revisions = new Map<string, number>();
  const appends = new Map<string, number>();
  facts.forEach((it, index) => {
    if (it.type === "lease_acquired") {
      expect(holder, `the lease was given at ${index} while it was held`).toBeUndefined();
      expect(it.token, "tokens only grow").toBeGreaterThan(newest);
      holder = newest = it.token;
    } else if (it.type === "lease_ended") {
      expect(it.token, "who held it").toBe(holder);
      holder = undefined;
    } else if (it.type === "stream_appended") {
      expect(it.revision, "revisions are dense").toBe((revisions.get(it.stream) ?? 0) + 1);
      revisions.set(it.stream, it.revision);
      expect(it.data["token"], `the entry at ${index} is the holder's`).toBe(holder);
      const id = String(it.data["id"]);
      expect(it.data["index"], `each entry of ${id} once, in order`).toBe(appends.get(id) ?? 0);
      appends.set(id, (appends.get(id) ?? 0) + 1);
    }
  });
}

async function story(plan?: CrashPlan): Promise<World> {
  const world = await openWorld(plan);
  expect(await acquire(world, "c1", "one")).toBe("done");
  const first = newestToken(world);
  expect(await append(world, "c2", { expectedRevision: 0, token: first, count: 3 })).toBe("done");
  expect(await acquire(world, "c3", "two")).toEqual({ refused: "lease_taken" });
  expect(await append(world, "c4", { expectedRevision: 2, token: first })).toEqual({ refused: "wrong_revision" });
  await world.pass(900);
  expect(await world.ask("c5", (at) => ({ type: "lease.renew", name, token: first, ttlMs, at }))).toBe("done");
  await world.pass(900);
  expect(await append(world, "c6", { expectedRevision: 3, token: first })).toBe("done");
  expect(await world.ask("c7", (at) => ({ type: "lease.release", name, token: first, at }))).toBe("done");
  expect(await acquire(world, "c8", "two")).toBe("done");
  expect(await append(world, "c9", { expectedRevision: 4, token: first })).toEqual({ refused: "lease_lost" });
  expect(await append(world, "c10", { expectedRevision: 4, token: newestToken(world), count: 2 })).toBe("done");
  // Whoever dies here gets its whole time again, so give it three times that.
  await world.pass(3_000);
  expect(await acquire(world, "c11", "three")).toBe("done");
  expect(await append(world, "c12", { stream: "run/two", expectedRevision: 0, token: newestToken(world) })).toBe(
    "done",
  );
  return world;
}

function checkStory(world: World): void {
  const facts = world.facts();
  check(facts);
  const entries = facts.flatMap((it) => (it.type === "stream_appended" ? [String(it.data["id"])] : []));
  expect(entries).toEqual(["c2", "c2", "c2", "c6", "c10", "c10", "c12"]);
  expect(facts.flatMap((it) => (it.type === "lease_ended" ? [it.how] : []))).toEqual(["released", "expired"]);
  expect(world.state().streams.get(name)).toMatchObject({ revision: 6, summary: { id: "c10" } });
}

test("killed at any point, the broker keeps each entry once and each lease with one holder", async () => {
  const report = await sweep(async (plan) => {
    checkStory(await story(plan));
  });
  expect(report.points).toBeGreaterThan(15);
});

test("killed at any two points, too", async () => {
  const report = await sweep(
    async (plan) => {
      checkStory(await story(plan));
    },
    { crashes: 2 },
  );
  expect(report.runs).toBeGreaterThan(150);
});

type Step =
  | { readonly do: "acquire"; readonly holder: "one" | "two" }
  /** `back`: so many tokens, and so many revisions, before the newest. */
  | { readonly do: "append"; readonly back: number; readonly behind: number; readonly count: number }
  | { readonly do: "renew" | "release"; readonly back: number }
  | { readonly do: "disk" }
  | { readonly do: "kill broker" };

const just = <Value extends string>(value: Value): fc.Arbitrary<Value> => fc.constant(value);
const back = fc.constantFrom(0, 0, 0, 1, 2);
const steps: readonly fc.Arbitrary<Step>[] = [
  fc.record({ do: just("acquire"), holder: fc.constantFrom("one", "two") }),
  fc.record({ do: just("acquire"), holder: fc.constantFrom("one", "two") }),
  fc.record({ do: just("append"), back: fc.constant(0), behind: fc.constant(0), count: fc.constant(1) }),
  fc.record({
    do: just("append"),
    back,
    behind: fc.constantFrom(0, 0, 0, 1),
    count: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({ do: fc.constantFrom("renew", "release"), back }),
  fc.record({ do: just("renew"), back: fc.constant(0) }),
  fc.record({ do: just("disk") }),
  fc.record({ do: just("kill broker") }),
];

async function play(world: World, step: Step, id: string): Promise<void> {
  const token = "back" in step ? (tokens(world).at(-1 - step.back) ?? 1) : 0;
  switch (step.do) {
    case "acquire":
      await acquire(world, id, step.holder);
      return;
    case "append": {
      const revision = world.state().streams.get(name)?.revision ?? 0;
      await append(world, id, { expectedRevision: Math.max(0, revision - step.behind), token, count: step.count });
      return;
    }
    case "renew":
      await world.ask(id, (at) => ({ type: "lease.renew", name, token, ttlMs, at }));
      return;
    case "release":
      await world.ask(id, (at) => ({ type: "lease.release", name, token, at }));
      return;
    case "disk":
      world.log.failAppends({ code: "disk_full", times: 1 });
      return;
    case "kill broker":
      return world.restart();
  }
}

test("whatever happens, entries stand in order under their holder's token, and a lease that nobody renews ends", async () => {
  const seen = { appended: 0, expired: 0, released: 0 };
  await seeded<Step>(
    { seed: process.env["SEED"], commands: steps, runs: 300, stepsMax: 30, delayMsMax: 700, lostPercent: 0 },
    async (told) => {
      const world = await openWorld();
      let count = 0;
      for (const { command, delayMs, fate } of told) {
        await world.pass(delayMs);
        const id = `c${count++}`;
        await play(world, command, id);
        if (fate === "duplicated" && command.do === "append") await play(world, command, id);
      }
      world.log.failAppends({ code: "disk_full", times: 0 });
      await world.pass(3_000);
      check(world.facts());
      expect(world.state().leases.size, "nobody renews it any more").toBe(0);
      for (const it of world.facts()) {
        if (it.type === "stream_appended") seen.appended += 1;
        if (it.type === "lease_ended") seen[it.how] += 1;
      }
    },
  );
  // A story in which nothing happens proves nothing.
  expect(Math.min(seen.appended, seen.expired, seen.released)).toBeGreaterThan(50);
});
