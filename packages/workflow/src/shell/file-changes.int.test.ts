import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { changesSince, treeState } from "./file-changes.ts";

const env = { PATH: "/usr/bin:/bin", HOME: "/nonexistent", GIT_CONFIG_GLOBAL: "/dev/null" };

function directory(): string {
  const cwd = realpathSync(mkdtempSync(path.join(tmpdir(), "changes-")));
  onTestFinished(() => rmSync(cwd, { recursive: true }));
  return cwd;
}

test("what was created, changed, deleted and committed meanwhile is told; what was there before is not", async () => {
  const cwd = directory();
  const git = (...args: readonly string[]): unknown => execFileSync("git", args, { cwd, env });
  const write = (name: string, text: string): void => writeFileSync(path.join(cwd, name), text);
  const commit = (): unknown => {
    git("add", "committed", "kept", "gone");
    return git("-c", "user.name=n", "-c", "user.email=e@example.org", "commit", "--quiet", "-m", "c");
  };
  git("init", "--quiet");
  for (const name of ["kept", "gone", "committed"]) write(name, "1\n");
  commit();
  write("old", "");
  write("touched", "");
  mkdirSync(path.join(cwd, "deep"));
  const before = await treeState(path.join(cwd, "deep"), env);
  if (before === undefined) throw new Error("expected a repository");
  expect(await changesSince(before, cwd, env)).toEqual([]);
  write("committed", "2\n");
  rmSync(path.join(cwd, "gone"));
  commit();
  write("kept", "2\n");
  write("touched", "longer");
  write("deep/a name with spaces", "");
  rmSync(path.join(cwd, "old"));
  expect(await changesSince(before, cwd, env)).toEqual([
    "created deep/a name with spaces",
    "created touched",
    "deleted gone",
    "deleted old",
    "modified committed",
    "modified kept",
  ]);
});

test("of many changes the first 50 are named", async () => {
  const cwd = directory();
  execFileSync("git", ["init", "--quiet"], { cwd, env });
  const before = await treeState(cwd, env);
  for (let index = 0; index < 60; index += 1) writeFileSync(path.join(cwd, `f${index}`), "");
  const changes = before === undefined ? [] : await changesSince(before, cwd, env);
  expect([changes.length, changes.at(-1)]).toEqual([51, "and 10 more"]);
});

test("FC1: where there is no repository nothing is told", async () => {
  expect(await treeState(directory(), env)).toBeUndefined();
  expect(await treeState("/nonexistent", env)).toBeUndefined();
});
