/**
 * Locations: where a project's broker keeps its state and listens.
 *
 *   L1  One project has one place, whichever way its path was written.
 *   L2  Sockets have short names in a directory that belongs to this user alone; a directory that does not is refused.
 *   L3  A path that the system would cut off is refused, with what to do.
 */
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, realpathSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { relayError } from "@agent-relay/protocol";
import type { Environment } from "./environment.ts";

export interface Locations {
  readonly project: string;
  /** Private to this user: the log, the agents' files. */
  readonly stateDir: string;
  /** The directory of the sockets. */
  readonly runtimeDir: string;
  readonly brokerSocket: string;
  readonly ptySocket: string;
  readonly operatorTokenFile: string;
  readonly eventsFile: string;
  readonly lockFile: string;
  readonly logsDir: string;
  readonly agentsDir: string;
}

const stateDirName = ".agent-relay";

/** `sun_path` of a socket address has 108 bytes on Linux and 104 on macOS, one of them for the terminating zero. */
const socketPathBytesMax = process.platform === "darwin" ? 103 : 107;

/** SQLite opens paths of at most 512 bytes, which are those of its journals, too: `/broker.lock-journal` and a zero follow. */
const stateDirBytesMax = 490;

/** The nearest directory upwards that has a broker's state, else the root of the git repository, else the directory itself. */
export function findProject(startDir: string, environment: Environment = {}): string {
  const given = environment["AGENT_RELAY_PROJECT"];
  if (given !== undefined && given !== "") return canonical(resolve(startDir, given));
  const start = canonical(startDir);
  return (
    nearest(start, (directory) => isDirectory(join(directory, stateDirName))) ??
    nearest(start, (directory) => exists(join(directory, ".git"))) ??
    start
  );
}

/**
 * The places of one project. Looks at the file system and changes nothing. Throws a `RelayError`:
 * `socket_path_too_long`, or `state_unwritable` if the state's path is too long or the sockets' directory belongs to
 * someone else.
 */
export function locate(projectDir: string, environment: Environment): Locations {
  const project = canonical(projectDir);
  const given = environment["AGENT_RELAY_STATE_DIR"];
  const stateDir =
    given === undefined || given === "" ? join(project, stateDirName) : canonical(resolve(project, given));
  const runtimeDir = runtimeDirOf(environment);
  // Fifteen hexadecimal digits: no two of a user's projects meet, and the name stays short.
  const name = createHash("sha256").update(stateDir).digest("hex").slice(0, 15);
  const locations: Locations = {
    project,
    stateDir,
    runtimeDir,
    brokerSocket: join(runtimeDir, `${name}.sock`),
    ptySocket: join(runtimeDir, `${name}.pty`),
    operatorTokenFile: join(stateDir, "operator.token"),
    eventsFile: join(stateDir, "events.db"),
    lockFile: join(stateDir, "broker.lock"),
    logsDir: join(stateDir, "logs"),
    agentsDir: join(stateDir, "agents"),
  };
  refuseLongStateDir(stateDir);
  refuseLongPath(locations.brokerSocket);
  refuseForeignDirectory(runtimeDir);
  return locations;
}

/** Makes the directory of the sockets, for this user alone. */
export function ensureRuntimeDir(locations: Locations): void {
  mkdirSync(locations.runtimeDir, { recursive: true, mode: 0o700 });
  refuseForeignDirectory(locations.runtimeDir);
}

function runtimeDirOf(environment: Environment): string {
  const given = environment["XDG_RUNTIME_DIR"];
  if (given !== undefined && isAbsolute(given)) return join(given, "agent-relay");
  return `/tmp/agent-relay-${process.getuid?.() ?? "user"}`;
}

function refuseLongPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= socketPathBytesMax) return;
  throw relayError(
    "socket_path_too_long",
    `expected a socket path of at most ${socketPathBytesMax} bytes, found ${bytes}: ${path}`,
    {
      hint: "Set XDG_RUNTIME_DIR to a directory with a shorter path.",
    },
  );
}

function refuseLongStateDir(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= stateDirBytesMax) return;
  throw relayError(
    "state_unwritable",
    `expected a state directory whose path has at most ${stateDirBytesMax} bytes, found ${bytes}: ${path}`,
    { hint: "Set AGENT_RELAY_STATE_DIR to a directory with a shorter path." },
  );
}

/** Whoever owns the directory can put a socket of their own in it, and be taken for our broker. */
function refuseForeignDirectory(directory: string): void {
  const found = lstatSync(directory, { throwIfNoEntry: false });
  if (found === undefined) return;
  const user = process.getuid?.();
  if (user === undefined) return;
  const problem = !found.isDirectory()
    ? "is not a directory"
    : found.uid !== user
      ? `belongs to user ${found.uid}, not to user ${user}`
      : (found.mode & 0o077) !== 0
        ? `can be entered by others (mode ${(found.mode & 0o777).toString(8)})`
        : undefined;
  if (problem === undefined) return;
  throw relayError("state_unwritable", `expected a private directory for the sockets, but ${directory} ${problem}`, {
    hint: `Remove ${directory}, make it private with: chmod 700 ${directory}, or set XDG_RUNTIME_DIR.`,
  });
}

function nearest(start: string, matches: (directory: string) => boolean): string | undefined {
  for (let directory = start; ; directory = dirname(directory)) {
    if (matches(directory)) return directory;
    if (directory === dirname(directory)) return undefined;
  }
}

/** The path without symbolic links, as far as it exists. */
function canonical(path: string): string {
  const absolute = resolve(path);
  try {
    return realpathSync(absolute);
  } catch {
    // It does not exist yet: its parent may, under another name.
    const parent = dirname(absolute);
    return parent === absolute ? absolute : join(canonical(parent), absolute.slice(parent.length).replace(/^\//, ""));
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
