/** Directories for tests, some of them under git. They are gone when their test is. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";

/** Git without the settings of whoever runs the tests. */
export const gitEnv = {
  PATH: "/usr/bin:/bin",
  HOME: "/nonexistent",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_AUTHOR_NAME: "n",
  GIT_AUTHOR_EMAIL: "e@example.org",
  GIT_COMMITTER_NAME: "n",
  GIT_COMMITTER_EMAIL: "e@example.org",
};

export function directory(): string {
  const cwd = realpathSync(mkdtempSync(path.join(tmpdir(), "workflow-")));
  onTestFinished(() => rmSync(cwd, { recursive: true }));
  return cwd;
}

export interface Repository {
  readonly cwd: string;
  /** Answers what it says. */
  readonly git: (...args: readonly string[]) => string;
  readonly write: (name: string, text: string) => void;
}

/** One commit on `main`, with a file `kept`. */
export function repository(): Repository {
  const cwd = directory();
  const git: Repository["git"] = (...args) => execFileSync("git", args, { cwd, env: gitEnv, encoding: "utf8" });
  const write: Repository["write"] = (name, text) => writeFileSync(path.join(cwd, name), text);
  git("init", "--quiet", "--initial-branch=main");
  write("kept", "1\n");
  git("add", ".");
  git("commit", "--quiet", "-m", "begin");
  return { cwd, git, write };
}
