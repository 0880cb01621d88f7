/** Programs on pipes, with the broker killed at every boundary: nothing is repeated, lost, answered twice or counted twice. */
import type { Fact } from "@agent-relay/protocol";
import { sweep, type CrashPlan } from "@agent-relay/testkit";
import { expect, test } from "vitest";
import { openWorld, type World } from "../testing/world.ts";

type FactOf<Type extends Fact["type"]> = Extract<Fact, { type: Type }>;
const of = <Type extends Fact["type"]>(world: World, type: Type): readonly FactOf<Type>[] =>
  world.facts().filter((it): it is FactOf<Type> => it.type === type);

/** A person answers what stands there, and again if that turns out to be something else by then. */
async function approve(world: World, name: string): Promise<void> {
  for (let round = 0; round < 5; round += 1) {
    const agent = world.state().agents.get(name);
    if (agent?.block === undefined) return;
    const block = agent.block.sequence;
    await world.ask(`answer-${block}`, (at) => ({
      type: "agent.answer",
      name,
      verdict: "approve",
      block,
      by: "operator",
      at,
    }));
    await world.pass(1_000);
  }
}

async function talkingStory(plan?: CrashPlan): Promise<World> {
  const world = await openWorld(plan);
  await world.spawn("ada", { cli: "talks", runtime: "headless", restart: { when: "on-crash", delayMs: 1_000 } });
  await world.spawn("ben", { cli: "once", runtime: "headless", restart: { when: "always", delayMs: 1_000 } });
  await world.send("c1", "operator", "ada", "one");
  await world.send("c2", "operator", "ada", "ask me");
  await world.settle();
  await world.send("c3", "operator", "ada", "while it is asked");
  await approve(world, "ada");
  await world.pass(1_000);
  await world.send("c4", "operator", "ada", "a long turn");
  await world.settle();
  await world.send("c5", "operator", "ada", "urgent, finish it", { mode: "steer" });
  await world.pass(6_000);
  await world.send("c6", "operator", "ben", "first");
  await world.send("c7", "operator", "ben", "second");
  await world.pass(12_000);
  await world.exits("ada", { signal: "SIGKILL" });
  await world.send("c8", "operator", "ada", "for the next life");
  await world.pass(8_000);
  await world.ask("c9", (at) => ({ type: "agent.end", name: "ada", how: "release", by: "operator", at }));
  await world.ask("c10", (at) => ({ type: "agent.end", name: "ben", how: "kill", by: "operator", at }));
  await world.pass(12_000);
  return world;
}

const bodies = [
  "one",
  "ask me",
  "while it is asked",
  "a long turn",
  "urgent, finish it",
  "first",
  "second",
  "for the next life",
];

function check(world: World): void {
  const accepted = of(world, "message_accepted");
  for (const body of bodies) {
    expect(
      accepted.filter((it) => it.body === body),
      `'${body}' was accepted once`,
    ).toHaveLength(1);
    const arrived = world.arrivals.filter((it) => it.body === body);
    expect(arrived.length, `'${body}' arrived`).toBeGreaterThan(0);
    expect(arrived.filter((it) => !it.markedAsRepeat).length, `'${body}' came unmarked`).toBeLessThan(2);
    const seen = of(world, "delivery_seen").filter(({ messageId }) => messageId === arrived[0]?.messageId);
    expect(seen, `'${body}' was seen`).toHaveLength(1);
  }
  const exits = of(world, "agent_exited").map((it) => `${it.agent}@${it.epoch} ${it.reason}`);
  expect(exits.filter((it) => it.startsWith("ada"))).toEqual(["ada@1 signal", "ada@2 released"]);
  expect(new Set(exits).size).toBe(exits.length);
  expect([...world.host.terminals.keys()], "nothing is left behind").toEqual([]);
}

test("without a crash the story goes as written", async () => {
  const world = await talkingStory();
  check(world);
  expect(
    world.arrivals.map((it) => `${it.agent}@${it.epoch} ${it.body}${it.markedAsRepeat ? " (repeat?)" : ""}`),
  ).toEqual([
    "ada@1 one",
    "ada@1 ask me",
    "ada@1 while it is asked",
    "ada@1 a long turn",
    "ada@1 urgent, finish it",
    "ben@1 first",
    "ben@2 second",
    "ada@2 for the next life",
  ]);
  const ways = of(world, "delivery_handed_over").map((it) => `${it.route} ${it.evidence}`);
  expect([...new Set(ways)].sort()).toEqual(["structured request_accepted", "structured turn_steered"]);
});

test("killed at any point, and started again, it keeps every promise", async () => {
  const report = await sweep(async (plan) => {
    check(await talkingStory(plan));
  });
  expect(report.points).toBeGreaterThan(60);
});

/** One turn with a question in it. */
async function askedStory(plan?: CrashPlan): Promise<World> {
  const world = await openWorld(plan);
  await world.spawn("ada", { cli: "talks", runtime: "headless", restart: { when: "never" } });
  await world.send("c1", "operator", "ada", "ask me");
  await world.settle();
  await approve(world, "ada");
  await world.send("c2", "operator", "ada", "and now two");
  await world.pass(8_000);
  return world;
}

test("killed twice at any two points, questions are answered once and tokens counted once", async () => {
  const report = await sweep(
    async (plan) => {
      const world = await askedStory(plan);
      const input = world.host.terminals.get("ada@1")?.input ?? "";
      expect(input.match(/"do":"answer"/gu), "one answer was given").toHaveLength(1);
      expect(input.match(/"do":"hello"/gu)).toHaveLength(1);
      expect(world.arrivals.map((it) => it.body)).toEqual(["ask me", "and now two"]);
      const tokens = of(world, "agent_tokens_used");
      expect([
        tokens.reduce((sum, it) => sum + it.inputTokens, 0),
        tokens.reduce((sum, it) => sum + it.cachedInputTokens, 0),
        tokens.reduce((sum, it) => sum + it.outputTokens, 0),
      ]).toEqual([200, 120, 20]);
      expect(world.state().agents.get("ada")?.status).toBe("idle");
      expect(of(world, "agent_exited")).toEqual([]);
    },
    { crashes: 2 },
  );
  expect(report.runs).toBeGreaterThan(300);
});
