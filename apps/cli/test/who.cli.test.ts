/** The table of `who`. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { fakeBroker, type Answers, type FakeBroker } from "./fake-broker.ts";
import { makeHome, type Home } from "./home.ts";
import { agent } from "./views.ts";

let home: Home;
let fake: FakeBroker | undefined;
beforeEach(() => {
  home = makeHome();
});
afterEach(async () => {
  await home.remove();
  await fake?.close();
  fake = undefined;
});

const serve = async (answers: Answers): Promise<FakeBroker> => (fake = await fakeBroker(home, { answers }));
const team = [
  agent({
    name: "ada",
    state: "working",
    status: "working",
    reported: "reads the parser",
    contextPctLeft: 62,
    since: Date.now() - 4 * 3_600_000 - 1_000,
  }),
  agent({
    name: "工藤",
    harness: null,
    cli: "node agent.mjs",
    state: "blocked",
    status: "blocked",
    blockedKind: "permission",
    fidelity: "inferred",
    reason: "asks: run `rm -rf build`? 🚧",
    pending: 3,
    permissionMode: "bypass",
    pid: 99,
    since: Date.now() - 2 * 86_400_000 - 1_000,
  }),
];

test.each(["40", "80", "200"])("who fits a terminal of %s columns", async (COLUMNS) => {
  await serve({ "agent.list": () => ({ agents: team }) });
  const { out } = await home.run(["who"], { env: { COLUMNS } });
  await expect(out).toMatchFileSnapshot(`expected/who-${COLUMNS}.txt`);
});

test("who --json is the broker's rows", async () => {
  await serve({ "agent.list": () => ({ agents: team }) });
  expect(JSON.parse((await home.run(["who", "--json"])).out)).toEqual({ agents: team });
});

test("who --all asks for ended agents too", async () => {
  await serve({ "agent.list": () => ({ agents: [] }) });
  await home.run(["who", "--all"]);
  expect(fake?.asked[0]).toMatchObject({ method: "agent.list", params: { all: true } });
});

test("who --watch --json is one document a line until it is interrupted", async () => {
  await serve({ "agent.list": () => ({ agents: [] }) });
  const running = home.start(["who", "--watch", "--json"]);
  await running.until(/\n.*\n/);
  running.child.kill("SIGINT");
  const { status, out } = await running.ended;
  expect([status, out.split("\n")[0]]).toEqual([130, '{"agents":[]}']);
});

test("an agent cannot write to the terminal through its own status", async () => {
  await serve({ "agent.list": () => ({ agents: [agent({ reported: "\u001b]0;evil\u0007\u001b[2J ok\r\n" })] }) });
  // eslint-disable-next-line no-control-regex
  expect((await home.run(["who"])).out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]|evil/);
});

test("no colour in a pipe, colour when it is forced", async () => {
  await serve({ "agent.list": () => ({ agents: team }) });
  const [plain, forced] = [await home.run(["who"]), await home.run(["who"], { env: { FORCE_COLOR: "1" } })];
  expect([plain.out.includes("\u001b["), forced.out.includes("\u001b[1m")]).toEqual([false, true]);
});

const asking = agent({
  state: "blocked",
  status: "blocked",
  blockedKind: "permission",
  block: { sequence: 41, what: "Bash(rm -rf x)", answerable: true },
});

test("who says what a blocked agent asks, and how to answer", async () => {
  const other = agent({ ...asking, name: "ben", block: { sequence: 42, what: null, answerable: false } });
  await serve({ "agent.list": () => ({ agents: [asking, other] }) });
  const { out, err } = await home.run(["who"]);
  expect([/ada .* blocked:permission .* Bash\(rm -rf x\)/.test(out), err]).toEqual([
    true,
    "→ ada waits for you: agent-relay approve ada, or agent-relay deny ada\n" +
      "→ ben waits for you: agent-relay attach ben --mode drive, and answer at its own terminal\n",
  ]);
});

test("who marks a version that was not tried, and a program without a terminal", async () => {
  const agents = [
    agent({ version: "9.9.0", versionTried: false, model: "opus" }),
    agent({ name: "ben", version: "2.1.329", versionTried: true, runtime: "headless" }),
  ];
  await serve({ "agent.list": () => ({ agents }) });
  const { out } = await home.run(["who"]);
  expect([
    out.includes("claude-code 9.9.0? opus"),
    out.includes("claude-code (headless)"),
    out.includes("2.1.329"),
  ]).toEqual([true, true, false]);
});

test("who says when someone's unsent text stands in a composer", async () => {
  await serve({ "agent.list": () => ({ agents: [agent({ drafting: true })] }) });
  expect((await home.run(["who"])).out).toContain("unsent text in its composer");
});

test.each(["60", "140"])("who --wide shows versions and sessions within %s columns", async (COLUMNS) => {
  const agents = [agent({ version: "2.1.329", sessionId: "3caf488e-0000-4000-8000-000000000001", team: "red" })];
  await serve({ "agent.list": () => ({ agents }) });
  const { out } = await home.run(["who", "--wide"], { env: { COLUMNS } });
  expect([
    Math.max(...out.split("\n").map((line) => line.length)) <= Number(COLUMNS),
    out.includes("SESSION"),
    /2\.1\.329 .*3caf488e-0000-4000-8000-000000000001/.test(out),
  ]).toEqual([true, true, COLUMNS === "140"]);
});
