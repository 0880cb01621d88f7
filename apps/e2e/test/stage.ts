/**
 * A stage: a home and a project of their own, with the built program, a real broker, real terminals and scripted agents.
 *
 *   T1  Whatever runs on a stage carries the stage's directory in its environment, so that every process can be found.
 *   T2  Only processes that were started here are ended, by their pid.
 *   T3  Nothing waits for a fixed time: everything waits for a condition, and says which one never came true.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { connect as dial } from "node:net";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import {
  connect,
  locate,
  type AgentHandle,
  type AgentView,
  type ConnectOptions,
  type EventOf,
  type EventType,
  type Locations,
  type Relay,
  type RelayEvent,
  type SpawnOptions,
} from "@agent-relay/sdk";
import {
  readJournal,
  scriptedAgentPath,
  scriptedInboxAgentPath,
  type JournalEntry,
  type ScriptInput,
} from "@agent-relay/testkit";

/** The machine may be busy with other things; what takes longer than this does not happen at all. */
export const patienceMs = Number(process.env["PATIENCE_SECONDS"] ?? 60) * 1_000;

/** The built command-line program. */
export const program = fileURLToPath(new URL("../../cli/dist/main.js", import.meta.url));

export interface Ran {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Player {
  readonly name: string;
  readonly pid: number;
  readonly epoch: number;
  readonly handle: AgentHandle;
  readonly journal: () => readonly JournalEntry[];
  /** Messages that reached it, in order. */
  readonly messages: () => readonly Extract<JournalEntry, { type: "message" }>[];
  /** Resolves when its journal has such an entry. */
  readonly until: (matches: (entry: JournalEntry) => boolean, what?: string) => Promise<JournalEntry>;
}

export interface Broker {
  readonly pid: number;
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
}

export interface Stage {
  readonly root: string;
  readonly project: string;
  readonly locations: Locations;
  readonly environment: Readonly<Record<string, string>>;
  readonly run: (
    args: readonly string[],
    more?: { readonly env?: Readonly<Record<string, string>>; readonly input?: string },
  ) => Promise<Ran>;
  /** Runs a broker as a child of the test, without the command that would put it into the background. */
  readonly startBroker: (...args: readonly string[]) => Promise<Broker>;
  /** Ends the broker with SIGKILL and waits until it is gone. */
  readonly killBroker: () => Promise<void>;
  readonly connect: (more?: Partial<ConnectOptions>) => Promise<Relay>;
  readonly play: (
    relay: Relay,
    name: string,
    script: ScriptInput,
    more?: Partial<SpawnOptions> & { readonly inbox?: boolean },
  ) => Promise<Player>;
  /** Every process of this stage. */
  readonly processes: () => readonly number[];
  /** Resolves with the processes besides the broker and the terminals' host that are there after so long, or sooner with none. */
  readonly leftOver: (relay: Relay, withinMs: number) => Promise<readonly number[]>;
  /** Ends every agent, and resolves with the processes that are left besides the broker and the terminals' host. */
  readonly strike: (relay: Relay) => Promise<readonly number[]>;
  /** Ends everything and removes the directory; resolves with what had to be ended by force. */
  readonly clear: () => Promise<readonly string[]>;
}

/** What a stage for other programs has otherwise. */
export interface StageSetting {
  /** Where the stage's directory is made; six letters follow. Its sockets are below it, and have at most 107 bytes. */
  readonly prefix?: string;
  /** Laid over the environment of everything that runs on it. */
  readonly environment?: (root: string) => Readonly<Record<string, string>>;
}

export function openStage({ prefix = "/tmp/are-", environment: more }: StageSetting = {}): Stage {
  const root = realpathSync(mkdtempSync(prefix));
  const project = path.join(root, "project");
  const runtime = path.join(root, "run");
  mkdirSync(project);
  mkdirSync(runtime, { mode: 0o700 });
  mkdirSync(path.join(root, "journals"));
  const environment: Record<string, string> = {
    PATH: process.env["PATH"] ?? "",
    HOME: root,
    XDG_RUNTIME_DIR: runtime,
    TERM: "xterm-256color",
    LANG: "C.UTF-8",
    NO_COLOR: "1",
    ...more?.(root),
  };
  const locations = locate(project, environment);
  const relays: Relay[] = [];
  let broker: Broker | undefined;

  const run: Stage["run"] = (args, more = {}) =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [program, ...args], {
        cwd: project,
        env: { ...environment, ...more.env },
        stdio: ["pipe", "pipe", "pipe"],
      });
      let out = "";
      let err = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
      child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
      child.on("error", reject);
      child.on("close", (status) => resolve({ status, out, err }));
      child.stdin.end(more.input ?? "");
    });

  const startBroker: Stage["startBroker"] = async (...args) => {
    const log = openSync(path.join(root, "broker.log"), "a", 0o600);
    const child = spawn(process.execPath, [program, "broker-run", "--json", "--project", project, ...args], {
      cwd: project,
      env: environment,
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    const { pid } = child;
    if (pid === undefined) throw new Error("the broker could not be started");
    broker = { pid, child, ended };
    await until(
      () =>
        child.exitCode !== null || child.signalCode !== null
          ? fail(`the broker ended with ${child.signalCode ?? child.exitCode}: ${brokerLog(root).slice(-600)}`)
          : answers(locations.brokerSocket),
      "the broker answers",
    );
    return broker;
  };

  const stage: Stage = {
    root,
    project,
    locations,
    environment,
    run,
    startBroker,
    killBroker: async () => {
      broker?.child.kill("SIGKILL");
      await broker?.ended;
    },
    connect: async (more = {}) => {
      const surroundings = { environment, cwd: project, script: program, execPath: process.execPath };
      const relay = await connect({
        project,
        surroundings,
        reconnect: { giveUpAfterMs: patienceMs, delayMs: 20, delayMsMax: 250 },
        ...more,
      });
      relays.push(relay);
      return relay;
    },
    play: async (relay, name, script, { inbox = false, ...more } = {}) => {
      const file = path.join(root, "journals", `${name}.jsonl`);
      const handle = await relay.spawn({
        name,
        cli: `'${process.execPath}' '${inbox ? scriptedInboxAgentPath() : scriptedAgentPath()}'`,
        restart: { when: "never" },
        ...more,
        env: { SCRIPTED_AGENT_SCRIPT: JSON.stringify(script), SCRIPTED_AGENT_JOURNAL: file, ...more.env },
      });
      const { pid, epoch } = await handle.waitForReady({ timeoutMs: patienceMs });
      if (pid === null) throw new Error(`${name} is ready and has no pid`);
      const journal = (): readonly JournalEntry[] => readJournal(file);
      return {
        name,
        pid,
        epoch,
        handle,
        journal,
        messages: () => journal().filter((it) => it.type === "message"),
        until: (matches, what = `an entry in the journal of ${name}`) => until(() => journal().find(matches), what),
      };
    },
    processes: () => processesOf(root),
    leftOver: async (relay, withinMs) => {
      const { pid } = await relay.status();
      // The terminals' host leaves by itself, a while after its last terminal; `clear` waits for that.
      const left = (): readonly number[] => processesOf(root).filter((it) => it !== pid && !isPtyHost(it));
      await until(() => left().length === 0, "", withinMs).catch(() => undefined);
      return left();
    },
    strike: async (relay) => {
      // Also those that have no process just now: they may be about to be started again.
      const names = (await relay.who()).filter((it) => it.kind === "program").map((it) => it.name);
      // Some have ended by now, or are about to: what counts is that nothing is left.
      await Promise.all(
        names.map((name) =>
          relay
            .agent(name)
            .kill()
            .catch(() => undefined),
        ),
      );
      return stage.leftOver(relay, patienceMs);
    },
    clear: async () => {
      if (broker !== undefined && isAlive(broker.pid)) await run(["down", "--project", project]);
      await Promise.all(relays.map((it) => it.close()));
      // The terminals' host leaves a moment after its last terminal.
      await until(() => processesOf(root).length === 0, "").catch(() => undefined);
      const remaining = processesOf(root);
      const left = remaining.map((pid) => `${pid} ${commandLineOf(pid)}`);
      for (const pid of remaining) end(pid);
      rmSync(root, { recursive: true, force: true });
      return left;
    },
  };
  return stage;
}

/** Events as they come, kept. */
export interface Watch {
  readonly events: readonly RelayEvent[];
  readonly of: <Type extends EventType>(type: Type, agent?: string) => readonly EventOf<Type>[];
  readonly until: <Type extends EventType>(
    type: Type,
    matches?: (event: EventOf<Type>) => boolean,
  ) => Promise<EventOf<Type>>;
  /** Resolves when everything that has happened by now has arrived. */
  readonly caughtUp: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

export function watchEvents(relay: Relay, from = 0): Watch {
  const events: RelayEvent[] = [];
  const over = new AbortController();
  let failure: Error | undefined;
  const following = (async () => {
    try {
      for await (const event of relay.events({ from, signal: over.signal })) events.push(event);
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
    }
  })();
  const of: Watch["of"] = (type, agent) =>
    events.filter(
      (it): it is EventOf<typeof type> =>
        it.type === type && (agent === undefined || ("agent" in it && it.agent === agent)),
    );
  return {
    events,
    of,
    until: (type, matches = () => true) =>
      until(() => {
        if (failure !== undefined) throw failure;
        return of(type).find(matches);
      }, `an event ${type}`),
    caughtUp: async () => {
      const { sequence } = await relay.status();
      await until(() => {
        if (failure !== undefined) throw failure;
        return (events.at(-1)?.sequence ?? from) >= sequence;
      }, `event ${sequence} arrives`);
    },
    stop: async () => {
      over.abort();
      await following;
    },
  };
}

/** Asks again until the answer is neither nothing nor false. */
export async function until<Answer>(
  question: () => Answer | Promise<Answer>,
  what: string,
  withinMs = patienceMs,
): Promise<Exclude<Answer, undefined | false>> {
  const end = Date.now() + withinMs;
  for (;;) {
    const answer = await question();
    if (answer !== undefined && answer !== false) return answer as Exclude<Answer, undefined | false>;
    if (Date.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}

export async function untilView(
  relay: Relay,
  name: string,
  matches: (view: AgentView) => boolean,
  what: string,
): Promise<AgentView> {
  return until(
    async () => (await relay.who({ all: true })).find((it) => it.name === name && matches(it)),
    `${name}: ${what}`,
  );
}

export function isAlive(pid: number): boolean {
  try {
    // A process that has ended and was not waited for yet does nothing any more.
    return !/^\d+ \(.*\) [ZX]/su.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false; // No such process: that is the answer.
  }
}

/** Every process of the group that this process leads. */
export function groupOf(leader: number): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/u.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
          .replace(/^.*\) /su, "")
          .split(" ");
        return fields[0] !== "Z" && Number(fields[2]) === leader;
      } catch {
        return false; // It has just ended.
      }
    });
}

/** For how long a process has been able to run, and nothing was there to run it. */
export function waitedMs(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[1]) / 1_000_000;
  } catch {
    return 0; // It has ended, or this system does not count that.
  }
}

export function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    return ""; // It has just ended.
  }
}

export function environmentOf(pid: number): Readonly<Record<string, string>> {
  const words = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  return Object.fromEntries(
    words.filter((it) => it.includes("=")).map((it) => [it.slice(0, it.indexOf("=")), it.slice(it.indexOf("=") + 1)]),
  );
}

function isPtyHost(pid: number): boolean {
  return /\/pty\/dist\/host\.js /u.test(`${commandLineOf(pid)} `);
}

function brokerLog(root: string): string {
  return readFileSync(path.join(root, "broker.log"), "utf8");
}

function processesOf(root: string): readonly number[] {
  const found: number[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/u.test(name) || Number(name) === process.pid) continue;
    try {
      const mine = readFileSync(`/proc/${name}/environ`, "utf8")
        .split("\0")
        .some((it) => it.endsWith(`=${root}`) || it.includes(`=${root}/`));
      if (mine && isAlive(Number(name))) found.push(Number(name));
    } catch {
      continue; // It has ended, or belongs to somebody else.
    }
  }
  return found;
}

function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = dial(socket);
    connection.once("connect", () => {
      connection.destroy();
      resolve(true);
    });
    connection.once("error", () => resolve(false));
  });
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    return; // It has ended meanwhile.
  }
}

function fail(message: string): never {
  throw new Error(message);
}
