/** A person at a terminal: the built program in a real terminal that `script` makes, in front of a broker that answers from a table. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { giveBack } from "../src/attach/terminal-guard.ts";
import { fakeBroker, type Answers, type FakeBroker } from "./fake-broker.ts";
import { makeHome, type Home, type Running } from "./home.ts";
import { hasTerminal, inTerminal, kill, nodeBelow, resize, treeOf } from "./terminal.ts";
import { agent } from "./views.ts";

/** Needs a terminal. */
const here = hasTerminal ? test : test.skip;

let home: Home;
let fake: FakeBroker;
let running: Running | undefined;
const answers: Answers = {
  "agent.list": () => ({ agents: [agent({})] }),
  "agent.hold": ({ leaseId }) => ({ leaseId, expiresAt: Date.now() + 20_000 }),
  "agent.unhold": () => ({}),
  "terminal.resize": () => ({}),
  "terminal.write": () => ({}),
};

beforeEach(async () => {
  home = makeHome();
  fake = await fakeBroker(home, { answers, screen: "\u001b]0;evil title\u0007hello from ada\u001b[6n\r\n" });
});
afterEach(async () => {
  for (const pid of running === undefined ? [] : treeOf(running.child.pid)) kill(pid, "SIGKILL");
  await running?.ended;
  running = undefined;
  await home.remove();
  await fake.close();
});

/** Runs `attach` in a terminal, then says how the terminal was left. */
function attach(...args: string[]): Running {
  running = inTerminal(home, ["attach", "ada", ...args]);
  return running;
}

const typed = (): string =>
  fake.asked
    .filter(({ method }) => method === "terminal.write")
    .map(({ params }) => Buffer.from((params as { data: string }).data, "base64").toString())
    .join("");
const sizes = (): unknown[] =>
  fake.asked.filter(({ method }) => method === "terminal.resize").map(({ params }) => params);
/** What was asked, in order; a hold that is renewed, or what is typed in two pieces, once. */
const methods = (): string[] =>
  fake.asked.map(({ method }) => method).filter((it, index, all) => all.indexOf(it) === index);

const until = (condition: () => boolean): Promise<void> => expect.poll(condition, { interval: 10 }).toBe(true);

/** The terminal is as it was: every mode turned off, on the main screen, and cooked. */
function expectRestored(out: string): void {
  const at = out.lastIndexOf(giveBack);
  expect(at, "the terminal was not given back").toBeGreaterThan(0);
  for (const off of ["?1049l", "?1000l", "?1002l", "?1003l", "?1006l", "?1004l", "?2004l", "?25h", "0m"])
    expect(out.slice(at), `${off} is missing`).toContain(`\u001b[${off}`);
  expect(out.lastIndexOf("\u001b[?1049h"), "the screen was taken again").toBeLessThan(at);
  expect(out.slice(at)).toMatch(/(?<!-)icanon[\s\S]*(?<!-)\becho\b/);
}

here("view shows the screen without what reaches beyond it, and Ctrl-] gives the terminal back", async () => {
  const it = attach();
  await it.until(/hello from ada/);
  it.child.stdin?.write("\u001d");
  await it.until(/status=0[\s\S]*icanon/);
  const { out } = await it.ended;
  expect([
    out.includes("evil title"),
    out.includes("\u001b[6n"),
    out.includes("Ctrl-] detaches"),
    out.indexOf("Detached from ada; it goes on.") > out.lastIndexOf(giveBack),
  ]).toEqual([false, false, true, true]);
  expectRestored(out);
});

here("Ctrl-C detaches too, and nothing is asked of the agent", async () => {
  const it = attach();
  await it.until(/hello from ada/);
  it.child.stdin?.write("typed in vain\u0003");
  await it.until(/status=0[\s\S]*icanon/);
  expect(methods()).toEqual(["agent.list"]);
  expectRestored((await it.ended).out);
});

here("drive types what is typed, under a hold that is given back", async () => {
  const it = attach("--mode", "drive");
  await it.until(/hello from ada/);
  it.child.stdin?.write("yes\r");
  await until(() => typed() === "yes\r");
  it.child.stdin?.write("\u001d");
  await it.until(/status=0[\s\S]*icanon/);
  expect(methods()).toEqual(["agent.list", "agent.hold", "terminal.resize", "terminal.write", "agent.unhold"]);
  expectRestored((await it.ended).out);
});

here("drive gives the agent's terminal the size of ours, and follows it", async () => {
  const it = attach("--mode", "drive");
  await it.until(/hello from ada/);
  resize(it, { cols: 91, rows: 31 });
  // `stty` sets the two one after the other.
  await until(() => JSON.stringify(sizes().at(-1)).includes('"cols":91,"rows":31'));
  it.child.stdin?.write("\u001d");
  await it.until(/status=0[\s\S]*icanon/);
  expect(sizes()[0]).toEqual({ name: "ada", cols: 100, rows: 30 });
});

here("a terminal that does not know its size does not make the agent's small", async () => {
  running = inTerminal(home, ["attach", "ada", "--mode", "drive"], { cols: 0, rows: 0 });
  await running.until(/hello from ada/);
  running.child.stdin?.write("\u001d");
  await running.until(/status=0[\s\S]*icanon/);
  expect(methods()).toEqual(["agent.list", "agent.hold", "agent.unhold"]);
});

here("drive passes Ctrl-C on only when asked to", async () => {
  const it = attach("--mode", "drive", "--pass-ctrl-c");
  await it.until(/hello from ada/);
  it.child.stdin?.write("\u0003");
  await until(() => typed() === "\u0003");
  it.child.stdin?.write("\u001d");
  await it.until(/status=0[\s\S]*icanon/);
});

here("the end of the agent gives the terminal back and says so", async () => {
  const it = attach();
  await it.until(/hello from ada/);
  fake.endTerminal();
  await it.until(/status=0[\s\S]*icanon/);
  const { out } = await it.ended;
  expect(out).toContain("ada has ended.");
  expectRestored(out);
});

here.each(["SIGTERM", "SIGHUP", "SIGINT"] as const)("%s gives the terminal back", async (signal) => {
  const it = attach("--mode", "drive");
  await it.until(/hello from ada/);
  kill(nodeBelow(it), signal);
  await it.until(/status=130[\s\S]*icanon/);
  expectRestored((await it.ended).out);
  expect(methods().at(-1)).toBe("agent.unhold");
});

here("the death of the broker gives the terminal back, with the reason", async () => {
  const it = attach();
  await it.until(/hello from ada/);
  await fake.close();
  await it.until(/status=3[\s\S]*icanon/);
  const { out } = await it.ended;
  expect(out.slice(out.lastIndexOf(giveBack))).toContain("error:");
  expectRestored(out);
});

here("an agent without a terminal is refused before the terminal is taken", async () => {
  await fake.close();
  fake = await fakeBroker(home, { answers: { "agent.list": () => ({ agents: [agent({ runtime: "headless" })] }) } });
  const it = attach();
  await it.until(/status=1[\s\S]*icanon/);
  const { out } = await it.ended;
  expect([out.includes("it runs without a terminal"), out.includes("\u001b[?1049h")]).toEqual([true, false]);
});
