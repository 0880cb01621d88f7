import { chmodSync, existsSync, readFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { expect, onTestFinished, test } from "vitest";
import type { Observation } from "../core/commands.ts";
import { localPerformer, type LocalPerformer } from "./local-performer.ts";
import { groupOf, markedGroups } from "./process-identity.ts";
import { directory, gitEnv, repository } from "./testing/repository.ts";

type Around = Parameters<typeof localPerformer>[0];

interface Performing {
  readonly local: LocalPerformer;
  readonly told: Observation[];
  readonly cwd: string;
}

/** Each run of a test has a name of its own, by which its processes are found. */
function performer(more: Partial<Around> = {}): Performing {
  const cwd = more.cwd?.() ?? directory();
  const told: Observation[] = [];
  const local = localPerformer({
    cwd: () => cwd,
    env: { PATH: process.env["PATH"] },
    tell: (observation) => void told.push(observation),
    taken: { runId: () => cwd, attempts: [] },
    ...more,
  });
  onTestFinished(() => local.close());
  return { local, told, cwd };
}

/** Groups in which something of a run of this name is there. */
const groupsOf = (run: string): readonly number[] =>
  markedGroups("AGENT_RELAY_ATTEMPT").flatMap(({ leader, value }) => (value.startsWith(`${run}/`) ? [leader] : []));

const command = (text: string) => ({
  do: "start_command" as const,
  key: "k",
  step: "one",
  attempt: 1,
  part: "specialist" as const,
  command: text,
  env: {},
  captureOutput: true,
});

/** It says that it runs, in the directory of the worktree. */
const hook = (script: string): string => `#!/bin/sh\ntouch hooked\n${script}\n`;

const about = { step: "one", attempt: 1, part: "specialist" } as const;
const end = { do: "end_process", key: "end", ...about, reason: "it is enough" } as const;

const worktree = {
  do: "make_worktree",
  key: "one#1",
  step: "one",
  attempt: 1,
  branch: "x",
  baseBranch: "HEAD",
  path: "x",
  createBranch: true,
} as const;

const check = (value: string) => ({
  do: "verify" as const,
  key: "one#1:check0",
  step: "one",
  attempt: 1,
  check: 0,
  verification: { type: "custom", value } as const,
  env: {},
  prompts: [],
  since: 0,
});

const pidIn = (told: readonly Observation[]): number =>
  told.flatMap((it) => (it.type === "process_started" ? [it.pid] : []))[0] ?? 0;

test("closing ends what runs, with its whole group, and nothing is told of it", async () => {
  const { local, told } = performer();
  local.begin(command("sleep 600 & sleep 600"));
  await expect.poll(() => pidIn(told)).toBeGreaterThan(0);
  const pid = pidIn(told);
  expect(groupOf(pid)).not.toEqual([]);
  await local.close();
  expect(groupOf(pid)).toEqual([]);
  expect(told.map(({ type }) => type)).toEqual(["process_started"]);
});

test("P2: one that is ended before it has started never runs, and is told once as ended", async () => {
  const { local, told, cwd } = performer();
  local.begin(command("touch ran; sleep 600"));
  local.begin(end);
  await expect.poll(() => told).toEqual([{ ...about, type: "process_exited", code: null, signal: null, output: "" }]);
  expect([existsSync(path.join(cwd, "ran")), groupsOf(cwd)]).toEqual([false, []]);
});

test("P2: one that is ended while it starts is ended, with its group, and told once", async () => {
  const { local, told, cwd } = performer();
  local.begin(command("sleep 600 & sleep 600"));
  // Its start has been asked for, and not been answered.
  await Promise.resolve();
  await Promise.resolve();
  local.begin(end);
  await expect.poll(() => told.filter(({ type }) => type === "process_exited")).toHaveLength(1);
  expect(groupsOf(cwd)).toEqual([]);
});

test("P2: a check that is called off is gone when that is answered, and says nothing", async () => {
  const { local, told, cwd } = performer();
  const { key, ...more } = check("trap 'sleep 0.2; exit 1' TERM; touch at-it; sleep 600 & wait");
  local.begin({ key, ...more });
  await expect.poll(() => existsSync(path.join(cwd, "at-it"))).toBe(true);
  await local.callOff(key);
  expect([groupsOf(cwd), told]).toEqual([[], []]);
});

test("closing ends checks and what git does, too, and waits for that", async () => {
  const { cwd, write } = repository();
  write(".git/hooks/post-checkout", hook("sleep 600"));
  chmodSync(path.join(cwd, ".git/hooks/post-checkout"), 0o755);
  const { local, told } = performer({ cwd: () => cwd, env: gitEnv });
  local.begin(check("touch at-it; sleep 600"));
  local.begin(worktree);
  await expect.poll(() => ["at-it", "x/hooked"].every((it) => existsSync(path.join(cwd, it)))).toBe(true);
  expect(new Set(groupsOf(cwd)).size).toBe(2);
  await local.close();
  expect([groupsOf(cwd), told]).toEqual([[], []]);
});

test("P2: a worktree in the making is ended with git's whole group", async () => {
  const { cwd, write } = repository();
  write(".git/hooks/post-checkout", hook("sleep 600"));
  chmodSync(path.join(cwd, ".git/hooks/post-checkout"), 0o755);
  const { local, told } = performer({ cwd: () => cwd, env: gitEnv });
  local.begin(worktree);
  await expect.poll(() => existsSync(path.join(cwd, "x/hooked"))).toBe(true);
  local.begin(end);
  await expect.poll(() => told).toMatchObject([{ type: "process_exited", step: "one", attempt: 1, code: null }]);
  expect(groupsOf(cwd)).toEqual([]);
});

test("P4: a worktree that a dead runner had git make is made anew, once that git is gone", async () => {
  const { cwd, write } = repository();
  write(".git/hooks/post-checkout", hook("test -e ../go || sleep 600; echo whole >made"));
  chmodSync(path.join(cwd, ".git/hooks/post-checkout"), 0o755);
  const more = { cwd: () => cwd, env: gitEnv };
  performer(more).local.begin(worktree);
  await expect.poll(() => existsSync(path.join(cwd, "x/hooked"))).toBe(true);
  const [git = 0] = groupsOf(cwd);
  write("go", "");
  const next = performer({ ...more, taken: { runId: () => cwd, attempts: ["one#1"] } });
  next.local.begin({ ...worktree, key: "one#2", attempt: 2 });
  await expect.poll(() => next.told).toMatchObject([{ type: "worktree_made", attempt: 2, path: path.join(cwd, "x") }]);
  expect(readFileSync(path.join(cwd, "x/made"), "utf8")).toBe("whole\n");
  expect(groupOf(git)).toEqual([]);
});

test("P5: what survives SIGKILL is told as ended, with what is known of it, and keeps nobody from going on", async () => {
  const endLeftover = (): Promise<boolean> => Promise.reject(new Error("processes of the group 7 survive SIGKILL: 8"));
  const { local, told } = performer({ endLeftover });
  local.begin({ ...end, pid: 7, startTicks: "1" });
  const exited = { ...about, type: "process_exited", code: null, signal: null };
  await expect.poll(() => told).toEqual([{ ...exited, output: "processes of the group 7 survive SIGKILL: 8" }]);
  const found = await local.examine({ what: "process", ...about, pid: 7, startTicks: "1" });
  expect(found).toEqual({ type: "process_lost", ...about });
});

test("P3: of what a long command prints the newest line is told, once for each", async () => {
  const { local, told } = performer();
  local.begin(command("echo first; echo newest; sleep 600"));
  const lines = (): readonly string[] => told.flatMap((it) => (it.type === "evidence" ? [it.text] : []));
  await expect.poll(lines).toEqual(["newest"]);
  await local.close();
});
