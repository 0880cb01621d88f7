/**
 * Random stories over the whole broker on fakes: agents come and go, talk, get stuck and are held, brokers and hosts
 * die. At the end everyone is given time, and the promises are checked against what the programs really received.
 *
 * `SEED=… npx vitest run --project sim` tells a failing story again.
 */
import { seeded } from "@agent-relay/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openWorld, type World } from "../testing/world.ts";
import { isLive } from "../core/state.ts";

const names = ["ada", "ben", "cleo"] as const;
const name = fc.constantFrom(...names);

type Step =
  | {
      readonly do: "spawn";
      readonly name: string;
      readonly cli: "turns" | "lines";
      readonly when: "never" | "on-crash";
    }
  | {
      readonly do: "send";
      readonly from: string;
      readonly to: string;
      readonly mode: "wait" | "steer";
      readonly ttl: boolean;
    }
  | { readonly do: "show"; readonly name: string; readonly text: string }
  | { readonly do: "exit"; readonly name: string; readonly crash: boolean }
  | { readonly do: "end"; readonly name: string; readonly how: "release" | "kill" }
  | { readonly do: "hold" | "unhold"; readonly name: string }
  | { readonly do: "hang"; readonly name: string; readonly times: number }
  | { readonly do: "disk"; readonly times: number }
  | { readonly do: "kill broker" | "crash host" };

const just = <Value extends Step["do"]>(value: Value): fc.Arbitrary<Value> => fc.constant(value);
const steps: readonly fc.Arbitrary<Step>[] = [
  fc.record({
    do: just("spawn"),
    name,
    cli: fc.constantFrom("turns", "lines"),
    when: fc.constantFrom("never", "on-crash"),
  }),
  fc.record({ do: just("spawn"), name, cli: fc.constant("turns"), when: fc.constant("on-crash") }),
  fc.record({
    do: just("send"),
    from: fc.constantFrom("operator", ...names),
    to: fc.constantFrom(...names, "#all-of-us"),
    mode: fc.constantFrom("wait", "wait", "steer"),
    ttl: fc.constant(false),
  }),
  fc.record({
    do: just("send"),
    from: fc.constant("operator"),
    to: name,
    mode: fc.constant("wait"),
    ttl: fc.boolean(),
  }),
  fc.record({
    do: just("send"),
    from: fc.constant("operator"),
    to: name,
    mode: fc.constant("wait"),
    ttl: fc.constant(false),
  }),
  fc.record({
    do: just("show"),
    name,
    text: fc.constantFrom("<working>", "<idle>", "<blocked>", "<context 4>", "words"),
  }),
  fc.record({ do: just("exit"), name, crash: fc.boolean() }),
  fc.record({ do: just("end"), name, how: fc.constantFrom("release", "kill") }),
  fc.record({ do: fc.constantFrom("hold", "unhold"), name }),
  fc.record({ do: just("hang"), name, times: fc.nat(1) }),
  fc.record({ do: just("disk"), times: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ do: fc.constantFrom("kill broker", "kill broker", "crash host") }),
];

async function play(world: World, step: Step, id: string): Promise<void> {
  switch (step.do) {
    case "spawn":
      return world.spawn(step.name, {
        cli: step.cli,
        channels: ["all-of-us"],
        restart: { when: step.when, delayMs: 500 },
      });
    case "send":
      await world.send(id, step.from, step.to, `body ${id}`, {
        mode: step.mode,
        ...(step.ttl ? { expiresAt: world.clock.now() + 700 } : {}),
      });
      return;
    case "show":
      return runs(world, step.name) ? world.shows(step.name, step.text) : undefined;
    case "exit":
      return runs(world, step.name)
        ? world.exits(step.name, step.crash ? { signal: "SIGSEGV" } : { code: 0 })
        : undefined;
    case "end":
      await world.ask(id, (at) => ({ type: "agent.end", name: step.name, how: step.how, by: "operator", at }));
      return;
    case "hold":
      await world.ask(id, (at) => ({
        type: "agent.hold",
        name: step.name,
        leaseId: "lease-one",
        holder: "operator",
        ttlMs: 2_000,
        takeOver: false,
        at,
      }));
      return;
    case "unhold":
      await world.ask(id, (at) => ({ type: "agent.unhold", name: step.name, leaseId: "lease-one", at }));
      return;
    case "hang":
      if (!runs(world, step.name)) return;
      if (step.times > 0) world.host.stopReading(terminalOf(world, step.name));
      else world.host.resumeReading(terminalOf(world, step.name));
      return;
    case "disk":
      world.log.failAppends({ code: "disk_full", times: step.times });
      return;
    case "kill broker":
      return world.restart();
    case "crash host":
      return world.crashHost();
  }
}

const terminalOf = (world: World, agent: string): string => `${agent}@${world.state().agents.get(agent)?.epoch ?? 0}`;
const runs = (world: World, agent: string): boolean => {
  const terminal = world.host.terminals.get(terminalOf(world, agent));
  return terminal !== undefined && terminal.ending === undefined;
};

/** Whoever is stuck gets unstuck, and time passes until nothing is due any more. */
async function calm(world: World): Promise<void> {
  world.log.failAppends({ code: "disk_full", times: 0 });
  await world.pass(3_000);
  for (let round = 0; round < 3; round += 1) {
    for (const agent of names) {
      if (!runs(world, agent)) continue;
      world.host.resumeReading(terminalOf(world, agent));
      await world.shows(agent, "<working><idle>");
    }
    await world.pass(21_000);
  }
}

function check(world: World): void {
  const facts = world.facts();
  const unmarked = new Set<string>();
  const order = new Map<string, number>();
  const accepted = new Map(
    facts.flatMap((it, index) =>
      it.type === "message_accepted" ? [[it.messageId, { index, from: it.from }] as const] : [],
    ),
  );
  for (const { agent, epoch, messageId, markedAsRepeat, body } of world.arrivals) {
    const message = accepted.get(messageId);
    expect(message, `'${body}' was accepted before it was shown`).toBeDefined();
    if (markedAsRepeat || message === undefined) continue;
    expect(unmarked.has(`${agent} ${messageId}`), `'${body}' was shown twice to ${agent}@${epoch} unmarked`).toBe(
      false,
    );
    unmarked.add(`${agent} ${messageId}`);
    const line = `${message.from} to ${agent}`;
    expect(message.index, `order from ${line}`).toBeGreaterThan(order.get(line) ?? -1);
    order.set(line, message.index);
  }
  const exits = facts.flatMap((it) => (it.type === "agent_exited" ? [`${it.agent}@${it.epoch}`] : []));
  expect(new Set(exits).size, "one agent_exited for each incarnation").toBe(exits.length);
  for (const it of facts) {
    if (it.type !== "agent_spawning") continue;
    const agent = world.state().agents.get(it.agent);
    const alive = agent?.epoch === it.epoch && isLive(agent);
    expect(exits.includes(`${it.agent}@${it.epoch}`), `${it.agent}@${it.epoch} either lives or has exited`).toBe(
      !alive,
    );
  }
  const live = [...world.state().agents.values()].filter(isLive);
  expect([...world.host.terminals.keys()].sort(), "who lives has a terminal, and nobody else").toEqual(
    live.map((it) => `${it.name}@${it.epoch}`).sort(),
  );
  for (const agent of live) {
    expect(
      agent.mailbox.waitingCount + (agent.injection?.items.length ?? 0),
      `nothing waits for ${agent.name}, which is ${agent.status}`,
    ).toBe(0);
  }
  for (const [messageId] of accepted) {
    for (const agent of facts.flatMap((it) =>
      it.type === "message_accepted" && it.messageId === messageId ? it.recipients : [],
    )) {
      const box = world.state().agents.get(agent);
      if (box?.kind === "person" || box?.mailbox.find(messageId)?.place === "waiting") continue;
      const arrived = world.arrivals.some((it) => it.agent === agent && it.messageId === messageId);
      const dead = facts.some(
        (it) => it.type === "delivery_dead_lettered" && it.agent === agent && it.messageId === messageId,
      );
      expect(arrived || dead, `${messageId} reached ${agent}, or is a dead letter`).toBe(true);
    }
  }
}

test(
  "whatever happens, nothing is lost, doubled unmarked, out of order or left behind",
  { timeout: 60_000 },
  async () => {
    await seeded<Step>(
      { seed: process.env["SEED"], commands: steps, runs: 200, stepsMax: 25, delayMsMax: 900, lostPercent: 0 },
      async (story) => {
        const world = await openWorld();
        for (const agent of names) await world.spawn(agent, { cli: "turns", channels: ["all-of-us"] });
        let count = 0;
        for (const { command, delayMs, fate } of story) {
          await world.pass(delayMs);
          const id = `c${count++}`;
          await play(world, command, id);
          if (fate === "duplicated" && command.do === "send") await play(world, command, id);
        }
        await calm(world);
        check(world);
      },
    );
  },
);
