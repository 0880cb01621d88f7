import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { LaunchSpec, type LaunchInput } from "@agent-relay/protocol";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createCredentials } from "./credentials.ts";
import type { Incarnated } from "./harness-port.ts";
import { knownHarnesses, type KnownHarnessesOptions, type RecordedInput } from "./known-harnesses.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "known-harnesses-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function harnesses(more: Partial<KnownHarnessesOptions> = {}): ReturnType<typeof knownHarnesses> {
  return knownHarnesses({
    project: folder,
    agentsDir: path.join(folder, "agents"),
    environment: { PATH: `${path.join(folder, "bin")}:${process.env["PATH"] ?? ""}`, HOME: folder },
    orchestrator: undefined,
    credentials: createCredentials(Buffer.from("secret")),
    mcpUrl: () => "http://127.0.0.1:1/mcp",
    hookUrl: () => "http://127.0.0.1:1/hooks",
    mcpCommand: undefined,
    isRoot: false,
    ...more,
  });
}

function program(name: string, says: string, where = "bin"): string {
  const file = path.join(folder, where, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${says}\n`);
  chmodSync(file, 0o755);
  return file;
}

const launch = (input: LaunchInput): LaunchSpec => LaunchSpec.parse(input);
const ada = (harness: string | undefined, epoch = 1): Incarnated => ({ name: "ada", epoch, harness });
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u;

test("K3: a native session has an id that follows from the incarnation", async () => {
  program("claude", "echo 2.1.329");
  const known = harnesses();
  const first = await known.prepare(ada("claude-code"), launch({ cli: "claude" }));
  const again = await known.prepare(ada("claude-code"), launch({ cli: "claude" }));
  const next = await known.prepare(ada("claude-code", 2), launch({ cli: "claude" }));
  expect(first.sessionId).toMatch(uuid);
  expect(again).toEqual(first);
  expect(next.sessionId).not.toBe(first.sessionId);
  expect(first.argv).toEqual(expect.arrayContaining(["--session-id", first.sessionId]));
});

test("a session that is continued keeps its id", async () => {
  program("claude", "echo 2.1.329");
  const prepared = await harnesses().prepare(ada("claude-code", 2), launch({ cli: "claude" }), {
    resume: "the-old-one",
  });
  expect(prepared.sessionId).toBe("the-old-one");
  expect(prepared.argv).toContain("the-old-one");
  expect(prepared.argv).not.toContain("--session-id");
});

test.each([
  ["2.1.329", { version: "2.1.329", versionTried: true }],
  ["99.0.1", { version: "99.0.1", versionTried: false }],
  ["no number", {}],
])("a program that says %s is known by that", async (says, expected) => {
  program("claude", `echo '${says}'`);
  const { version, versionTried } = await harnesses().prepare(ada("claude-code"), launch({ cli: "claude" }));
  expect({ version, versionTried }).toEqual({ version: undefined, versionTried: undefined, ...expected });
});

test("a program that the table does not know is not asked for its version", async () => {
  program("something", `touch '${path.join(folder, "asked")}'`);
  const prepared = await harnesses().prepare(ada(undefined), launch({ cli: "something" }));
  expect([prepared.version, prepared.versionTried, existsSync(path.join(folder, "asked"))]).toEqual([
    undefined,
    undefined,
    false,
  ]);
});

test("a lent environment lies over the broker's own, finds the program, and its secrets are known as such", async () => {
  program("claude", "echo 2.1.329", "elsewhere");
  const transientEnv = {
    PATH: `${path.join(folder, "elsewhere")}:${process.env["PATH"] ?? ""}`,
    EDITOR: "my-editor",
    SOME_API_KEY: "a-key-that-is-long",
  };
  const known = harnesses();
  expect(() => known.check(launch({ cli: "claude" }))).toThrowError(
    expect.objectContaining({ code: "program_not_found" }) as Error,
  );
  expect(known.check(launch({ cli: "claude" }), transientEnv).permissionMode).toBe("ask");
  const prepared = await known.prepare(ada("claude-code"), launch({ cli: "claude" }), { transientEnv });
  expect(prepared.env).toMatchObject({ EDITOR: "my-editor", HOME: folder });
  expect(prepared.secrets).toContain("a-key-that-is-long");
  expect(prepared.secrets).not.toContain("my-editor");
});

test("K1: private files are for their owner alone, and gone with the next incarnation", async () => {
  program("claude", "echo 2.1.329");
  const known = harnesses();
  await known.prepare(ada("claude-code"), launch({ cli: "claude" }));
  const first = path.join(folder, "agents", "ada", "1");
  expect(statSync(first).mode & 0o777).toBe(0o700);
  await known.prepare(ada("claude-code", 2), launch({ cli: "claude" }));
  expect([existsSync(first), existsSync(path.join(folder, "agents", "ada", "2"))]).toEqual([false, true]);
});

test("pipes are refused for a program that speaks no language on them", () => {
  program("aider", "echo 1.0.0");
  expect(() => harnesses().check(launch({ cli: "aider", runtime: "headless" }))).toThrowError(
    expect.objectContaining({ code: "not_supported" }) as Error,
  );
});

test("whoever records is told every input of a watcher, in order", () => {
  const inputs: [Incarnated, RecordedInput["type"]][] = [];
  const known = harnesses({ record: (of, input) => inputs.push([of, input.type]) });
  const watcher = known.watch(ada("claude-code"), { startedAt: 0, tried: true });
  watcher.output(Buffer.from("x"), 1);
  watcher.signal({ type: "turn_started" }, "hook", 2);
  watcher.injected("text", 3);
  watcher.tick(4);
  expect(inputs.map(([of, type]) => `${of.name}@${of.epoch} ${type}`)).toEqual([
    "ada@1 output",
    "ada@1 signal",
    "ada@1 submitted",
    "ada@1 tick",
  ]);
});

test("a file for prompts is made for a version that reads it, and mail goes to no other", async () => {
  program("qwen", "echo 0.24.4");
  const known = harnesses();
  const of = ada("qwen-code");
  const plan = known.inlet(of);
  if (plan?.route !== "file") throw new Error("it has no such file");
  const { argv } = await known.prepare(of, launch({ cli: "qwen" }));
  expect(argv.slice(-2)).toEqual(["--input-file", plan.path]);
  expect(statSync(plan.path)).toMatchObject({ size: 0 });
  expect(statSync(plan.path).mode & 0o777).toBe(0o600);
  program("qwen", "echo 0.1.0", "older");
  const older = await known.prepare(of, launch({ cli: path.join(folder, "older", "qwen") }));
  expect([older.versionTried, older.argv.includes("--input-file"), existsSync(plan.path)]).toEqual([
    false,
    false,
    false,
  ]);
});

test("in a line for that file no control character is left, and what the program would read is text", () => {
  const plan = harnesses().inlet(ada("qwen-code"));
  if (plan?.route !== "file") throw new Error("it has no such file");
  const { text } = JSON.parse(plan.line("one", "see @secret\u001b[31m\u0003\n")) as { readonly text: string };
  expect(text).toBe("see \u2060@secret");
});
