/**
 * Planning a launch: from what was asked for to the exact program, arguments, environment and private files.
 *
 *   P1  Pure: nothing is written, started or looked up.
 *   P2  No secret stands among the arguments. A token is in the environment or in a file of mode 0600.
 *   P3  No permission is bypassed unless the spawn asks for it; what the user's own arguments choose is reported as it is.
 *   P4  No configuration that other processes share is touched. What two agents write never shares a path.
 *   P5  The environment is whole, and carries the identity of this incarnation and of no other.
 */
import { relayError, type LaunchSpec, type PermissionMode } from "@agent-relay/protocol";
import { stampEnvironment, type Environment } from "../attribution.ts";
import { splitCommand } from "../command-line.ts";
import type { AttributableId, Harness } from "../harness.ts";
import { inferUnwrapped } from "../infer.ts";
import { isAssignment } from "../launchers.ts";
import { genericHarness, harnesses, harnessList, isHarnessId } from "../table.ts";
import { unwrap } from "../unwrap.ts";
import { baseEnvironment, withLoopbackDirect } from "./environment.ts";
import { addOptions, canTakeOptions } from "./options.ts";
import { askedMode, chosenMode, chosenModel } from "./permission.ts";
import { noWiring, type PlannedFile, type PlannedMirror, type Wiring, type WiringInput } from "./wiring.ts";

export interface LaunchRequest {
  readonly launch: LaunchSpec;
  readonly agent: string;
  readonly epoch: number;
  /** The incarnation's token. */
  readonly token: string;
  /** Where the relay's MCP server listens; absent when there is none. */
  readonly mcpUrl?: string | undefined;
  /** Where programs report, each below it under its harness's id; absent when nothing listens. */
  readonly hookUrl?: string | undefined;
  /** The agent's private directory, absolute. */
  readonly privateDir: string;
  /** The broker's own environment. */
  readonly inheritedEnv: Environment;
  /** Who started the broker, if known. */
  readonly orchestrator?: string | undefined;
  /** Runs the relay's MCP server on stdio, for programs that cannot speak HTTP. */
  readonly mcpCommand?: readonly string[] | undefined;
  /** Continue this native session. */
  readonly resume?: string | undefined;
  /** The id for a new native session, where the program lets the caller choose one. */
  readonly sessionId?: string | undefined;
  /** Where it will run if the spawn names no directory; absolute. */
  readonly cwd?: string | undefined;
  /** This version of the program was tried. Options that an older one may not know are given to no other. */
  readonly tried?: boolean | undefined;
  /** Whether the program will run as root; some refuse things then. */
  readonly root?: boolean | undefined;
}

export interface LaunchPlan {
  /** The row that governs this agent; `generic` for an unknown program. */
  readonly harness: Harness;
  /** What its traffic is attributed to; absent for an unknown program. */
  readonly attributedTo: string | undefined;
  readonly originActor: string | undefined;
  readonly model: string | undefined;
  /** What the program is really allowed, which may be more than was asked for when its own arguments say so. */
  readonly permissionMode: PermissionMode;
  readonly argv: readonly [string, ...string[]];
  /** The whole environment: nothing else is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Names that the broker's environment has and the program does not get. */
  readonly unsetEnv: readonly string[];
  /** To be written before the start, below the private directory. */
  readonly files: readonly PlannedFile[];
  /** To be made before the files are written. */
  readonly mirrors: readonly PlannedMirror[];
  /** Whether the program gets the relay's tools. */
  readonly tools: boolean;
  /** The native session that it will have, where that is known before the start. */
  readonly sessionId: string | undefined;
  /** What a person should know, for `spawn` and `who`. */
  readonly notes: readonly string[];
}

/**
 * Throws a `RelayError` `invalid_request` when the command line cannot be run without a shell or names no program, or
 * when the harness is not in the table, or has no such permission mode.
 */
export function planLaunch(request: LaunchRequest): LaunchPlan {
  const { launch } = request;
  const notes: string[] = [];
  const { words, assigned } = liftAssignments([...splitCommand(launch.cli), ...launch.args]);
  const unwrapped = unwrap(words);
  const inference = inferUnwrapped(unwrapped, { expected: launch.harness });
  const row = rowFor(launch.harness, inference.harness, notes);

  const programArgs = unwrapped.target?.argv.slice(1) ?? [];
  const insertion = unwrapped.target?.insertion;
  const openToOptions = canTakeOptions(insertion);

  const spawnEnv = { ...launch.env, ...assigned };
  const base = baseEnvironment(request.inheritedEnv, row);
  const mode = permissionFor(row, askedMode(row, launch), programArgs, spawnEnv, notes);
  const ownModel = chosenModel(row, programArgs);
  const wiring = wire(row, {
    request,
    hookUrl: request.hookUrl === undefined ? undefined : `${request.hookUrl}/${row.id}`,
    spawnEnv,
    inheritedEnv: base.env,
    mode: mode.effective,
    openToOptions,
    programArgs,
  });
  notes.push(...wiring.notes);

  const headless = launch.runtime === "headless" ? headlessWords(row, request, mode.effective) : undefined;
  const takesOptions = headless === undefined || row.headless?.takesNoOptions !== true;
  const session = sessionOf(row, request, programArgs);
  const added = [
    ...(headless ?? []),
    ...(request.resume === undefined || headless !== undefined ? [] : resumeWords(row, request.resume, notes)),
    ...(session === undefined || row.sessionFlag === undefined ? [] : [row.sessionFlag, session]),
    ...(takesOptions ? mode.flags : []),
    ...(launch.trust ? (row.trust?.flags?.(launch.cwd ?? request.cwd ?? "") ?? []) : []),
    ...(launch.model === undefined || ownModel !== undefined || !takesOptions
      ? []
      : modelFlags(row, launch.model, notes)),
    ...wiring.flags,
  ];
  const bareTerminal = request.resume === undefined && headless === undefined;
  const options = added.length === 0 || !bareTerminal ? added : [...subcommandWords(row, programArgs), ...added];
  if (options.length > 0 && !openToOptions) {
    notes.push(
      `${row.title} is started inside a shell text that must not be rewritten, so these options were not added: ${optionNames(options)}`,
    );
  }
  const rootVariable = row.rootBypassVariable;
  if (
    rootVariable !== undefined &&
    mode.effective === "bypass" &&
    request.root === true &&
    finalValue(spawnEnv, base.env, rootVariable) !== "1"
  ) {
    notes.push(`As root, ${row.title} refuses bypass mode unless the spawn sets ${rootVariable}=1.`);
  }
  const argv =
    openToOptions && insertion !== undefined ? addOptions(words, insertion, options, row.subcommands ?? []) : words;

  const model = ownModel ?? launch.model;
  const stamped = stampEnvironment({
    inherited: { ...base.env, ...mode.env, ...(launch.trust ? row.trust?.env : {}), ...wiring.env },
    spawnEnv: { ...spawnEnv, ...wiring.envOverSpawn },
    command: words,
    harness: launch.harness,
    model,
    orchestrator: request.orchestrator,
  });
  const env = withLoopbackDirect({ ...stamped.env, ...identity(request) });
  return {
    harness: row,
    attributedTo: stamped.harness,
    originActor: stamped.originActor,
    model,
    permissionMode: openToOptions || mode.flags.length === 0 ? mode.effective : mode.withoutFlags,
    argv,
    env,
    unsetEnv: [...new Set([...base.removed, ...stamped.removed])].filter((name) => !Object.hasOwn(env, name)).sort(),
    files: wiring.files,
    mirrors: wiring.mirrors ?? [],
    tools: wiring.tools,
    sessionId: openToOptions ? (request.resume ?? session) : undefined,
    notes,
  };
}

function wire(row: Harness, input: WiringInput): Wiring {
  const { connection, title } = row;
  if (connection.wire !== undefined) return connection.wire(input);
  return connection.noToolsBecause === undefined || connection.reports !== undefined
    ? noWiring
    : { ...noWiring, notes: [`${title} gets no relay tools: ${connection.noToolsBecause}.`] };
}

/** The id that the program's session is to have, where the program lets the caller choose and nobody else has. */
function sessionOf(row: Harness, request: LaunchRequest, args: readonly string[]): string | undefined {
  const { sessionFlag } = row;
  if (sessionFlag === undefined || request.resume !== undefined) return undefined;
  if (request.launch.runtime === "headless" && row.headless?.namesSession === true) return undefined;
  const taken = args.some(
    (word) => sessionWords.has(word) || word.startsWith(`${sessionFlag}=`) || word === sessionFlag,
  );
  return taken ? undefined : request.sessionId;
}

/** Options by which a user continues a session of their own. */
const sessionWords: ReadonlySet<string> = new Set(["--resume", "-r", "--continue", "-c", "resume", "fork"]);

function liftAssignments(words: readonly [string, ...string[]]): {
  readonly words: readonly [string, ...string[]];
  readonly assigned: Readonly<Record<string, string>>;
} {
  const assigned: Record<string, string> = {};
  let start = 0;
  for (; start < words.length && isAssignment(words[start] ?? ""); start += 1) {
    const word = words[start] ?? "";
    const equals = word.indexOf("=");
    assigned[word.slice(0, equals)] = word.slice(equals + 1);
  }
  const [program, ...rest] = words.slice(start);
  if (program === undefined)
    throw relayError("invalid_request", "expected a program after the assignments, found none");
  return { words: [program, ...rest], assigned };
}

function rowFor(named: string | undefined, inferred: AttributableId | undefined, notes: string[]): Harness {
  if (named === undefined) return inferred === undefined ? genericHarness : harnesses[inferred];
  if (!isHarnessId(named)) {
    throw relayError("invalid_request", `expected the id of a harness, found ${JSON.stringify(named)}`, {
      hint: "`agent-relay harness list` shows them.",
      data: { known: harnessList.map((row) => row.id) },
    });
  }
  if (inferred !== undefined && inferred !== named)
    notes.push(`The spawn says ${named}; the command looks like ${inferred}.`);
  return harnesses[named];
}

function permissionFor(
  row: Harness,
  asked: PermissionMode,
  args: readonly string[],
  spawnEnv: Environment,
  notes: string[],
): {
  readonly effective: PermissionMode;
  readonly withoutFlags: PermissionMode;
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
} {
  const chosen = chosenMode(row, args, spawnEnv);
  if (chosen !== undefined) {
    if (chosen.mode !== asked)
      notes.push(`Its own ${chosen.by} chooses permission mode ${chosen.mode}; the spawn asked for ${asked}.`);
    return { effective: chosen.mode, withoutFlags: chosen.mode, flags: [], env: {} };
  }
  if (row.onlyMode !== undefined) {
    if (asked === row.onlyMode) return { effective: asked, withoutFlags: asked, flags: [], env: {} };
    throw relayError(
      "invalid_request",
      `${row.title} has no permission mode ${asked}: it knows ${row.onlyMode} alone.`,
      {
        hint: `Leave the mode out or say ${row.onlyMode}, and have it run where it can do no harm.`,
        data: { asked, known: [row.onlyMode] },
      },
    );
  }
  const rule = row.permission[asked];
  if (asked !== "ask" && row.permissionsConfigured !== true && rule.flags.length === 0 && rule.env === undefined) {
    notes.push(`${row.title} has no option for permission mode ${asked}; it asks as it is configured to.`);
    return { effective: "ask", withoutFlags: "ask", flags: [], env: {} };
  }
  return { effective: asked, withoutFlags: "ask", flags: rule.flags, env: rule.env ?? {} };
}

function modelFlags(row: Harness, model: string, notes: string[]): readonly string[] {
  if (row.model !== undefined) return row.model.inject(model);
  notes.push(`${row.title} has no option for a model that we know of; ${model} is only recorded.`);
  return [];
}

function headlessWords(row: Harness, request: LaunchRequest, permissionMode: PermissionMode): readonly string[] {
  if (row.headless === undefined) {
    throw relayError("not_supported", `${row.title} has no headless form that agent-relay speaks.`, {
      hint: "Use the runtime `pty`.",
    });
  }
  const { launch, resume, sessionId } = request;
  const cwd = launch.cwd ?? request.cwd ?? "";
  return row.headless.args({ permissionMode, model: launch.model, resume, sessionId, cwd });
}

function resumeWords(row: Harness, sessionId: string, notes: string[]): readonly string[] {
  if (row.resume !== undefined) return row.resume(sessionId);
  notes.push(`${row.title} cannot continue a session that we know of; it starts anew.`);
  return [];
}

function finalValue(spawnEnv: Environment, inherited: Environment, name: string): string | undefined {
  return spawnEnv[name] ?? inherited[name];
}

function identity(request: LaunchRequest): Record<string, string> {
  return {
    AGENT_RELAY_AGENT: request.agent,
    AGENT_RELAY_EPOCH: String(request.epoch),
    AGENT_RELAY_TOKEN: request.token,
    ...(request.mcpUrl === undefined ? {} : { AGENT_RELAY_MCP_URL: request.mcpUrl }),
    ...(request.hookUrl === undefined ? {} : { AGENT_RELAY_HOOK_URL: request.hookUrl }),
  };
}

/** The subcommand that a bare command means, when options for it are added. */
function subcommandWords(row: Harness, args: readonly string[]): readonly string[] {
  const bare = args[0] === undefined || args[0].startsWith("-");
  return row.defaultSubcommand !== undefined && bare ? [row.defaultSubcommand] : [];
}

/** Names only: values may be long. */
function optionNames(options: readonly string[]): string {
  return options.filter((option) => option.startsWith("-")).join(" ");
}
