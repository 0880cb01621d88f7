/** What a program on pipes is to the broker, beside what the sweep over crashes shows. */
import type { Fact } from "@agent-relay/protocol";
import { expect, test } from "vitest";
import { openWorld, type World } from "../testing/world.ts";

type FactOf<Type extends Fact["type"]> = Extract<Fact, { type: Type }>;
const of = <Type extends Fact["type"]>(world: World, type: Type): readonly FactOf<Type>[] =>
  world.facts().filter((it): it is FactOf<Type> => it.type === type);
const inputOf = (world: World, id = "ada@1"): string => world.host.terminals.get(id)?.input ?? "";

async function talking(restart: "never" | "on-crash" = "never"): Promise<World> {
  const world = await openWorld();
  await world.spawn("ada", { cli: "talks", runtime: "headless", restart: { when: restart, delayMs: 1_000 } });
  return world;
}

const answer = (world: World, id: string, verdict: "approve" | "deny", block?: number) =>
  world.ask(id, (at) => ({
    type: "agent.answer",
    name: "ada",
    verdict,
    ...(block === undefined ? {} : { block }),
    by: "operator",
    at,
  }));

test("it runs on pipes, greets, and is ready by its own word", async () => {
  const world = await talking();
  expect(world.host.spawns.map((it) => it.stdio)).toEqual(["pipes"]);
  expect(world.facts().map((it) => it.type)).toEqual([
    "agent_registered",
    "agent_spawning",
    "agent_spawned",
    "agent_session_started",
    "agent_ready",
  ]);
});

test("a message is handed over by its acceptance and seen by its echo, and tokens are told", async () => {
  const world = await talking();
  await world.send("c1", "operator", "ada", "hello");
  await world.settle();
  expect(of(world, "delivery_handed_over")).toMatchObject([{ route: "structured" }]);
  expect(of(world, "delivery_seen")).toMatchObject([{ evidence: "turn_started" }]);
  expect(of(world, "agent_tokens_used")).toMatchObject([
    { inputTokens: 100, cachedInputTokens: 60, outputTokens: 10, model: "talk-1" },
  ]);
});

test("an approval is given to the question that was asked, and the turn goes on", async () => {
  const world = await talking();
  await world.send("c1", "operator", "ada", "ask me");
  await world.settle();
  const [block] = of(world, "agent_blocked");
  expect(block).toMatchObject({ kind: "permission", what: "Bash(ls)", answerable: true });
  expect(await answer(world, "c2", "deny")).toBe("done");
  await world.settle();
  expect(inputOf(world)).toContain('{"do":"answer","id":"q1","verdict":"deny"}');
  expect(world.state().agents.get("ada")?.status).toBe("idle");
});

test("C4: after a restart the newest question keeps its name when it is the one that was recorded", async () => {
  const world = await talking();
  await world.send("c1", "operator", "ada", "ask me");
  await world.settle();
  await world.restart();
  expect(of(world, "agent_blocked")).toHaveLength(1);
  await answer(world, "c2", "approve");
  await world.settle();
  expect(inputOf(world).match(/"do":"answer"/gu)).toHaveLength(1);
});

test.each(["Bash(rm)", "Bash(ls)"])(
  "C4: an answer to an older question is not given to the newer one after a restart: %s",
  async (what) => {
    const world = await talking();
    await world.send("c1", "operator", "ada", "ask me");
    await world.settle();
    // The answer is recorded and never given; while no broker runs the program goes on and asks something else.
    world.host.severClients();
    await answer(world, "c2", "approve");
    world.host.emitOutput("ada@1", `{"said":"goes on"}\n{"said":"asks","id":"q2","what":"${what}"}\n`);
    await world.restart();
    expect(of(world, "agent_blocked").map((it) => it.what)).toEqual(["Bash(ls)", what]);
    expect(inputOf(world)).not.toContain('"do":"answer"');
    expect(world.state().agents.get("ada")).toMatchObject({ status: "blocked", block: { answered: undefined } });
    await answer(world, "c3", "approve");
    await world.settle();
    expect(inputOf(world)).toContain('{"do":"answer","id":"q2","verdict":"approve"}');
  },
);

test("C3: what it cost while no broker ran is counted by the next one, once", async () => {
  const world = await talking();
  await world.send("c1", "operator", "ada", "hello");
  await world.settle();
  world.host.severClients();
  world.host.emitOutput("ada@1", '{"said":"working"}\n{"said":"idle","input":7,"cached":0,"output":3}\n');
  await world.restart();
  await world.restart();
  const tokens = of(world, "agent_tokens_used").map((it) => [it.inputTokens, it.outputTokens]);
  expect(tokens).toEqual([
    [100, 10],
    [7, 3],
  ]);
});

test("C3: what its model answered is told once, also what it answered while no broker ran", async () => {
  const world = await talking();
  const turn = (words: string): string =>
    `{"said":"working"}\n${JSON.stringify({ said: "idle", input: 1, cached: 0, output: 1, words })}\n`;
  world.host.emitOutput("ada@1", turn("first"));
  await world.settle();
  await world.restart();
  world.host.severClients();
  world.host.emitOutput("ada@1", turn("second") + turn("second"));
  await world.restart();
  await world.restart();
  expect(of(world, "agent_said").map((it) => it.text)).toEqual(["first", "second", "second"]);
  expect(of(world, "agent_said")[0]).toMatchObject({ epoch: 1, fidelity: "exact" });
});

test("C3: what is not kept of the past is not guessed", async () => {
  const world = await talking();
  await world.send("c1", "operator", "ada", "hello");
  await world.settle();
  world.host.severClients();
  // More than the host keeps of pipes.
  const noise = `${JSON.stringify({ said: "noise", text: "x".repeat(1_000_000) })}\n`;
  const listening = world.host.connect();
  listening.subscribe(() => undefined);
  for (let count = 0; count < 9; count += 1) world.host.emitOutput("ada@1", noise);
  world.host.emitOutput("ada@1", '{"said":"idle","input":500,"cached":0,"output":30}\n');
  await world.restart();
  expect(of(world, "agent_tokens_used").map((it) => it.inputTokens)).toEqual([100]);
  expect(world.state().agents.get("ada")?.status).toBe("idle");
});

test("C5: messages that it does not take in time are tried again, marked", async () => {
  const world = await talking();
  world.host.stopReading("ada@1");
  await world.send("c1", "operator", "ada", "hello");
  await world.settle();
  expect(of(world, "delivery_handed_over")).toEqual([]);
  world.host.resumeReading("ada@1");
  await world.settle();
  expect(world.arrivals.map((it) => it.body)).toEqual(["hello"]);
});

test("urgent mail goes into the running turn without interrupting it", async () => {
  const world = await talking();
  await world.send("c1", "operator", "ada", "a long turn");
  await world.settle();
  await world.send("c2", "operator", "ada", "first in line");
  await world.send("c3", "operator", "ada", "urgent, finish", { mode: "steer" });
  await world.settle();
  expect(world.arrivals.map((it) => it.body)).toEqual(["a long turn", "first in line", "urgent, finish"]);
  expect(of(world, "agent_interrupting")).toEqual([]);
  expect(of(world, "delivery_handed_over").map((it) => it.evidence)).toEqual([
    "request_accepted",
    "turn_steered",
    "turn_steered",
  ]);
});

test("a program for one message ends after it, and the next life takes the next one unmarked", async () => {
  const world = await openWorld();
  await world.spawn("ben", { cli: "once", runtime: "headless", restart: { when: "always", delayMs: 1_000 } });
  await world.send("c1", "operator", "ben", "first");
  await world.send("c2", "operator", "ben", "second");
  await world.pass(10_000);
  expect(world.arrivals.map((it) => `${it.epoch} ${it.body} ${it.markedAsRepeat}`)).toEqual([
    "1 first false",
    "2 second false",
  ]);
  expect(of(world, "agent_exited").map((it) => it.reason)).toEqual(["clean", "clean"]);
});

test("what it says on its standard error is its last words, and never its protocol", async () => {
  const world = await talking();
  world.host.emitErrors("ada@1", "Error: no model answers\n");
  await world.exits("ada", { code: 1 });
  expect(of(world, "agent_exited")[0]?.lastLines).toEqual(["Error: no model answers"]);
  const other = await talking();
  other.host.emitOutput("ada@1", "plain words\n");
  await other.exits("ada", { code: 1 });
  expect(of(other, "agent_exited")[0]?.lastLines).toEqual(["plain words"]);
  const long = await talking();
  long.host.emitOutput("ada@1", `{"said":"noise","text":"${"x".repeat(20_000)}"}\nmore words\n`);
  await long.exits("ada", { code: 1 });
  expect(of(long, "agent_exited")[0]?.lastLines).toEqual(["more words"]);
});

test("a release closes its input, and it leaves by itself", async () => {
  const world = await talking();
  await world.ask("c1", (at) => ({ type: "agent.end", name: "ada", how: "release", by: "operator", at }));
  await world.settle();
  expect(of(world, "agent_exited")).toMatchObject([{ reason: "released", code: 0, signal: null }]);
});
