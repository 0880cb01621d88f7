/** A person's own program in the person's own terminal, in front of a broker that answers from a table. */
import { relayError } from "@agent-relay/protocol";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fakeBroker, type Answers, type FakeBroker } from "./fake-broker.ts";
import { makeHome, type Home, type Running } from "./home.ts";
import { hasTerminal, inTerminal, kill, nodeBelow, resize, treeOf } from "./terminal.ts";
import { broker } from "./views.ts";

/** Needs a terminal. */
const here = hasTerminal ? test : test.skip;

let home: Home;
let fake: FakeBroker;
let running: Running | undefined;
const answers: Answers = {
  "broker.status": () => broker(),
  "agent.spawn": ({ name }) => ({ agent: name, epoch: 1, harness: "claude-code", pid: 4242 }),
  "agent.hold": ({ leaseId }) => ({ leaseId, expiresAt: Date.now() + 20_000 }),
  "agent.unhold": () => ({}),
  "agent.release": () => ({}),
  "terminal.resize": () => ({}),
  "terminal.write": () => ({}),
};
const screen = "\u001b]0;its own title\u0007\u001b[?2004h\u001b[>1uhello from claude\u001b[6n";

const serve = async (more: Answers = {}, text = screen): Promise<void> => {
  fake = await fakeBroker(home, { answers: { ...answers, ...more }, screen: text, agent: "claude" });
};

beforeEach(() => {
  home = makeHome();
});
afterEach(async () => {
  for (const pid of running === undefined ? [] : treeOf(running.child.pid)) kill(pid, "SIGKILL");
  await running?.ended;
  running = undefined;
  await home.remove();
  await fake.close();
});

function wrap(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  running = inTerminal(home, ["wrap", ...args], { cols: 100, rows: 30, env });
  return running;
}

const asked = (method: string): Record<string, unknown>[] =>
  fake.asked.filter((it) => it.method === method).map(({ params }) => params as Record<string, unknown>);
const typed = (): string =>
  asked("terminal.write")
    .map(({ data }) => Buffer.from(String(data), "base64").toString())
    .join("");
const until = (condition: () => boolean): Promise<void> => expect.poll(condition, { interval: 10 }).toBe(true);
const exitEvent = (more: object = {}): object => ({
  type: "agent_exited",
  agent: "claude",
  epoch: 1,
  reason: "clean",
  class: "normal",
  code: 0,
  signal: null,
  uptimeSecs: 3,
  lastLines: [],
  undelivered: 0,
  at: 1,
  stream: "agent/claude",
  revision: 1,
  sequence: 1,
  ...more,
});
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
const end = (more: object = {}): void => {
  fake.append(exitEvent(more));
  fake.endTerminal();
};

here(
  "the program gets this terminal's size, directory and environment, without what is ours, and no restart",
  async () => {
    await serve();
    const it = wrap(
      ["--trust", "--permission", "auto", "--channel", "#team,a", "--team", "red", "--", "claude", "-c"],
      {
        MY_OWN: "x y",
        AGENT_RELAY_HARNESS: "codex",
      },
    );
    await it.until(/hello from claude/);
    const [params] = asked("agent.spawn");
    expect(params).toMatchObject({
      name: "claude",
      launch: {
        cli: "claude",
        args: ["-c"],
        cols: 100,
        rows: 30,
        cwd: home.project,
        runtime: "pty",
        permissionMode: "auto",
        trust: true,
        channels: ["team", "a"],
        team: "red",
        restart: { when: "never" },
      },
      transientEnv: { MY_OWN: "x y", TERM: "xterm-256color" },
    });
    expect(Object.keys(params?.["transientEnv"] ?? {}).filter((name) => name.startsWith("AGENT_RELAY_"))).toEqual([]);
  },
);

here("bytes pass both ways as they are, Ctrl-C and what nobody typed included", async () => {
  await serve();
  const it = wrap(["--", "claude"]);
  await until(() => it.out().includes(screen));
  it.child.stdin?.write("gr\u00fc\u00df \u0003\u001d\u001b[A");
  await until(() => typed().endsWith("\u001b[A"));
  expect(typed()).toBe("grüß \u0003\u001d\u001b[A");
});

here("a line feed stays a line feed, and the terminal turns it into two again afterwards", async () => {
  await serve({}, "one\ntwo\r\nhello from claude");
  const it = wrap(["--", "claude"]);
  await it.until(/hello from claude/);
  expect(it.out()).toContain("one\ntwo\r\nhello from claude");
  end();
  await it.until(/status=0\r\n[\s\S]*icanon/);
  expect((await it.ended).out).toMatch(/(?<!-)opost/);
});

here("typing takes the hold from whoever has it; what the terminal says by itself takes it for a second", async () => {
  await serve();
  const it = wrap(["--", "claude"]);
  await it.until(/hello from claude/);
  it.child.stdin?.write("\u001b[12;40R");
  await until(() => asked("terminal.write").length === 1);
  it.child.stdin?.write("h");
  await until(() => asked("terminal.write").length === 2);
  expect(asked("agent.hold")).toMatchObject([
    { takeOver: true, ttlMs: 1_000 },
    { takeOver: true, ttlMs: 4_000 },
  ]);
});

here("nothing is held before anything is typed", async () => {
  await serve();
  const it = wrap(["--", "claude"]);
  await it.until(/hello from claude/);
  end();
  await it.until(/status=0/);
  expect([asked("agent.hold"), asked("agent.unhold")]).toEqual([[], []]);
});

here("the agent's terminal follows the size of ours", async () => {
  await serve();
  const it = wrap(["--", "claude"]);
  await it.until(/hello from claude/);
  resize(it, { cols: 91, rows: 31 });
  // `stty` sets the two one after the other.
  await expect.poll(() => asked("terminal.resize").at(-1)).toEqual({ name: "claude", cols: 91, rows: 31 });
});

here.each([
  [{ code: 7, reason: "crash", class: "crash", undelivered: 2 }, 7, "status 7 (crash); 2 messages were not delivered"],
  [{ code: 0 }, 0, "status 0; all mail was delivered"],
  [
    { code: null, signal: "SIGKILL", reason: "signal", class: "crash" },
    137,
    "SIGKILL (signal); all mail was delivered",
  ],
])("it ends as the program does: %j", async (exit, status, said) => {
  await serve();
  const it = wrap(["--", "claude"]);
  await it.until(/hello from claude/);
  end(exit);
  await it.until(new RegExp(`status=${status}[\\s\\S]*icanon`));
  const { out } = await it.ended;
  expect(out).toContain(`\r\nclaude ended: ${said}\r\n`);
});

here("what the program left turned on is turned off, and nothing else", async () => {
  await serve();
  const it = wrap(["--", "claude"]);
  await it.until(/hello from claude/);
  end();
  await it.until(/status=0[\s\S]*icanon/);
  const { out } = await it.ended;
  const after = out.slice(out.indexOf(screen) + screen.length, out.indexOf("claude ended"));
  expect(after.trim()).toBe("\u001b[<1u\u001b[?2004l\u001b[0m");
  expect(out.slice(out.indexOf("claude ended"))).toMatch(/(?<!-)icanon[\s\S]*(?<!-)\becho\b/);
});

here("a terminal that is closed takes its agent with it", async () => {
  await serve();
  const it = wrap(["--", "claude"]);
  await it.until(/hello from claude/);
  const pid = nodeBelow(it);
  it.child.kill("SIGKILL"); // The other side of the terminal.
  await until(() => asked("agent.release").length === 1 && treeOf(pid).every((each) => !isAlive(each)));
  expect(asked("agent.release")).toEqual([{ name: "claude", reason: "its terminal was closed" }]);
});

here.each(["SIGHUP", "SIGTERM"] as const)("so does %s", async (signal) => {
  await serve();
  const it = wrap(["--", "claude"]);
  await it.until(/hello from claude/);
  kill(nodeBelow(it), signal);
  await it.until(/status=130[\s\S]*icanon/);
  expect(asked("agent.release")).toHaveLength(1);
});

here("Ctrl-] three times leaves it running without this terminal", async () => {
  await serve();
  const it = wrap(["--", "claude"]);
  await it.until(/hello from claude/);
  it.child.stdin?.write("\u001d\u001d\u001d");
  await it.until(/status=0[\s\S]*icanon/);
  const { out } = await it.ended;
  expect([asked("agent.release"), out.includes("claude goes on without this terminal.")]).toEqual([[], true]);
});

here("a name that is taken gets a number; one that was given does not", async () => {
  const taken: Answers = {
    "agent.spawn": ({ name }) => {
      if (name !== "claude-3") throw relayError("name_taken", `a live agent is called ${name}`);
      return { agent: name, epoch: 1, harness: "claude-code", pid: 1 };
    },
  };
  await serve(taken);
  const it = wrap(["--", "claude"]);
  await until(() => asked("agent.spawn").length === 3);
  fake.append(exitEvent({ agent: "claude-3", stream: "agent/claude-3" }));
  await it.until(/status=0/);
  expect(asked("agent.spawn").map(({ name }) => name)).toEqual(["claude", "claude-2", "claude-3"]);
  const refused = wrap(["--name", "lead", "--", "claude"]);
  await refused.until(/status=1/);
  expect((await refused.ended).out).toContain("a live agent is called lead");
});

here("a spawn that is refused leaves the terminal as it was", async () => {
  await serve({
    "agent.spawn": () => {
      throw relayError("program_not_found", "the program 'claude' was not found on the PATH");
    },
  });
  const it = wrap(["--", "claude"]);
  await it.until(/status=1[\s\S]*icanon/);
  const { out } = await it.ended;
  expect([out.includes("was not found on the PATH"), /(?<!-)icanon/.test(out)]).toEqual([true, true]);
});

here("a broker that is gone gives the terminal back and says where the agent is", async () => {
  await serve();
  const it = wrap(["--", "claude"]);
  await it.until(/hello from claude/);
  await fake.close();
  await it.until(/status=3[\s\S]*icanon/);
  expect((await it.ended).out).toContain("agent-relay up, then agent-relay attach claude --mode drive");
});

here("inside an agent's own terminal it is refused", async () => {
  await serve();
  const it = wrap(["--", "claude"], { AGENT_RELAY_TOKEN: "token-of-ada" });
  await it.until(/status=2/);
  expect([fake.asked, (await it.ended).out.includes("belongs to an agent already")]).toEqual([[], true]);
});

test("without a terminal it says what to use instead", async () => {
  await serve();
  expect(await home.run(["wrap", "--", "claude"])).toEqual({
    status: 2,
    out: "",
    err: "error: wrap needs a terminal on stdin and stdout\n→ agent-relay spawn <name> <program> runs it in a terminal of its own\n",
  });
});

test("an option of the program in the wrong place is explained", async () => {
  await serve();
  const { status, err } = await home.run(["wrap", "claude", "--continue"]);
  expect([status, err]).toEqual([
    2,
    "error: unknown option '--continue'\n→ options of the program itself go after -- or into the quotes of its command line\n",
  ]);
});
