import { chmodSync, existsSync, readFileSync, symlinkSync, rmSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { expect, onTestFinished, test } from "vitest";
import { startCommand, type RunningCommand } from "./commands.ts";
import { groupOf, markedGroups } from "./process-identity.ts";
import { gitEnv as env, repository, type Repository } from "./testing/repository.ts";
import { makeWorktree } from "./worktrees.ts";

const specOf = (cwd: string, branch = "x") => ({
  cwd,
  env: { ...env, WORKTREE_OF: cwd },
  branch,
  baseBranch: "HEAD",
  path: `.worktrees/${branch}`,
  createBranch: true,
});

test("T1: a worktree is found again through a symbolic link", async () => {
  const { cwd } = repository();
  const link = `${cwd}-link`;
  symlinkSync(cwd, link);
  onTestFinished(() => rmSync(link));
  const spec = { ...specOf(link), path: "deep/er/x" };
  const made = await makeWorktree(spec);
  expect(await makeWorktree(spec)).toBe(made);
});

test("T1: a worktree is made once, found again, and locked by nobody", async () => {
  const { cwd, git } = repository();
  const spec = { ...specOf(cwd), branch: "feature/x" };
  const made = await makeWorktree(spec);
  expect(made).toBe(path.join(cwd, ".worktrees/x"));
  expect(git("worktree", "list", "--porcelain")).not.toContain("locked");
  expect(await makeWorktree(spec)).toBe(made);
  await expect(makeWorktree({ ...spec, branch: "other" })).rejects.toThrow(/found one of feature\/x/u);
  await expect(makeWorktree({ ...spec, branch: "none", path: "y", createBranch: false })).rejects.toThrow(
    /found none/u,
  );
  await expect(makeWorktree({ ...spec, branch: "z", path: "z", baseBranch: "nowhere" })).rejects.toThrow(
    /git worktree/u,
  );
  await expect(makeWorktree({ ...spec, branch: "z", path: "z", baseBranch: "--force" })).rejects.toThrow(
    /no option of git, found --force/u,
  );
});

test("T1: one that its owner has locked is whole, and stays so", async () => {
  const { cwd, git } = repository();
  const made = await makeWorktree(specOf(cwd));
  git("worktree", "lock", "--reason", "on a stick", made);
  expect(await makeWorktree(specOf(cwd))).toBe(made);
  expect(git("worktree", "list", "--porcelain")).toContain("locked on a stick");
  // The stick is pulled out.
  rmSync(made, { recursive: true });
  expect(await makeWorktree(specOf(cwd))).toBe(made);
  expect(git("worktree", "list", "--porcelain")).toContain("locked on a stick");
});

test("T2: one that was deleted without git is made anew, with what was committed in it", async () => {
  const { cwd, git } = repository();
  const made = await makeWorktree(specOf(cwd));
  git("-C", made, "commit", "--quiet", "--allow-empty", "-m", "work");
  rmSync(made, { recursive: true });
  expect(await makeWorktree(specOf(cwd))).toBe(made);
  expect(git("-C", made, "log", "-1", "--format=%s")).toBe("work\n");
});

/** Says in the file `at-it` where it is, and goes on when the file `go` is there. */
const waits = 'd=$(git rev-parse --git-common-dir); touch "$d/at-it"; while ! test -e "$d/go"; do sleep 0.05; done';

/** A checkout that stops within a file. */
function slowFilter({ git, write }: Repository): void {
  write(".gitattributes", "*.slow filter=slow\n");
  write("a.slow", "whole\n");
  git("add", ".");
  git("commit", "--quiet", "-m", "slow");
  git("config", "filter.slow.smudge", `${waits}; cat`);
}

/** A checkout whose hook stops. */
function slowHook({ cwd, write }: Repository): void {
  write(".git/hooks/post-checkout", `#!/bin/sh\n${waits}\necho whole >a.slow\n`);
  chmodSync(path.join(cwd, ".git/hooks/post-checkout"), 0o755);
}

const isAtIt = ({ cwd }: Repository): boolean => existsSync(path.join(cwd, ".git/at-it"));

/** Git as somebody runs it who makes no lock of their own. */
const addByGit = ({ cwd }: Repository): Promise<RunningCommand> =>
  startCommand({ argv: ["git", "worktree", "add", "--quiet", "-b", "x", ".worktrees/x"], cwd, env });

/** The group of the git that makes a worktree here. */
const leaderIn = ({ cwd }: Repository): number =>
  markedGroups("WORKTREE_OF").find(({ value }) => value === cwd)?.leader ?? 0;

const kill = (pid: number): void => void process.kill(-pid, "SIGKILL");

test.each([
  ["within a file", ""],
  ["within a file, before it knew its directory for a worktree", ".worktrees/x/.git"],
])("T2: a worktree that was cut %s is made anew", async (_name, missing) => {
  const it = repository();
  slowFilter(it);
  const cut = await addByGit(it);
  await expect.poll(() => isAtIt(it)).toBe(true);
  kill(cut.pid);
  await cut.ended;
  if (missing !== "") rmSync(path.join(it.cwd, missing));
  it.write(".git/go", "");
  const made = await makeWorktree(specOf(it.cwd));
  expect(readFileSync(path.join(made, "a.slow"), "utf8")).toBe("whole\n");
  expect(it.git("-C", made, "status", "--porcelain")).toBe("");
  expect(it.git("-C", made, "branch", "--show-current")).toBe("x\n");
});

test("T2: a worktree that was cut within its hook is made anew", async () => {
  const it = repository();
  slowHook(it);
  const making = makeWorktree(specOf(it.cwd));
  await expect.poll(() => isAtIt(it)).toBe(true);
  // What a runner that is killed leaves behind.
  const git = leaderIn(it);
  kill(git);
  await expect(making).rejects.toThrow(/SIGKILL/u);
  it.write(".git/go", "");
  const made = await makeWorktree(specOf(it.cwd));
  expect(readFileSync(path.join(made, "a.slow"), "utf8")).toBe("whole\n");
});

test("T2: called off, git and what it has started are gone when the answer comes", async () => {
  const it = repository();
  slowFilter(it);
  const stop = new AbortController();
  const making = makeWorktree({ ...specOf(it.cwd), signal: stop.signal });
  await expect.poll(() => isAtIt(it)).toBe(true);
  const git = leaderIn(it);
  expect(groupOf(git).length).toBeGreaterThan(1);
  stop.abort();
  await expect(making).rejects.toThrow("git worktree: it was stopped");
  expect(groupOf(git)).toEqual([]);
});
