import { resolve } from "node:path";
import { relayError } from "@agent-relay/protocol";
import type { LaunchInput, MethodParams } from "@agent-relay/protocol";
import { programs, type HarnessId } from "./programs.ts";

/** What to run. What is left out has the broker's default. */
export interface SpawnOptions {
  readonly name: string;
  /** The command line, for example `codex --profile work`. The harness's own program if absent. */
  readonly cli?: string;
  /** Which kind of program it is; found out from `cli` if absent. */
  readonly harness?: string;
  readonly args?: readonly string[];
  readonly runtime?: "pty" | "headless";
  readonly model?: string;
  /** Delivered as the first message. */
  readonly task?: string;
  readonly channels?: readonly string[];
  readonly team?: string;
  /**
   * The agents, or teams, that it may write to; anybody if absent. Channels, people and scripts, and whoever it spawned or
   * was spawned by, it may always write to. What it spawns is bound by this, too.
   */
  readonly mayTell?: readonly string[];
  /** Relative to where this script runs. The project if absent. */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** How much it may do without asking. If absent it asks, or does what it always does if it cannot ask. */
  readonly permissionMode?: "ask" | "auto" | "bypass";
  /** Answers the program's question whether its directory may be trusted; it may then run what the project's settings say. */
  readonly trust?: boolean;
  readonly restart?: NonNullable<LaunchInput["restart"]>;
  /** Silence after a finished turn until `agent_idle`; 0 turns it off. */
  readonly idleThresholdSecs?: number;
  readonly cols?: number;
  readonly rows?: number;
  /** The same id twice is the same spawn. */
  readonly commandId?: string;
  readonly signal?: AbortSignal;
}

export function spawnParams(options: SpawnOptions, from: string): MethodParams<"agent.spawn"> {
  const {
    name,
    cli,
    harness,
    args,
    channels,
    mayTell,
    cwd,
    env,
    commandId: _commandId,
    signal: _signal,
    ...plain
  } = options;
  const program = cli ?? (harness === undefined ? undefined : programOf(harness));
  if (program === undefined)
    throw relayError("invalid_request", "expected a command line in `cli`, or a harness", {
      hint: 'For example { name: "ada", cli: "claude" }.',
    });
  const launch: LaunchInput = { cli: program, ...present(plain) };
  if (harness !== undefined) launch.harness = harness;
  if (args !== undefined) launch.args = [...args];
  if (channels !== undefined)
    launch.channels = channels.map((channel) => (channel.startsWith("#") ? channel.slice(1) : channel));
  if (mayTell !== undefined) launch.mayTell = [...mayTell];
  if (cwd !== undefined) launch.cwd = resolve(from, cwd);
  if (env !== undefined) launch.env = { ...env };
  return { name, launch };
}

function programOf(harness: string): string {
  if (Object.hasOwn(programs, harness)) return programs[harness as HarnessId];
  throw relayError(
    "invalid_request",
    `no program is known for the harness ${harness}; give its command line in \`cli\``,
  );
}

/** Without what is undefined: a script may pass it on from an option of its own. */
function present<Fields extends object>(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Fields;
}
