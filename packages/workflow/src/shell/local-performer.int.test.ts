import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { expect, onTestFinished, test } from "vitest";
import type { Observation } from "../core/commands.ts";
import { localPerformer, type LocalPerformer } from "./local-performer.ts";
import { groupOf } from "./process-identity.ts";

function performer(): { readonly local: LocalPerformer; readonly told: Observation[] } {
  const cwd = mkdtempSync(path.join(tmpdir(), "local-"));
  onTestFinished(() => rmSync(cwd, { recursive: true }));
  const told: Observation[] = [];
  const local = localPerformer({
    cwd: () => cwd,
    env: { PATH: process.env["PATH"] },
    tell: (observation) => void told.push(observation),
    taken: { runId: () => "run", attempts: [] },
  });
  return { local, told };
}

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

test("P3: of what a long command prints the newest line is told, once for each", async () => {
  const { local, told } = performer();
  local.begin(command("echo first; echo newest; sleep 600"));
  const lines = (): readonly string[] => told.flatMap((it) => (it.type === "evidence" ? [it.text] : []));
  await expect.poll(lines, { timeout: 10_000 }).toEqual(["newest"]);
  await local.close();
});
