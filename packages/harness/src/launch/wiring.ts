/** What a program is given for its launch: options, variables and private files. Each adapter makes its own. */
import type { PermissionMode } from "@agent-relay/protocol";
import type { Environment } from "../attribution.ts";
import type { LaunchRequest } from "./plan.ts";

export interface PlannedFile {
  /** Relative to the agent's private directory. */
  readonly path: string;
  readonly mode: 0o600;
  readonly content: string;
  /** Written instead of `content` when this file of the user's is there and can be read. `merged` is pure and total. */
  readonly over?: { readonly path: string; readonly merged: (existing: string) => string };
}

/** A directory of the agent's own whose entries are links to those of another, for programs that have one place for all. */
export interface PlannedMirror {
  /** Relative to the agent's private directory. */
  readonly path: string;
  /** The directory that is mirrored, absolute. It need not be there. */
  readonly of: string;
  /** Entries that are not linked. */
  readonly except: readonly string[];
  /** Directories that the program would make there by itself; they are made first, so that what it writes is kept. */
  readonly made?: readonly string[];
}

export interface Wiring {
  readonly flags: readonly string[];
  /** Laid under the spawn's own variables. */
  readonly env: Readonly<Record<string, string>>;
  /** Laid over them: configuration that was merged with the spawn's own. */
  readonly envOverSpawn: Readonly<Record<string, string>>;
  readonly files: readonly PlannedFile[];
  readonly mirrors?: readonly PlannedMirror[];
  readonly tools: boolean;
  readonly notes: readonly string[];
}

export interface WiringInput {
  readonly request: LaunchRequest;
  /** Where this program posts its reports, under its harness's id; absent when nothing listens. */
  readonly hookUrl: string | undefined;
  readonly spawnEnv: Environment;
  readonly inheritedEnv: Environment;
  readonly mode: PermissionMode;
  /** Whether options can be added to the command. */
  readonly openToOptions: boolean;
  readonly programArgs: readonly string[];
}

/** The variable of a program's environment that holds its token. */
export const tokenVariable = "AGENT_RELAY_TOKEN";

export const noWiring: Wiring = { flags: [], env: {}, envOverSpawn: {}, files: [], tools: false, notes: [] };
