import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { changesSince, treeState } from "./file-changes.ts";
import { directory, gitEnv as env, repository } from "./testing/repository.ts";

test("what was created, changed, deleted and committed meanwhile is told; what was there before is not", async () => {
  const { cwd, git, write } = repository();
  const commit = (): unknown => {
    git("add", "committed", "kept", "gone");
    return git("commit", "--quiet", "-m", "c");
  };
  for (const name of ["gone", "committed"]) write(name, "1\n");
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
  const { cwd, write } = repository();
  const before = await treeState(cwd, env);
  for (let index = 0; index < 60; index += 1) write(`f${index}`, "");
  const changes = before === undefined ? [] : await changesSince(before, cwd, env);
  expect([changes.length, changes.at(-1)]).toEqual([51, "and 10 more"]);
});

test("FC1: where there is no repository nothing is told", async () => {
  expect(await treeState(directory(), env)).toBeUndefined();
  expect(await treeState("/nonexistent", env)).toBeUndefined();
});
