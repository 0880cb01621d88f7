/**
 * The storm: the broker is killed again and again, at moments that a seed decides, while ten agents and a script
 * exchange messages. Afterwards the log and the agents' own journals must tell the same story, with nothing missing.
 *
 *   KILLS=200   how often the broker is killed
 *   SEED=…      repeats a run; the seed of each run is printed
 */
import process from "node:process";
import { seededRandom } from "@agent-relay/testkit";
import type { Receipt, Relay, RelayEvent } from "@agent-relay/sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openStage, until, watchEvents, type Player, type Stage, type Watch } from "../test/stage.ts";
import { askingAround } from "./asking-around.ts";
import { allEvents } from "./log-checks.ts";

const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const kills = Number(process.env["KILLS"] ?? 200);
/** Messages that are accepted and not seen yet. Enough to keep everyone busy at every kill. */
const OWED_MAX = 120;
/** Short and long lives alternate: agents that were refused come back within a second. */
const LIFE_MS_MAX = 1_300;
const SETTLED_WITHIN_MS = 90_000;

let stage: Stage;
let relay: Relay;
let watch: Watch;
let team: readonly Player[];

beforeAll(async () => {
  process.stdout.write(`crash storm: SEED=${seed} KILLS=${kills}\n`);
  stage = openStage();
  await stage.startBroker();
  relay = await stage.connect();
  watch = watchEvents(relay);
  team = await Promise.all(
    Array.from({ length: 10 }, (_, index) =>
      stage.play(relay, index % 5 < 3 ? `paste-${index}` : `inbox-${index}`, askingAround, { inbox: index % 5 >= 3 }),
    ),
  );
});

afterAll(async () => {
  await watch.stop();
  expect(await stage.clear()).toEqual([]);
});

test(`nothing is lost when the broker is killed ${kills} times under load`, async () => {
  const random = seededRandom(seed);
  const pick = (): Player => team[Math.floor(random() * team.length)] ?? fail("nobody");
  const receipts: Promise<Receipt>[] = [];
  const bodies: string[] = [];
  const storm = { over: false };
  const sending = (async () => {
    while (!storm.over) {
      const to = pick();
      const other = team[(team.indexOf(to) + 1 + Math.floor(random() * (team.length - 1))) % team.length] ?? to;
      const body = receipts.length % 2 === 0 ? `task ${receipts.length} ask ${other.name}` : `note ${receipts.length}`;
      bodies.push(body);
      receipts.push(relay.send({ to: to.name, body }));
      // What is under way counts as well: nobody has said yet that it was accepted.
      await until(
        () => storm.over || owedNow() + receipts.length - acceptedOf("operator") < OWED_MAX,
        "somebody reads a message",
        SETTLED_WITHIN_MS,
      );
    }
  })();
  // The sender may fail first; whoever waits for it below hears of it.
  sending.catch(() => undefined);

  const startedAt = Date.now();
  for (let kill = 1; kill <= kills; kill += 1) {
    if (random() < 0.15) await killWhileStarting(Math.floor(random() * 900));
    else {
      await later(Math.floor(random() * LIFE_MS_MAX));
      await stage.killBroker();
    }
    await stage.startBroker();
    if (kill % 20 === 0)
      process.stdout.write(
        `${kill} kills, ${Math.round((Date.now() - startedAt) / 1_000)} s: ${receipts.length} messages sent, ${countOf("answer")} answers, ${owedNow()} owed, ${watch.events.length} events\n`,
      );
  }
  storm.over = true;
  await sending;
  const accepted = await Promise.all(receipts);
  await settle();

  const events = await allEvents(relay);
  process.stdout.write(
    `${kills} kills in ${Math.round((Date.now() - startedAt) / 1_000)} s: ${accepted.length} messages sent, ${countOf("answer")} answers, ${events.length} events\n`,
  );
  const broken = [
    ...sequencesOf(events),
    ...deliveriesOf(events),
    ...journalsOf(events),
    ...conversationsOf(events, accepted, bodies),
    ...survivors(events, await relay.who()),
  ];
  for (const it of broken.slice(0, 40)) process.stdout.write(`broken: ${it}\n`);
  expect(broken).toEqual([]);
  // Something may happen at any time, as somebody is idle for long.
  await watch.caughtUp();
  const sequences = events.map((it) => it.sequence);
  expect(watch.events.slice(0, sequences.length).map((it) => it.sequence)).toEqual(sequences);
});

/** Kills a broker that may not have come up yet. */
async function killWhileStarting(afterMs: number): Promise<void> {
  await stage.killBroker();
  const starting = stage.startBroker();
  starting.catch(() => undefined);
  await later(afterMs);
  await stage.killBroker();
  await starting.catch(() => undefined);
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
    if (event?.type === "message_accepted") {
      for (const agent of event.recipients) owed.add(`${event.messageId} ${agent}`);
      for (const key of [event.from, event.body.replace(/ .*/u, "")]) counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    if (event?.type === "delivery_seen" || event?.type === "delivery_dead_lettered")
      owed.delete(`${event.messageId} ${event.agent}`);
  }
  return owed.size;
}

function countOf(key: string): number {
  owedNow();
  return counts.get(key) ?? 0;
}

const acceptedOf = countOf;

async function settle(): Promise<void> {
  // A task that was just seen causes two more messages: settled is what stays settled until everyone is idle.
  const isSettled = async (): Promise<boolean> =>
    owedNow() === 0 &&
    countOf("answer") === countOf("task") &&
    (await relay.who()).every((it) => it.kind === "person" || (it.status === "idle" && it.pending === 0)) &&
    owedNow() === 0;
  const end = Date.now() + SETTLED_WITHIN_MS;
  while (!(await isSettled()) && Date.now() < end) await later(100);
  await watch.caughtUp();
}

function sequencesOf(events: readonly RelayEvent[]): readonly string[] {
  return events.flatMap((event, index) =>
    event.sequence === index + 1 ? [] : [`event ${event.sequence} stands at place ${index + 1}`],
  );
}

/** Every accepted message has ended: seen, answered or a dead letter. */
function deliveriesOf(events: readonly RelayEvent[]): readonly string[] {
  const stages = new Map<string, string>();
  for (const event of events) {
    if (event.type === "message_accepted")
      for (const agent of event.recipients) stages.set(`${event.messageId} ${agent}`, `accepted (${event.body})`);
    if (!("messageId" in event) || !("agent" in event)) continue;
    const key = `${event.messageId} ${event.agent}`;
    if (event.type === "delivery_seen") stages.set(key, "seen");
    else if (event.type === "delivery_answered") stages.set(key, "answered");
    else if (event.type === "delivery_dead_lettered") stages.set(key, `dead letter: ${event.reason}`);
    else if (event.type === "delivery_handed_over" && stages.get(key)?.startsWith("accepted") === true)
      stages.set(key, "accepted, handed over");
  }
  const counts = new Map<string, number>();
  for (const stage of stages.values())
    counts.set(stage.replace(/ \(.*/u, ""), (counts.get(stage.replace(/ \(.*/u, "")) ?? 0) + 1);
  process.stdout.write(`deliveries: ${[...counts].map(([stage, count]) => `${count} ${stage}`).join(", ")}\n`);
  return [...stages]
    .filter(([, stage]) => stage.startsWith("accepted"))
    .map(([key, stage]) => `${key} is only ${stage}`);
}

/** What the agents wrote down: everything came, nothing came twice without a mark, and in order. */
function journalsOf(events: readonly RelayEvent[]): readonly string[] {
  const broken: string[] = [];
  const accepted = new Map(
    events.flatMap((it) => (it.type === "message_accepted" ? [[it.messageId, it] as const] : [])),
  );
  const dead = new Set(
    events.flatMap((it) => (it.type === "delivery_dead_lettered" ? [`${it.messageId} ${it.agent}`] : [])),
  );
  let repeats = 0;
  for (const player of team) {
    const shown = new Set<string>();
    const newest = new Map<string, number>();
    for (const message of player.messages()) {
      const id = message.id ?? "none";
      const fact = accepted.get(id);
      if (fact === undefined || message.body !== fact.body || message.from !== fact.from || !message.complete)
        broken.push(`${player.name} got ${id} ${JSON.stringify(message.body)}, which nobody sent like that`);
      if (shown.has(id)) {
        repeats += 1;
        if (!message.repeat) broken.push(`${player.name} was shown ${id} twice without a mark`);
        continue;
      }
      shown.add(id);
      const from = message.from ?? "nobody";
      const sequence = fact?.sequence ?? 0;
      if (sequence < (newest.get(from) ?? 0)) broken.push(`${player.name} got ${id} of ${from} after a later one`);
      newest.set(from, sequence);
    }
    for (const [id, { recipients, body }] of accepted)
      if (recipients.includes(player.name) && !shown.has(id) && !dead.has(`${id} ${player.name}`))
        broken.push(`${id} (${body}) never reached ${player.name}`);
    for (const entry of player.journal()) {
      if (entry.type === "tool" && entry.outcome !== "ok")
        broken.push(
          `${player.name}: ${entry.tool} ${entry.outcome} after ${entry.attempts}: ${entry.result.slice(0, 200)}`,
        );
      if (entry.type === "hook" && entry.outcome !== "ok")
        broken.push(`${player.name}: the hook ${entry.signal} ended with ${entry.outcome} after ${entry.attempts}`);
      if (entry.type === "lost") broken.push(`${player.name} lost ${entry.what.slice(0, 100)}`);
    }
  }
  process.stdout.write(`presented again, marked: ${repeats}\n`);
  return broken;
}

/** Each task caused one question and one answer, and what the script sent was accepted once, in the order of sending. */
function conversationsOf(
  events: readonly RelayEvent[],
  receipts: readonly Receipt[],
  sentBodies: readonly string[],
): readonly string[] {
  const broken: string[] = [];
  const bodies = new Map<string, number>();
  const sent = new Map<string, number>();
  for (const event of events) {
    if (event.type !== "message_accepted") continue;
    const what = event.body.replace(/ ask .*/u, "");
    bodies.set(what, (bodies.get(what) ?? 0) + 1);
    if (event.from === "operator") sent.set(event.messageId, event.sequence);
  }
  for (const [index, receipt] of receipts.entries()) {
    const words = (sentBodies[index] ?? "").startsWith("task") ? ["task", "question", "answer"] : ["note"];
    for (const word of words)
      if (bodies.get(`${word} ${index}`) !== 1)
        broken.push(`${word} ${index} was accepted ${bodies.get(`${word} ${index}`) ?? 0} times`);
    if (sent.get(receipt.messageId) !== receipt.sequence)
      broken.push(
        `the receipt of message ${index} names ${receipt.messageId} at ${receipt.sequence}, the log ${sent.get(receipt.messageId) ?? "nothing"}`,
      );
    if (index > 0 && receipt.sequence <= (receipts[index - 1]?.sequence ?? 0))
      broken.push(`message ${index} was accepted before message ${index - 1}`);
  }
  if (sent.size !== receipts.length) broken.push(`${receipts.length} messages were sent, ${sent.size} accepted`);
  return broken;
}

/** Ten agents, the same processes as at the start. */
function survivors(
  events: readonly RelayEvent[],
  views: readonly {
    readonly name: string;
    readonly pid: number | null;
    readonly epoch: number;
    readonly status: string;
  }[],
): readonly string[] {
  const changed = team.flatMap(({ name, pid, epoch }) => {
    const view = views.find((it) => it.name === name);
    return view?.pid === pid && view.epoch === epoch
      ? []
      : [`${name} was pid ${pid}, epoch ${epoch}, and is pid ${view?.pid ?? "none"}, epoch ${view?.epoch ?? "none"}`];
  });
  const unexpected = events.flatMap((it) =>
    it.type === "agent_exited" || it.type === "delivery_dead_lettered" ? [`${it.type} ${it.agent}: ${it.reason}`] : [],
  );
  return [...changed, ...unexpected];
}

function fail(message: string): never {
  throw new Error(message);
}
