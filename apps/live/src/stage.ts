/**
 * A live stage: a scripted model, a user's home with one agent program set up for it, a project, and a broker.
 *
 *   S1  The program is found on the PATH under the name that its user types.
 *   S2  Nothing of whoever runs the suite is read or written: home, temporary folder and sockets are the stage's own.
 *   S3  The model is the only address that the program is given.
 */
import { randomUUID } from "node:crypto";
import { mkdirSync, symlinkSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { offlineEnvironment, offlineProfile, writeProfile, type OfflineProfile } from "@agent-relay/agent-programs";
import { openStage, until, untilView, watchEvents, type Stage, type Watch } from "@agent-relay/e2e/stage";
import type { AgentHandle, AgentView, EventOf, EventType, Receipt, Relay, SpawnOptions } from "@agent-relay/sdk";
import { startScriptedModel, type ScriptedModel } from "@agent-relay/testkit";
import type { Installed } from "./preparation.ts";
import type { LiveProgram } from "./programs/program.ts";
import { readableLines } from "./readable-lines.ts";

/** What a real program does takes longer than this on no machine. */
const patienceMs = 120_000;

const KEY_MS = 80;

export interface Hired {
  readonly name: string;
  readonly handle: AgentHandle;
  readonly pid: number;
  readonly epoch: number;
  /** Sends to it; by the user, unless said otherwise. */
  readonly tell: (body: string, mode?: "wait" | "steer") => Promise<Receipt>;
  /** Sends to it and waits until it has finished with it. */
  readonly turn: (body: string) => Promise<EventOf<"agent_turn_ended">>;
  /** The first event of a type about it, after a place in the log. */
  readonly next: <Type extends EventType>(
    type: Type,
    after?: number,
    matches?: (event: EventOf<Type>) => boolean,
  ) => Promise<EventOf<Type>>;
  readonly until: (matches: (view: AgentView) => boolean, what: string) => Promise<AgentView>;
  readonly view: () => Promise<AgentView>;
  /** Types as a person does who has attached, and lets go again. */
  readonly type: (...keys: readonly string[]) => Promise<void>;
  /** Presses a key as such a person does, and again every second as long as nothing came of it: new dialogs take no keys at once. */
  readonly press: <Outcome>(key: string, outcome: Promise<Outcome>) => Promise<Outcome>;
}

export interface LiveStage extends Stage {
  readonly program: LiveProgram;
  readonly version: string;
  readonly model: ScriptedModel;
  readonly relay: Relay;
  readonly watch: Watch;
  readonly home: string;
  /** What its user had before agent-relay came. */
  readonly profiles: readonly OfflineProfile[];
  /** Spawns the program under a name, and waits until it is ready. */
  readonly hire: (name: string, more?: Partial<SpawnOptions>) => Promise<Hired>;
  /** The same, in a mode in which it calls the relay's tools without asking. */
  readonly hireToTalk: LiveStage["hire"];
  /** Spawns it and does not wait. */
  readonly start: (name: string, more?: Partial<SpawnOptions>) => Promise<Hired>;
  /** The agent that was spawned last. */
  readonly newest: () => string;
  /** Runs `agent-relay` with these words. Throws if it fails; answers what it printed. */
  readonly command: (...words: readonly string[]) => Promise<string>;
  /** What the program asked the model on behalf of a user or of another agent, oldest first. */
  readonly prompts: () => readonly string[];
  /** Resolves when a prompt with this text has reached the model. */
  readonly modelHas: (text: string) => Promise<unknown>;
  /** The place in the log up to which everything has arrived here. */
  readonly now: () => Promise<number>;
  /** The last lines that each agent has shown, for whoever has to find out why a story failed. */
  readonly screens: () => Promise<string>;
  readonly leave: () => Promise<readonly string[]>;
}

export interface LiveSetting {
  /** Another program that the same user has. */
  readonly guest?: LiveProgram;
  /** The program has never been in the project. */
  readonly untrusted?: boolean;
}

export async function openLiveStage(
  program: LiveProgram,
  installations: Readonly<Record<string, Installed>>,
  { guest, untrusted = false }: LiveSetting = {},
): Promise<LiveStage> {
  const programs = guest === undefined ? [program] : [program, guest];
  const model = await startScriptedModel();
  mkdirSync("/tmp/relay-live", { recursive: true });
  let profiles: readonly OfflineProfile[] = [];
  const stage = openStage({
    prefix: `/tmp/relay-live/${program.id}-`,
    environment: (root) => {
      const home = path.join(root, "home");
      const trusted = untrusted ? {} : { project: path.join(root, "project") };
      profiles = programs.map(({ id }) => offlineProfile(id, { modelUrl: model.url, home, ...trusted }));
      return {
        ...Object.assign({}, ...profiles.map((it) => offlineEnvironment(it, process.env))),
        PATH: pathOf(
          root,
          programs.map((it) => installationOf(it, installations)),
        ),
        TMPDIR: path.join(root, "tmp"),
        TERM: "xterm-256color",
        ...recordingInto(root),
      };
    },
  });
  mkdirSync(path.join(stage.root, "tmp"), { mode: 0o700 });
  mkdirSync(path.join(stage.root, "bin"));
  for (const it of programs) {
    const { executable } = installationOf(it, installations);
    symlinkSync(executable.at(-1) ?? "", path.join(stage.root, "bin", it.command));
  }
  for (const profile of profiles) await writeProfile(profile);
  await stage.startBroker();
  const relay = await stage.connect();
  const watch = watchEvents(relay);

  let newest = "";
  const start: LiveStage["start"] = async (name, more = {}) => {
    newest = name;
    const handle = await relay.spawn({
      name,
      cli: program.command,
      restart: { when: "never" },
      idleThresholdSecs: 1,
      ...more,
    });
    const { pid } = await untilView(relay, name, (it) => it.pid !== null, "it has a pid");
    const next: Hired["next"] = (type, after = 0, matches = () => true) =>
      watch.until(type, (it) => "agent" in it && it.agent === name && it.sequence > after && matches(it));
    const tell: Hired["tell"] = (body, mode = "wait") => relay.send({ to: name, body, mode });
    const type: Hired["type"] = async (...keys) => {
      const leaseId = randomUUID();
      await relay.client.call("agent.hold", { name, leaseId, ttlMs: 60_000 });
      for (const key of keys) {
        // As fast as a person: some programs lose keys that come at once.
        await setTimeout(KEY_MS);
        const data = Buffer.from(key).toString("base64");
        await relay.client.call("terminal.write", { name, leaseId, data });
      }
      await relay.client.call("agent.unhold", { name, leaseId });
    };
    return {
      name,
      handle,
      pid: pid ?? 0,
      epoch: handle.epoch ?? 0,
      tell,
      turn: async (body) => {
        const { messageId, sequence } = await tell(body);
        await watch.until("delivery_handed_over", (it) => it.messageId === messageId);
        return next("agent_turn_ended", sequence);
      },
      next,
      until: (matches, what) => untilView(relay, name, matches, what),
      view: () => handle.info(),
      type,
      press: async (key, outcome) => {
        let came = false;
        const watched = outcome.finally(() => {
          came = true;
        });
        watched.catch(() => undefined);
        while (!came) {
          // It may have gone by itself in between; then the outcome tells.
          await type(key).catch(() => undefined);
          await Promise.race([watched, setTimeout(1_000)]);
        }
        return watched;
      },
    };
  };

  const hire: LiveStage["hire"] = async (name, more) => {
    const hired = await start(name, more);
    await hired.handle.waitForReady({ timeoutMs: patienceMs });
    return hired;
  };

  const prompts = (): readonly string[] =>
    model.requests().flatMap(({ asked }) => (asked?.purpose === "turn" ? [asked.text] : []));

  return {
    ...stage,
    program,
    version: installationOf(program, installations).version,
    profiles,
    model,
    relay,
    watch,
    home: path.join(stage.root, "home"),
    newest: () => newest,
    start,
    hire,
    hireToTalk: (name, more = {}) =>
      hire(name, { ...(program.callsToolsIn === undefined ? {} : { permissionMode: program.callsToolsIn }), ...more }),
    command: async (...words) => {
      const { status, out, err } = await stage.run(words);
      if (status !== 0) throw new Error(`agent-relay ${words.join(" ")} ended with ${status}: ${err}`);
      return out;
    },
    prompts,
    modelHas: (text) => until(() => prompts().some((it) => it.includes(text)), `the model has been asked "${text}"`),
    now: async () => {
      await watch.caughtUp();
      return watch.events.at(-1)?.sequence ?? 0;
    },
    screens: async () => {
      const agents = (await relay.who()).filter(({ kind }) => kind === "program");
      const shown = await Promise.all(
        agents.map(async ({ name, status, reason }) => {
          const { data } = await relay.client.call("terminal.read", { name }).catch(() => ({ data: "" }));
          const lines = readableLines(Buffer.from(data, "base64").toString("utf8")).slice(-30);
          return [`── ${name}: ${status}, ${reason ?? ""}`, ...lines].join("\n");
        }),
      );
      const newest = watch.events.slice(-25).map((it) => JSON.stringify(it).slice(0, 260));
      return [...shown, "── the newest events", ...newest].join("\n");
    },
    leave: async () => {
      await watch.stop();
      const left = await stage.clear();
      await model.close();
      return left;
    },
  };
}

/** A user's folder of programs comes before the system's; then the Node that runs some of them, if they need one. */
function pathOf(root: string, installed: readonly Installed[]): string {
  const nodes = installed.flatMap(({ executable }) =>
    executable.length > 1 ? [path.dirname(executable[0] ?? "")] : [],
  );
  return [path.join(root, "bin"), ...nodes, process.env["PATH"] ?? ""].join(path.delimiter);
}

function installationOf({ id }: LiveProgram, installations: Readonly<Record<string, Installed>>): Installed {
  const found = installations[id];
  if (found === undefined) throw new Error(`${id} was not installed for this run`);
  return found;
}

function recordingInto(root: string): Readonly<Record<string, string>> {
  return process.env["LIVE_RECORD"] === undefined ? {} : { AGENT_RELAY_RECORD_DIR: path.join(root, "recordings") };
}
