/**
 * The play, scene by scene: ready, a channel that everybody answers, chains of replies, an agent killed, a storm in which
 * the broker is killed, and the verdict.
 *
 *   P1  What the relay promises and what a model was asked for are kept apart: a model with a mind of its own that does
 *       not answer breaks no promise, and is told.
 */
import { randomInt } from "node:crypto";
import type { AgentView, Receipt, Relay } from "@agent-relay/sdk";
import { askToAsk, remember, task, whichWord, whoIsHere } from "./script.ts";
import type { Stage } from "./stage.ts";
import { tally } from "./tally.ts";
import { chainsOf, type Member } from "./team.ts";
import { judge } from "./verdict.ts";
import { followLog, pause, type Log } from "./waiting.ts";

export interface Cast {
  readonly stage: Stage;
  readonly relay: Relay;
  readonly team: readonly Member[];
  readonly say: (text: string) => void;
  /** Without a time in front. */
  readonly print: (text: string) => void;
  /** The models answer as they are told: what is not answered is broken, and messages cost nothing. */
  readonly isScripted: boolean;
}

interface Scene extends Cast {
  readonly log: Log;
  readonly receipts: Receipt[];
  readonly broken: string[];
  readonly patienceMs: number;
}

const stormMessages = 60;
/** So many of them go to a program whose turns cost something. */
const stormForPaid = 2;
const words = ["heron", "juniper", "lantern", "orchard", "pebble", "saffron"] as const;

/** Answers each broken promise, in words. */
export async function play(cast: Cast): Promise<readonly string[]> {
  const { relay, team } = cast;
  const hasPrograms = team.some(({ player }) => player !== undefined);
  const patienceMs = hasPrograms ? (cast.isScripted ? 90_000 : 180_000) : 25_000;
  const log = followLog(relay);
  const scene: Scene = { ...cast, log, receipts: [], broken: [], patienceMs };
  // What a model wants besides is refused: nobody sits here who could be asked.
  const refusing = relay.on("agent_blocked", ({ agent, kind, what, sequence, answerable }) => {
    if (kind !== "permission" || !answerable) return;
    cast.say(`${agent} asks: ${what ?? "for a permission"}; the demo refuses`);
    relay.answer(agent, "deny", { block: sequence }).catch(() => undefined); // It was answered or withdrawn meanwhile.
  });
  try {
    await enter(scene);
    await relay.channel("team").join();
    await askEverybody(scene);
    await chain(scene);
    await killOne(scene);
    await storm(scene);
    await settle(scene);
    return await conclude(scene);
  } finally {
    refusing();
    await log.close();
  }
}

async function enter({ relay, team, log, stage, say, patienceMs }: Scene): Promise<void> {
  await Promise.all(team.map((it) => relay.spawn(it.spawn)));
  const waiting = new Map(team.map((it) => [it.name, it]));
  const until = Date.now() + patienceMs;
  while (waiting.size > 0) {
    for (const view of await relay.who({ all: true })) {
      const member = waiting.get(view.name);
      if (member === undefined) continue;
      if (view.pid !== null) stage.watch(view.pid, view.name);
      if (cannotBegin(view)) throw new Error(whyNot(view, member, log));
      if (!log.events.some((it) => it.type === "agent_ready" && it.agent === view.name)) continue;
      waiting.delete(view.name);
      say(`${view.name} is ready: pid ${view.pid ?? "unknown"}, ${member.about}`);
    }
    if (Date.now() > until)
      throw new Error(`not ready within ${patienceMs / 1_000} s: ${[...waiting.keys()].join(", ")}`);
    await pause(50);
  }
  const { ptyHost } = await relay.status();
  if (ptyHost.pid !== null) stage.watch(ptyHost.pid, "terminals' host");
}

function cannotBegin({ status, lastExit }: AgentView): boolean {
  return status === "blocked" || status === "permanently_dead" || (status === "exited" && lastExit !== null);
}

function whyNot({ name, status, reason, block }: AgentView, { player }: Member, { events }: Log): string {
  const exit = events.findLast((it) => it.type === "agent_exited" && it.agent === name);
  const lines = exit?.type === "agent_exited" ? exit.lastLines.slice(-6).map((line) => `\n    | ${line}`) : [];
  const next =
    player === undefined
      ? ""
      : `\n  Next: run \`${name}\` once by itself, sign in, leave it, and start again; or add --offline-model, which needs no account.`;
  return `${name} did not get ready: ${status}, ${block?.what ?? reason ?? "nothing says why"}${lines.join("")}${next}`;
}

async function askEverybody(scene: Scene): Promise<void> {
  const { relay, team, say } = scene;
  say("operator → #team: who is here?");
  const receipt = await relay.send({ to: "#team", body: whoIsHere });
  scene.receipts.push(receipt);
  for (const { name } of team) await answerOf(scene, receipt, name);
}

interface Answer {
  readonly body: string;
  readonly sequence: number;
}

/** The answer of one agent to one message, told; nothing if it has none. */
async function answerOf(scene: Scene, { messageId }: Receipt, name: string): Promise<Answer | undefined> {
  const { log, say, patienceMs } = scene;
  try {
    const answered = await log.next("delivery_answered", (it) => it.messageId === messageId && it.agent === name, {
      what: `${name} answers`,
      withinMs: patienceMs,
    });
    const answer = log.events.find(
      (it) => it.type === "message_accepted" && it.from === name && it.replyTo === messageId,
    );
    const asked = log.events.find((it) => it.type === "message_accepted" && it.messageId === messageId);
    const body = answer?.type === "message_accepted" ? answer.body : "";
    say(`  ${name} answered after ${answered.at - (asked?.at ?? answered.at)} ms: ${inShort(body)}`);
    return { body, sequence: answered.sequence };
  } catch (error) {
    missed(scene, name, error);
    return undefined;
  }
}

function missed({ team, isScripted, broken, say }: Scene, name: string, error: unknown): void {
  const what = error instanceof Error ? error.message : String(error);
  const isFree = team.some((it) => it.name === name && it.player !== undefined) && !isScripted;
  if (isFree) say(`  ${what}. Its model decides what it does, so this breaks no promise.`);
  else broken.push(what);
}

async function chain(scene: Scene): Promise<void> {
  const { relay, team, log, say, receipts, patienceMs } = scene;
  const chains = chainsOf(team);
  if (chains.length === 0) {
    say("a chain of replies: operator → ada → ben → ada → ben → #team → cleo");
    receipts.push(await relay.send({ to: "ada", body: "chain: please find out how long it takes" }));
    await log.quiet(1_500, 15_000);
    return;
  }
  for (const [asks, answers] of chains) {
    say(`a chain of replies across programs: operator → ${asks} → ${answers} → ${asks} → #team → cleo`);
    const receipt = await relay.send({ to: asks, body: askToAsk(answers) });
    receipts.push(receipt);
    try {
      const told = await log.next(
        "message_accepted",
        (it) => it.from === asks && it.sequence > receipt.sequence && it.to.kind === "channel",
        { what: `${asks} tells #team what ${answers} said`, withinMs: patienceMs },
      );
      for (const it of log.events)
        if (it.type === "message_accepted" && it.sequence > receipt.sequence && it.sequence <= told.sequence)
          say(`  ${it.from} → ${it.to.kind === "channel" ? "#" : ""}${it.to.name}: ${inShort(it.body)}`);
    } catch (error) {
      missed(scene, asks, error);
    }
  }
  await log.quiet(1_500, 15_000);
}

async function killOne(scene: Scene): Promise<void> {
  const { relay, team, log, stage, say, receipts, patienceMs } = scene;
  const victim = team.find(({ player }) => player !== undefined) ?? team.find(({ name }) => name === "ben");
  if (victim === undefined) throw new Error("there is nobody to kill");
  const { name, player } = victim;
  const word = words[randomInt(words.length)] ?? words[0];
  if (player !== undefined) {
    say(`operator → ${name}: remember the word "${word}"`);
    const receipt = await relay.send({ to: name, body: remember(word) });
    receipts.push(receipt);
    const { sequence } = (await answerOf(scene, receipt, name)) ?? receipt;
    await log.next("agent_turn_ended", (it) => it.agent === name && it.sequence > sequence, {
      what: `${name} ends its turn`,
      withinMs: patienceMs,
    });
    // A program writes its own record a moment later. What it has not written when it is killed, it cannot remember.
    await log.quiet(1_000, 5_000);
  }
  const before = (await relay.who()).find((it) => it.name === name);
  if (typeof before?.pid !== "number") throw new Error(`${name} does not run`);
  const killedAt = Date.now();
  process.kill(before.pid, "SIGKILL");
  const exit = await log.next("agent_exited", (it) => it.agent === name && it.epoch === before.epoch, {
    what: `the end of ${name} is told`,
    withinMs: 10_000,
  });
  say(
    `${name} was killed: agent_exited{reason: ${exit.reason}, signal: ${exit.signal ?? "none"}} after ${exit.at - killedAt} ms`,
  );
  const isNext = (it: { readonly agent: string; readonly epoch: number }): boolean =>
    it.agent === name && it.epoch > before.epoch;
  await log.next("agent_ready", isNext, { what: `${name} is back`, withinMs: patienceMs });
  const after = (await relay.who()).find((it) => it.name === name);
  if (typeof after?.pid === "number") stage.watch(after.pid, name);
  const spawning = await log.next("agent_spawning", isNext, { what: `${name} is spawned`, withinMs: 1_000 });
  const continued = spawning.resume === undefined ? "" : `, in its session ${spawning.resume}`;
  say(`${name} is back: pid ${after?.pid ?? "unknown"}, epoch ${after?.epoch ?? 0}${continued}`);
  if (player === undefined) return;
  if (spawning.resume === undefined || spawning.resume !== before.sessionId)
    scene.broken.push(`${name} came back without its conversation ${before.sessionId ?? "(its id was never told)"}`);
  const question = await relay.send({ to: name, body: whichWord });
  receipts.push(question);
  const answer = await answerOf(scene, question, name);
  if (answer === undefined) return;
  if (answer.body.toLowerCase().includes(word)) say(`${name} remembers: its conversation has gone on`);
  else missed(scene, name, new Error(`${name} was to remember ${word} and said ${inShort(answer.body)}`));
}

async function storm(scene: Scene): Promise<void> {
  const { relay, team, stage, say, receipts, isScripted } = scene;
  const paid = isScripted ? [] : team.filter(({ player }) => player !== undefined).map(({ name }) => name);
  const free = team.map(({ name }) => name).filter((name) => !paid.includes(name));
  const recipients = Array.from({ length: stormMessages }, (_, index) => free[index % free.length] ?? "ada");
  // Early and late, so that they meet the dying broker and the next one.
  for (let nth = 0; nth < stormForPaid; nth += 1)
    for (const name of paid) recipients.splice(Math.round(((nth + 0.8) * stormMessages) / stormForPaid), 0, name);
  const count = recipients.length;
  const share = paid.length === 0 ? "" : ` (${paid.join(" and ")}: ${stormForPaid} each)`;
  say(`${count} messages${share}, and the broker is killed in the middle of them`);
  const before = (await relay.status()).pid;
  const sending: Promise<Receipt>[] = [];
  for (const [index, to] of recipients.entries()) {
    sending.push(relay.send({ to, body: task(index + 1) }));
    if (index === Math.floor(count / 2)) {
      process.kill(before, "SIGKILL");
      say(`broker ${before} was killed with SIGKILL`);
      await stage.cli("up");
    }
    if (index % 4 === 3) await pause(15);
  }
  receipts.push(...(await Promise.all(sending)));
  const after = (await relay.status()).pid;
  stage.watch(after, "broker");
  const alive = (await relay.who()).filter((it) => it.pid !== null).length;
  say(`broker ${after} took over: ${alive} agents still run, all ${count} messages are accepted`);
}

/** Waits until nothing is owed any more, reading the operator's own mail meanwhile. */
async function settle({ relay, team, log, receipts, patienceMs }: Scene): Promise<void> {
  const until = Date.now() + patienceMs;
  await Promise.all(
    receipts.map(
      ({ messageId }) =>
        relay.client
          .call("message.await", { messageId, until: "handed_over", timeoutMs: patienceMs })
          .catch(() => undefined), // The verdict says which one is owed.
    ),
  );
  while (Date.now() < until) {
    const { messages } = await relay.inbox.check({ limit: 100 });
    await relay.inbox.ack(messages.map((it) => it.messageId));
    await pause(200);
    const quietMs = Date.now() - (log.events.at(-1)?.at ?? 0);
    const atWork = (await relay.who()).some((it) => it.status === "working");
    const { broken, handedOver } = judge(log.events, team);
    // A program that proves nothing will not begin now; one that is slow may.
    const isSettled = messages.length === 0 && !atWork && broken.length === 0;
    if (isSettled && quietMs > (handedOver === 0 ? 700 : 8_000)) return;
  }
}

async function conclude({ relay, team, log, say, print, broken }: Scene): Promise<readonly string[]> {
  const verdict = judge(log.events, team);
  const { rows } = await relay.stats("harness");
  print(`\n${verdict.lines.join("\n")}\n\n${tally(rows).join("\n")}\n`);
  const more = [
    verdict.handedOver > 0 ? `, handed over without proof ${verdict.handedOver}` : "",
    verdict.deadLettered > 0 ? `, dead letters ${verdict.deadLettered}` : "",
  ].join("");
  say(
    `verdict: accepted ${verdict.accepted}, seen ${verdict.seen}, answered ${verdict.answered}, lost ${verdict.lost}, repeated ${verdict.repeated}${more}`,
  );
  const programs = team.flatMap(({ name, player, arrivals }) =>
    player === undefined ? [] : [{ name, id: player.id, isWitnessed: arrivals !== undefined }],
  );
  if (programs.some(({ isWitnessed }) => isWitnessed)) {
    say("checked against what the scripted model itself was sent, and against the journals of the scripted agents");
    if (verdict.handedOver > 0)
      say("what is without proof has reached the model; its program's report of that has not come");
  }
  const uncounted = programs.filter(({ id }) => !rows.some((row) => row.key === id && row.outputTokens > 0));
  for (const { name } of uncounted) broken.push(`no tokens are counted for ${name}`);
  return [...broken, ...verdict.broken];
}

function inShort(body: string): string {
  const line = body.replaceAll(/\s+/gu, " ").trim();
  return JSON.stringify(line.length > 70 ? `${line.slice(0, 69)}…` : line);
}
