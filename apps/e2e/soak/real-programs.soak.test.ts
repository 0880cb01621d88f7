/**
 * The soak of real programs: two Claude Codes, two Codexes and two scripted agents write to each other, while the broker
 * is killed again and again, and an agent every minute. Afterwards the log, what the models were given and the scripted
 * agents' journals must tell the same story, with nothing missing.
 *
 *   MESSAGES=2000          how many messages are sent, by the script and by the agents
 *   KILLS=20               how often the broker is killed
 *   AGENT_KILL_SECONDS=60  how much later the next agent is killed
 *   SEED=…                 decides who is written to and when who is killed; the seed of each run is printed
 *   WRITE=1                writes what was measured into docs/benchmarks.md, if nothing was broken
 */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { seededRandom } from "@agent-relay/testkit";
import type { EventOf, Receipt, Relay, RelayEvent } from "@agent-relay/sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isAlive, until, watchEvents, type Watch } from "../test/stage.ts";
import { askingAround } from "./asking-around.ts";
import { conversationRule } from "./conversation-rule.ts";
import { figuresOf, writeSection, type Figures } from "./figures.ts";
import { allEvents, brokenAtAgent, brokenInLog, cutOff, deliveryKey, ledgerOf, type Ledger } from "./log-checks.ts";
import { openMixedTeam, type Member, type MixedTeam } from "./mixed-team.ts";

const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const messages = Number(process.env["MESSAGES"] ?? 2_000);
/** An agent that is killed over its mail may never send what it was going to: what is missing in the end is sent then. */
const promisedMin = messages * 1.05;
const brokerKills = Number(process.env["KILLS"] ?? 20);
const agentKillEveryMs = Number(process.env["AGENT_KILL_SECONDS"] ?? 60) * 1_000;
/** Messages that are accepted and not seen yet: several wait for each agent, so that prompts carry more than one. */
const owedMax = 60;
/** Every program is killed at least this often in relation to its kind, however short the run: Claude Code, Codex, scripted. */
const agentKillsMin = 3;
const settledWithinMs = 180_000;
const resultFile = fileURLToPath(new URL("../../../temp/soak/real-programs.json", import.meta.url));
const page = fileURLToPath(new URL("../../../docs/benchmarks.md", import.meta.url));
/** For whoever has to find out what happened. */
const eventsFile = resultFile.replace(".json", ".events.jsonl");

let team: MixedTeam;
let relay: Relay;
let watch: Watch;
let members: readonly Member[];

interface AgentKill {
  readonly name: string;
  readonly epoch: number;
  readonly pid: number;
}
const agentKills: AgentKill[] = [];

beforeAll(async () => {
  say(`SEED=${seed} MESSAGES=${messages} KILLS=${brokerKills} AGENT_KILL_SECONDS=${agentKillEveryMs / 1_000}`);
  team = await openMixedTeam([conversationRule((body) => countOf(body) > 0)], askingAround);
  await team.stage.startBroker();
  relay = await team.stage.connect({ reconnect: { giveUpAfterMs: 120_000, delayMs: 20, delayMsMax: 250 } });
  watch = watchEvents(relay);
  members = await team.assemble(relay);
  say(`ready: ${members.map(({ name, pid }) => `${name} ${pid}`).join(", ")}`);
});

afterAll(async () => {
  await watch?.stop();
  const left = await team?.stage.clear();
  await team?.model.close();
  expect(left).toEqual([]);
});

test(`nothing is lost of ${messages} messages when the broker is killed ${brokerKills} times, and an agent every minute`, async () => {
  const random = seededRandom(seed);
  const startedAt = Date.now();
  const storm = { over: false };
  const receipts: Promise<Receipt>[] = [];
  const sending = send({ receipts, random: seededRandom(seed + 1), storm });
  const killing = killAgents({ random: seededRandom(seed + 2), storm });
  // Either may fail first; whoever waits for it below hears of it.
  for (const it of [sending, killing]) it.catch(() => (storm.over = true));

  for (let kill = 1; kill <= brokerKills; kill += 1) {
    const due = Math.floor(((kill - random()) / brokerKills) * messages * 0.95);
    await until(() => storm.over || sentNow() >= due, `${due} messages`, 1_800_000);
    await later(Math.floor(random() * 1_300));
    await killBroker(random);
    say(
      `kill ${kill}, ${seconds(startedAt)} s: ${sentNow()} messages, ${owedNow()} owed, ${agentKills.length} agents killed, ${watch.events.length} events`,
    );
  }
  await sending;
  storm.over = true;
  await killing;
  let sentWithin = seconds(startedAt);
  await settle();
  for (let missing = messages - sentNow(); missing > 0; missing -= 1) {
    const to = members[missing % members.length] ?? fail("nobody");
    receipts.push(relay.send({ to: to.name, body: `note ${receipts.length}` }));
    sentWithin = seconds(startedAt);
  }
  const accepted = await Promise.all(receipts);
  await settle();

  const events = await allEvents(relay);
  const ledger = ledgerOf(events);
  const killed = agentKills.map(({ name }) => name);
  const figures: Figures = {
    ...figuresOf({ events, ledger, team, members, killed, isOurs }),
    seed,
    sentWithinSeconds: sentWithin,
    seconds: seconds(startedAt),
  };
  say(JSON.stringify(figures, undefined, 1));
  mkdirSync(path.dirname(resultFile), { recursive: true });
  writeFileSync(resultFile, `${JSON.stringify(figures, undefined, 2)}\n`);
  writeFileSync(eventsFile, events.map((it) => `${JSON.stringify(it)}\n`).join(""));
  const broken = [
    ...brokenInLog(events, ledger),
    ...members.flatMap(({ name, shown }) => brokenAtAgent(name, shown(), ledger)),
    ...neverShown(events, ledger),
    ...conversationsOf(events, ledger),
    ...livesOf(events, await relay.who()),
    ...brokenReceipts(accepted, ledger),
  ];
  for (const it of broken.slice(0, 60)) say(`broken: ${it}`);
  expect(broken).toEqual([]);
  expect(figures.messages).toBeGreaterThanOrEqual(messages);
  expect(figures.brokerKills).toBeGreaterThanOrEqual(brokerKills);
  // Something may happen at any time, as somebody is idle for long.
  await watch.caughtUp();
  const sequences = events.map((it) => it.sequence);
  expect(watch.events.slice(0, sequences.length).map((it) => it.sequence)).toEqual(sequences);
  if (process.env["WRITE"] === "1") writeSection(page, figures);
});

interface Sending {
  readonly receipts: Promise<Receipt>[];
  readonly random: () => number;
  readonly storm: { readonly over: boolean };
}

/** Half of what the script sends are tasks, which cause a question and an answer each. */
async function send({ receipts, random, storm }: Sending): Promise<void> {
  const pick = (): number => Math.floor(random() * members.length);
  for (let number = 0; promised < promisedMin; number += 1) {
    const at = pick();
    const to = members[at] ?? fail("nobody");
    const other = members[(at + 1 + Math.floor(random() * (members.length - 1))) % members.length] ?? to;
    const isTask = number % 2 === 0;
    promised += isTask ? 3 : 1;
    receipts.push(relay.send({ to: to.name, body: isTask ? `task ${number} ask ${other.name}` : `note ${number}` }));
    // What is under way counts as well: nobody has said yet that it was accepted.
    await until(
      () => storm.over || owedNow() + receipts.length - countOf("operator") < owedMax,
      "somebody reads a message",
      settledWithinMs,
    );
    if (storm.over) return;
  }
}
/** Messages that were sent, and those that they will cause. */
let promised = 0;

/** Kills one agent after another, in a random order of all, and waits until it is back. */
async function killAgents({ random, storm }: Pick<Sending, "random" | "storm">): Promise<void> {
  const order = [...members].map((it) => ({ it, rank: random() })).sort((a, b) => a.rank - b.rank);
  // The first three are of three kinds.
  const kinds = ["claude-code", "codex", "scripted"].map((kind) => order.find(({ it }) => it.program === kind));
  const all = [...kinds, ...order.filter((it) => !kinds.includes(it))].flatMap((it) =>
    it === undefined ? [] : [it.it],
  );
  let next = Date.now() + agentKillEveryMs / 2;
  for (let count = 0; !storm.over || count < Math.min(agentKillsMin, members.length); count += 1) {
    await until(() => storm.over || Date.now() >= next, "a minute", agentKillEveryMs * 2 + 60_000);
    if (storm.over && count >= agentKillsMin) return;
    next = Date.now() + agentKillEveryMs;
    await killAgent(all[count % all.length] ?? fail("nobody"));
  }
}

async function killAgent({ name, program }: Member): Promise<void> {
  // A program writes its session down at the end of its first turn at the latest: before, there is nothing to resume.
  const proof = program === "scripted" ? "delivery_seen" : "agent_turn_ended";
  const view = await until(
    async () => {
      const found = (await relay.who()).find((it) => it.name === name);
      const isUsed = watch.events.some((it) => it.type === proof && it.agent === name && it.epoch === found?.epoch);
      return isUsed && found !== undefined && found.pid !== null ? found : undefined;
    },
    `${name} has had a turn`,
    settledWithinMs,
  );
  const { epoch, pid } = view;
  if (pid === null) return;
  agentKills.push({ name, epoch, pid });
  process.kill(pid, "SIGKILL");
  say(`killed ${name}, epoch ${epoch}, pid ${pid}, ${view.status}`);
  await until(
    () => watch.events.some((it) => it.type === "agent_ready" && it.agent === name && it.epoch > epoch),
    `${name} is back`,
    settledWithinMs,
  );
}

/** At any moment, and sometimes before it has come up. */
async function killBroker(random: () => number): Promise<void> {
  const { stage } = team;
  await stage.killBroker();
  if (random() < 0.15) {
    const starting = stage.startBroker();
    starting.catch(() => undefined);
    await later(Math.floor(random() * 900));
    await stage.killBroker();
    await starting.catch(() => undefined);
  }
  await stage.startBroker();
}

async function later(ms: number): Promise<void> {
  // The moment of a kill is the experiment itself, not something to wait for.
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/** Deliveries that are accepted and neither seen nor dead, as far as the events have come. */
const owed = new Set<string>();
const counts = new Map<string, number>();
let looked = 0;

function owedNow(): number {
  for (; looked < watch.events.length; looked += 1) {
    const event = watch.events[looked];
    if (event?.type === "message_accepted" && isOurs(event)) {
      for (const agent of event.recipients) owed.add(deliveryKey(event.messageId, agent));
      for (const key of [event.from, event.body, "all"]) counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    if (event?.type === "delivery_seen" || event?.type === "delivery_dead_lettered")
      owed.delete(deliveryKey(event.messageId, event.agent));
  }
  return owed.size;
}

/** Notices of the broker itself are not. */
function isOurs({ body }: { readonly body: string }): boolean {
  return /^(?:task|question|answer|note) \d+/u.test(body);
}

function countOf(key: string): number {
  owedNow();
  return counts.get(key) ?? 0;
}

const sentNow = (): number => countOf("all");

async function settle(): Promise<void> {
  // A task that was just seen causes two more messages: settled is what stays settled until everyone is idle.
  const isSettled = async (): Promise<boolean> =>
    owedNow() === 0 &&
    (await relay.who()).every((it) => it.kind === "person" || (it.status === "idle" && it.pending === 0)) &&
    owedNow() === 0;
  const end = Date.now() + settledWithinMs;
  while (!(await isSettled()) && Date.now() < end) await later(250);
  if (!(await isSettled())) {
    say(`not settled: ${owedNow()} owed`);
    for (const it of await relay.who()) say(`  ${it.name}: ${it.status}, ${it.reason ?? ""}, ${it.pending} pending`);
  }
  await watch.caughtUp();
}

/** What was seen stands in the model's intake, unless the program was killed right then. */
function neverShown(events: readonly RelayEvent[], { accepted, endings }: Ledger): readonly string[] {
  const excused = cutOff(events);
  return members.flatMap(({ name, shown }) => {
    const known = new Set(shown().map(({ id }) => id));
    return [...accepted.values()]
      .filter(({ recipients, messageId }) => recipients.includes(name) && !known.has(messageId))
      .filter(({ messageId }) => !excused.has(deliveryKey(messageId, name)))
      .map(
        ({ messageId, body }) =>
          `${messageId} (${body}) ${endings.get(deliveryKey(messageId, name)) ?? ""}, but never reached ${name}`,
      );
  });
}

/** Each task caused one question, each question one answer, unless whoever was to send it was killed over it. */
function conversationsOf(events: readonly RelayEvent[], { accepted }: Ledger): readonly string[] {
  const excused = cutOff(events);
  const sent = new Map<string, number>();
  for (const { body } of accepted.values()) sent.set(body, (sent.get(body) ?? 0) + 1);
  return [...accepted.values()].flatMap((fact) => {
    const [kind, number] = fact.body.split(" ");
    const caused = kind === "task" ? `question ${number}` : kind === "question" ? `answer ${number}` : undefined;
    if (caused === undefined) return [];
    const owner = fact.recipients[0] ?? "";
    const times = sent.get(caused) ?? 0;
    if (times === 1) return [];
    if (excused.has(deliveryKey(fact.messageId, owner))) return [];
    const again =
      members
        .find(({ name }) => name === owner)
        ?.shown()
        .filter(({ id }) => id === fact.messageId).length ?? 0;
    if (times > 1 && times <= again * (sent.get(fact.body) ?? 1)) return [];
    return [`${caused} of ${owner} was accepted ${times} times (${fact.messageId} ${fact.body}, shown ${again} times)`];
  });
}

/** Same processes but those that were killed; each kill is told once, and a real program goes on with its session. */
function livesOf(
  events: readonly RelayEvent[],
  views: readonly { readonly name: string; readonly pid: number | null; readonly epoch: number }[],
): readonly string[] {
  const broken: string[] = [];
  const of = <Type extends RelayEvent["type"]>(type: Type, agent: string): readonly EventOf<Type>[] =>
    events.filter((it): it is EventOf<Type> => it.type === type && "agent" in it && it.agent === agent);
  for (const { name, program, pid } of members) {
    const kills = agentKills.filter((it) => it.name === name);
    const exits = of("agent_exited", name);
    const spawned = of("agent_spawned", name);
    for (const exit of exits)
      if (!kills.some(({ epoch }) => epoch === exit.epoch))
        broken.push(
          `${name} ended by itself: ${exit.reason}, epoch ${exit.epoch}, ${exit.lastLines.slice(-3).join(" | ")}`,
        );
    for (const kill of kills) {
      const told = exits.filter(({ epoch }) => epoch === kill.epoch);
      if (told.length !== 1 || told[0]?.signal !== "SIGKILL")
        broken.push(
          `the kill of ${name}, epoch ${kill.epoch}, is told by ${told.map((it) => `${it.reason} ${it.signal}`).join(", ") || "nothing"}`,
        );
      if (isAlive(kill.pid)) broken.push(`${name}, pid ${kill.pid}, lives on`);
      if (program === "scripted") continue;
      const before = of("agent_session_started", name)
        .filter(({ epoch }) => epoch <= kill.epoch)
        .at(-1)?.sessionId;
      const after = of("agent_session_started", name)
        .filter(({ epoch }) => epoch === kill.epoch + 1)
        .at(-1)?.sessionId;
      const resume = of("agent_spawning", name).find(({ epoch }) => epoch === kill.epoch + 1)?.resume;
      // A session that goes on under its own name does not begin again.
      if (before === undefined || resume !== before || (after !== undefined && after !== before))
        broken.push(
          `${name}, epoch ${kill.epoch + 1}: session ${before ?? "none"} was to go on, ${resume ?? "none"} was resumed, ${after ?? "none"} began`,
        );
    }
    const lives = [pid, ...kills.map((kill) => spawned.find(({ epoch }) => epoch === kill.epoch + 1)?.pid ?? 0)];
    const view = views.find((it) => it.name === name);
    if (view?.pid !== lives.at(-1) || view?.epoch !== kills.length + 1 || spawned.length !== kills.length + 1)
      broken.push(
        `${name} had ${lives.join(", ")} and is pid ${view?.pid ?? "none"}, epoch ${view?.epoch ?? "none"}, after ${spawned.length} starts`,
      );
    if (program !== "scripted" && kills.length > 0) {
      const shown = new Set(team.intake.shownTo(name).map(({ id }) => id)).size;
      const remembered = team.intake.rememberedBy(name);
      if (remembered < shown * 0.9)
        broken.push(`${name} was shown ${shown} messages, and its conversation has ${remembered}`);
    }
  }
  return broken;
}

function brokenReceipts(receipts: readonly Receipt[], { accepted }: Ledger): readonly string[] {
  return receipts.flatMap(({ messageId, sequence }, index) => [
    ...(accepted.get(messageId)?.sequence === sequence ? [] : [`the receipt of message ${index} is not in the log`]),
    ...(index > 0 && sequence <= (receipts[index - 1]?.sequence ?? 0) ? [`message ${index} overtook another`] : []),
  ]);
}

function seconds(since: number): number {
  return Math.round((Date.now() - since) / 1_000);
}

function say(line: string): void {
  process.stdout.write(`real programs: ${line}\n`);
}

function fail(message: string): never {
  throw new Error(message);
}
