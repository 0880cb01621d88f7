/**
 * File changes: what of a working tree has changed while somebody worked in it, as git sees it.
 *
 *   FC1  Where git knows nothing of the directory, nothing is told; that is no error.
 *   FC2  What was changed before, and has not been touched since, is nobody's work of now.
 */
import { lstat } from "node:fs/promises";
import path from "node:path";
import type { Environment } from "./environment.ts";
import { git as runGit } from "./git.ts";

export interface TreeState {
  readonly root: string;
  readonly head: string;
  /** By path: what git says of it, with its size and time. Only what differs from the commit. */
  readonly files: ReadonlyMap<string, string>;
}

/** A tree that takes longer is too large to be looked at for this. */
const GIT_MS = 20_000;
const CHANGES_MAX = 50;

export async function treeState(cwd: string, env: Environment): Promise<TreeState | undefined> {
  try {
    const root = (await git(cwd, env, "rev-parse", "--show-toplevel")).trim();
    const head = (await git(cwd, env, "rev-parse", "--verify", "--quiet", "HEAD").catch(() => "")).trim();
    return { root, head, files: await differing(root, env) };
  } catch {
    // No repository, no git, or too large: there is nothing to compare.
    return undefined;
  }
}

/** `created a.txt`, one for each file, at most 50 and a last line about the rest. */
export async function changesSince(before: TreeState, cwd: string, env: Environment): Promise<readonly string[]> {
  const after = await treeState(cwd, env);
  if (after === undefined || after.root !== before.root) return [];
  const changes = new Map<string, string>();
  if (before.head !== after.head && before.head !== "" && after.head !== "")
    for (const [file, word] of await committed(before, after, env)) changes.set(file, word);
  for (const [file, state] of after.files) if (before.files.get(file) !== state) changes.set(file, wordOf(state));
  for (const file of before.files.keys())
    if (!after.files.has(file) && !changes.has(file) && (await isGone(path.join(after.root, file))))
      changes.set(file, "deleted");
  const lines = [...changes].map(([file, word]) => `${word} ${file}`).sort();
  if (lines.length <= CHANGES_MAX) return lines;
  return [...lines.slice(0, CHANGES_MAX), `and ${lines.length - CHANGES_MAX} more`];
}

async function differing(root: string, env: Environment): Promise<ReadonlyMap<string, string>> {
  const listed = await git(root, env, "status", "--porcelain", "--no-renames", "-z", "--untracked-files=all");
  const files = new Map<string, string>();
  for (const record of listed.split("\0")) {
    if (record === "") continue;
    const [status, file] = [record.slice(0, 2), record.slice(3)];
    const stat = await lstat(path.join(root, file)).catch(() => undefined);
    files.set(file, `${status} ${stat?.size ?? "gone"} ${stat?.mtimeMs ?? ""}`);
  }
  return files;
}

async function committed(
  before: TreeState,
  after: TreeState,
  env: Environment,
): Promise<readonly (readonly [string, string])[]> {
  const words: Readonly<Record<string, string>> = { A: "created", D: "deleted" };
  const listed = await git(
    after.root,
    env,
    "diff",
    "--name-status",
    "--no-renames",
    "-z",
    before.head,
    after.head,
  ).catch(() => "");
  const parts = listed.split("\0");
  return parts.flatMap((word, index) =>
    index % 2 === 0 && word !== "" ? [[parts[index + 1] ?? "", words[word] ?? "modified"] as const] : [],
  );
}

function wordOf(state: string): string {
  if (state.startsWith("??") || state.startsWith("A")) return "created";
  return state.slice(0, 2).includes("D") ? "deleted" : "modified";
}

async function isGone(file: string): Promise<boolean> {
  return (await lstat(file).catch(() => undefined)) === undefined;
}

/** Looking at it must not write into it: another git may be at work there. */
const git = (cwd: string, env: Environment, ...args: readonly string[]): Promise<string> =>
  runGit({ cwd, env: { ...env, GIT_OPTIONAL_LOCKS: "0" }, timeoutMs: GIT_MS }, ...args);
