/**
 * The whole broker on fakes, killed at every point where it can die during one busy story. After each death it starts
 * again from its log, clients ask again under the same ids, and the promises are checked against what the programs
 * really received.
 */
import { sweep, type CrashPlan } from "@agent-relay/testkit";
import { expect, test } from "vitest";
import { isLive } from "../core/state.ts";
import { clearKey, personsText } from "../testing/simulated-programs.ts";
import { openWorld, type World } from "../testing/world.ts";

async function busyStory(plan?: CrashPlan): Promise<World> {
  const world = await openWorld(plan);
  await world.spawn("ada", { cli: "turns", channels: ["general"] });
  await world.spawn("ben", { cli: "turns", channels: ["general"], restart: { when: "on-crash", delayMs: 1_000 } });
  await world.spawn("cleo", { cli: "lines", channels: ["general"] });
  await world.send("c1", "operator", "ada", "one");
  await world.send("c2", "operator", "ada", "two");
  await world.send("c3", "ada", "#general", "to everyone");
  await world.settle();
  await world.shows("ben", "<working>");
  await world.send("c4", "operator", "ben", "while busy");
  await world.send("c5", "ada", "ben", "urgent", { mode: "steer" });
  await world.settle();
  await world.exits("ben", { signal: "SIGKILL" });
  await world.send("c6", "ada", "ben", "for the next life");
  await world.pass(3_000);
  await world.send("c7", "ben", "ada", "an answer", {
    replyTo: { messageId: "msg_0000000001", threadId: "msg_0000000001" },
  });
  await world.pass(6_000);
  await world.ask("c8", (at) => ({ type: "agent.end", name: "cleo", how: "release", by: "operator", at }));
  await world.pass(12_000);
  return world;
}

function checkPromises(world: World): void {
  const facts = world.facts();
  const accepted = facts.filter((it) => it.type === "message_accepted");
  for (const body of ["one", "two", "to everyone", "while busy", "urgent", "for the next life", "an answer"])
    expect(
      accepted.filter((it) => it.body === body),
      `'${body}' was accepted exactly once`,
    ).toHaveLength(1);

  for (const message of accepted) {
    for (const agent of message.recipients) {
      if (agent === "operator") continue;
      const own = facts.filter(
        (it) => "messageId" in it && it.messageId === message.messageId && "agent" in it && it.agent === agent,
      );
      const ended = own.some((it) => ["delivery_seen", "delivery_dead_lettered"].includes(it.type));
      const handedOver = own.some((it) => it.type === "delivery_handed_over");
      expect(ended || (agent === "cleo" && handedOver), `${message.body} to ${agent} is answered for`).toBe(true);
      const arrived = world.arrivals.some((it) => it.agent === agent && it.messageId === message.messageId);
      const dead = own.some((it) => it.type === "delivery_dead_lettered");
      expect(arrived || dead, `${message.body} reached ${agent}, or is a dead letter`).toBe(true);
    }
  }

  const unmarked = new Set<string>();
  for (const { agent, epoch, messageId, markedAsRepeat, body } of world.arrivals) {
    const key = `${agent}@${epoch} ${messageId}`;
    if (markedAsRepeat) continue;
    expect(unmarked.has(key), `'${body}' was shown twice to ${agent}@${epoch} without being marked`).toBe(false);
    unmarked.add(key);
  }

  for (const agent of ["ada", "ben", "cleo"]) {
    for (const from of ["operator", "ada", "ben"]) {
      const sent = accepted.filter((it) => it.from === from && it.recipients.includes(agent)).map((it) => it.body);
      const firsts = world.arrivals
        .filter((it) => it.agent === agent && sent.includes(it.body) && !it.markedAsRepeat)
        .map((it) => it.body);
      expect(firsts, `order from ${from} to ${agent}`).toEqual(sent.filter((it) => firsts.includes(it)));
    }
  }

  const exits = facts.filter((it) => it.type === "agent_exited").map((it) => `${it.agent}@${it.epoch}`);
  expect(new Set(exits).size, "one agent_exited for each incarnation").toBe(exits.length);
  expect(facts.some((it) => it.type === "agent_restarted" && it.agent === "ben")).toBe(true);
  const live = [...world.state().agents.values()].filter(isLive);
  expect([...world.host.terminals.keys()].sort(), "who lives has a terminal, and nobody else").toEqual(
    live.map((it) => `${it.name}@${it.epoch}`).sort(),
  );
}

/** Small enough that every pair of deaths can be tried. */
async function shortStory(plan?: CrashPlan): Promise<World> {
  const world = await openWorld(plan);
  await world.spawn("ada", { cli: "turns", restart: { when: "on-crash", delayMs: 1_000 } });
  await world.send("c1", "operator", "ada", "one");
  await world.settle();
  await world.exits("ada", { signal: "SIGKILL" });
  await world.send("c2", "operator", "ada", "two");
  await world.pass(8_000);
  await world.ask("c3", (at) => ({ type: "agent.end", name: "ada", how: "kill", by: "operator", at }));
  await world.pass(2_000);
  return world;
}

/** A dialog, a draft, a crash in the middle of a turn, and what the next life makes of it. */
async function askedStory(plan?: CrashPlan): Promise<World> {
  const world = await openWorld(plan);
  await world.spawn("ada", { cli: "remembers", restart: { when: "on-crash", delayMs: 1_000 } });
  await world.shows("ada", "<session one>");
  await world.send("c1", "operator", "ada", "ask me");
  await world.settle();
  await world.send("c2", "operator", "ada", "approve all", { mode: "steer" });
  await world.settle();
  const answer = { type: "agent.answer", name: "ada", verdict: "approve" } as const;
  await world.ask("c3", (at) => ({ ...answer, by: "operator", at }));
  await world.ask("c4", (at) => ({ ...answer, verdict: "deny", by: "sam", at }));
  await world.pass(6_000);
  await world.types("ada", personsText);
  await world.send("c5", "operator", "ada", "beside the draft");
  await world.pass(1_000);
  await world.types("ada", clearKey);
  await world.pass(6_000);
  await world.shows("ada", "<working>");
  await world.exits("ada", { signal: "SIGKILL" });
  await world.send("c6", "operator", "ada", "for the next life");
  await world.pass(10_000);
  return world;
}

test("killed at any point, it answers a dialog once, types nothing beside a draft, and continues the conversation", async () => {
  const report = await sweep(async (plan) => {
    const world = await askedStory(plan);
    const facts = world.facts();
    expect(world.misplaced).toEqual([]);
    const answers = facts.filter((it) => it.type === "agent_block_answered");
    expect(answers, "the first answer won").toMatchObject([{ verdict: "approve", by: "operator" }]);
    expect(world.answers, "it was typed once").toEqual(["ada@1 <approve>"]);
    expect(
      facts.flatMap((it) => (it.type === "agent_spawning" ? [[it.epoch, it.resume]] : [])),
      "the next life continued the conversation",
    ).toEqual([
      [1, undefined],
      [2, "one"],
    ]);
    expect(world.host.terminals.get("ada@2")?.spec.argv).toEqual(["remembers", "--resume", "one"]);
    expect(facts.find((it) => it.type === "agent_exited")).toMatchObject({ doing: { status: "working" } });
    const arrived = world.arrivals.filter((it) => !it.markedAsRepeat).map((it) => it.body);
    expect(arrived).toEqual(["ask me", "approve all", "beside the draft", "for the next life"]);
  });
  expect(report.points).toBeGreaterThan(40);
});

/** A program whose plugin submits its mail: beside a draft, never into a dialog, and in its next life again. */
async function pluginStory(plan?: CrashPlan): Promise<World> {
  const world = await openWorld(plan);
  await world.spawn("ada", { cli: "asks", restart: { when: "on-crash", delayMs: 1_000 } });
  await world.send("c1", "operator", "ada", "one");
  await world.pass(1_000);
  await world.types("ada", personsText);
  await world.send("c2", "operator", "ada", "beside the draft");
  await world.pass(6_000);
  await world.types("ada", clearKey);
  await world.send("c3", "operator", "ada", "ask me");
  await world.pass(1_000);
  await world.send("c4", "operator", "ada", "approve all", { mode: "steer" });
  await world.pass(1_000);
  await world.ask("c5", (at) => ({ type: "agent.answer", name: "ada", verdict: "approve", by: "operator", at }));
  await world.pass(6_000);
  await world.shows("ada", "<working>");
  await world.exits("ada", { signal: "SIGKILL" });
  await world.send("c6", "operator", "ada", "for the next life");
  await world.pass(10_000);
  return world;
}

test("killed at any point, mail that a plugin submits goes in once, beside a draft and not into a dialog", async () => {
  const report = await sweep(async (plan) => {
    const world = await pluginStory(plan);
    expect(world.misplaced).toEqual([]);
    expect(world.answers).toEqual(["ada@1 <approve>"]);
    expect(world.arrivals.map((it) => `${it.agent}@${it.epoch} ${it.body}${it.markedAsRepeat ? "?" : ""}`)).toEqual([
      "ada@1 one",
      "ada@1 beside the draft",
      "ada@1 ask me",
      "ada@1 approve all",
      "ada@2 for the next life",
    ]);
    const beside = world.facts().findLast((it) => it.type === "message_accepted" && it.body === "beside the draft");
    const id = beside?.type === "message_accepted" ? beside.messageId : "";
    const own = world.facts().filter((it) => "messageId" in it && it.messageId === id);
    expect(own.filter((it) => it.type === "delivery_handed_over")).toMatchObject([{ route: "plugin" }]);
  });
  expect(report.points).toBeGreaterThan(40);
});

test("without a crash the story goes as written", async () => {
  const world = await busyStory();
  expect(world.arrivals.map((it) => `${it.agent}@${it.epoch} ${it.body}${it.markedAsRepeat ? " (repeat?)" : ""}`))
    .toMatchInlineSnapshot(`
    [
      "ada@1 one",
      "ben@1 to everyone",
      "cleo@1 to everyone",
      "ada@1 two",
      "ben@1 while busy",
      "ben@1 urgent",
      "ben@2 for the next life",
      "ada@1 an answer",
    ]
  `);
  checkPromises(world);
});

test("killed at any point, and started again, it keeps every promise", async () => {
  const report = await sweep(async (plan) => {
    checkPromises(await busyStory(plan));
  });
  expect(report.points).toBeGreaterThan(60);
});

test("killed twice at any two points, it still keeps its promises", async () => {
  const report = await sweep(
    async (plan) => {
      const world = await shortStory(plan);
      const facts = world.facts();
      for (const body of ["one", "two"]) {
        expect(facts.filter((it) => it.type === "message_accepted" && it.body === body)).toHaveLength(1);
        expect(
          world.arrivals.some((it) => it.body === body),
          `'${body}' arrived`,
        ).toBe(true);
        expect(
          world.arrivals.filter((it) => it.body === body && !it.markedAsRepeat).length,
          `'${body}' unmarked`,
        ).toBeLessThan(2);
      }
      expect(
        facts.flatMap((it) => (it.type === "agent_exited" ? [`${it.agent}@${it.epoch} ${it.reason}`] : [])),
      ).toEqual(["ada@1 signal", "ada@2 killed"]);
      expect([...world.host.terminals.keys()]).toEqual([]);
    },
    { crashes: 2 },
  );
  expect(report.runs).toBeGreaterThan(500);
});
