/** What the command line does without any broker. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeHome, program, type Home } from "./home.ts";

let home: Home;
beforeEach(() => {
  home = makeHome();
});
afterEach(() => home.remove());

const file = (name: string): string => readFileSync(join(home.project, name), "utf8");
const errorOf = (text: string): { code: string; message: string; hint?: string } =>
  (JSON.parse(text) as { error: { code: string; message: string; hint?: string } }).error;

test("--version prints the version alone", async () => {
  expect(await home.run(["--version"])).toEqual({ status: 0, out: "0.1.0\n", err: "" });
});

test("without arguments it explains itself", async () => {
  const { status, out } = await home.run([]);
  expect([status, out.includes("First steps:"), out.includes("agent-relay up")]).toEqual([0, true, true]);
});

test("the help of a command teaches: what it does, examples, the shape of its JSON", async () => {
  const { status, out } = await home.run(["send", "--help"]);
  expect([
    status,
    ...["Send a message to an agent or a #channel.", "Examples:", "JSON (--json):", "Global Options:"].map((part) =>
      out.includes(part),
    ),
  ]).toEqual([0, true, true, true, true]);
});

test("hidden commands are not in the help", async () => {
  expect((await home.run(["--help"])).out).not.toContain("broker-run");
});

test("a misspelt command ends with 2 and says what may have been meant", async () => {
  expect(await home.run(["whoo"])).toEqual({
    status: 2,
    out: "",
    err: "error: unknown command 'whoo'\n→ did you mean who?\n",
  });
});

test("a misspelt subcommand does too", async () => {
  expect(await home.run(["channels", "lsit"])).toEqual({
    status: 2,
    out: "",
    err: "error: unknown command 'lsit' of channels\n→ did you mean agent-relay channels list?\n",
  });
});

test("an option of the program in the wrong place is explained", async () => {
  const { status, err } = await home.run(["spawn", "ada", "codex", "--profile", "work"]);
  expect([status, err]).toEqual([
    2,
    "error: unknown option '--profile'\n→ options of the program itself go after -- or into the quotes of its command line\n",
  ]);
});

test("under --json a wrong command line is JSON on stderr", async () => {
  const { status, out, err } = await home.run(["wait", "ada", "--until", "happy", "--json"]);
  expect([status, out, errorOf(err).code]).toEqual([2, "", "usage"]);
});

test("without a broker a command ends with 3 and names the next step", async () => {
  expect(await home.run(["who"])).toEqual({
    status: 3,
    out: "",
    err: `error: no broker runs for ${home.project}\n→ start one: agent-relay up\n`,
  });
});

test("under --json that error is an envelope", async () => {
  expect(errorOf((await home.run(["who", "--json"])).err)).toEqual({
    code: "broker_unreachable",
    message: `no broker runs for ${home.project}`,
    retryable: true,
    hint: "start one: agent-relay up",
  });
});

test("the nearest project upwards is meant", async () => {
  mkdirSync(join(home.project, ".git"));
  mkdirSync(join(home.project, "src", "deep"), { recursive: true });
  expect((await home.run(["who"], { cwd: join(home.project, "src", "deep") })).err).toContain(
    `no broker runs for ${home.project}\n`,
  );
});

test("a project that does not exist is a wrong command line", async () => {
  expect((await home.run(["who", "--project", "nowhere"])).status).toBe(2);
});

test("a socket path that is too long is refused with what to do", async () => {
  const { status, err } = await home.run(["who"], { env: { XDG_RUNTIME_DIR: `/tmp/${"x".repeat(120)}` } });
  expect([
    status,
    err.includes("socket path"),
    err.includes("→ Set XDG_RUNTIME_DIR to a directory with a shorter path."),
  ]).toEqual([3, true, true]);
});

test("spawn --no-start refuses instead of starting a broker", async () => {
  const { status, err } = await home.run(["spawn", "ada", "claude", "--no-start"]);
  expect([status, err.includes("agent-relay up"), existsSync(join(home.project, ".agent-relay"))]).toEqual([
    3,
    true,
    false,
  ]);
});

test("up on a state directory that cannot be made says so and how to go on", async () => {
  writeFileSync(join(home.project, ".agent-relay"), "a file in the way");
  const { status, err } = await home.run(["up", "--project", "."]);
  expect([status, err.includes("cannot be written"), err.includes("AGENT_RELAY_STATE_DIR")]).toEqual([3, true, true]);
});

test("down without a broker is done already", async () => {
  expect(await home.run(["down"])).toEqual({ status: 0, out: `No broker runs for ${home.project}.\n`, err: "" });
});

test("with room for 48 open files it says what is missing, and is no bug", () => {
  const { status, stdout, stderr } = spawnSync(
    "/bin/sh",
    ["-c", 'ulimit -n 48 && exec "$0" "$@"', process.execPath, program, "who"],
    { cwd: home.project, env: home.environment, encoding: "utf8" },
  );
  expect([status, stdout, stderr]).toEqual([
    3,
    "",
    "error: this process may not open as many files as it needs\n→ allow more in this shell: ulimit -n 1024\n",
  ]);
});

test("in a directory that was deleted it says so", () => {
  const { status, stderr } = spawnSync(
    "/bin/sh",
    ["-c", `mkdir gone && cd gone && rmdir ../gone && exec "$0" "$@"`, process.execPath, program, "who"],
    { cwd: home.project, env: home.environment, encoding: "utf8" },
  );
  expect([status, stderr]).toEqual([
    3,
    expect.stringContaining("error: the current directory is there no more\n→ change to a directory that is there"),
  ]);
});

test("attach without a terminal says what to use instead", async () => {
  const { status, err } = await home.run(["attach", "ada"]);
  expect([status, err]).toEqual([
    2,
    "error: attach needs a terminal on stdin and stdout\n→ agent-relay logs ada --follow prints the same as text\n",
  ]);
});

test("harness explain says which program a command line runs, and why", async () => {
  const { out } = await home.run(["harness", "explain", "npx", "-y", "@openai/codex", "exec", "hi", "--json"]);
  expect(JSON.parse(out)).toMatchObject({ harness: "codex", executable: "@openai/codex", confidence: "certain" });
});

test("harness explain takes a quoted command line too", async () => {
  expect((await home.run(["harness", "explain", "codex --profile foo"])).out).toContain("codex (certain)");
});

test("an unknown program is no harness", async () => {
  const { status, out } = await home.run(["harness", "explain", "vim claude.md", "--json"]);
  expect([status, (JSON.parse(out) as { harness: unknown }).harness]).toEqual([0, null]);
});

test("harness show --json is data: versions tried, proofs, what can be answered", async () => {
  const { out } = await home.run(["harness", "show", "claude-code", "--json"]);
  const card = JSON.parse(out) as { tried: string[]; proofs: unknown[]; answers: unknown; trust: unknown };
  expect([card.tried.length > 0, card.proofs.length > 0, Array.isArray(card.answers), card.trust]).toEqual([
    true,
    true,
    true,
    true,
  ]);
});

test("harness list names the versions that were tried", async () => {
  const { out } = await home.run(["harness", "list"]);
  expect([out.includes("VERSIONS TRIED"), /^claude-code .*2\.1\./m.test(out)]).toEqual([true, true]);
});

test("harness show prints what each route can prove", async () => {
  const { out } = await home.run(["harness", "show", "claude-code"], { env: { COLUMNS: "100" } });
  expect([out.includes("ROUTE"), out.includes("SEEN WHEN"), out.includes("paste")]).toEqual([true, true, true]);
});

test("a harness that is not known names the nearest", async () => {
  expect((await home.run(["harness", "show", "codx"])).err).toContain("→ did you mean codex?");
});

test("version tells all that a report needs", async () => {
  expect(JSON.parse((await home.run(["version", "--json"])).out)).toMatchObject({
    version: "0.1.0",
    protocol: 1,
    node: process.version,
  });
});

test("init adds a block to AGENTS.md and an entry to .gitignore, once", async () => {
  writeFileSync(join(home.project, "AGENTS.md"), "# Rules\n");
  await home.run(["init"]);
  const once = file("AGENTS.md");
  const again = await home.run(["init", "--json"]);
  expect([
    once.startsWith("# Rules\n\n<!-- agent-relay:start -->\n"),
    file("AGENTS.md") === once,
    file(".gitignore"),
  ]).toEqual([true, true, "# agent-relay:start\n.agent-relay/\n# agent-relay:end\n"]);
  expect((JSON.parse(again.out) as { changes: { action: string }[] }).changes.map(({ action }) => action)).toEqual([
    "none",
    "none",
  ]);
});

test("init --remove takes out exactly what init put in", async () => {
  writeFileSync(join(home.project, "AGENTS.md"), "# Rules\n");
  await home.run(["init"]);
  await home.run(["init", "--remove"]);
  expect([file("AGENTS.md"), existsSync(join(home.project, ".gitignore"))]).toEqual(["# Rules\n", false]);
});

test("init --dry-run shows everything and does nothing", async () => {
  const { out } = await home.run(["init", "--dry-run"]);
  expect([
    out.includes("would create AGENTS.md"),
    out.includes("+ .agent-relay/"),
    existsSync(join(home.project, "AGENTS.md")),
  ]).toEqual([true, true, false]);
});

test("init leaves a person's own entry in .gitignore alone", async () => {
  writeFileSync(join(home.project, ".gitignore"), "node_modules\n.agent-relay\n");
  await home.run(["init"]);
  expect(file(".gitignore")).toBe("node_modules\n.agent-relay\n");
});

test("init writes through a link and keeps the file's mode", async () => {
  const real = join(home.directory, "shared-rules.md");
  writeFileSync(real, "# Rules\n");
  chmodSync(real, 0o640);
  symlinkSync(real, join(home.project, "AGENTS.md"));
  await home.run(["init"]);
  expect(readFileSync(real, "utf8")).toContain("agent-relay:start");
});

test("init does not touch anything when a block is damaged", async () => {
  writeFileSync(join(home.project, "AGENTS.md"), "<!-- agent-relay:start -->\nhalf\n");
  const { status } = await home.run(["init"]);
  expect([status, file("AGENTS.md"), existsSync(join(home.project, ".gitignore"))]).toEqual([
    1,
    "<!-- agent-relay:start -->\nhalf\n",
    false,
  ]);
});

test("doctor finds nothing wrong here, and tries the native modules for real", async () => {
  const { status, out } = await home.run(["doctor", "--json"]);
  const { ok, checks } = JSON.parse(out) as { ok: boolean; checks: { id: string; status: string; fix?: string }[] };
  const statusOf = (id: string): string | undefined => checks.find((check) => check.id === id)?.status;
  expect([status, ok, statusOf("node-pty"), statusOf("better-sqlite3")]).toEqual([0, true, "ok", "ok"]);
  expect(checks.filter((check) => check.status !== "ok" && check.fix === undefined)).toEqual([]);
});

test("doctor sees a state directory that others can read", async () => {
  mkdirSync(join(home.project, ".agent-relay"), { mode: 0o755 });
  const { status, out } = await home.run(["doctor"]);
  expect([status, out.includes(`→ chmod 700 ${join(home.project, ".agent-relay")}`)]).toEqual([3, true]);
});

test("doctor says what is wrong with a state directory that is none, and looks at the rest", async () => {
  writeFileSync(join(home.project, ".agent-relay"), "");
  const { status, out } = await home.run(["doctor"]);
  expect([status, out.includes(".agent-relay is not a directory"), out.includes("disk:")]).toEqual([3, true, true]);
});

test("doctor tells why the last start failed, until one succeeds", async () => {
  const state = join(home.project, ".agent-relay");
  mkdirSync(state, { mode: 0o700 });
  writeFileSync(join(state, "events.db"), "not a database".repeat(1_000), { mode: 0o600 });
  expect((await home.run(["up"])).status).toBe(3);
  const ill = await home.run(["doctor"]);
  expect([ill.status, ill.out]).toEqual([3, expect.stringContaining("the last start failed: The event log")]);
  rmSync(join(state, "events.db"));
  expect((await home.run(["up"])).status).toBe(0);
  expect((await home.run(["doctor"])).out).toContain("✓ broker: runs");
  expect((await home.run(["down"])).status).toBe(0);
  expect((await home.run(["doctor"])).out).toContain("✓ broker: none runs here");
});

test.runIf(process.platform === "linux")("O4: a disk that takes no output is no bug of ours", () => {
  const full = openSync("/dev/full", "w");
  const { status, stderr } = spawnSync(process.execPath, [program, "harness", "list", "--json"], {
    cwd: home.project,
    env: home.environment,
    stdio: ["ignore", full, "pipe"],
    encoding: "utf8",
  });
  closeSync(full);
  expect([status, errorOf(stderr).code, stderr.includes("no space left on device")]).toEqual([3, "disk_full", true]);
});

test("doctor names the agent programs on the PATH with their versions", async () => {
  const bin = join(home.directory, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "codex"), "#!/bin/sh\necho 'codex-cli 9.9.9'\n", { mode: 0o755 });
  const { out } = await home.run(["doctor"], { env: { PATH: `${bin}:/usr/bin:/bin` } });
  expect(out).toContain(`9.9.9 was not tried, at ${join(bin, "codex")}; what is known of `);
  expect(out).toContain("may not hold: titles and screen are not trusted");
});

test("hook never fails and never says anything, whatever it is fed", async () => {
  const silent = { status: 0, out: "", err: "" };
  expect(await home.run(["hook"], { input: "this is no JSON", env: { AGENT_RELAY_TOKEN: "x" } })).toEqual(silent);
  expect(
    await home.run(["hook", "turn_ended"], {
      env: { AGENT_RELAY_TOKEN: "x", AGENT_RELAY_HOOK_URL: "http://127.0.0.1:9/hooks" },
    }),
  ).toEqual(silent);
});

test("hook sends nothing to another machine", async () => {
  const { err } = await home.run(["hook", "ready", "--verbose"], {
    env: { AGENT_RELAY_TOKEN: "x", AGENT_RELAY_HOOK_URL: "http://example.org/hooks" },
  });
  expect(err).toContain("http://example.org is not this machine");
});

test("mcp without a token says who must start it", async () => {
  const { status, err } = await home.run(["mcp"]);
  expect([status, err.includes("AGENT_RELAY_TOKEN is not set")]).toEqual([1, true]);
});

test("completion without a broker offers nothing and does not fail", async () => {
  expect(await home.run(["complete-names", "agent"])).toEqual({ status: 0, out: "", err: "" });
});

test("a reader that goes away ends the command quietly", async () => {
  const running = home.start(["completion", "bash"]);
  running.child.stdout?.destroy();
  expect((await running.ended).err).toBe("");
});
