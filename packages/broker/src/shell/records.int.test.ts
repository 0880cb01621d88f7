import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fakePtyHost } from "@agent-relay/pty/testing";
import { LaunchSpec } from "@agent-relay/protocol";
import { sequentialIds } from "@agent-relay/testkit";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { BrokerCommand, Observation } from "../core/commands.ts";
import { newAgent } from "../core/state.ts";
import { scriptedHarnesses } from "../testing/scripted-harnesses.ts";
import { createIncarnations, type Incarnations } from "./incarnations.ts";
import { systemClock } from "./system-clock.ts";
import { noLogs } from "../testing/no-logs.ts";
import { quiet } from "../testing/quiet.ts";

const by = { source: "record", fidelity: "exact" } as const;
const launch = LaunchSpec.parse({ cli: "turns" });

let folder = "";
let file = "";
let host: ReturnType<typeof fakePtyHost>;
let told: Observation[] = [];
let incarnations: Incarnations;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "records-"));
  file = path.join(folder, "session.jsonl");
  host = fakePtyHost();
  open();
});
afterEach(async () => {
  await incarnations.close({ endAll: false });
  rmSync(folder, { recursive: true, force: true });
});

function open(): void {
  told = [];
  incarnations = createIncarnations({
    openHost: () => Promise.resolve(host.connect()),
    harnesses: {
      ...scriptedHarnesses,
      watch: (of, options) => ({
        ...scriptedHarnesses.watch(of, options),
        recorded: (line) => [
          { type: "tokens", inputTokens: Number(line["n"]), cachedInputTokens: 0, outputTokens: 1, ...by },
        ],
        recordedBefore: (line) => [
          { type: "prompt", messageIds: [`m${String(line["n"])}`], evidence: "transcript", ...by },
        ],
        signal: (signal, source) =>
          signal.type === "session"
            ? [{ type: "session", sessionId: signal.sessionId, source, fidelity: "exact" }]
            : [],
      }),
    },
    clock: systemClock(),
    ids: sequentialIds(),
    logger: quiet,
    logs: noLogs,
    renderInjection: () => "",
    agent: (name) => ({ ...newAgent(name, "program", 0), epoch: 1, status: "idle" }),
    factsOf: () => [],
    submit: (command: BrokerCommand) => {
      if (command.type === "incarnation.observed") told.push(command.observation);
      return Promise.resolve();
    },
  });
  incarnations.recovered();
}

const spawn = () =>
  incarnations.perform({ type: "spawn", name: "ada", epoch: 1, launch, harness: "turns", runtime: "pty" });
/** A hook that names the record; what it says itself comes after what the record says. */
const hook = async (): Promise<void> => {
  const signal = { type: "session", sessionId: "s1", record: file } as const;
  told.push(...(await incarnations.signal("ada", 1, signal, "hook")));
};
const line = (n: number): string => `${JSON.stringify({ n })}\n`;
const tokens = (): readonly number[] => told.flatMap((it) => (it.type === "tokens" ? [it.inputTokens] : []));

test("R2: what the program recorded before it reported something is told before the report", async () => {
  spawn();
  await new Promise(setImmediate);
  writeFileSync(file, line(1) + line(2));
  await hook();
  expect(told.filter((it) => it.type !== "ready").map((it) => it.type)).toEqual(["tokens", "tokens", "session"]);
  appendFileSync(file, line(3));
  await hook();
  expect(tokens()).toEqual([1, 2, 3]);
});

test("a record is read on without a hook, too", async () => {
  spawn();
  await new Promise(setImmediate);
  writeFileSync(file, line(1));
  await hook();
  appendFileSync(file, line(2));
  await vi.waitFor(
    () => {
      expect(tokens()).toEqual([1, 2]);
    },
    { timeout: 30_000 },
  );
});

test("R1: a broker that takes a program up counts nothing of its record again but the prompts in it", async () => {
  spawn();
  await new Promise(setImmediate);
  writeFileSync(file, line(1));
  await hook();
  await incarnations.close({ endAll: false });
  open();
  incarnations.perform({
    type: "reattach",
    name: "ada",
    epoch: 1,
    launch,
    harness: "turns",
    runtime: "pty",
    spawned: true,
    ready: true,
    working: false,
    sessionId: "s1",
  });
  await new Promise(setImmediate);
  await hook();
  appendFileSync(file, line(2));
  await hook();
  expect(tokens()).toEqual([2]);
  expect(told.flatMap((it) => (it.type === "prompt" ? it.messageIds : []))).toEqual(["m1"]);
});

test("R3: nothing is read after the end", async () => {
  spawn();
  await new Promise(setImmediate);
  writeFileSync(file, line(1));
  await hook();
  host.exit("ada@1", { code: 0 });
  await new Promise(setImmediate);
  appendFileSync(file, line(2));
  await expect(hook()).rejects.toMatchObject({ code: "agent_not_running" });
  expect(tokens()).toEqual([1]);
});
