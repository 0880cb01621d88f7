/** The benchmark: one run, everything beside its floor, the table into `docs/benchmarks.md`. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { replayState } from "@agent-relay/broker";
import { openEventLog } from "@agent-relay/event-log";
import type { Append } from "@agent-relay/kernel";
import type { Fact } from "@agent-relay/protocol";
import { isRelayError, type Relay } from "@agent-relay/sdk";
import { megabytes, monotonicMs, ms, percentiles, table, type Percentiles, type Row } from "./figures.ts";
import { barePty, commit, webSocket } from "./floors.ts";
import { appendThroughBroker, decided, longRun, realSteps, spawnFloor, type Shape } from "./workflow.ts";
import { cliMain, cpuSecondsOf, memoryOf, openTeam, type BenchTeam } from "./team.ts";

const LATENCY_MESSAGES = 1_000;
const THROUGHPUT_MESSAGES = 40_000;
const THROUGHPUT_IN_FLIGHT = 512;
const FAN_OUT_ROUNDS = 20;
const IDLE_SECONDS = 10;
const REPLAY_EVENTS = 100_000;
const TRIVIAL_STEPS = 200;
const DECIDED_STEPS = 1_000;
const LONG_RUN_STEPS = 10_000;

const { values: flags } = parseArgs({
  options: { write: { type: "boolean", default: false }, only: { type: "string" }, profile: { type: "string" } },
});
if (flags.write && flags.only !== undefined && flags.only !== "workflow")
  throw new Error(`expected --only workflow beside --write, found --only ${flags.only}: the page has one whole run`);
const rows: Row[] = [];

function add(what: string, measured: string, against = "", reached = ""): void {
  rows.push({ what, measured, against, reached });
  process.stdout.write(
    `${what}: ${measured}${against === "" ? "" : `  [${against}]`}${reached === "" ? "" : `  (goal: ${reached})`}\n`,
  );
}

function both({ p50, p99 }: Percentiles): string {
  return `${ms(p50)} / ${ms(p99)}`;
}

const echo = fileURLToPath(new URL("./echo.js", import.meta.url));
const pty = await barePty(echo);
const disk = await commit();
const socket = await webSocket();
add("floor: bare pty, write to read back, p50 / p99", both(pty));
add("floor: SQLite commit (WAL, FULL), p50 / p99", both(disk));
add("floor: WebSocket round trip on a unix socket, p50 / p99", both(socket));

// Memory is measured on a broker that has had no load: what a load leaves behind is the collector's business.
const parts: Readonly<Record<string, () => void | Promise<void>>> = {
  standing: () => withTeam(measureStanding),
  load: () => withTeam(measureLoad),
  replay: measureReplay,
  cli: measureCli,
  workflow: measureWorkflow,
};
for (const [name, measure] of Object.entries(parts))
  if (flags.only === undefined || flags.only === name) await measure();

if (flags.write) write();

/** A part that was measured alone changes its own section and nothing else. */
function write(): void {
  const file = fileURLToPath(new URL("../../../docs/benchmarks.md", import.meta.url));
  const isWorkflow = (row: Row): boolean => row.what.startsWith("workflow: ");
  const text = readFileSync(file, "utf8");
  const begun = flags.only === undefined ? page(rows.filter((row) => !isWorkflow(row))) + sectionsOfOthers(text) : text;
  const shown = rows.filter(isWorkflow).map((row) => ({ ...row, what: row.what.slice("workflow: ".length) }));
  writeFileSync(file, withSection(begun, "## Workflows", workflowSection(shown)));
  process.stdout.write(`\nwritten: ${path.relative(process.cwd(), file)}\n`);
}

async function withTeam(measure: (team: BenchTeam) => Promise<void>): Promise<void> {
  const team = await openTeam(flags.profile);
  try {
    await measure(team);
  } finally {
    await team.close();
  }
}

/** What stands there costs: start, memory, idling, one message to everybody. */
async function measureStanding(team: BenchTeam): Promise<void> {
  const { relay, brokerPid, spawnReaders } = team;
  add("broker, start of its process to first answer", ms(team.startMs));
  await spawnReaders(namesOf("a", 10));
  const hostPid = await team.hostPid();
  const memory = (): number => memoryOf(brokerPid) + memoryOf(hostPid);
  const withTen = memory();
  await spawnReaders(namesOf("b", 10));
  await measureIdle(relay, brokerPid, hostPid);
  await spawnReaders(namesOf("f", 50), ["everyone"]);
  const withSeventy = memory();
  add(
    "memory of broker and terminals' host, 10 agents",
    megabytes(withTen),
    `${megabytes(memoryOf(brokerPid))} broker, ${megabytes(memoryOf(hostPid))} host at 70 agents`,
  );
  add("memory for each additional agent", megabytes((withSeventy - withTen) / 60), "", "under 1 MB");
  await measureFanOut(team, 50);
}

/** What goes through costs. */
async function measureLoad(team: BenchTeam): Promise<void> {
  const names = namesOf("r", 10);
  await team.spawnReaders(names.slice(0, 1));
  await measureLatency(team);
  await team.spawnReaders(names.slice(1));
  await measureThroughput(team, names);
}

function namesOf(letter: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${letter}${index}`);
}

async function measureLatency({ relay, arrivals }: BenchTeam): Promise<void> {
  const accepted: number[] = [];
  const atTheAgent: number[] = [];
  for (let index = 0; index < LATENCY_MESSAGES + 100; index += 1) {
    // One message in hand at a time, as the floors are measured: the receipt of the one before is on disk by then.
    await new Promise((resolve) => setTimeout(resolve, 1));
    const start = monotonicMs();
    await post(relay, "r0", index);
    const done = monotonicMs();
    const [arrival] = await arrivals(1);
    if (index < 100 || arrival === undefined) continue;
    accepted.push(done - start);
    atTheAgent.push(arrival.at - start);
  }
  const floor = disk.p50 + pty.p50;
  const reached = percentiles(atTheAgent);
  add(
    "send → accepted (durable), p50 / p99",
    both(percentiles(accepted)),
    `${(percentiles(accepted).p50 / (disk.p50 + socket.p50)).toFixed(1)} × (commit + WebSocket)`,
  );
  add(
    "send → bytes at the agent, p50 / p99",
    both(reached),
    `${(reached.p50 / floor).toFixed(1)} × (commit + pty), ${(reached.p50 / (floor + socket.p50)).toFixed(1)} × with the WebSocket`,
    "2.5 × at p50, under 5 ms at p99",
  );
}

async function measureThroughput({ relay, arrivals }: BenchTeam, names: readonly string[]): Promise<void> {
  const start = monotonicMs();
  let next = 0;
  const sender = async (): Promise<void> => {
    for (let mark = next++; mark < THROUGHPUT_MESSAGES; mark = next++)
      await post(relay, names[mark % names.length] ?? "r0", mark);
  };
  const sent = Promise.all(Array.from({ length: THROUGHPUT_IN_FLIGHT }, sender)).then(() => monotonicMs());
  const seen = await arrivals(THROUGHPUT_MESSAGES);
  const last = Math.max(...seen.slice(-1_000).map((it) => it.at));
  const accepted = await sent;
  const distinct = new Set(seen.map((it) => it.mark)).size;
  add(
    `messages/s, durable, through ${names.length} agents that read at once`,
    `${Math.round(THROUGHPUT_MESSAGES / ((last - start) / 1_000)).toLocaleString("en")} delivered, ${Math.round(THROUGHPUT_MESSAGES / ((accepted - start) / 1_000)).toLocaleString("en")} accepted`,
    `${THROUGHPUT_MESSAGES.toLocaleString("en")} sent, ${distinct.toLocaleString("en")} arrived, ${seen.length - distinct} repeated`,
    "8,000/s",
  );
}

async function measureFanOut({ relay, arrivals }: BenchTeam, members: number): Promise<void> {
  const last: number[] = [];
  for (let round = 0; round < FAN_OUT_ROUNDS; round += 1) {
    const start = monotonicMs();
    await post(relay, "#everyone", round);
    const seen = await arrivals(members);
    last.push(Math.max(...seen.map((it) => it.at)) - start);
  }
  add(`fan-out to ${members} agents, last one, p50 / p99`, both(percentiles(last)), "", "under 25 ms");
}

async function measureIdle(relay: Relay, brokerPid: number, hostPid: number): Promise<void> {
  // Agents that have just been spawned settle first, and what the load left to be indexed is indexed by a question.
  await relay.status();
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const used = (): number => cpuSecondsOf(brokerPid) + cpuSecondsOf(hostPid);
  const before = used();
  await new Promise((resolve) => setTimeout(resolve, IDLE_SECONDS * 1_000));
  add(
    "idle CPU of broker and host with 20 agents",
    `${(((used() - before) / IDLE_SECONDS) * 100).toFixed(2)} % of a core`,
    "",
    "under 1 %",
  );
}

function measureReplay(): void {
  const folder = mkdtempSync(path.join(os.tmpdir(), "agent-relay-bench-"));
  const { log, close } = openEventLog({ file: path.join(folder, "events.db") });
  log.append([
    { stream: "agent/ada", at: 1, event: { type: "agent_registered", agent: "ada", kind: "person", by: "bench" } },
  ]);
  for (let index = 0; log.head() < REPLAY_EVENTS; index += 100) {
    log.append(
      Array.from({ length: 50 }, (_, offset): Append<Fact>[] => {
        const messageId = `msg_${String(index + offset).padStart(12, "0")}`;
        const to = { kind: "agent", name: "ada" } as const;
        return [
          {
            stream: `message/${messageId}`,
            at: 1,
            event: {
              type: "message_accepted",
              messageId,
              from: "ben",
              to,
              body: "x".repeat(200),
              mode: "wait",
              threadId: messageId,
              recipients: ["ada"],
            },
          },
          {
            stream: `message/${messageId}`,
            at: 1,
            event: {
              type: "delivery_handed_over",
              messageId,
              agent: "ada",
              epoch: 1,
              attempt: 1,
              route: "inbox",
              evidence: "inbox_read",
              possibleRepeat: false,
            },
          },
        ];
      }).flat(),
    );
  }
  const start = monotonicMs();
  replayState(log);
  const took = monotonicMs() - start;
  add(
    `replay of ${REPLAY_EVENTS.toLocaleString("en")} events into the broker's state`,
    ms(took),
    `${Math.round(REPLAY_EVENTS / took).toLocaleString("en")} events/ms`,
  );
  close();
  rmSync(folder, { recursive: true });
}

function measureCli(): void {
  const time = (args: readonly string[]): number => {
    const times = Array.from({ length: 10 }, () => {
      const start = monotonicMs();
      execFileSync(process.execPath, args, { stdio: "ignore" });
      return monotonicMs() - start;
    });
    return percentiles(times).p50;
  };
  const bare = time(["-e", "0"]);
  add("CLI `--version`, p50", ms(time([cliMain, "--version"])), `bare node ${ms(bare)}`);
}

async function measureWorkflow(): Promise<void> {
  // One after the other: in one process they would count each other's time.
  const chain = await decided("chain", DECIDED_STEPS, 20);
  const wave = await decided("wave", DECIDED_STEPS, 20);
  add(
    `workflow: a plan of ${DECIDED_STEPS.toLocaleString("en")} steps decided, chain / wave, p50`,
    `${ms(chain.p50)} / ${ms(wave.p50)}`,
    `${(wave.p50 / disk.p50).toFixed(0)} × commit`,
    "under 50 ms",
  );
  const { heap, earlyUs, lastUs } = await longRun(LONG_RUN_STEPS, [LONG_RUN_STEPS / 10, LONG_RUN_STEPS - 1]);
  const [early = Number.NaN, late = Number.NaN] = heap.map(({ bytes }) => bytes);
  add(
    `workflow: heap of the runner after ${heap.map(({ steps }) => steps.toLocaleString("en")).join(" / ")} steps`,
    `${megabytes(early)} / ${megabytes(late)}`,
    `${(late / early).toFixed(2)} ×`,
    "flat",
  );
  add(
    `workflow: the runner's own time for a step, third / last thousand of ${LONG_RUN_STEPS.toLocaleString("en")}`,
    `${ms(earlyUs / 1_000)} / ${ms(lastUs / 1_000)}`,
    `${(lastUs / earlyUs).toFixed(2)} ×`,
    "flat",
  );
  await withTeam(async ({ relay }) => {
    const append = await appendThroughBroker(relay);
    add(
      "workflow: an append of five entries through the broker, p50",
      ms(append),
      `${(append / disk.p50).toFixed(1)} × commit`,
    );
    for (const shape of ["chain", "wave"] satisfies readonly Shape[]) {
      // Before, between and after: on a shared machine one of them alone would compare two different hours.
      const floors = [await spawnFloor(shape)];
      const steps: number[] = [];
      for (let round = 0; round < 3; round += 1) {
        steps.push(await realSteps(relay, shape, TRIVIAL_STEPS));
        floors.push(await spawnFloor(shape));
      }
      const floor = percentiles(floors).p50 + disk.p50;
      const step = percentiles(steps).p50;
      add(
        `workflow: a step that does nothing, of ${TRIVIAL_STEPS} as ${shape === "chain" ? "a chain" : "one wave"}`,
        ms(step),
        `${(step / floor).toFixed(2)} × (spawning \`true\` through pipes + commit), ${ms(floor)}`,
        "at most 1.5 ×",
      );
    }
  });
}

/** A full mailbox refuses: the sender waits for its reader, as any sender must. */
async function post(relay: Relay, to: string, mark: number): Promise<void> {
  for (;;) {
    try {
      await relay.client.call("message.send", { to, body: `bench:${mark};` });
      return;
    } catch (error) {
      if (!isRelayError(error, "mailbox_full")) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

/** What stands behind the benchmark's own part was measured by other commands. */
function sectionsOfOthers(text: string): string {
  const at = text.indexOf("\n## ");
  return at < 0 ? "" : text.slice(at);
}

/** The section in the place that it has, or as the first of those behind the benchmark's own part. */
function withSection(text: string, heading: string, section: string): string {
  const at = text.indexOf(`\n${heading}\n`);
  const next = text.indexOf("\n## ", at < 0 ? 0 : at + 1);
  const before = at >= 0 ? text.slice(0, at) : next < 0 ? text : text.slice(0, next);
  return `${before.trimEnd()}\n\n${heading}\n\n${section}${next < 0 ? "" : text.slice(next)}`;
}

function workflowSection(shown: readonly Row[]): string {
  return `\`npm run bench -- --only workflow --write\` writes this section alone. ${machine()}
Load average of the last minute: ${(os.loadavg()[0] ?? 0).toFixed(1)}. Commit, p50: ${ms(disk.p50)}.

${table(shown)}

- A step that does nothing is \`/bin/sh -c true\` through pipes, in a process group of its own, each of its entries durable
  before anything is done because of it. Figures are the time of all steps divided by their number, and
  their floors likewise. In a wave steps share appends. In a chain one append through the broker stands between two steps: what a
  chain has above its goal is that append beyond the bare commit, and the shell beside the bare \`true\`.
- The runner's own costs are measured on a log in memory and with a performer that answers at once, through the same calls
  that a script would use.
`;
}

function machine(): string {
  const { cpus, release, totalmem } = os;
  return `Machine: ${cpus().length} cores, ${Math.round(totalmem() / 1e9)} GB, ${process.platform} ${release()}, Node ${process.versions.node}.`;
}

function page(shown: readonly Row[]): string {
  return `# Benchmarks

\`npm run bench -- --write\` measures everything in one run and writes this page. The figures of a shared machine move by a third
from run to run; the ratios to the floors of the same run move less.

${machine()}

${table(shown)}

- The floors are the bare parts: \`node-pty\` alone writing 400 bytes and reading them back from a program in raw mode, one
  insert of 600 bytes into SQLite, one echo over \`ws\`. A message crosses all three, and a second socket to the terminals'
  host besides.
- The agents are programs that report each arrival with the machine's monotonic clock. *Bytes at the agent* is the moment
  at which the program has read them, not the moment at which they were written.
- Every message is durable (\`synchronous=FULL\`) before its sender has an answer and before it is typed anywhere.
`;
}
