/**
 * Worktrees: directories of their own for steps that would be in each other's way.
 *
 *   T1  Asked for again, one that is there with its branch is the answer; one that is there with another is an error.
 *   T2  One that was cut while git made it, its hook included, is no answer: it is taken away and made anew. Until it is
 *       whole, its lock says so. So is one that was deleted without git.
 *   T3  Of several runs that want one place at once, one makes it, and the others find it made.
 */
import { realpath, rm } from "node:fs/promises";
import path from "node:path";
import type { Environment } from "./environment.ts";
import { git } from "./git.ts";
import type { OneAtATime } from "./one-at-a-time.ts";

const GIT_MS = 120_000;

export interface WorktreeSpec {
  readonly cwd: string;
  readonly branch: string;
  readonly baseBranch: string;
  /** Relative to `cwd`. */
  readonly path: string;
  readonly createBranch: boolean;
  readonly env: Environment;
  /** Keeps others away from the place meanwhile. Absent: nobody else is there. */
  readonly oneAtATime?: OneAtATime | undefined;
  /** Ends what git does for it. */
  readonly signal?: AbortSignal | undefined;
}

/** Git's own lock ends with its checkout, before the hook; ours is of the whole. */
const making = "agent-relay makes it";
const unfinished: ReadonlySet<string | undefined> = new Set([making, "initializing"]);

/** Answers the absolute path. Throws what git says. */
export async function makeWorktree(spec: WorktreeSpec): Promise<string> {
  // A place may have been filled with it. No `--` helps: git hands it on to another git.
  for (const name of [spec.branch, spec.baseBranch])
    if (name.startsWith("-")) throw new Error(`expected no option of git, found ${name}`);
  const place = await realPlace(path.resolve(spec.cwd, spec.path));
  const make = (): Promise<string> => makeAt(place, spec);
  return spec.oneAtATime === undefined ? make() : spec.oneAtATime(place, spec.signal, make);
}

async function makeAt(place: string, spec: WorktreeSpec): Promise<string> {
  const run = (...args: readonly string[]): Promise<string> => git({ ...spec, timeoutMs: GIT_MS }, ...args);
  const standing = worktreesIn(await run("worktree", "list", "--porcelain")).find((it) => it.place === place);
  if (standing !== undefined && !standing.isGone && !unfinished.has(standing.lock)) {
    if (standing.branch === spec.branch) return place;
    throw new Error(
      `expected a worktree of ${spec.branch} at ${spec.path}, found one of ${standing.branch ?? "no branch"}`,
    );
  }
  if (standing !== undefined) {
    // What git has not finished it may not know for its own; of what is not there it forgets what it knew.
    await rm(place, { recursive: true, force: true });
    await run("worktree", "remove", "--force", "--force", place);
  }
  const exists = await run("rev-parse", "--verify", "--quiet", `refs/heads/${spec.branch}`).then(
    () => true,
    () => false,
  );
  if (!exists && !spec.createBranch)
    throw new Error(`expected the branch ${spec.branch}, found none; set createBranch to make it`);
  const what = exists ? [place, spec.branch] : ["-b", spec.branch, place, spec.baseBranch];
  await run("worktree", "add", "--lock", "--reason", making, ...what);
  await run("worktree", "unlock", place);
  return place;
}

/** As git names it: without symbolic links, also where the end of it is not there yet. */
async function realPlace(place: string): Promise<string> {
  const parent = path.dirname(place);
  if (parent === place) return place;
  return realpath(place).catch(async () => path.join(await realPlace(parent), path.basename(place)));
}

interface Standing {
  readonly place: string;
  readonly branch: string | undefined;
  /** The reason for which it is locked, if one was given. */
  readonly lock: string | undefined;
  /** Its directory was deleted; of one that somebody has locked git does not say so. */
  readonly isGone: boolean;
}

function worktreesIn(listed: string): readonly Standing[] {
  return listed.split("\n\n").flatMap((block) => {
    const place = /^worktree (.*)$/mu.exec(block)?.[1];
    const branch = /^branch refs\/heads\/(.*)$/mu.exec(block)?.[1];
    const lock = /^locked (.*)$/mu.exec(block)?.[1];
    return place === undefined ? [] : [{ place, branch, lock, isGone: /^prunable/mu.test(block) }];
  });
}
