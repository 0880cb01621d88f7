/**
 * Verification: checks that really look, at what a step has left behind.
 *
 *   V1  A check answers passed or not, with one line that says what was expected and what was found. It never throws.
 *       It has answered once nothing of it runs.
 *   V2  Values reach a command of a check through its environment, never as part of its text.
 */
import { lstat, stat } from "node:fs/promises";
import path from "node:path";
import { messageOf } from "@agent-relay/kernel";
import { Ajv2020 } from "ajv/dist/2020.js";
import { occursBesideEcho, withoutEchoes } from "../core/echo.ts";
import type { Verification } from "../core/plan.ts";
import { commandWithin } from "./command-within.ts";
import type { Environment } from "./environment.ts";
import { git as runGit } from "./git.ts";

export interface Verified {
  readonly passed: boolean;
  readonly detail?: string;
}

export interface Evidence {
  readonly cwd: string;
  readonly output: string;
  /** What the program was told: where its output shows it, that proves nothing. */
  readonly prompts?: readonly string[];
  /** Absent while the program runs. */
  readonly exitCode?: number | null;
  /** When the attempt began, in milliseconds; what changed before it does not count. All counts if absent. */
  readonly since?: number;
  /** The shell's environment, with the values that a check's command names. */
  readonly env: Environment;
  /** Ends a check that takes too long, or whose run is over. */
  readonly signal?: AbortSignal;
}

const CHECK_MS = 120_000;
const GIT_MS = 30_000;

export async function verify(check: Verification, evidence: Evidence): Promise<Verified> {
  try {
    return await look(check, evidence);
  } catch (error) {
    return failed(messageOf(error));
  }
}

function look(check: Verification, evidence: Evidence): Verified | Promise<Verified> {
  switch (check.type) {
    case "output_contains":
      return occursBesideEcho(evidence.output, check.value, evidence.prompts)
        ? passed
        : failed(`expected "${check.value}" in its output`);
    case "exit_code": {
      const { exitCode } = evidence;
      if (exitCode === undefined) return failed("it still runs");
      return exitCode === check.value
        ? passed
        : failed(`expected exit status ${check.value}, found ${exitCode ?? "a signal"}`);
    }
    case "file_exists":
      return fileExists(path.resolve(evidence.cwd, check.value), check.value);
    case "custom":
    case "tests":
      return commandPasses(check.value, check.timeoutMs ?? CHECK_MS, evidence);
    case "json_schema":
      return fitsSchema(check.value, evidence);
    case "git_diff":
      return hasChanges(check.value, evidence);
  }
}

async function fileExists(file: string, named: string): Promise<Verified> {
  const found = await stat(file).catch(() => undefined);
  return found === undefined ? failed(`expected the file ${named}`) : passed;
}

async function commandPasses(command: string, timeoutMs: number, evidence: Evidence): Promise<Verified> {
  const { cwd, env, signal } = evidence;
  const end = await commandWithin({ argv: ["/bin/sh", "-c", command], cwd, env }, { timeoutMs, signal });
  if (end.stopped !== undefined) return failed(`the check ${end.stopped}`);
  if (end.code === 0) return passed;
  const how = end.signal === null ? `ended with ${end.code}` : `was ended by ${end.signal}`;
  return failed(`the check ${how}: ${end.lastLine || "it printed nothing"}`);
}

/** The whole output, or the last block of it that is marked as JSON. */
function fitsSchema(schema: Readonly<Record<string, unknown>>, { output, prompts }: Evidence): Verified {
  const blocks = [...output.matchAll(/```json\s*\n([\s\S]*?)```/gu)].map((it) => it[1] ?? "");
  const block = withoutEchoes(blocks, prompts).at(-1);
  let value: unknown;
  try {
    value = JSON.parse(block ?? output);
  } catch {
    return failed("expected JSON as its output, or a block marked json in it");
  }
  const ajv = new Ajv2020({ allErrors: false, strict: false });
  if (ajv.validate(schema, value)) return passed;
  return failed(ajv.errorsText(ajv.errors, { dataVar: "output" }));
}

/**
 * Of the working tree since the attempt began, committed or not, whoever made them. `value` is a path as git reads it,
 * unless any change counts.
 */
async function hasChanges(value: string, evidence: Evidence): Promise<Verified> {
  const paths = value === "any" ? [] : ["--", value];
  const { since = 0 } = evidence;
  const root = (await git(evidence, "rev-parse", "--show-toplevel")).trim();
  const listed = await git(evidence, "status", "--porcelain", "--no-renames", "-z", "--untracked-files=all", ...paths);
  for (const record of listed.split("\0")) {
    if (record !== "" && (await changedAt(path.join(root, record.slice(3)))) >= since) return passed;
  }
  if (evidence.since !== undefined && (await hasCommits(evidence, Math.floor(since / 1_000), paths))) return passed;
  const when = evidence.since === undefined ? "" : " since the attempt began";
  const old = listed === "" ? "" : "; what differs was there before";
  return failed(`expected changes${value === "any" ? "" : ` in ${value}`}${when}, found none${old}`);
}

async function hasCommits(evidence: Evidence, seconds: number, paths: readonly string[]): Promise<boolean> {
  // Before the first commit there is no log; then nothing was committed.
  const log = await git(evidence, "log", "-1", "--format=%H", `--since=@${seconds}`, ...paths).catch(() => "");
  return log.trim() !== "";
}

/** When a file was last changed; of one that is gone, when something last came or went in its directory. */
async function changedAt(file: string): Promise<number> {
  for (let at = file; ; at = path.dirname(at)) {
    const found = await lstat(at).catch(() => undefined);
    if (found !== undefined) return Math.max(found.mtimeMs, found.ctimeMs);
    if (at === path.dirname(at)) return 0;
  }
}

const git = ({ cwd, env, signal }: Evidence, ...args: readonly string[]): Promise<string> =>
  runGit({ cwd, env, signal, timeoutMs: GIT_MS }, ...args);

const passed: Verified = { passed: true };

function failed(detail: string): Verified {
  return { passed: false, detail };
}
