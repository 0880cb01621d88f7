/**
 * Attribution: a worker's traffic carries the harness that the worker really runs.
 *
 *   A1  What a worker's command runs is stamped on it; an unknown program is stamped with nothing, so that its traffic
 *       falls back to the orchestrator's.
 *   A2  A value that the spawn itself sets wins over inference. The broker's own environment never does.
 *   A3  A value that is not of the grammar is dropped, never repaired into something else.
 */
import { agentActor, brokerActor, harnessOfActor, normalizeActor } from "@agent-relay/protocol";
import { inferHarness } from "./infer.ts";
import { isAttributableId } from "./table.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Kept when everything else of ours is taken out of what a worker inherits: who started the whole team. */
export const orchestratorVariable = "AGENT_RELAY_ORCHESTRATOR_HARNESS";
const orchestratorVariables = [orchestratorVariable, "RELAYCAST_HARNESS", "X_RELAYCAST_HARNESS"] as const;

export interface StampInput {
  /** The broker's own environment. */
  readonly inherited: Environment;
  /** What the spawn sets. */
  readonly spawnEnv: Environment;
  /** The resolved command: what really runs. */
  readonly command: string | readonly string[];
  /** The harness that the spawn names, if it does: it is taken instead of inference. */
  readonly harness?: string | undefined;
  /** For headless and app-server agents, the provider, which is the harness; it is taken when the command says nothing. */
  readonly provider?: string | undefined;
  readonly model?: string | undefined;
  /** Who started the broker, to tell workers that inherit no such word. */
  readonly orchestrator?: string | undefined;
}

export interface Stamped {
  /** The inherited environment without anything of ours but the orchestrator, then the spawn's, then the stamps. */
  readonly env: Record<string, string>;
  /** What was taken out of the inherited environment. */
  readonly removed: readonly string[];
  /** The harness that traffic is attributed to; absent for an unknown program. */
  readonly harness: string | undefined;
  readonly originActor: string | undefined;
}

/**
 * ```ts
 * stampEnvironment({ inherited: { AGENT_RELAY_HARNESS: "claude-code" }, spawnEnv: {}, command: "codex", model: "gpt-5" }).env;
 * // { AGENT_RELAY_HARNESS: "codex", AGENT_RELAY_ORIGIN_ACTOR: "agent-relay-cli/agent/codex@gpt-5" }
 * ```
 */
export function stampEnvironment(input: StampInput): Stamped {
  const env: Record<string, string> = {};
  const removed: string[] = [];
  for (const [name, value] of Object.entries(input.inherited)) {
    if (value === undefined) continue;
    if (isOurs(name) && name !== orchestratorVariable) removed.push(name);
    else env[name] = value;
  }
  const orchestrator = input.orchestrator === "unknown" ? undefined : normalizeHarness(input.orchestrator);
  if (env[orchestratorVariable] === undefined && orchestrator !== undefined) env[orchestratorVariable] = orchestrator;
  for (const [name, value] of Object.entries(input.spawnEnv)) if (value !== undefined) env[name] = value;

  const saidActor = normalizeActor(input.spawnEnv["AGENT_RELAY_ORIGIN_ACTOR"]);
  const saidHarness = normalizeHarness(input.spawnEnv["AGENT_RELAY_HARNESS"]);
  const harness = saidHarness ?? harnessOfActor(saidActor) ?? attributedHarness(input);
  const originActor = saidActor ?? (harness === undefined ? undefined : agentActor(harness, input.model));
  stamp(env, "AGENT_RELAY_HARNESS", harness);
  stamp(env, "AGENT_RELAY_ORIGIN_ACTOR", originActor);
  return { env, removed, harness, originActor };
}

/** The harness of a spawn: as named, else by its command, else by its provider; nothing for an unknown program. */
export function attributedHarness(input: Pick<StampInput, "command" | "harness" | "provider">): string | undefined {
  if (input.harness !== undefined && isAttributableId(input.harness)) return input.harness;
  const inferred = inferHarness(input.command, { expected: input.harness }).harness;
  if (inferred !== undefined) return inferred;
  if (input.provider === undefined) return undefined;
  return isAttributableId(input.provider) ? input.provider : inferHarness([input.provider]).harness;
}

/**
 * Who a client is: what it was told, what its environment says, or whoever orchestrates; a person's own command line
 * if nothing is known.
 */
export function resolveOwnActor(input: {
  readonly explicit?: string | undefined;
  readonly env: Environment;
  /** What `findOrchestrator` found; a function, because looking may be slow and is often not needed. */
  readonly orchestrator?: string | (() => string) | undefined;
}): string {
  const told = normalizeActor(input.explicit) ?? normalizeActor(input.env["AGENT_RELAY_ORIGIN_ACTOR"]);
  if (told !== undefined) return told;
  const own = normalizeHarness(input.env["AGENT_RELAY_HARNESS"]);
  const fromOwn = own === undefined ? undefined : agentActor(own);
  if (fromOwn !== undefined) return fromOwn;
  const orchestrator = typeof input.orchestrator === "function" ? input.orchestrator() : input.orchestrator;
  const known = orchestrator === undefined || orchestrator === "unknown" ? undefined : normalizeHarness(orchestrator);
  return (known === undefined ? undefined : agentActor(known)) ?? brokerActor;
}

export interface ParentProcess {
  readonly pid: number;
  readonly argv: readonly string[];
}

export interface Orchestrator {
  /** A harness, or `unknown`. */
  readonly harness: string;
  /** The variable or the process that says so. */
  readonly source: string;
}

/** How far up the tree of processes is looked. */
export const parentsMax = 8;

/**
 * Who started us: the environment's word, else the nearest parent process that is a known program, else `unknown`.
 *
 * `parents` runs from the nearest upwards and is read only as far as needed, at most eight processes and never one
 * twice. What reading it throws is thrown on.
 */
export function findOrchestrator(input: {
  readonly env: Environment;
  readonly parents: Iterable<ParentProcess>;
}): Orchestrator {
  for (const variable of orchestratorVariables) {
    const harness = normalizeHarness(input.env[variable]);
    if (harness !== undefined) return { harness, source: variable };
  }
  const seen = new Set<number>();
  for (const parent of input.parents) {
    if (seen.has(parent.pid)) break;
    seen.add(parent.pid);
    const { harness } = inferHarness(parent.argv);
    if (harness !== undefined) return { harness, source: `process ${parent.pid}` };
    if (seen.size >= parentsMax) break;
  }
  return { harness: "unknown", source: "nothing known" };
}

/** A harness's name in lower case, or nothing if it could not stand in an actor. */
export function normalizeHarness(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const actor = agentActor(text);
  return actor === undefined ? undefined : harnessOfActor(actor);
}

function isOurs(name: string): boolean {
  return name.startsWith("AGENT_RELAY_");
}

function stamp(env: Record<string, string>, name: string, value: string | undefined): void {
  if (value === undefined) delete env[name];
  else env[name] = value;
}
