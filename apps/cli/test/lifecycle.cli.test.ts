/** The real thing: the broker, the pty host and agents, driven by the built program alone. */
import { readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isRunning } from "../src/process-life.ts";
import { makeHome, type Home } from "./home.ts";
import { hasTerminal, inTerminal, treeOf } from "./terminal.ts";

/** Needs a terminal. */
const here = hasTerminal ? test : test.skip;

let home: Home;
beforeEach(() => {
  home = makeHome();
});
afterEach(async () => {
  await home.run(["down", "--force", "--timeout", "60"]);
  await home.remove();
});

const json = async <Shape>(...args: string[]): Promise<Shape> =>
  JSON.parse((await home.run([...args, "--json"])).out) as Shape;
const upped = (): Promise<{ pid: number; started: boolean; alreadyRunning: boolean; socket: string }> => json("up");

test("up starts a broker and waits until it answers; a second up finds it; down ends it", async () => {
  const first = await upped();
  const second = await upped();
  const status = await json<{ pid: number; project: string }>("status");
  expect([first.started, second.alreadyRunning, second.pid, status.pid, status.project]).toEqual([
    true,
    true,
    first.pid,
    first.pid,
    home.project,
  ]);
  const down = await json<{ stopped: boolean; pid: number }>("down");
  expect([down.stopped, down.pid, isRunning(first.pid)]).toEqual([true, first.pid, false]);
});

test("a broker that is started by a step of a run is none of that step's processes", async () => {
  const { out } = await home.run(["up", "--json"], { env: { AGENT_RELAY_ATTEMPT: "mi9k2/build#1:specialist" } });
  const { pid } = JSON.parse(out) as { pid: number };
  const variables = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  expect(variables.filter((it) => /^(?:HOME|AGENT_RELAY_ATTEMPT)=/u.test(it))).toEqual([`HOME=${home.directory}`]);
});

test("two ups at once end with one broker, and both succeed", async () => {
  const [one, other] = await Promise.all([home.run(["up", "--json"]), home.run(["up", "--json"])]);
  const pids = [one, other].map(({ out }) => (JSON.parse(out) as { pid: number }).pid);
  expect([one.status, other.status, pids[0] === pids[1]]).toEqual([0, 0, true]);
});

test("the state is private to its owner and invisible to git", async () => {
  await upped();
  const stateDir = join(home.project, ".agent-relay");
  expect([(statSync(stateDir).mode & 0o777).toString(8), readFileSync(join(stateDir, ".gitignore"), "utf8")]).toEqual([
    "700",
    "*\n",
  ]);
});

test("spawn starts a broker if there is none, and says so", async () => {
  const { status, out, err } = await home.run(["spawn", "ada", "--", "/bin/sh", "-c", "echo here I am; sleep 600"]);
  expect([status, /^ada runs: .*pid \d+\n$/.test(out), err.includes("No broker runs here; starting one.")]).toEqual([
    0,
    true,
    true,
  ]);
});

test("an agent's life: spawned, written to, looked at, released", async () => {
  await home.run(["spawn", "ada", "--wait", "ready", "--", "/bin/cat"]);
  const sent = await home.run(["send", "ada", "good morning", "--until", "handed_over", "--timeout", "60s"]);
  expect(sent.status, sent.err).toBe(0);
  const [row] = (await json<{ agents: { name: string; pid: number; memoryBytes: number | null }[] }>("who")).agents;
  expect(row).toMatchObject({ name: "ada" });
  expect((await home.run(["logs", "ada"])).out).toContain("good morning");
  expect((await home.run(["release", "ada"])).status).toBe(0);
  expect(isRunning(row?.pid ?? 0)).toBe(false);
  expect((await home.run(["events", "--type", "agent_exited", "--json"])).out).toContain('"reason":"released"');
});

test("a spawn of a program that does not exist is refused with its reason", async () => {
  await upped();
  const { status, err } = await home.run(["spawn", "ada", "no-such-program-here"]);
  expect([status, err.includes("no-such-program-here")]).toEqual([1, true]);
});

test("the broker killed with SIGKILL: the next one has the same agents, and status says so", async () => {
  const first = await upped();
  await home.run(["spawn", "ada", "--", "/bin/cat"]);
  const before = await json<{ agents: { pid: number }[] }>("who");
  process.kill(first.pid, "SIGKILL");
  await expect.poll(() => isRunning(first.pid)).toBe(false);
  expect((await home.run(["doctor"])).out).toContain("left-over files");
  const next = await upped();
  const after = await json<{ agents: { pid: number }[] }>("who");
  expect([next.started, after.agents.map(({ pid }) => pid)]).toEqual([true, before.agents.map(({ pid }) => pid)]);
});

test("down --keep-agents leaves them to the next broker", async () => {
  await home.run(["spawn", "ada", "--", "/bin/cat"]);
  const before = await json<{ agents: { pid: number }[] }>("who");
  await home.run(["down", "--keep-agents"]);
  expect(isRunning(before.agents[0]?.pid ?? 0)).toBe(true);
  await upped();
  expect((await json<{ agents: { pid: number }[] }>("who")).agents.map(({ pid }) => pid)).toEqual(
    before.agents.map(({ pid }) => pid),
  );
});

test("a broker that does not answer is named, and ended with --force alone", async () => {
  const { pid } = await upped();
  process.kill(pid, "SIGSTOP");
  const refused = await home.run(["down"]);
  expect([refused.status, refused.err.includes(`pid ${pid}`), refused.err.includes("--force")]).toEqual([
    3,
    true,
    true,
  ]);
  const named = `error: a broker runs, pid ${pid}, but does not answer\n→ agent-relay down --force ends it`;
  expect(await home.run(["who"])).toMatchObject({ status: 3, err: expect.stringContaining(named) as string });
  expect(await home.run(["up"])).toMatchObject({ status: 3, err: expect.stringContaining(named) as string });
  const forced = await home.run(["down", "--force"]);
  expect([forced.status, isRunning(pid)]).toEqual([0, false]);
});

test("up --foreground runs in view, and an interrupt keeps the agents", async () => {
  const broker = home.start(["up", "--foreground"]);
  await broker.until(/the broker is up/);
  await home.run(["spawn", "ada", "--", "/bin/cat"]);
  const [row] = (await json<{ agents: { pid: number }[] }>("who")).agents;
  broker.child.kill("SIGINT");
  const { status } = await broker.ended;
  expect([status, isRunning(row?.pid ?? 0)]).toEqual([0, true]);
  await upped();
});

test("a second broker in the foreground is refused", async () => {
  const { pid } = await upped();
  const { status, err } = await home.run(["up", "--foreground"]);
  const aged = err.replace(/started \d+[sm] ago/u, "started a moment ago");
  expect([status, aged]).toEqual([
    1,
    `error: a broker already runs for ${home.project}, pid ${pid}, started a moment ago\n→ agent-relay down ends it\n`,
  ]);
});

const size = { cols: 91, rows: 31 };
const eventsOf = async (...types: string[]): Promise<string> =>
  (await home.run(["events", "--json", ...types.flatMap((type) => ["--type", type])])).out;

here("a wrapped program has the person's environment and terminal, gets mail, and passes its status on", async () => {
  await upped();
  const script = 'echo "env=$MY_OWN $AGENT_RELAY_STATE_DIR"; stty size; read line; echo "got $line"; exit 7';
  const it = inTerminal(home, ["wrap", "--name", "me", "--", "/bin/sh", "-c", script], {
    ...size,
    env: { MY_OWN: "mine", MY_SECRET: "a-secret-of-mine" },
  });
  await it.until(/env=mine[\s\S]*31 91/);
  const sent = await home.run(["send", "me", "good morning", "--until", "handed_over", "--timeout", "60s"]);
  expect(sent.status, sent.err).toBe(0);
  await it.until(/got [\s\S]*me ended: status 7[\s\S]*status=7/);
  await it.ended;
  expect((await eventsOf()).includes("a-secret-of-mine")).toBe(false);
});

here("what is typed reaches a wrapped program, and mail waits while it is being typed", async () => {
  await upped();
  const it = inTerminal(home, ["wrap", "--name", "me", "--", "/bin/cat"], size);
  await expect.poll(() => eventsOf("agent_ready"), { timeout: 60_000 }).toContain('"me"');
  it.child.stdin?.write("half a line");
  await it.until(/half a line/);
  await home.run(["send", "me", "not now"]);
  const [row] = (
    await json<{ agents: { pending: number; reason: string; heldBy: string; drafting: boolean }[] }>("who")
  ).agents;
  expect([row?.pending, row?.heldBy === "operator" || row?.drafting]).toEqual([1, true]);
  it.child.stdin?.write(" and the rest\r");
  await it.until(/half a line and the rest\r\nhalf a line and the rest/);
  it.child.stdin?.write("\u0004");
  await it.until(/status=0/);
  await it.ended;
});

here("a terminal that is closed takes the wrapped program with it", async () => {
  await upped();
  const it = inTerminal(home, ["wrap", "--name", "me", "--", "/bin/cat"], size);
  await expect.poll(() => eventsOf("agent_spawned"), { timeout: 60_000 }).toContain('"me"');
  const [row] = (await json<{ agents: { pid: number }[] }>("who")).agents;
  const ours = treeOf(it.child.pid);
  it.child.kill("SIGKILL");
  await it.ended;
  await expect.poll(() => [row?.pid ?? 0, ...ours].filter(isRunning)).toEqual([]);
  expect(await eventsOf("agent_released")).toContain("its terminal was closed");
});

test("a broker whose state directory was deleted ends, and its agents with it", async () => {
  const { pid } = await upped();
  const { status, out } = await home.run(["spawn", "ada", "--json", "--", "/bin/cat"]);
  const agent = (JSON.parse(out) as { pid: number }).pid;
  expect([status, isRunning(agent)]).toEqual([0, true]);
  rmSync(join(home.project, ".agent-relay"), { recursive: true });
  await expect.poll(() => [pid, agent].filter(isRunning), { timeout: 90_000, interval: 100 }).toEqual([]);
});

test("backup writes a copy that is a new file only", async () => {
  await upped();
  const file = join(home.directory, "copy.db");
  expect(await json<{ file: string; bytes: number }>("backup", file)).toMatchObject({ file });
  expect((await home.run(["backup", file])).status).not.toBe(0);
});
