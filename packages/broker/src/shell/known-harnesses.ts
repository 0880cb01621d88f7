/**
 * The harness table behind the shell's port: what to run, what to write beforehand, how to read what comes back.
 *
 *   K1  Private files of an incarnation are 0600 in a 0700 directory of its own, and are gone with the next incarnation.
 *   K2  A program that cannot be found is refused before anything is recorded.
 */
import { accessSync, chmodSync, constants, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import {
  classifyExit,
  createObserver,
  genericHarness,
  harnessById,
  inferHarness,
  pastePlan,
  planLaunch,
  splitCommand,
  type Harness,
  type LaunchPlan,
} from "@agent-relay/harness";
import { relayError, type DeliveryTraits, type LaunchSpec } from "@agent-relay/protocol";
import type { Observation } from "../core/commands.ts";
import type { Credentials } from "./credentials.ts";
import type { Harnesses, Watcher } from "./harness-port.ts";

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
}

export function knownHarnesses(options: KnownHarnessesOptions): Harnesses {
  const plan = (who: { readonly name: string; readonly epoch: number }, launch: LaunchSpec): LaunchPlan =>
    planLaunch({
      launch,
      agent: who.name,
      epoch: who.epoch,
      token: options.credentials.tokenFor(who.name, who.epoch),
      mcpUrl: options.mcpUrl(),
      hookUrl: options.hookUrl(),
      privateDir: privateDirOf(options, who),
      inheritedEnv: options.environment,
      orchestrator: options.orchestrator,
      mcpCommand: options.mcpCommand,
      root: options.isRoot,
    });

  return {
    describe: (launch) => {
      const inferred = inferHarness(
        [...splitCommand(launch.cli), ...launch.args],
        launch.harness === undefined ? {} : { expected: launch.harness },
      );
      const harness = launch.harness ?? inferred.harness;
      return { harness, traits: traitsOf(rowOf(harness)) };
    },
    check: (launch) => {
      const { argv, env, permissionMode } = plan({ name: "check", epoch: 1 }, launch);
      requireDirectory(launch.cwd ?? options.project);
      requireProgram(argv[0], env["PATH"] ?? "", launch.cwd ?? options.project);
      return { permissionMode };
    },
    prepare: (who, launch) => {
      const planned = plan(who, launch);
      const cwd = launch.cwd ?? options.project;
      requireDirectory(cwd);
      requireProgram(planned.argv[0], planned.env["PATH"] ?? "", cwd);
      writePrivateFiles(options, who, planned);
      return Promise.resolve({
        argv: planned.argv,
        env: planned.env,
        cwd,
        originActor: planned.originActor,
        permissionMode: planned.permissionMode,
        secrets: [options.credentials.tokenFor(who.name, who.epoch), ...Object.values(launch.env)],
      });
    },
    watch: (harness, startedAt) => watcherOf(rowOf(harness), startedAt),
    pasteSteps: (harness, text, bracketedPaste) => pastePlan({ harness: rowOf(harness), text, bracketedPaste }),
    interruptSteps: (harness) =>
      (rowOf(harness).interrupt?.keys ?? []).flatMap((key, index) => [
        ...(index === 0 ? [] : [{ type: "pause", ms: KEY_PAUSE_MS } as const]),
        { type: "data", data: key } as const,
      ]),
    exitCommand: (harness) => rowOf(harness).exitCommand,
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

/** Two keys that come together are taken for one escape sequence. */
const KEY_PAUSE_MS = 120;

function rowOf(harness: string | undefined): Harness {
  return (harness === undefined ? undefined : harnessById(harness)) ?? genericHarness;
}

function traitsOf(row: Harness): DeliveryTraits {
  const paste = row.routes.find((it) => it.route === "paste");
  return {
    push: paste !== undefined,
    boundary: row.boundary,
    provesSeen: paste?.seen !== undefined,
    interruptible: row.interrupt !== undefined,
  };
}

function watcherOf(row: Harness, startedAt: number): Watcher {
  const observer = createObserver(row);
  let state = observer.initial(startedAt);
  let wakeAt: number | undefined;
  let reply: string | undefined;
  const step = (input: Parameters<typeof observer.step>[1]): readonly Observation[] => {
    const next = observer.step(state, input);
    state = next.state;
    wakeAt = next.wakeAt;
    reply = next.reply ?? reply;
    return next.observations.flatMap(toCore);
  };
  return {
    output: (data, at) => step({ type: "output", data, at }),
    signal: (signal, source, at) => step({ type: "signal", signal, source, at }),
    tick: (at) => step({ type: "tick", at }),
    injected: (text, at) => step({ type: "submitted", text, at }),
    told: (text, at) => {
      step({ type: "told", text, at });
    },
    wakeAt: () => wakeAt,
    bracketedPaste: () => state.bracketedPaste,
    takeReply: () => {
      const taken = reply;
      reply = undefined;
      return taken;
    },
    contextPctLeft: () => state.contextPctLeft,
  };
}

type Seen = ReturnType<ReturnType<typeof createObserver>["step"]>["observations"][number];

/** What the core is told. Paste mode and activity stay with the shell. */
function toCore(seen: Seen): readonly Observation[] {
  const by = { source: seen.source, fidelity: seen.fidelity };
  switch (seen.type) {
    case "ready":
    case "working":
    case "turn_ended":
    case "unblocked":
      return [{ type: seen.type, ...by }];
    case "blocked":
      return [{ type: "blocked", kind: seen.kind, ...(seen.what === undefined ? {} : { what: seen.what }), ...by }];
    case "context":
      return [{ type: "context", pctLeft: seen.pctLeft, ...by }];
    case "bracketed_paste":
    case "activity":
      return [];
  }
}

function privateDirOf(options: KnownHarnessesOptions, who: { readonly name: string; readonly epoch: number }): string {
  return path.join(options.agentsDir, who.name, String(who.epoch));
}

function writePrivateFiles(
  options: KnownHarnessesOptions,
  who: { readonly name: string; readonly epoch: number },
  plan: LaunchPlan,
): void {
  const directory = privateDirOf(options, who);
  // Earlier incarnations are over, and what was theirs with them.
  rmSync(path.dirname(directory), { recursive: true, force: true });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const file of plan.files) {
    const target = path.join(directory, file.path);
    mkdirSync(path.dirname(target), { recursive: true, mode: 0o700 });
    writeFileSync(target, file.content, { mode: file.mode });
    chmodSync(target, file.mode);
  }
}

function requireDirectory(directory: string): void {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw relayError("cwd_not_found", `Expected a directory to run in; '${directory}' is none.`, {
    hint: "Make it, or give another one.",
  });
}

function requireProgram(program: string, searchPath: string, cwd: string): void {
  const candidates = program.includes("/")
    ? [path.resolve(cwd, program)]
    : searchPath.split(path.delimiter).map((directory) => path.join(directory, program));
  if (candidates.some(isExecutable)) return;
  throw relayError(
    "program_not_found",
    `The program '${program}' was not found${program.includes("/") ? "" : " on the PATH"}, or cannot be run.`,
    {
      hint: "Install it, or give its full path. `agent-relay doctor` lists the agent programs that were found.",
      data: { program },
    },
  );
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
