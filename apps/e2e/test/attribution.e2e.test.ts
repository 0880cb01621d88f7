/** Whose traffic it is: a worker's is its own program's, however many other programs stand above it. */
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { personas, scriptedAgentPath } from "@agent-relay/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStage, patienceMs, program, until, watchEvents, type Stage } from "./stage.ts";

let stage: Stage;

beforeEach(() => {
  stage = openStage();
});

afterEach(async () => {
  // It was started by a program on the stage, so it is ended in its own way.
  await stage.run(["down"]);
  expect(await stage.clear()).toEqual([]);
});

/** A program of this name that runs a command in a shell, as agent programs and editors do. */
function standIn(file: string, command: string): string {
  const place = path.join(stage.root, file);
  mkdirSync(path.dirname(place), { recursive: true });
  writeFileSync(
    place,
    `#!${process.execPath}
const { spawnSync } = require("node:child_process");
process.exit(spawnSync("sh", ["-c", ${JSON.stringify(command)}], { stdio: "inherit" }).status ?? 1);
`,
  );
  chmodSync(place, 0o755);
  return place;
}

function runs(file: string, env: Readonly<Record<string, string>>): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, [], { cwd: stage.project, env, stdio: "inherit" });
    child.on("error", reject);
    child.on("close", resolve);
  });
}

test("a codex worker, started inside Claude Code, started in a shell inside Cursor, is counted as codex; beside it stands its orchestrator", async () => {
  const journal = path.join(stage.root, "worker.jsonl");
  // The worker: a program called codex that speaks as the scripted agent does.
  const codex = path.join(stage.root, "bin", "codex");
  mkdirSync(path.dirname(codex), { recursive: true });
  writeFileSync(codex, `#!/bin/sh\nexec '${process.execPath}' '${scriptedAgentPath()}'\n`);
  chmodSync(codex, 0o755);
  const relayCommand = `'${process.execPath}' '${program}'`;
  const claude = standIn(
    "bin/claude",
    `${relayCommand} up && ${relayCommand} spawn worker codex --env SCRIPTED_AGENT_JOURNAL='${journal}' --env SCRIPTED_AGENT_SCRIPT="$WORKER_SCRIPT"`,
  );
  const editor = standIn("Cursor.app/Contents/MacOS/Cursor", claude);
  const status = await runs(editor, {
    ...stage.environment,
    PATH: `${path.dirname(codex)}:${stage.environment["PATH"] ?? ""}`,
    WORKER_SCRIPT: JSON.stringify(personas.replier),
    // What the programs above leave in the environment of their children is not the worker's identity.
    AGENT_RELAY_HARNESS: "cursor",
    AGENT_RELAY_ORIGIN_ACTOR: "cursor/agent",
  });
  expect(status).toBe(0);

  const relay = await stage.connect();
  const watch = watchEvents(relay);
  await relay.agent("worker").waitForReady({ timeoutMs: patienceMs });
  await relay.send({ to: "worker", body: "who are you?" });
  const answer = await watch.until("message_accepted", (it) => it.from === "worker");
  expect(answer.actor).toBe("agent-relay-cli/agent/codex");
  const spawned = await watch.until("agent_spawned", (it) => it.agent === "worker");
  expect(spawned).toMatchObject({ harness: "codex", originActor: "agent-relay-cli/agent/codex" });

  const stats = await until(async () => {
    const read = await relay.client.call("stats.read", { by: "harness" });
    return read.rows.some((row) => row.key === "codex" && row.sent === 1) ? read : undefined;
  }, "the answer is counted");
  expect(stats.orchestrator).toBe("claude-code");
  expect(stats.rows.find((row) => row.key === "codex")).toMatchObject({ agents: 1, sent: 1, received: 1 });
  expect(stats.rows.find((row) => row.key === "cursor")).toBeUndefined();
  const { out } = await stage.run(["stats", "--by", "harness", "--json"]);
  expect(JSON.parse(out)).toMatchObject({ orchestrator: "claude-code" });
  await watch.stop();
});
