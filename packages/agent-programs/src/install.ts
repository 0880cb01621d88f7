/**
 * Installing: one program of the catalog into the cache, once.
 *
 *   P1  An installation is there whole or not at all: it is made elsewhere, tried, and moved into place by one rename.
 *   P2  A whole installation is used as it is: no npm, no network.
 *   P3  A broken one (its mark, its program, or a part of the program is missing) is made again.
 *   P4  Any number of processes may install the same program at the same time; one of them fetches it.
 *   P5  What was installed says its own version before it counts; another version is a failure.
 *   P6  The caller's configuration, of npm and of the programs, is not written to.
 *   P7  A failure leaves nothing behind, and what a killed installer left is removed by a later one.
 */
import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { access, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { codeOf, Fault } from "@agent-relay/kernel";
import { nodeRuntime, requirePlatform, type PinnedPackage, type Platform, type Program } from "./catalog.ts";
import { isAlive, withLock } from "./install-lock.ts";
import { npmInstall, npmOf } from "./npm.ts";
import { offlineProfile } from "./offline.ts";
import { isAtLeast, requireVersion } from "./version.ts";

export interface InstallOptions {
  /** Where installations are kept; `programsDirectory` knows a place. */
  readonly cacheDir: string;
  readonly onProgress?: ((progress: InstallProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The command that is npm. By default the one that belongs to the running Node. */
  readonly npm?: readonly string[];
  /** The Node to run programs with when it is new enough for them. By default the running one. */
  readonly node?: NodeProgram;
  /** By default the one that this runs on. */
  readonly platform?: Platform;
}

export interface NodeProgram {
  readonly path: string;
  readonly version: string;
}

export interface InstallProgress {
  /** `waiting`: another process is installing it. `found`: it was there already. */
  readonly step: "found" | "waiting" | "fetching" | "trying" | "installed";
  /** The package and its version. */
  readonly what: string;
}

export interface InstalledProgram {
  /** The program and the words that go before its arguments. */
  readonly executable: readonly string[];
  /** What the program says of itself; the catalog's. */
  readonly version: string;
}

/** Installs a program of the catalog, or finds it installed. Throws `Fault`s; `install_failed` has npm's last lines. */
export async function installProgram(program: Program, options: InstallOptions): Promise<InstalledProgram> {
  const platform = options.platform ?? requirePlatform(process.platform, process.arch);
  const launcher = await launcherOf(program, platform, options);
  const pinned = program.packages[platform];
  await ensure(pinned, options, (folder) => tryVersion(program, [...launcher, path.join(folder, pinned.executable)]));
  return describe(program, launcher, pinned, options.cacheDir);
}

/** What `installProgram` would answer without fetching anything; `undefined` if it would have to. */
export async function findInstalled(
  program: Program,
  options: Pick<InstallOptions, "cacheDir" | "node" | "platform">,
): Promise<InstalledProgram | undefined> {
  const platform = options.platform ?? requirePlatform(process.platform, process.arch);
  const needed = neededNode(program, platform, options);
  const pinned = program.packages[platform];
  const packages = needed.fetch === undefined ? [pinned] : [needed.fetch, pinned];
  for (const it of packages) if (!(await isWhole(folderOf(options.cacheDir, it), it))) return undefined;
  return describe(program, needed.launcher, pinned, options.cacheDir);
}

function describe(
  program: Program,
  launcher: readonly string[],
  pinned: PinnedPackage,
  cacheDir: string,
): InstalledProgram {
  return {
    executable: [...launcher, path.join(folderOf(cacheDir, pinned), pinned.executable)],
    version: program.version,
  };
}

/** The words before the program: none for a binary, Node for JavaScript. Installs Node if the running one is too old. */
async function launcherOf(program: Program, platform: Platform, options: InstallOptions): Promise<readonly string[]> {
  const { launcher, fetch } = neededNode(program, platform, options);
  if (fetch !== undefined)
    await ensure(fetch, options, (folder) =>
      requireVersion({
        name: "node",
        version: nodeRuntime.version,
        executable: [path.join(folder, fetch.executable)],
        cwd: folder,
        env: {},
      }),
    );
  return launcher;
}

function neededNode(
  program: Program,
  platform: Platform,
  {
    node = { path: process.execPath, version: process.versions.node },
    cacheDir,
  }: Pick<InstallOptions, "node" | "cacheDir">,
): { readonly launcher: readonly string[]; readonly fetch?: PinnedPackage } {
  if (program.nodeMin === undefined) return { launcher: [] };
  if (isAtLeast(node.version, program.nodeMin)) return { launcher: [node.path] };
  const fetch = nodeRuntime.packages[platform];
  return { launcher: [path.join(folderOf(cacheDir, fetch), fetch.executable)], fetch };
}

/** Makes sure that a package is there, whole. `attempt` throws if the program in the folder does not do. */
async function ensure(
  pinned: PinnedPackage,
  { cacheDir, npm, onProgress, signal }: InstallOptions,
  attempt: (folder: string) => Promise<void>,
): Promise<void> {
  const what = nameOf(pinned);
  const folder = folderOf(cacheDir, pinned);
  const tell = (step: InstallProgress["step"]): void => onProgress?.({ step, what });
  if (await isWhole(folder, pinned)) return tell("found");
  await mkdir(path.dirname(folder), { recursive: true });
  await withLock(`${folder}.lock`, { onWait: () => tell("waiting"), signal }, async () => {
    if (await isWhole(folder, pinned)) return tell("found");
    await removeAbandoned(folder);
    const draft = draftOf(folder);
    try {
      tell("fetching");
      await npmInstall(pinned, draft, { npm: npm ?? npmOf(process.execPath), signal });
      await requireExecutable(pinned, draft);
      tell("trying");
      await attempt(draft);
      await writeMark(pinned, draft);
      await moveInto(folder, draft, pinned);
      tell("installed");
    } finally {
      await rm(draft, removal);
    }
  });
}

async function requireExecutable(pinned: PinnedPackage, folder: string): Promise<void> {
  await access(path.join(folder, pinned.executable), constants.X_OK).catch((error: unknown) => {
    throw new Fault({
      code: "install_failed",
      message: `npm installed ${nameOf(pinned)}, and there is no program at ${pinned.executable} in it`,
      cause: error,
    });
  });
}

/** Two may arrive here if the lock was taken over; whoever is second finds a whole installation and leaves it. */
async function moveInto(folder: string, draft: string, pinned: PinnedPackage): Promise<void> {
  for (;;) {
    try {
      await rename(draft, folder);
      return;
    } catch (error) {
      if (codeOf(error) !== "ENOTEMPTY" && codeOf(error) !== "EEXIST") throw error;
    }
    if (await isWhole(folder, pinned)) return;
    const aside = draftOf(folder);
    await rename(folder, aside).catch((error: unknown) => {
      if (codeOf(error) !== "ENOENT") throw error;
    });
    await rm(aside, removal);
  }
}

/** An npm that was just killed may still have a file to close. */
const removal = { recursive: true, force: true, maxRetries: 5, retryDelay: 100 } as const;

/** Longer than any installation takes, so what is older belongs to nobody, whoever has the number of its process now. */
const ABANDONED_MS = 60 * 60_000;

/** Named after the process that makes it. */
function draftOf(folder: string): string {
  return `${folder}.${process.pid}-${randomUUID()}.draft`;
}

/** To be called by the owner of the lock: then whoever made the other drafts of this folder was killed, as a rule. */
async function removeAbandoned(folder: string): Promise<void> {
  const parent = path.dirname(folder);
  const prefix = `${path.basename(folder)}.`;
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix) || !name.endsWith(".draft")) continue;
    const { mtimeMs } = await stat(path.join(parent, name));
    const isTooOld = Date.now() - mtimeMs > ABANDONED_MS;
    if (isTooOld || !isAlive(Number.parseInt(name.slice(prefix.length), 10)))
      await rm(path.join(parent, name), removal);
  }
}

/** What is written last into an installation. Without it the folder is rubble. */
interface Mark {
  readonly package: string;
  /** A cache that is shared between machines may hold another platform's parts under the same name. */
  readonly platform: string;
  readonly bytes: number;
}

async function writeMark(pinned: PinnedPackage, folder: string): Promise<void> {
  await writeFile(markFile(folder), `${JSON.stringify(await markOf(pinned, folder), undefined, 2)}\n`);
}

async function isWhole(folder: string, pinned: PinnedPackage): Promise<boolean> {
  try {
    const found: unknown = JSON.parse(await readFile(markFile(folder), "utf8"));
    return JSON.stringify(found) === JSON.stringify(await markOf(pinned, folder));
  } catch {
    return false; // whatever cannot be read is not whole, and is made again
  }
}

async function markOf(pinned: PinnedPackage, folder: string): Promise<Mark> {
  const { size } = await stat(path.join(folder, pinned.executable));
  return { package: nameOf(pinned), platform: `${process.platform}-${process.arch}`, bytes: size };
}

function markFile(folder: string): string {
  return path.join(folder, "installed.json");
}

/** Asks the program for its version, in a home of its own: some write into their home before they answer. */
async function tryVersion(program: Program, executable: readonly string[]): Promise<void> {
  const home = await mkdtemp(path.join(tmpdir(), "agent-program-"));
  try {
    const { env } = offlineProfile(program.id, { modelUrl: "http://127.0.0.1:9", home });
    await requireVersion({ name: program.id, version: program.version, executable, cwd: home, env });
  } finally {
    await rm(home, removal);
  }
}

function folderOf(cacheDir: string, pinned: PinnedPackage): string {
  return path.join(cacheDir, nameOf(pinned));
}

function nameOf(pinned: PinnedPackage): string {
  return `${pinned.name}@${pinned.version}`;
}
