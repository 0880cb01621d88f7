/**
 * The agency: where agent programs come from, and what surrounds them.
 *
 *   Y1  With the scripted model a program has a home of its own below the stage, and the model is the only address it is given.
 *   Y2  Without it nothing is changed of what its user has, and what it costs is said before anything starts.
 */
import { mkdirSync, symlinkSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import {
  findProgram,
  installProgram,
  offlineEnvironment,
  offlineProfile,
  programsDirectory,
  writeProfile,
  type InstalledProgram,
} from "@agent-relay/agent-programs";
import { startScriptedModel, type Turn } from "@agent-relay/testkit";
import { arrivalLedger } from "./arrivals.ts";
import { findOnPath, type Player } from "./command-line.mjs";
import { scriptedModelRule } from "./script.ts";
import type { Site } from "./stage.ts";
import type { Member } from "./team.ts";

export interface Agency {
  /** What everything on the stage inherits. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly describe: (player: Player) => string;
  readonly arrivalsOf: (player: Player) => Member["arrivals"];
  readonly close: () => Promise<void>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The programs that a person has, as that person. */
export function ownPrograms(environment: Environment): Agency {
  return {
    environment,
    describe: ({ name, title }) => `${title}, yours: ${findOnPath(name, environment) ?? name}`,
    // Nobody but the program itself knows what has reached its model.
    arrivalsOf: () => undefined,
    close: async () => {},
  };
}

/** Fetches what is not there yet. Throws a `Fault` that says what to do. */
export async function installPinned(
  programs: readonly Player[],
  options: { readonly environment: Environment; readonly say: (text: string) => void; readonly signal: AbortSignal },
): Promise<ReadonlyMap<Player, InstalledProgram>> {
  const { environment, say, signal } = options;
  const home = environment["HOME"] === "" ? os.userInfo().homedir : os.homedir();
  const cacheDir = programsDirectory({ env: environment, platform: process.platform, home });
  const installed = new Map<Player, InstalledProgram>();
  for (const player of programs) {
    const from = Date.now();
    let doing = "";
    const ticker = setInterval(
      () => say(`still ${doing}, ${Math.round((Date.now() - from) / 1_000)} s so far`),
      10_000,
    );
    try {
      const program = await installProgram(findProgram(player.id), {
        cacheDir,
        signal,
        onProgress: ({ step, what }) => {
          doing = `${step} ${what}`;
          if (step === "fetching") say(`fetching ${what} from npm: about ${player.megabytes} MB, once`);
          else if (step === "waiting") say(`waiting: another process fetches ${what}`);
          else if (step === "trying") say(`trying ${what}`);
        },
      });
      installed.set(player, program);
      say(`${player.title} ${program.version} is in ${cacheDir}`);
    } finally {
      clearInterval(ticker);
    }
  }
  return installed;
}

/** Pinned programs, each with a user's set-up whose provider is a scripted model in this process. */
export async function pinnedPrograms(
  installed: ReadonlyMap<Player, InstalledProgram>,
  { root, project }: Site,
  inherited: Environment,
): Promise<Agency> {
  const ledger = arrivalLedger();
  const model = await startScriptedModel({
    rules: [scriptedModelRule(({ api, prompts }: Turn) => ledger.take(api, prompts))],
  });
  const home = path.join(root, "home");
  const bin = path.join(root, "bin");
  mkdirSync(bin);
  let environment: Record<string, string> = { TERM: "xterm-256color" };
  const folders = [bin];
  for (const [{ name, id }, { executable }] of installed) {
    const profile = offlineProfile(id, { modelUrl: model.url, home, project });
    await writeProfile(profile);
    environment = { ...environment, ...offlineEnvironment(profile, inherited) };
    symlinkSync(executable.at(-1) ?? "", path.join(bin, name));
    // What is JavaScript finds the Node it needs before any other.
    if (executable.length > 1) folders.push(path.dirname(executable[0] ?? ""));
  }
  return {
    environment: { ...environment, PATH: [...folders, inherited["PATH"] ?? ""].join(path.delimiter) },
    describe: (player) =>
      `${player.title} ${installed.get(player)?.version ?? ""}, pinned, with a scripted model at ${model.url}`,
    arrivalsOf:
      ({ id }) =>
      () =>
        ledger.of(apis[id]),
    close: model.close,
  };
}

/** The language in which each program speaks to its provider. */
const apis: Readonly<Record<Player["id"], Turn["api"]>> = {
  "claude-code": "anthropic",
  codex: "responses",
  "gemini-cli": "gemini",
};
