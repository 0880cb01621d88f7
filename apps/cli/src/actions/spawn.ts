import { resolve } from "node:path";
import type { LaunchInput, MethodResult } from "@agent-relay/protocol";
import type { Client } from "@agent-relay/sdk";
import { withClient } from "../broker-connection.ts";
import { ensureBroker } from "../broker-start.ts";
import type { ActionResult, Context } from "../context.ts";
import { launchWords } from "../launch-words.ts";
import { readStdin } from "../message-body.ts";
import { agentTable, waysToAnswer, type AgentRow } from "../rendering/agent-table.ts";
import { safeLine } from "../rendering/safe-text.ts";

interface SpawnOptions {
  readonly model?: string;
  readonly task?: string;
  readonly channels?: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly permission?: "ask" | "auto" | "bypass";
  readonly restart: "never" | "on-crash" | "always";
  readonly maxFailures?: number;
  readonly harness?: string;
  readonly runtime: "pty" | "headless";
  readonly headless?: true;
  readonly trust?: true;
  readonly team?: string;
  readonly idleAfter?: number;
  readonly wait?: "ready" | "idle";
  readonly timeout: number;
  readonly start: boolean;
}

export async function run(
  context: Context,
  options: SpawnOptions,
  name: string,
  words: readonly string[],
): ActionResult {
  const { output } = context;
  const launch = await launchOf(context, options, words);
  const startedBroker = options.start && (await startIfNeeded(context));
  const { spawned, view } = await withClient(context, {}, (client) =>
    spawnAndWait(client, name, launch, options, context),
  );
  if (output.isJson) {
    output.document({ ...spawned, startedBroker, ...(view === undefined ? {} : { view }) });
    return undefined;
  }
  const what = [
    spawned.harness ?? launch.cli,
    spawned.pid === null ? undefined : `pid ${spawned.pid}`,
    spawned.epoch > 1 ? `epoch ${spawned.epoch}` : undefined,
  ].filter((part) => part !== undefined);
  output.line(`${spawned.agent} runs: ${what.join(", ")}`);
  for (const note of spawned.notes ?? []) output.note(`${output.noteColours.yellow("!")} ${safeLine(note)}`);
  if (view === undefined) return undefined;
  for (const line of agentTable([view], output, context.now())) output.line(line);
  for (const way of waysToAnswer([view])) output.note(`${output.noteColours.dim("→")} ${way}`);
  return undefined;
}

async function spawnAndWait(
  client: Client,
  name: string,
  launch: LaunchInput,
  options: SpawnOptions,
  context: Context,
): Promise<{ readonly spawned: MethodResult<"agent.spawn">; readonly view: AgentRow | undefined }> {
  const { signal } = context;
  const progress = context.output.progress(`starting ${name}`);
  try {
    const spawned = await client.call("agent.spawn", { name, launch }, { signal });
    if (options.wait === undefined) return { spawned, view: undefined };
    progress.update(`waiting until ${name} is ${options.wait}`);
    const { agents } = await client.call(
      "agent.wait",
      { names: [name], until: options.wait, timeoutMs: options.timeout },
      { signal },
    );
    return { spawned, view: agents[0] };
  } finally {
    progress.done();
  }
}

async function startIfNeeded(context: Context): Promise<boolean> {
  const { output } = context;
  const { started, broker } = await ensureBroker(context, {
    onStart: () => output.note("No broker runs here; starting one."),
  });
  if (started) output.note(`The broker runs, pid ${broker.pid}; agent-relay down ends it.`);
  return started;
}

async function launchOf(context: Context, options: SpawnOptions, words: readonly string[]): Promise<LaunchInput> {
  const launch: LaunchInput = {
    ...launchWords(words),
    runtime: options.headless === true ? "headless" : options.runtime,
    trust: options.trust === true,
    restart: {
      when: options.restart,
      ...(options.maxFailures === undefined ? {} : { maxConsecutiveFailures: options.maxFailures }),
    },
  };
  if (options.permission !== undefined) launch.permissionMode = options.permission;
  if (options.model !== undefined) launch.model = options.model;
  if (options.task !== undefined) launch.task = options.task === "-" ? await readStdin() : options.task;
  if (options.channels !== undefined) launch.channels = [...options.channels];
  if (options.cwd !== undefined) launch.cwd = resolve(context.cwd, options.cwd);
  if (options.env !== undefined) launch.env = { ...options.env };
  if (options.harness !== undefined) launch.harness = options.harness;
  if (options.team !== undefined) launch.team = options.team;
  if (options.idleAfter !== undefined) launch.idleThresholdSecs = options.idleAfter / 1_000;
  return launch;
}
