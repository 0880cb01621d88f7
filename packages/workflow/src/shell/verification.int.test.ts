import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import type { Verification } from "../core/plan.ts";
import { groupOf } from "./process-identity.ts";
import { directory, gitEnv as env, repository } from "./testing/repository.ts";
import { verify, type Evidence } from "./verification.ts";

const readIf = (file: string): string => (existsSync(file) ? readFileSync(file, "utf8") : "");

const check = (verification: Verification, more: Partial<Evidence> = {}) =>
  verify(verification, { cwd: "/", output: "", env, ...more });

test("V1: a check says what it expected and what it found", async () => {
  expect(await check({ type: "output_contains", value: "green" }, { output: "all green" })).toEqual({ passed: true });
  expect(await check({ type: "output_contains", value: "green" }, { output: "red" })).toEqual({
    passed: false,
    detail: 'expected "green" in its output',
  });
  expect(await check({ type: "exit_code", value: 3 }, { exitCode: 3 })).toEqual({ passed: true });
  expect(await check({ type: "exit_code", value: 0 }, { exitCode: 3 })).toEqual({
    passed: false,
    detail: "expected exit status 0, found 3",
  });
  expect(await check({ type: "exit_code", value: 0 }, { exitCode: null })).toMatchObject({ passed: false });
  expect(await check({ type: "exit_code", value: 0 })).toEqual({ passed: false, detail: "it still runs" });
});

test("a file is looked for in the step's directory", async () => {
  const cwd = directory();
  writeFileSync(path.join(cwd, "a"), "");
  expect(await check({ type: "file_exists", value: "a" }, { cwd })).toEqual({ passed: true });
  expect(await check({ type: "file_exists", value: "b" }, { cwd })).toEqual({
    passed: false,
    detail: "expected the file b",
  });
});

test("V1: a check that is stopped has ended with all that it started when it answers", async () => {
  const { cwd, write } = repository();
  const stop = new AbortController();
  const value = "echo $$ >pid; sleep 600 & sleep 600";
  const checked = check({ type: "custom", value }, { cwd, signal: stop.signal });
  await expect.poll(() => Number(readIf(path.join(cwd, "pid")))).toBeGreaterThan(0);
  const leader = Number(readIf(path.join(cwd, "pid")));
  stop.abort();
  expect(await checked).toEqual({ passed: false, detail: "the check was stopped" });
  expect(groupOf(leader)).toEqual([]);
  write("new", "");
  expect(await check({ type: "git_diff", value: "any" }, { cwd, signal: stop.signal })).toMatchObject({
    passed: false,
    detail: "git rev-parse: it was stopped",
  });
});

test("V2: a command really runs, with its values in the environment", async () => {
  const more = { env: { ...env, VALUE: "'; exit 0; '" } };
  expect(await check({ type: "custom", value: 'test "$VALUE" = x' }, more)).toMatchObject({ passed: false });
  expect(await check({ type: "custom", value: "echo broken; exit 4" })).toEqual({
    passed: false,
    detail: "the check ended with 4: broken",
  });
  expect(await check({ type: "tests", value: "sleep 600", timeoutMs: 50 })).toEqual({
    passed: false,
    detail: "the check took longer than 50 ms",
  });
  const stopped = AbortSignal.abort();
  expect(await check({ type: "custom", value: "sleep 600" }, { signal: stopped })).toMatchObject({ passed: false });
});

test("JSON is taken from the whole output or from its last marked block", async () => {
  const schema = { type: "object", required: ["ok"], properties: { ok: { const: true } } };
  const of = (output: string) => check({ type: "json_schema", value: schema }, { output });
  expect(await of('{"ok": true}')).toEqual({ passed: true });
  expect(await of('first\n```json\n{"ok": false}\n```\nthen\n```json\n{"ok": true}\n```\n')).toEqual({ passed: true });
  expect(await of('{"ok": false}')).toMatchObject({ passed: false, detail: expect.stringContaining("output/ok") });
  expect(await of("no")).toMatchObject({ passed: false, detail: expect.stringContaining("expected JSON") });
});

test("what stands in the echo of the prompt alone shows nothing", async () => {
  const prompts = ["Answer with a block like this, and end with the word GREEN:\n```json\n[1]\n```\n"];
  const echo = prompts[0] ?? "";
  const of = (verification: Verification, output: string) => check(verification, { output, prompts });
  const schema = { type: "json_schema", value: { type: "array" } } as const;
  expect(await of({ type: "output_contains", value: "GREEN" }, echo)).toMatchObject({ passed: false });
  expect(await of({ type: "output_contains", value: "GREEN" }, `${echo}\nGREEN`)).toEqual({ passed: true });
  expect(await of(schema, echo)).toMatchObject({ passed: false });
  expect(await of(schema, `${echo}\n\`\`\`json\n[2]\n\`\`\`\n`)).toEqual({ passed: true });
});

test("changes are found in a repository, all or below a path; outside of one the check fails", async () => {
  const { cwd, write } = repository();
  const of = (value: string) => check({ type: "git_diff", value }, { cwd });
  expect(await of("any")).toEqual({ passed: false, detail: "expected changes, found none" });
  write("new", "");
  expect(await of("any")).toEqual({ passed: true });
  expect(await of("new")).toEqual({ passed: true });
  expect(await of("kept")).toMatchObject({ passed: false });
  expect(await check({ type: "git_diff", value: "any" }, { cwd: directory() })).toMatchObject({ passed: false });
});

test("changes count from the attempt's start on, whether they were committed or not", async () => {
  const { cwd, git, write } = repository();
  write("before", "");
  const long = Date.now() + 3_600_000;
  const of = (value: string, since: number) => check({ type: "git_diff", value }, { cwd, since });
  expect(await of("any", long)).toEqual({
    passed: false,
    detail: "expected changes since the attempt began, found none; what differs was there before",
  });
  const now = Date.now() - 60_000;
  git("add", ".");
  git("commit", "--quiet", "-m", "done");
  expect(await of("before", now)).toEqual({ passed: true });
  expect(await of("before", long)).toMatchObject({ passed: false });
  rmSync(path.join(cwd, "kept"));
  expect(await of("kept", now)).toEqual({ passed: true });
});
