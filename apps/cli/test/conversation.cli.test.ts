/** What is printed of a broker's answers: for people, for scripts, and when it says no. */
import { relayError } from "@agent-relay/protocol";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fakeBroker, type Answers, type FakeBroker, type FakeBrokerOptions } from "./fake-broker.ts";
import { makeHome, type Home } from "./home.ts";
import { agent, broker, delivery, message, messageId } from "./views.ts";

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

const serve = async (answers: Answers, more: Omit<FakeBrokerOptions, "answers"> = {}): Promise<FakeBroker> =>
  (fake = await fakeBroker(home, { answers, ...more }));
const receipt = { messageId, sequence: 7, threadId: messageId, recipients: ["ada"] };
test("send prints the id under which the message was accepted", async () => {
  await serve({ "message.send": () => receipt });
  expect(await home.run(["send", "ada", "the", "build", "is", "red"])).toEqual({
    status: 0,
    out: `accepted ${messageId} for ada\n`,
    err: "",
  });
  expect(fake?.asked[0]).toMatchObject({
    params: { to: { kind: "agent", name: "ada" }, body: "the build is red", mode: "wait" },
    caller: "operator",
    actor: "agent-relay-cli/cli",
  });
});

test("send reads the body from stdin, without the newline at its end", async () => {
  await serve({ "message.send": () => receipt });
  await home.run(["send", "#review", "-"], { input: "two\nlines\n" });
  expect(fake?.asked[0]).toMatchObject({ params: { to: { kind: "channel", name: "review" }, body: "two\nlines" } });
});

test("send speaks in the name that it is told", async () => {
  await serve({ "message.send": () => receipt });
  await home.run(["send", "ada", "hi", "--as", "carl", "--steer", "--ttl", "5m"]);
  expect(fake?.asked[0]).toMatchObject({ caller: "carl", params: { mode: "steer", ttlMs: 300_000 } });
});

test("with an agent's token the CLI speaks as that agent, and its traffic counts for its harness", async () => {
  await serve({ "message.send": () => receipt });
  await home.run(["send", "bob", "hi"], { env: { AGENT_RELAY_TOKEN: "token-of-ada", AGENT_RELAY_HARNESS: "codex" } });
  expect(fake?.asked[0]).toMatchObject({ caller: "ada", actor: "agent-relay-cli/agent/codex" });
});

test("send --until waits and shows how far each recipient got", async () => {
  await serve({
    "message.send": () => receipt,
    "message.await": () => ({ deliveries: [delivery({ stage: "seen" })] }),
  });
  const { status, out } = await home.run(["send", "ada", "hi", "--until", "seen", "--timeout", "2s", "--json"]);
  expect([status, JSON.parse(out)]).toMatchObject([0, { messageId, deliveries: [{ agent: "ada", stage: "seen" }] }]);
  expect(fake?.asked[1]).toMatchObject({ params: { until: "seen", timeoutMs: 2_000 } });
});

test("a timeout ends with 4, gives the id all the same, and says that the message is on its way", async () => {
  await serve({
    "message.send": () => receipt,
    "message.await": () => {
      throw relayError("timeout", "not within 10 ms");
    },
    "message.trace": () => ({
      message: message({}),
      deliveries: [delivery({ stage: "accepted", stalled: "agent_busy" })],
      steps: [],
    }),
  });
  const { status, out, err } = await home.run(["send", "ada", "hi", "--until", "seen"]);
  expect([
    status,
    out.includes("agent_busy"),
    err.includes(`it is still on its way: agent-relay trace ${messageId}`),
  ]).toEqual([4, true, true]);
  const json = await home.run(["send", "ada", "hi", "--until", "seen", "--json"]);
  expect([json.status, JSON.parse(json.out)]).toMatchObject([
    4,
    { messageId, deliveries: [{ stalled: "agent_busy" }] },
  ]);
});

test("a message that became a dead letter ends with 1", async () => {
  await serve({
    "message.send": () => receipt,
    "message.await": () => ({ deliveries: [delivery({ stage: "dead_lettered", deadLetterReason: "killed" })] }),
  });
  const { status, out } = await home.run(["send", "ada", "hi", "--until", "seen"]);
  expect([status, out.includes("killed")]).toEqual([1, true]);
});

test("a refusal ends with 1 and passes on the broker's hint", async () => {
  await serve({
    "message.send": () => {
      throw relayError("unknown_agent", "no agent is called adda", { hint: "did you mean ada?" });
    },
  });
  expect(await home.run(["send", "adda", "hi"])).toEqual({
    status: 1,
    out: "",
    err: "error: no agent is called adda\n→ did you mean ada?\n",
  });
});

test("inbox acknowledges what it has shown", async () => {
  const mail = {
    ...message({ from: "ada", to: { kind: "agent", name: "operator" }, body: "done" }),
    possibleRepeat: true,
  };
  await serve({ "inbox.check": () => ({ messages: [mail], remaining: 2 }), "inbox.ack": () => ({ acknowledged: 1 }) });
  const { out, err } = await home.run(["inbox"]);
  expect([out.includes("possibly a repeat"), out.includes("  done"), err.includes("2 more wait")]).toEqual([
    true,
    true,
    true,
  ]);
  expect(fake?.asked.map(({ method }) => method)).toEqual(["inbox.check", "inbox.ack"]);
});

test("inbox --peek takes nothing", async () => {
  await serve({ "inbox.check": () => ({ messages: [{ ...message({}), possibleRepeat: false }], remaining: 0 }) });
  const { status } = await home.run(["inbox", "--peek", "--as", "bob", "--wait", "1s"]);
  expect([status, fake?.asked]).toMatchObject([0, [{ params: { name: "bob", peek: true, waitMs: 1_000 } }]]);
});

test("reply answers a message", async () => {
  await serve({ "message.reply": () => receipt });
  expect((await home.run(["reply", messageId, "yes"])).status).toBe(0);
  expect(fake?.asked[0]).toMatchObject({ params: { replyTo: messageId, body: "yes" } });
});

test("trace tells the story of a message", async () => {
  const at = new Date(2030, 0, 1, 12, 0, 0).getTime();
  const steps = [
    { sequence: 7, at, afterMs: 0, agent: null, what: "accepted", detail: "owed to ada" },
    { sequence: 9, at: at + 1_530, afterMs: 1_530, agent: "ada", what: "handed over", detail: "paste, drained" },
  ];
  await serve({
    "message.trace": () => ({
      message: message({ at }),
      deliveries: [delivery({ at, stage: "handed_over", evidence: "paste_drained" })],
      steps,
    }),
  });
  const { out } = await home.run(["trace", messageId], { env: { COLUMNS: "80" } });
  await expect(out).toMatchFileSnapshot("expected/trace-80.txt");
});

test("history --follow goes on with new messages of that agent alone", async () => {
  await serve({ "message.history": () => ({ messages: [message({ body: "old" })], before: null, after: null }) });
  const running = home.start(["history", "--with", "ada", "--follow", "--json"]);
  await running.until(/"old"/);
  const accepted = {
    type: "message_accepted",
    messageId: "msg_01k3v9q0x8bbbb",
    mode: "wait",
    threadId: "msg_01k3v9q0x8bbbb",
    at: 1,
    stream: "message/x",
    revision: 1,
  };
  fake?.append({
    ...accepted,
    sequence: 8,
    from: "bob",
    to: { kind: "agent", name: "eve" },
    recipients: ["eve"],
    body: "not hers",
  });
  fake?.append({
    ...accepted,
    sequence: 9,
    from: "bob",
    to: { kind: "agent", name: "ada" },
    recipients: ["ada"],
    body: "hers",
  });
  await running.until(/"hers"/);
  running.child.kill("SIGINT");
  const { status, out } = await running.ended;
  expect([status, out.includes("not hers")]).toEqual([130, false]);
});

const exited = {
  type: "agent_exited",
  agent: "ada",
  epoch: 1,
  reason: "signal",
  class: "crash",
  code: null,
  signal: "SIGKILL",
  uptimeSecs: 3,
  lastLines: [],
  undelivered: 0,
  at: 1,
  stream: "agent/ada",
  revision: 1,
};

test("events --follow --json is one event a line, from the position that it is given", async () => {
  await serve(
    {},
    {
      events: [
        { ...exited, sequence: 1 },
        { ...exited, sequence: 2, revision: 2 },
      ],
    },
  );
  const running = home.start(["events", "--follow", "--from", "1", "--json"]);
  await running.until(/"sequence":2/);
  fake?.append({ ...exited, sequence: 3, revision: 3 });
  await running.until(/"sequence":3/);
  running.child.kill("SIGTERM");
  const lines = (await running.ended).out
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { sequence: number }).sequence);
  expect(lines).toEqual([2, 3]);
});

test("events shows the newest page, and what it was asked to filter", async () => {
  await serve({
    "events.read": ({ from, filter }) => ({
      events: from === 0 && filter.types === undefined ? [] : [{ ...exited, sequence: 60 }],
      next: 60,
      head: 60,
    }),
  });
  const { out } = await home.run(["events", "--type", "agent_exited,agent_idle", "--agent", "ada"]);
  expect(out).toContain("#60 agent_exited ada epoch=1 reason=signal class=crash signal=SIGKILL");
  expect(fake?.asked[0]).toMatchObject({
    params: { from: 0, filter: { types: ["agent_exited", "agent_idle"], agents: ["ada"] } },
  });
});

const screen = "\u001b[?1049h\u001b[31mone\u001b[0m\r\ntwo 工作\r\nthree\r\n";
const terminal: Answers = {
  "terminal.read": () => ({ offset: 0, next: Buffer.byteLength(screen), data: Buffer.from(screen).toString("base64") }),
};

test("logs prints text without control sequences, or the newest lines of it", async () => {
  await serve(terminal);
  expect((await home.run(["logs", "ada"])).out).toBe("one\ntwo 工作\nthree\n");
  expect((await home.run(["logs", "ada", "-n", "2"])).out).toBe("two 工作\nthree\n");
});

test("logs --raw is the bytes as they were", async () => {
  await serve(terminal);
  expect((await home.run(["logs", "ada", "--raw"])).out).toBe(screen);
});

test("logs --errors is the standard error, which cannot be followed", async () => {
  await serve({
    "terminal.read": () => ({ offset: 0, next: 5, data: Buffer.from("warn\n").toString("base64") }),
  });
  expect((await home.run(["logs", "ada", "--errors"])).out).toBe("warn\n");
  expect(fake?.asked.at(-1)).toMatchObject({ method: "terminal.read", params: { name: "ada", errors: true } });
  expect(await home.run(["logs", "ada", "--errors", "--follow"])).toMatchObject({ status: 2 });
});

test("logs --follow ends when the agent does", async () => {
  await serve(terminal, { screen });
  const running = home.start(["logs", "ada", "--follow"]);
  await running.until(/three/);
  fake?.print("four\u001b[1");
  fake?.print("m bold\r\n");
  await running.until(/bold/);
  fake?.endTerminal();
  expect(await running.ended).toMatchObject({ status: 0, out: "one\ntwo 工作\nthree\nfour bold\n" });
});

test("logs --follow goes on in the middle of a line, and of a sequence, that was begun before", async () => {
  const begun = "one\r\ntwo\r\nthr\u001b[1";
  await serve(
    {
      "terminal.read": () => ({ offset: 0, next: begun.length, data: Buffer.from(begun).toString("base64") }),
    },
    { screen: begun },
  );
  const running = home.start(["logs", "ada", "--follow", "-n", "2"]);
  await running.until(/thr/);
  await new Promise((resolve) => setTimeout(resolve, 200)); // Until the follow is under way; nothing is printed when it begins.
  fake?.print("mee\r\n");
  await running.until(/ee/);
  fake?.endTerminal();
  expect(await running.ended).toMatchObject({ status: 0, out: "two\nthree\n" });
});

test("release reports each name, and the worst status counts", async () => {
  await serve({
    "agent.release": ({ name }) => {
      if (name === "bob") throw relayError("unknown_agent", "no agent is called bob");
      return {};
    },
  });
  const { status, out } = await home.run(["release", "ada", "bob", "--json"]);
  expect([status, JSON.parse(out)]).toMatchObject([
    1,
    {
      results: [
        { name: "ada", ok: true },
        { name: "bob", ok: false, error: { code: "unknown_agent" } },
      ],
    },
  ]);
});

test("spawn sends the whole launch", async () => {
  await serve({
    "broker.status": () => broker(),
    "agent.spawn": () => ({ agent: "ada", epoch: 1, harness: "codex", pid: 99 }),
    "agent.wait": () => ({ agents: [agent({})] }),
  });
  const args = [
    "spawn",
    "ada",
    "codex --profile work",
    "-m",
    "gpt-5",
    "-t",
    "look",
    "-c",
    "#a,b",
    "-C",
    "sub",
    "-e",
    "K=V",
    "--permission",
    "auto",
    "--restart",
    "never",
    "--harness",
    "codex",
    "--idle-after",
    "5s",
    "--wait",
    "idle",
  ];
  const { status, out } = await home.run([...args, "--json"]);
  expect([status, JSON.parse(out)]).toMatchObject([
    0,
    { agent: "ada", pid: 99, startedBroker: false, view: { name: "ada" } },
  ]);
  expect(fake?.asked.find(({ method }) => method === "agent.spawn")?.params).toMatchObject({
    name: "ada",
    launch: {
      cli: "codex --profile work",
      args: [],
      model: "gpt-5",
      task: "look",
      channels: ["a", "b"],
      cwd: `${home.project}/sub`,
      env: { K: "V" },
      permissionMode: "auto",
      restart: { when: "never" },
      harness: "codex",
      idleThresholdSecs: 5,
    },
  });
});

test("spawn tells what whoever spawns should know, and takes --headless and --trust", async () => {
  await serve({
    "broker.status": () => broker(),
    "agent.spawn": () => ({
      agent: "ada",
      epoch: 1,
      harness: "claude-code",
      pid: 99,
      notes: ["2.2.0 was not tried"],
    }),
  });
  const { out, err } = await home.run(["spawn", "ada", "claude", "--headless", "--trust"]);
  expect([out, err]).toEqual(["ada runs: claude-code, pid 99\n", "! 2.2.0 was not tried\n"]);
  expect(fake?.asked.at(-1)).toMatchObject({ params: { launch: { runtime: "headless", trust: true } } });
});

test("wait ends with 4 when the time is over", async () => {
  await serve({
    "agent.wait": () => {
      throw relayError("timeout", "ada is still working");
    },
  });
  expect((await home.run(["wait", "ada", "--timeout", "1"])).status).toBe(4);
});

test("stats, channels, dead letters and search are tables", async () => {
  await serve({
    "stats.read": () => ({
      rows: [
        {
          key: "codex",
          agents: 1,
          sent: 2,
          received: 3,
          turns: 4,
          inputTokens: 1_234_567,
          cachedInputTokens: 999,
          outputTokens: 12_000,
        },
      ],
      orchestrator: "claude-code",
    }),
    "channel.list": () => ({
      channels: [{ name: "review", topic: "who looks", members: ["ada", "bob"], createdBy: "operator", createdAt: 1 }],
    }),
    "deadletter.list": () => ({
      deliveries: [delivery({ stage: "dead_lettered", deadLetterReason: "expired", route: null, evidence: null })],
    }),
    "message.search": () => ({ messages: [message({ body: "a flaky test" })] }),
  });
  expect((await home.run(["stats"])).out).toBe(
    "HARNESS  AGENTS  SENT  RECEIVED  TURNS  TOKENS IN  CACHED     OUT\n" +
      "codex         1     2         3      4  1 234 567     999  12 000\n",
  );
  expect((await home.run(["channels"])).out).toBe(
    "CHANNEL  MEMBERS   TOPIC      BY\n#review  ada, bob  who looks  operator\n",
  );
  expect((await home.run(["channels", "members", "#review"])).out).toBe("ada\nbob\n");
  expect((await home.run(["deadletters"])).out).toContain("expired");
  expect((await home.run(["search", "flaky"])).out).toContain("a flaky test");
});

test("deadletters redeliver --all sends them out again, oldest first", async () => {
  const older = "msg_01k3v9q0x8aaa1";
  await serve({
    "deadletter.list": () => ({ deliveries: [delivery({ messageId }), delivery({ messageId: older })] }),
    "deadletter.redeliver": () => ({}),
  });
  expect((await home.run(["deadletters", "redeliver", "--all"])).status).toBe(0);
  expect(fake?.asked.slice(1).map(({ params }) => (params as { messageId: string }).messageId)).toEqual([
    older,
    messageId,
  ]);
});

test("an interrupt ends a wait at once and asks nothing of the team", async () => {
  await serve({
    "agent.wait": (_, signal) =>
      new Promise((_resolve, reject) =>
        signal?.addEventListener("abort", () => reject(relayError("cancelled", "stopped"))),
      ),
  });
  const running = home.start(["wait", "ada"]);
  await expect.poll(() => fake?.asked).toHaveLength(1);
  running.child.kill("SIGINT");
  const { status, err } = await running.ended;
  expect([status, err, fake?.asked.map(({ method }) => method)]).toEqual([130, "", ["agent.wait"]]);
});

test("completion offers the names of agents", async () => {
  await serve({ "agent.list": () => ({ agents: [agent({})] }) });
  expect((await home.run(["complete-names", "agent"])).out).toBe("ada\n");
});
