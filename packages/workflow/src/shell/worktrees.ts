/**
 * Worktrees: directories of their own for steps that would be in each other's way.
 *
 *   T1  Asked for again, one that is there with its branch is the answer; one that is there with another is an error.
 */
import { execFile } from "node:child_process";
import { realpath } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { messageOf } from "@agent-relay/kernel";

const GIT_MS = 120_000;

export interface WorktreeSpec {
  readonly cwd: string;
  readonly branch: string;
  readonly baseBranch: string;
  /** Relative to `cwd`. */
  readonly path: string;
  readonly createBranch: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Answers the absolute path. Throws what git says. */
export async function makeWorktree(spec: WorktreeSpec): Promise<string> {
  const place = await realPlace(path.resolve(spec.cwd, spec.path));
  const standing = (await worktreesOf(spec)).find((it) => it.place === place);
  if (standing !== undefined) {
    if (standing.branch === spec.branch) return place;
    throw new Error(
      `expected a worktree of ${spec.branch} at ${spec.path}, found one of ${standing.branch ?? "no branch"}`,
    );
  }
  const exists = await git(spec, "rev-parse", "--verify", "--quiet", `refs/heads/${spec.branch}`).then(
    () => true,
    () => false,
  );
  if (!exists && !spec.createBranch)
    throw new Error(`expected the branch ${spec.branch}, found none; set createBranch to make it`);
  const what = exists ? [place, spec.branch] : ["-b", spec.branch, place, spec.baseBranch];
  await git(spec, "worktree", "add", ...what);
  return place;
}

/** As git names it: without symbolic links, also where the end of it is not there yet. */
async function realPlace(place: string): Promise<string> {
  const parent = path.dirname(place);
  if (parent === place) return place;
  return realpath(place).catch(async () => path.join(await realPlace(parent), path.basename(place)));
}

async function worktreesOf(
  spec: WorktreeSpec,
): Promise<readonly { readonly place: string; readonly branch: string | undefined }[]> {
  const listed = await git(spec, "worktree", "list", "--porcelain");
  return listed.split("\n\n").flatMap((block) => {
    const place = /^worktree (.*)$/mu.exec(block)?.[1];
    const branch = /^branch refs\/heads\/(.*)$/mu.exec(block)?.[1];
    return place === undefined ? [] : [{ place, branch }];
  });
}

async function git({ cwd, env }: WorktreeSpec, ...args: readonly string[]): Promise<string> {
  try {
    const options = { cwd, env: { ...env }, timeout: GIT_MS };
    return (await promisify(execFile)("git", args as string[], options)).stdout;
  } catch (error) {
    const said = typeof error === "object" && error !== null && "stderr" in error ? String(error.stderr).trim() : "";
    throw new Error(`git ${args[0]}: ${said === "" ? messageOf(error) : said}`, { cause: error });
  }
}
