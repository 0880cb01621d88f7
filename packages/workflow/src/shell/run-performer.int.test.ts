import { chmodSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { expect, onTestFinished, test } from "vitest";
import type { Action } from "../core/actions.ts";
import type { Observation } from "../core/commands.ts";
import { initial } from "../core/state.ts";
import { makerOf } from "./performing.ts";
import { runPerformer } from "./run-performer.ts";
import type { Performer } from "./runner.ts";
import { relayDouble } from "./testing/relay-double.ts";
import { directory } from "./testing/repository.ts";

function performing(): { readonly performer: Performer; readonly told: Observation[]; readonly cwd: string } {
  const cwd = directory();
  const told: Observation[] = [];
  const env = { PATH: `${cwd}:${process.env["PATH"] ?? ""}` };
  const run = { ...initial(), id: cwd, cwd };
  const performer = makerOf(runPerformer(relayDouble().relay, { env }))(run, (it) => void told.push(it));
  onTestFinished(() => performer.close());
  return { performer, told, cwd };
}

/** Says its arguments, each on a line, and then what it reads. */
function program(cwd: string, name: string): void {
  writeFileSync(path.join(cwd, name), '#!/bin/sh\nprintf "<%s>\\n" "$@"\nwc -c\n');
  chmodSync(path.join(cwd, name), 0o755);
}

const asked = (cli: string, prompt: string): Extract<Action, { do: "start_one_shot" }> => ({
  do: "start_one_shot",
  key: "one#1",
  step: "one",
  attempt: 1,
  part: "specialist",
  agent: { name: "ada", cli, role: "", interactive: false, channels: [], permissionMode: "ask" },
  prompt,
});

test("a prompt of any length reaches a program on its standard input", async () => {
  const { performer, told, cwd } = performing();
  program(cwd, "claude");
  performer.begin(asked("claude", "x".repeat(300_000)));
  const exited = (): readonly Observation[] => told.filter(({ type }) => type === "process_exited");
  await expect.poll(exited).toMatchObject([{ code: 0, output: "<-p>\n300000\n" }]);
});

test("one that is too long for the argument that a program takes fails for good, and says why", async () => {
  const { performer, told, cwd } = performing();
  program(cwd, "droid");
  performer.begin(asked("droid", "x".repeat(131_071)));
  await expect.poll(() => told.map(({ type }) => type)).toContain("process_exited");
  told.length = 0;
  performer.begin({ ...asked("droid", "x".repeat(131_072)), key: "two#1", step: "two" });
  await expect
    .poll(() => told)
    .toMatchObject([
      { type: "process_failed", step: "two", final: true, message: expect.stringContaining("131072 bytes") },
    ]);
});
