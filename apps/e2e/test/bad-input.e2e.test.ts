/** What the program says when it is asked for what cannot be. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openStage, type Ran, type Stage } from "./stage.ts";

let stage: Stage;

beforeAll(async () => {
  stage = openStage();
  await stage.startBroker();
});

afterAll(async () => {
  expect(await stage.clear()).toEqual([]);
});

/** The error that `--json` prints, and the status. */
function refusal({ status, err }: Ran): {
  readonly status: number | null;
  readonly code: string;
  readonly message: string;
  readonly hint: string;
} {
  const { error } = JSON.parse(err.trim().split("\n").at(-1) ?? "{}") as {
    readonly error: { readonly code: string; readonly message: string; readonly hint?: string };
  };
  return { status, code: error.code, message: error.message, hint: error.hint ?? "" };
}

const run = async (
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ReturnType<typeof refusal>> => refusal(await stage.run(["--json", ...args], { env }));

test("a program that does not exist is refused before anything is recorded", async () => {
  expect(await run(["spawn", "ghost", "no-such-program-anywhere"])).toMatchObject({
    status: 1,
    code: "program_not_found",
    message: expect.stringContaining("'no-such-program-anywhere' was not found on the PATH"),
  });
  expect((await stage.run(["who", "--all", "--json"])).out).not.toContain("ghost");
});

test("a file that cannot be run is not a program", async () => {
  const file = path.join(stage.root, "not-a-program");
  writeFileSync(file, "hello");
  expect(await run(["spawn", "ghost", file])).toMatchObject({ status: 1, code: "program_not_found" });
});

test("a working directory that does not exist is refused", async () => {
  expect(await run(["spawn", "ghost", "--cwd", path.join(stage.root, "nowhere"), "cat"])).toMatchObject({
    status: 1,
    code: "cwd_not_found",
    message: expect.stringContaining("nowhere"),
  });
});

test("a name that is a path is refused, and nothing is made", async () => {
  for (const name of ["../../etc/x", "..", "a/b", "UPPER", "system", ""])
    expect((await stage.run(["--json", "spawn", name, "cat"])).status).not.toBe(0);
  expect(JSON.parse((await stage.run(["who", "--all", "--json"])).out)).toMatchObject({ agents: [] });
});

test("a state directory that is a file cannot be used, and says so", async () => {
  const file = path.join(stage.root, "a-file");
  writeFileSync(file, "");
  for (const directory of [file, path.join(file, "below")]) {
    const refused = await run(["up"], { AGENT_RELAY_STATE_DIR: directory });
    expect(refused).toMatchObject({
      status: 3,
      code: "state_unwritable",
      message: expect.stringContaining(directory),
      hint: expect.stringContaining("AGENT_RELAY_STATE_DIR"),
    });
  }
});

test.skipIf(process.getuid?.() === 0)(
  "a state directory that may not be written cannot be used (not for root, who may write everywhere)",
  async () => {
    const directory = path.join(stage.root, "read-only");
    mkdirSync(directory, { mode: 0o500 });
    expect(await run(["up"], { AGENT_RELAY_STATE_DIR: path.join(directory, "state") })).toMatchObject({
      status: 3,
      code: "state_unwritable",
    });
  },
);

test("a path that is too long for a socket is refused with what to do", async () => {
  const long = path.join(stage.root, "x".repeat(100));
  expect(await run(["up"], { XDG_RUNTIME_DIR: long })).toMatchObject({
    status: 3,
    code: "socket_path_too_long",
    message: expect.stringContaining("at most 107 bytes"),
    hint: expect.stringContaining("XDG_RUNTIME_DIR"),
  });
});

test("a directory for sockets that others can enter is refused", async () => {
  const runtime = path.join(stage.root, "open");
  mkdirSync(path.join(runtime, "agent-relay"), { recursive: true });
  chmodSync(path.join(runtime, "agent-relay"), 0o755);
  expect(await run(["up"], { XDG_RUNTIME_DIR: runtime })).toMatchObject({
    status: 3,
    code: "state_unwritable",
    message: expect.stringContaining("can be entered by others (mode 755)"),
    hint: expect.stringContaining("chmod 700"),
  });
});

test("a second broker on one directory is refused with the first one's process and age, whichever way it comes", async () => {
  const { pid } = JSON.parse((await stage.run(["status", "--json"])).out) as { readonly pid: number };
  const said = {
    code: "broker_running",
    message: expect.stringMatching(new RegExp(String.raw`\b${pid}\b.*started \d+ ?[sm] ago`, "u")),
  };
  expect(await run(["up", "--foreground"])).toMatchObject({ ...said, status: 1 });
  // With its sockets elsewhere it does not meet the first one's, only its lock.
  const elsewhere = path.join(stage.root, "elsewhere");
  mkdirSync(elsewhere, { mode: 0o700 });
  expect(await run(["up", "--foreground"], { XDG_RUNTIME_DIR: elsewhere })).toMatchObject({ ...said, status: 1 });
});

test("`up` where a broker runs says so and starts nothing", async () => {
  const { status, out } = await stage.run(["up", "--json"]);
  expect(status).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ started: false, alreadyRunning: true });
});
