/**
 * The harness table behind the shell's port: what to run, what to write beforehand, how to read what comes back.
 *
 *   K1  Private files of an incarnation are 0600 in a 0700 directory of its own, and are gone with the next incarnation.
 *   K2  A program that cannot be found is refused before anything is recorded.
 *   K3  Preparing the same incarnation again prepares the same, its native session's id included.
 */
import { createHash } from "node:crypto";
import { accessSync, constants, statSync } from "node:fs";
import path from "node:path";
import {
  classifyExit,
  genericHarness,
  harnessById,
  inferHarness,
  leavePlan,
  pastePlan,
  planLaunch,
  privateFileName,
  promptText,
  splitCommand,
  type ConversationInput,
  type Harness,
  type Inference,
  type LaunchPlan,
  type ObserverInput,
} from "@agent-relay/harness";
import type { WriteStep } from "@agent-relay/kernel";
import { relayError, type DeliveryTraits, type LaunchSpec, type Runtime } from "@agent-relay/protocol";
import type { Credentials } from "./credentials.ts";
import type { Harnesses, Incarnated, StartOptions } from "./harness-port.ts";
import { writePrivateFiles } from "./private-files.ts";
import { createProgramVersions } from "./program-version.ts";
import { talkOf, watcherOf } from "./watching.ts";

/** What an observer or a conversation was told, with its time. */
export type RecordedInput = ObserverInput | ConversationInput;

export interface KnownHarnessesOptions {
  readonly project: string;
  /** Where the private directories of agents are. */
  readonly agentsDir: string;
  /** The broker's own environment. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly orchestrator: string | undefined;
  readonly credentials: Credentials;
  readonly mcpUrl: () => string | undefined;
  readonly hookUrl: () => string | undefined;
  /** Runs the tools on stdio, for programs that cannot speak HTTP. */
  readonly mcpCommand: readonly string[] | undefined;
  readonly isRoot: boolean;
  /** Told every input of whoever watches an incarnation, so that it can be watched again in a test. */
  readonly record?: ((of: Incarnated, input: RecordedInput) => void) | undefined;
}

export function knownHarnesses(options: KnownHarnessesOptions): Harnesses {
  const versions = createProgramVersions();
  const recorderOf =
    (of: Incarnated) =>
    (input: RecordedInput): void =>
      options.record?.(of, input);

  const plan = (
    who: { readonly name: string; readonly epoch: number },
    launch: LaunchSpec,
    { resume, transientEnv }: StartOptions,
    tried = false,
  ): LaunchPlan => {
    const token = options.credentials.tokenFor(who.name, who.epoch);
    return planLaunch({
      launch,
      agent: who.name,
      epoch: who.epoch,
      token,
      mcpUrl: options.mcpUrl(),
      hookUrl: options.hookUrl(),
      privateDir: privateDirOf(options, who),
      inheritedEnv: { ...options.environment, ...transientEnv },
      orchestrator: options.orchestrator,
      mcpCommand: options.mcpCommand,
      cwd: options.project,
      resume,
      sessionId: sessionIdFrom(token),
      root: options.isRoot,
      tried,
    });
  };

  const versionOf = async (
    launch: LaunchSpec,
    { harness, env }: LaunchPlan,
  ): Promise<{ readonly version?: string; readonly versionTried?: boolean }> => {
    const { tried } = harness.versions;
    if (tried.includes(OUR_OWN)) return {};
    const { executable } = inferredFrom(launch);
    const program = executable === undefined ? undefined : findProgram(executable, env, launch.cwd ?? options.project);
    if (program === undefined) return {};
    const version = await versions.of(program, harness.recognition.npmPackages ?? [], env);
    if (version === undefined) return {};
    // Of a program that was never run here, no version is better known than another.
    return tried.length === 0 ? { version } : { version, versionTried: tried.includes(version) };
  };

  return {
    describe: (launch) => {
      const harness = launch.harness ?? inferredFrom(launch).harness;
      return { harness, traits: traitsOf(rowOf(harness), launch.runtime) };
    },
    check: (launch, transientEnv) => {
      const { argv, env, permissionMode, notes } = plan({ name: "check", epoch: 1 }, launch, { transientEnv });
      const cwd = launch.cwd ?? options.project;
      requireDirectory(cwd);
      requireProgram(argv[0], env, cwd);
      return { permissionMode, notes };
    },
    prepare: async (of, launch, startOptions = {}) => {
      const draft = plan(of, launch, startOptions);
      const cwd = launch.cwd ?? options.project;
      requireDirectory(cwd);
      requireProgram(draft.argv[0], draft.env, cwd);
      const version = await versionOf(launch, draft);
      const planned = plan(of, launch, startOptions, version.versionTried);
      writePrivateFiles(privateDirOf(options, of), planned);
      return {
        argv: planned.argv,
        env: planned.env,
        cwd,
        originActor: planned.originActor,
        permissionMode: planned.permissionMode,
        secrets: [
          options.credentials.tokenFor(of.name, of.epoch),
          ...Object.values(launch.env),
          ...secretsIn(startOptions.transientEnv ?? {}),
        ],
        sessionId: planned.sessionId,
        ...version,
      };
    },
    watch: (of, watching) => watcherOf(rowOf(of.harness), watching, recorderOf(of)),
    converse: (of, talk) =>
      talkOf(rowOf(of.harness), { ...talk, name: of.name, cwd: talk.launch.cwd ?? options.project }, recorderOf(of)),
    inlet: (of) => {
      const row = rowOf(of.harness);
      if (row.inlet?.route !== "file") return row.inlet;
      const { file, line } = row.inlet;
      return {
        route: "file",
        path: path.join(privateDirOf(options, of), privateFileName(of.name, of.epoch, file)),
        line: (injection, text) => line(injection, promptText(row, text)),
      };
    },
    pasteSteps: (harness, text, bracketedPaste) => pastePlan({ harness: rowOf(harness), text, bracketedPaste }),
    submitSteps: (harness) => keySteps([rowOf(harness).submit.key]),
    interruptSteps: (harness) => keySteps(rowOf(harness).interrupt?.keys ?? []),
    answerSteps: (harness, kind, verdict) => {
      const answer = rowOf(harness).answers?.[kind];
      if (answer === undefined) return [];
      const { afterMs } = answer;
      return [
        ...(afterMs === undefined ? [] : [{ type: "pause", ms: afterMs } as const]),
        ...keySteps(answer[verdict]),
      ];
    },
    leaveSteps: (harness) => leavePlan(rowOf(harness)),
    classifyExit: (harness, exit) =>
      classifyExit({
        harness: rowOf(harness),
        code: exit.code,
        signal: exit.signal,
        lastLines: exit.lastLines,
        uptimeMs: exit.uptimeMs,
        ready: exit.wasReady,
        how: "none",
      }).reason,
  };
}

/** How the rows of our own programs name their version. */
const OUR_OWN = "this version";
/** Two keys that come together are taken for one escape sequence. */
const KEY_PAUSE_MS = 120;

function keySteps(keys: readonly string[]): readonly WriteStep[] {
  return keys.flatMap((key, index) => [
    ...(index === 0 ? [] : [{ type: "pause", ms: KEY_PAUSE_MS } as const]),
    { type: "data", data: key } as const,
  ]);
}

function rowOf(harness: string | undefined): Harness {
  return (harness === undefined ? undefined : harnessById(harness)) ?? genericHarness;
}

function inferredFrom({ cli, args, harness }: LaunchSpec): Inference {
  return inferHarness([...splitCommand(cli), ...args], harness === undefined ? {} : { expected: harness });
}

function traitsOf(row: Harness, runtime: Runtime): DeliveryTraits {
  const route = runtime === "headless" ? "structured" : "paste";
  const proof = row.routes.find((it) => it.route === route);
  const { headless } = row;
  const shared = { route, provesSeen: proof?.seen !== undefined, resumable: row.resume !== undefined } as const;
  if (runtime === "headless")
    return {
      ...shared,
      push: headless !== undefined,
      boundary: "turn",
      interruptible: headless?.interruptible === true,
      steerable: headless?.steerable === true,
    };
  return {
    ...shared,
    push: proof !== undefined,
    boundary: row.boundary,
    interruptible: row.interrupt !== undefined,
    steerable: false,
  };
}

/** The same for every preparation of one incarnation, and known to nobody without its token. */
function sessionIdFrom(token: string): string {
  const hex = createHash("sha256").update(`${token} session`).digest("hex");
  const variant = "89ab"[Number.parseInt(hex[16] ?? "0", 16) % 4] ?? "8";
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}

/** Of a whole shell's environment, what its names call secret; most of it is words that stand in every output. */
function secretsIn(env: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(env).flatMap(([name, value]) =>
    /TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|(?:^|_)(?:API_?)?KEY(?:_|$)/iu.test(name) ? [value] : [],
  );
}

function privateDirOf(options: KnownHarnessesOptions, who: { readonly name: string; readonly epoch: number }): string {
  return path.join(options.agentsDir, who.name, String(who.epoch));
}

function requireDirectory(directory: string): void {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw relayError("cwd_not_found", `Expected a directory to run in; '${directory}' is none.`, {
    hint: "Make it, or give another one.",
  });
}

function requireProgram(program: string, env: Readonly<Record<string, string>>, cwd: string): void {
  if (findProgram(program, env, cwd) !== undefined) return;
  throw relayError(
    "program_not_found",
    `The program '${program}' was not found${program.includes("/") ? "" : " on the PATH"}, or cannot be run.`,
    {
      hint: "Install it, or give its full path. `agent-relay doctor` lists the agent programs that were found.",
      data: { program },
    },
  );
}

function findProgram(program: string, env: Readonly<Record<string, string>>, cwd: string): string | undefined {
  const candidates = program.includes("/")
    ? [path.resolve(cwd, program)]
    : (env["PATH"] ?? "").split(path.delimiter).map((directory) => path.resolve(directory, program));
  return candidates.find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    // Not there, or not for us: both mean that it is not the one.
    return false;
  }
}
