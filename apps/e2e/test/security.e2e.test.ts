/** Who may do what, what others can read, and what never leaves: looked at from outside, as another user of the machine would. */
import { readFileSync, readdirSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import path from "node:path";
import { methods, type Method } from "@agent-relay/protocol";
import { personas } from "@agent-relay/testkit";
import { connect, type Relay } from "@agent-relay/sdk";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import {
  commandLineOf,
  environmentOf,
  openStage,
  patienceMs,
  until,
  untilView,
  watchEvents,
  type Player,
  type Stage,
  type Watch,
} from "./stage.ts";

let stage: Stage;
let relay: Relay;
let watch: Watch;

beforeAll(async () => {
  stage = openStage();
  await stage.startBroker();
  relay = await stage.connect();
  watch = watchEvents(relay);
});

afterEach(async () => {
  expect(await stage.strike(relay)).toEqual([]);
});

afterAll(async () => {
  await watch.stop();
  expect(await stage.clear()).toEqual([]);
});

/** What a program was given to speak for itself. */
function given(player: Player): { readonly token: string; readonly mcpUrl: string; readonly hookUrl: string } {
  const {
    AGENT_RELAY_TOKEN: token = "",
    AGENT_RELAY_MCP_URL: mcpUrl = "",
    AGENT_RELAY_HOOK_URL: hookUrl = "",
  } = environmentOf(player.pid);
  expect(token).toMatch(/^art_/u);
  return { token, mcpUrl, hookUrl };
}

interface Answer {
  readonly status: number;
  readonly code: string | undefined;
}

/** One request over HTTP, with any Host and Origin. `fetch` would not let us lie about them. */
function ask(
  url: string,
  options: {
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly json?: unknown;
  } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        method: options.method ?? "POST",
        headers: {
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
          ...options.headers,
        },
      },
      (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (text: string) => (body += text));
        response.on("end", () => {
          const code = /"code":"(\w+)"/u.exec(body)?.[1];
          resolve({ status: response.statusCode ?? 0, code });
        });
      },
    );
    sent.on("upgrade", (_response, socket) => {
      socket.destroy();
      resolve({ status: 101, code: undefined });
    });
    sent.on("error", reject);
    sent.end(options.json === undefined ? undefined : JSON.stringify(options.json));
  });
}

const listTools = { jsonrpc: "2.0", id: 1, method: "tools/list", params: {} };
const bearer = (token: string): Readonly<Record<string, string>> => ({ authorization: `Bearer ${token}` });

/** Everything below a directory that others than its owner could read, write or enter. */
function openToOthers(directory: string): readonly string[] {
  const entries = readdirSync(directory, { recursive: true, encoding: "utf8" }).map((it) => path.join(directory, it));
  return [directory, ...entries].flatMap((file) => {
    const { mode } = statSync(file);
    return (mode & 0o077) === 0 ? [] : [`${file} ${(mode & 0o777).toString(8)}`];
  });
}

test("the sockets and everything in the state directory are for their owner alone", async () => {
  await stage.play(relay, "writer", personas.composer, { channels: ["team"], task: "say something" });
  await watch.until("delivery_seen", (it) => it.agent === "writer");
  const { stateDir, runtimeDir, brokerSocket, ptySocket } = stage.locations;
  expect([stateDir, runtimeDir].flatMap(openToOthers)).toEqual([]);
  const modeOf = (file: string): string => (statSync(file).mode & 0o777).toString(8);
  expect([modeOf(stateDir), modeOf(runtimeDir)]).toEqual(["700", "700"]);
  expect([modeOf(brokerSocket), modeOf(ptySocket)]).toEqual(["600", "600"]);
  const files = readdirSync(stateDir, { recursive: true, encoding: "utf8" }).filter((it) =>
    statSync(path.join(stateDir, it)).isFile(),
  );
  expect(files).toEqual(
    expect.arrayContaining(["events.db", "token.secret", "mcp.port", "broker.lock", "broker.json"]),
  );
  expect(files.filter((it) => modeOf(path.join(stateDir, it)) !== "600")).toEqual([]);
});

test("secrets appear on no command line, in no event and in no log of ours; the last words of a program are redacted", async () => {
  const canary = "canary-7f3a9c51e2";
  const agent = await stage.play(relay, "keeper", personas.echo, { env: { THE_SECRET: canary } });
  const { token } = given(agent);
  expect(environmentOf(agent.pid)["THE_SECRET"]).toBe(canary);
  const teller = await relay.spawn({
    name: "teller",
    cli: "/bin/sh",
    args: [
      "-c",
      'echo "$AGENT_RELAY_TOKEN"; echo "it is $THE_SECRET"; until test -e "$HOME/may-end"; do sleep 0.05; done; exit 3',
    ],
    env: { THE_SECRET: canary },
    restart: { when: "never" },
  });
  const { pid } = await untilView(relay, "teller", (it) => it.pid !== null, "has a process");
  const tellersToken = await until(
    () => (pid === null ? undefined : environmentOf(pid)["AGENT_RELAY_TOKEN"]),
    "it has its token",
  );
  writeFileSync(path.join(stage.root, "may-end"), "");
  await teller.waitForExit({ timeoutMs: patienceMs });
  const exit = await watch.until("agent_exited", (it) => it.agent === "teller");
  expect(exit.lastLines).toEqual(["[redacted]", "it is [redacted]"]);

  const secrets = [canary, token, tellersToken];
  const leaks = (text: string): readonly string[] => secrets.filter((it) => text.includes(it));
  for (const it of stage.processes()) expect(leaks(commandLineOf(it))).toEqual([]);
  for (const args of [
    ["events", "--json", "--from", "0"],
    ["who", "--json", "--all"],
    ["status", "--json"],
    ["harness", "list"],
  ]) {
    const { out, err } = await stage.run(args);
    expect(leaks(out + err)).toEqual([]);
  }
  expect(leaks(readFileSync(path.join(stage.root, "broker.log"), "utf8"))).toEqual([]);
  const registered = watch.of("agent_registered", "keeper")[0];
  expect(registered?.launch?.env).toMatchObject({ THE_SECRET: "[redacted]" });
});

test("a token dies with its incarnation, at the tools and on the socket, also on a connection that is open", async () => {
  const old = await stage.play(relay, "mortal", personas.echo);
  const { token, mcpUrl, hookUrl } = given(old);
  expect(await ask(mcpUrl, { headers: bearer(token), json: listTools })).toMatchObject({ status: 200 });
  const open = await stage.connect({ token });
  expect(open.client.principal()).toEqual({ kind: "agent", name: "mortal", epoch: 1 });
  await old.handle.kill();
  for (const renewed of [false, true]) {
    if (renewed) await stage.play(relay, "mortal", personas.echo);
    for (const url of [mcpUrl, hookUrl])
      expect(await ask(url, { headers: bearer(token), json: listTools })).toEqual({
        status: 401,
        code: "epoch_expired",
      });
    await expect(
      connect({
        socketPath: stage.locations.brokerSocket,
        token,
        reconnect: false,
        surroundings: { environment: {}, cwd: stage.project, script: undefined, execPath: process.execPath },
      }),
    ).rejects.toMatchObject({ code: "epoch_expired" });
    await expect(open.send({ to: "mortal", body: "am I still me?" })).rejects.toMatchObject({ code: "epoch_expired" });
  }
});

test("without a token, or with a wrong one, nobody is anybody", async () => {
  const { token, mcpUrl, hookUrl } = given(await stage.play(relay, "guarded", personas.echo));
  const forged = [
    token.replace("guarded", "operator"),
    token.replace(".1.", ".2."),
    `${token.slice(0, -2)}AA`,
    "art_guarded.1.",
    "x",
  ];
  for (const url of [mcpUrl, hookUrl]) {
    expect(await ask(url, { json: listTools })).toEqual({ status: 401, code: "unauthenticated" });
    for (const wrong of forged)
      expect(await ask(url, { headers: bearer(wrong), json: listTools })).toEqual({
        status: 401,
        code: "unauthenticated",
      });
    expect(await ask(url, { headers: { ...bearer(token), host: "evil.example" }, json: listTools })).toEqual({
      status: 403,
      code: "foreign_origin",
    });
    expect(await ask(url, { headers: { ...bearer(token), origin: "https://evil.example" }, json: listTools })).toEqual({
      status: 403,
      code: "foreign_origin",
    });
  }
  for (const wrong of forged)
    await expect(stage.connect({ token: wrong })).rejects.toMatchObject({ code: "unauthenticated" });
});

/** Sockets of a process that listen for connections over TCP, as `address:port` in hexadecimal. */
function listening(pid: number): readonly string[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((it) => {
      try {
        return /^socket:\[(\d+)\]$/u.exec(readlinkSync(`/proc/${pid}/fd/${it}`))?.[1] ?? [];
      } catch {
        return []; // It was closed meanwhile.
      }
    }),
  );
  return ["tcp", "tcp6"].flatMap((family) =>
    readFileSync(`/proc/net/${family}`, "utf8")
      .split("\n")
      .slice(1)
      .map((line) => line.trim().split(/\s+/u))
      .filter((fields) => fields[3] === "0A" && inodes.has(fields[9] ?? ""))
      .map((fields) => fields[1] ?? ""),
  );
}

test("the broker listens over TCP for agents' tools alone, on this machine alone", async () => {
  const { pid, tcp, mcp } = await relay.status();
  expect(tcp.url).toBeNull();
  const port = Number(new URL(mcp.url ?? "http://none:1").port)
    .toString(16)
    .toUpperCase()
    .padStart(4, "0");
  expect(listening(pid)).toEqual([`0100007F:${port}`]);
});

test("with --tcp, every request and every upgrade needs the token, and a Host and an Origin of this machine", async () => {
  const other = stage;
  await other.killBroker();
  await other.startBroker("--tcp", "0");
  const { pid, tcp } = await relay.status();
  expect(listening(pid).filter((it) => !it.startsWith("0100007F:"))).toEqual([]);
  const url = tcp.url ?? "";
  const http = url.replace(/^ws/u, "http");
  const token = readFileSync(other.locations.operatorTokenFile, "utf8").trim();
  expect((statSync(other.locations.operatorTokenFile).mode & 0o777).toString(8)).toBe("600");

  const upgrade = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": Buffer.from("0123456789abcdef").toString("base64"),
  };
  for (const headers of [{}, upgrade]) {
    const get = (more: Readonly<Record<string, string>>): Promise<Answer> =>
      ask(http, { method: "GET", headers: { ...headers, ...more } });
    expect(await get({ ...bearer(token), host: "evil.example" })).toEqual({ status: 403, code: "foreign_origin" });
    expect(await get({ ...bearer(token), origin: "https://evil.example" })).toEqual({
      status: 403,
      code: "foreign_origin",
    });
    expect(await get({ ...bearer(token), origin: "null" })).toEqual({ status: 403, code: "foreign_origin" });
    expect(await get(bearer(`${token.slice(0, -1)}_`))).toEqual({ status: 401, code: "unauthenticated" });
  }
  expect(await ask(http, { method: "GET" })).toEqual({ status: 401, code: "unauthenticated" });
  expect(await ask(http, { method: "GET", headers: { ...upgrade, ...bearer(token) } })).toMatchObject({ status: 101 });
  await expect(stage.connect({ url })).rejects.toMatchObject({ code: "unauthenticated" });
  const far = await stage.connect({ url, token });
  expect(far.client.principal()).toEqual({ kind: "operator", name: "operator" });
  await far.close();
  for (const it of stage.processes()) expect(commandLineOf(it)).not.toContain(token);
  await other.killBroker();
  await other.startBroker();
});

/** Something that each method takes, so that only the right to ask is in question. */
const plausible: Partial<Record<Method, object>> = {
  "broker.backup": { file: "/tmp/never-written.db" },
  "agent.kill": { name: "bystander" },
  "agent.register": { name: "somebody" },
  "agent.hold": { name: "bystander", leaseId: "lease-of-an-agent", ttlMs: 5_000 },
  "agent.unhold": { name: "bystander", leaseId: "lease-of-an-agent" },
  "terminal.read": { name: "bystander" },
  "terminal.write": { name: "bystander", leaseId: "lease-of-an-agent", data: "" },
  "terminal.resize": { name: "bystander", cols: 80, rows: 24 },
  "message.trace": { messageId: "msg_0000000000000" },
  "deadletter.redeliver": { messageId: "msg_0000000000000", agent: "bystander" },
};

test("an agent may do nothing that is for the operator, nor speak or read as another", async () => {
  await stage.play(relay, "bystander", personas.echo);
  const { token } = given(await stage.play(relay, "climber", personas.echo));
  const climber = await stage.connect({ token });
  const operatorOnly = (Object.keys(methods) as Method[]).filter((it) => !methods[it].agent);
  expect(operatorOnly.length).toBeGreaterThan(10);
  for (const method of operatorOnly)
    await expect(climber.client.call(method, (plausible[method] ?? {}) as never), method).rejects.toMatchObject({
      code: "not_allowed",
    });
  await expect(stage.connect({ token, as: "bystander" })).rejects.toMatchObject({ code: "not_allowed" });
  await expect(climber.client.call("inbox.check", { name: "bystander" })).rejects.toMatchObject({
    code: "not_allowed",
  });
  await expect(climber.agent("bystander").release()).rejects.toMatchObject({ code: "not_allowed" });
  const events = climber.events({ from: 0 });
  await expect(
    (async () => {
      for await (const _ of events) return;
    })(),
  ).rejects.toMatchObject({ code: "not_allowed" });
  const { messageId } = await relay.send({ to: "bystander", body: "between us" });
  await expect(climber.client.call("message.get", { messageId })).rejects.toMatchObject({ code: "unknown_message" });
  expect((await relay.who()).map((it) => it.name)).toContain("bystander");
});

test("a name that is a path is refused by the protocol, whoever asks", async () => {
  for (const name of ["../../etc/x", "a/../b", ".", "a b", "ADA", "system"]) {
    await expect(relay.spawn({ name, cli: "/bin/cat" })).rejects.toMatchObject({ code: "invalid_request" });
    await expect(relay.send({ to: name, body: "hello" })).rejects.toMatchObject({ code: "invalid_request" });
  }
  const { token } = given(await stage.play(relay, "innocent", personas.echo));
  const agent = await stage.connect({ token });
  await expect(agent.spawn({ name: "../../etc/x", cli: "/bin/cat" })).rejects.toMatchObject({
    code: "invalid_request",
  });
});
