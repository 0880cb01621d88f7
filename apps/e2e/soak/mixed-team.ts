/**
 * A mixed team: two Claude Codes, two Codexes and two scripted agents in one project, the real ones before a scripted model.
 *
 *   U1  The programs are the pinned ones; they are installed if they are not there.
 *   U2  They are one user's: they share a home and a configuration, as they do on a developer's machine.
 *   U3  The model is the only address that they are given, and each asks it at an address of its own.
 */
import { mkdirSync, symlinkSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import {
  findProgram,
  installProgram,
  offlineEnvironment,
  offlineProfile,
  programsDirectory,
  writeProfile,
} from "@agent-relay/agent-programs";
import type { Relay, SpawnOptions } from "@agent-relay/sdk";
import {
  startScriptedModel,
  type ModelRule,
  type ReceivedMessage,
  type ScriptedModel,
  type ScriptInput,
} from "@agent-relay/testkit";
import { openStage, type Stage } from "../test/stage.ts";
import { modelAddress, modelIntake, type ModelIntake } from "./model-intake.ts";

const programs = [
  { id: "claude-code", command: "claude" },
  { id: "codex", command: "codex" },
] as const;

/** Large enough for a busy machine; a program that is not ready by then never is. */
const readyWithinMs = 120_000;
/** Programs that are killed come back at once, however often it happens. */
const restart = {
  when: "on-crash",
  maxConsecutiveFailures: 50,
  delayMs: 200,
  delayMsMax: 2_000,
  healthyAfterMs: 5_000,
} as const;
/** What answers report, whatever was asked: a conversation that is summed up is another story. */
const reportedTokens = 20_000;

export interface Member {
  readonly name: string;
  readonly program: "claude-code" | "codex" | "scripted";
  /** The process that it began with. */
  readonly pid: number;
  /** What its model was given, or what the scripted agent wrote down. */
  readonly shown: () => readonly ReceivedMessage[];
}

export interface MixedTeam {
  readonly stage: Stage;
  readonly model: ScriptedModel;
  readonly intake: ModelIntake;
  readonly versions: Readonly<Record<string, string>>;
  readonly assemble: (relay: Relay) => Promise<readonly Member[]>;
}

export async function openMixedTeam(rules: readonly ModelRule[], script: ScriptInput): Promise<MixedTeam> {
  const intake = modelIntake();
  const model = await startScriptedModel({ rules, log: intake.read });
  model.set({ usage: reportedTokens });
  // Codex complains of a home below the system's temporary folder, which is the stage's own here.
  mkdirSync("/tmp/relay-soak", { recursive: true });
  const stage = openStage({
    prefix: "/tmp/relay-soak/s-",
    environment: (root) => ({
      ...environmentOf(root, model.url),
      PATH: [path.join(root, "bin"), process.env["PATH"] ?? ""].join(path.delimiter),
      TMPDIR: path.join(root, "tmp"),
      TERM: "xterm-256color",
    }),
  });
  mkdirSync(path.join(stage.root, "tmp"), { mode: 0o700 });
  mkdirSync(path.join(stage.root, "bin"));
  const versions: Record<string, string> = {};
  for (const { id, command } of programs) {
    await writeProfile(profileOf(stage.root, id, model.url));
    const { executable, version } = await installProgram(findProgram(id), { cacheDir: cacheDir() });
    symlinkSync(executable.at(-1) ?? "", path.join(stage.root, "bin", command));
    versions[id] = version;
  }
  return { stage, model, intake, versions, assemble: (relay) => assemble({ stage, relay, model, intake, script }) };
}

interface Assembling {
  readonly stage: Stage;
  readonly relay: Relay;
  readonly model: ScriptedModel;
  readonly intake: ModelIntake;
  readonly script: ScriptInput;
}

async function assemble({ stage, relay, model, intake, script }: Assembling): Promise<readonly Member[]> {
  const hire = async (name: string, program: "claude-code" | "codex", more: Partial<SpawnOptions>): Promise<Member> => {
    const cli = programs.find(({ id }) => id === program)?.command ?? program;
    const handle = await relay.spawn({ name, cli, restart, idleThresholdSecs: 1, ...more });
    const { pid } = await handle.waitForReady({ timeoutMs: readyWithinMs });
    return { name, program, pid: pid ?? 0, shown: () => intake.shownTo(name) };
  };
  const play = async (name: string, inbox: boolean): Promise<Member> => {
    const player = await stage.play(relay, name, script, { restart, idleThresholdSecs: 1, inbox });
    return { name, program: "scripted", pid: player.pid, shown: player.messages };
  };
  const claude = (name: string): Promise<Member> =>
    hire(name, "claude-code", { env: { ANTHROPIC_BASE_URL: modelAddress(model.url, name) } });
  const codex = (name: string): Promise<Member> => {
    const address = JSON.stringify(`${modelAddress(model.url, name)}/v1`);
    return hire(name, "codex", { args: ["-c", `model_providers.offline.base_url=${address}`] });
  };
  return [
    ...(await Promise.all([claude("claude-1"), codex("codex-1"), play("paste-1", false)])),
    ...(await Promise.all([claude("claude-2"), codex("codex-2"), play("inbox-1", true)])),
  ];
}

function environmentOf(root: string, modelUrl: string): Readonly<Record<string, string>> {
  const profiles = programs.map(({ id }) => offlineEnvironment(profileOf(root, id, modelUrl), process.env));
  return Object.assign({}, ...profiles) as Record<string, string>;
}

function profileOf(root: string, id: "claude-code" | "codex", modelUrl: string): ReturnType<typeof offlineProfile> {
  return offlineProfile(id, { modelUrl, home: path.join(root, "home"), project: path.join(root, "project") });
}

function cacheDir(): string {
  return programsDirectory({ env: process.env, platform: process.platform, home: os.homedir() });
}
