/**
 * npm: one package in one version, into one folder.
 *
 *   N3  The npm that belongs to the running Node is used, not the first one on PATH.
 *   N4  Nothing but the folder is written (and npm's own cache), and no script of any package runs.
 *   N5  When npm fails, the error carries npm's last lines.
 */
import { existsSync, realpathSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { Fault, messageOf } from "@agent-relay/kernel";
import type { PinnedPackage } from "./catalog.ts";
import { howEnded, lastLines, run } from "./run.ts";

/** The largest package has 400 MB; on a line of 1 MB/s that takes seven minutes. */
const INSTALL_MS_MAX = 15 * 60_000;
const LINES_SHOWN = 20;

/** What the user's own configuration of npm, or an npm around this process, must not change. The registry stays theirs. */
const settings = [
  "--ignore-scripts",
  "--include=optional",
  "--omit=dev",
  "--global=false",
  "--dry-run=false",
  "--workspaces=false",
  // Programs for a newer Node are installed by an older one, and run by the one they need.
  "--engine-strict=false",
  "--prefer-offline",
  "--no-audit",
  "--no-fund",
  "--no-update-notifier",
  "--loglevel=error",
];

export interface NpmOptions {
  /** The command that is npm; see `npmOf`. */
  readonly npm: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/** Throws a `Fault` with code `install_failed`. The folder may hold anything then. */
export async function npmInstall(pinned: PinnedPackage, folder: string, { npm, signal }: NpmOptions): Promise<void> {
  await mkdir(folder, { recursive: true });
  // A name and an exact version in a manifest: unlike words of a command, npm cannot read them as anything else.
  const manifest = { private: true, dependencies: { [pinned.name]: pinned.version } };
  await writeFile(path.join(folder, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
  const command = [...npm, "install", "--prefix", folder, ...settings];
  const { ending, output } = await run(command, { cwd: folder, timeoutMs: INSTALL_MS_MAX, signal }).catch(
    (error: unknown) => {
      signal?.throwIfAborted();
      throw new Fault({ code: "install_failed", message: `npm cannot be run: ${messageOf(error)}`, cause: error });
    },
  );
  if (ending === 0) return;
  const spec = `${pinned.name}@${pinned.version}`;
  throw new Fault({
    code: "install_failed",
    message: `npm could not install ${spec} (${howEnded(ending)}):\n${lastLines(output, LINES_SHOWN)}`,
    hint: `try \`npm view ${spec} version\`: it shows whether the registry has it`,
    retry: "backoff",
  });
}

/** Where npm lies beside the Node of this path. Throws a `Fault` with code `npm_missing`. */
export function npmOf(node: string): readonly string[] {
  const folders = [...new Set([path.dirname(node), path.dirname(realpathSync(node))])];
  const script = folders
    .flatMap((folder) => [
      path.join(folder, "..", "lib", "node_modules", "npm", "bin", "npm-cli.js"),
      // Homebrew's place for it.
      path.join(folder, "..", "libexec", "lib", "node_modules", "npm", "bin", "npm-cli.js"),
      // Debian's.
      path.join(folder, "..", "share", "nodejs", "npm", "bin", "npm-cli.js"),
    ])
    .find((file) => existsSync(file));
  if (script !== undefined) return [node, script];
  throw new Fault({
    code: "npm_missing",
    message: `there is no npm beside ${node}`,
    hint: "install npm for this Node, or pass the command that runs it",
  });
}
