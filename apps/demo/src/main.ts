/**
 * The main job, watched from end to end: a team in real terminals exchanges durable messages, one of them is killed and
 * comes back, the broker is killed and comes back, and at the end every message is accounted for.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { connect, type Receipt, type Relay, type RelayEvent } from "@agent-relay/sdk";
import { openStage, type Stage } from "./stage.ts";
import { castTeam, spawnTeam, type Member } from "./team.ts";
import { judge } from "./verdict.ts";

const STORM_MESSAGES = 60;
const SETTLED_WITHIN_MS = 25_000;

const startedAt = Date.now();
let interrupted = false;

function say(text: string): void {
  process.stdout.write(`${((Date.now() - startedAt) / 1_000).toFixed(1).padStart(5)}s  ${text}\n`);
}

function readArguments(): readonly string[] {
  const { values } = parseArgs({ options: { with: { type: "string" }, help: { type: "boolean" } } });
  if (values.help === true) {
    process.stdout.write(
      "npm start [-- --with claude,codex]\n\nRuns the main job with scripted agents, or with up to two agent programs found on PATH.\n",
    );
    process.exit(0);
  }
  return (values.with ?? "")
    .split(",")
    .filter((it) => it.length > 0)
    .slice(0, 2);
}

async function main(): Promise<number> {
  const programs = readArguments();
  const stage = openStage();
  let relay: Relay | undefined;
  let broken: readonly string[];
  try {
    say(`a temporary project: ${stage.project}`);
    await stage.cli("up");
    relay = await connect({ project: stage.project, surroundings: stage.surroundings });
    const { pid, ptyHost } = await relay.status();
    stage.watch(pid, "broker");
    say(`broker ${pid} is up, its log is on disk`);
    broken = await play(stage, relay, castTeam(stage.project, programs), ptyHost.pid);
  } catch (error) {
    broken = [error instanceof Error ? error.message : String(error)];
  } finally {
    await relay?.close();
  }
  const left = await stage.clear();
  say(left.length === 0 ? "nothing is left behind: no process, no file" : `left behind: ${left.join(", ")}`);
  const failures = [...broken, ...left];
  for (const it of broken) process.stdout.write(`  broken: ${it}\n`);
  if (interrupted) return 130;
  process.stdout.write(
    failures.length === 0 ? "\nEvery promise was kept.\n" : `\n${failures.length} promises were broken.\n`,
  );
  return failures.length === 0 ? 0 : 1;
}

async function play(
  stage: Stage,
  relay: Relay,
  team: readonly Member[],
  hostPid: number | null,
): Promise<readonly string[]> {
  const events: RelayEvent[] = [];
  const following = new AbortController();
  const followed = collect(relay, events, following.signal);

  await spawnTeam(relay, team);
  for (const view of await relay.who()) {
    if (view.pid === null) continue;
    stage.watch(view.pid, view.name);
    const member = team.find((it) => it.name === view.name);
    say(`${view.name} is ready: pid ${view.pid}, ${member?.about ?? view.harness ?? "unknown"}`);
  }
  const host = (await relay.status()).ptyHost.pid ?? hostPid;
  if (host !== null) stage.watch(host, "terminals' host");

  const receipts: Receipt[] = [];
  await relay.channel("team").join();
  say("a message to the channel #team, where everybody answers");
  receipts.push(await relay.send({ to: "#team", body: "who is here?" }));
  say("a chain of replies: operator → ada → ben → ada → ben → #team → cleo");
  receipts.push(await relay.send({ to: "ada", body: "chain: please find out how long it takes" }));
  await quiet(events, 1_500);

  await killAgent(
    stage,
    relay,
    events,
    team.some((it) => it.name === "ben" && it.journal !== undefined),
  );
  await storm(stage, relay, receipts);
  await Promise.all(
    receipts.map((it) =>
      relay.client.call("message.await", {
        messageId: it.messageId,
        until: "handed_over",
        timeoutMs: SETTLED_WITHIN_MS,
      }),
    ),
  );
  await settled(relay, events, team);
  following.abort();
  await followed;

  const verdict = judge(events, team);
  process.stdout.write(`\n${verdict.lines.join("\n")}\n\n`);
  const more = [
    verdict.handedOver > 0 ? `, handed over without proof ${verdict.handedOver}` : "",
    verdict.deadLettered > 0 ? `, dead letters ${verdict.deadLettered}` : "",
  ].join("");
  say(
    `verdict: accepted ${verdict.accepted}, seen ${verdict.seen}, lost ${verdict.lost}, repeated ${verdict.repeated}${more}`,
  );
  return verdict.broken;
}

async function killAgent(stage: Stage, relay: Relay, events: readonly RelayEvent[], comesBack: boolean): Promise<void> {
  const ben = (await relay.who()).find((it) => it.name === "ben");
  if (typeof ben?.pid !== "number") throw new Error("ben does not run");
  const killedAt = Date.now();
  process.kill(ben.pid, "SIGKILL");
  const exit = await first(events, (it) => it.type === "agent_exited" && it.agent === "ben", 5_000);
  if (exit.type !== "agent_exited") throw new Error("not an exit");
  say(
    `ben was killed: agent_exited{reason: ${exit.reason}, signal: ${exit.signal ?? "none"}} after ${exit.at - killedAt} ms`,
  );
  if (!comesBack) return;
  await first(events, (it) => it.type === "agent_ready" && it.agent === "ben" && it.epoch > ben.epoch, 20_000);
  const again = (await relay.who()).find((it) => it.name === "ben");
  if (typeof again?.pid === "number") stage.watch(again.pid, "ben");
  say(`ben is back: pid ${again?.pid ?? "unknown"}, epoch ${again?.epoch ?? 0}`);
}

async function storm(stage: Stage, relay: Relay, receipts: Receipt[]): Promise<void> {
  say(`${STORM_MESSAGES} messages, and the broker is killed in the middle of them`);
  const names = ["ada", "ben", "cleo"];
  const before = (await relay.status()).pid;
  const sending: Promise<Receipt>[] = [];
  for (let index = 0; index < STORM_MESSAGES; index += 1) {
    sending.push(relay.send({ to: names[index % names.length] ?? "ada", body: `task ${index + 1}` }));
    if (index === STORM_MESSAGES / 2) {
      process.kill(before, "SIGKILL");
      say(`broker ${before} was killed with SIGKILL`);
      await stage.cli("up");
    }
    if (index % 4 === 3) await new Promise((resolve) => setTimeout(resolve, 15));
  }
  receipts.push(...(await Promise.all(sending)));
  const after = (await relay.status()).pid;
  stage.watch(after, "broker");
  const alive = (await relay.who()).filter((it) => it.pid !== null).length;
  say(`broker ${after} took over: ${alive} agents still run, all ${STORM_MESSAGES} messages are accepted`);
}

/** Waits until nothing is owed any more, reading the operator's own mail meanwhile. */
async function settled(relay: Relay, events: readonly RelayEvent[], team: readonly Member[]): Promise<void> {
  const until = Date.now() + SETTLED_WITHIN_MS;
  while (Date.now() < until) {
    const { messages } = await relay.inbox.check({ limit: 100 });
    await relay.inbox.ack(messages.map((it) => it.messageId));
    await new Promise((resolve) => setTimeout(resolve, 200));
    if (messages.length === 0 && judge(events, team).broken.length === 0 && idleFor(events) > 700) return;
  }
}

async function collect(relay: Relay, events: RelayEvent[], signal: AbortSignal): Promise<void> {
  for await (const event of relay.events({ from: 0, signal })) events.push(event);
}

async function first(
  events: readonly RelayEvent[],
  matches: (event: RelayEvent) => boolean,
  withinMs: number,
): Promise<RelayEvent> {
  const until = Date.now() + withinMs;
  for (;;) {
    const found = events.find(matches);
    if (found !== undefined) return found;
    if (Date.now() > until) throw new Error(`an event did not come within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function quiet(events: readonly RelayEvent[], ms: number): Promise<void> {
  const until = Date.now() + 15_000;
  while (idleFor(events) < ms && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 50));
}

function idleFor(events: readonly RelayEvent[]): number {
  return Date.now() - (events.at(-1)?.at ?? 0);
}

process.on("SIGINT", () => {
  // The story breaks off by itself when its broker goes; what was started is cleared away either way.
  interrupted = true;
});
process.exitCode = await main();
