import { once } from "node:events";
import { mkdir, mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { request, type IncomingMessage, type RequestOptions } from "node:http";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { relayError, type Fact } from "@agent-relay/protocol";
import { openGateway, type Gateway, type GatewayOptions } from "./open-gateway.ts";
import { fakeService, working, type FakeService } from "./testing/fake-service.ts";
import { refusedUpgrade, welcomed, wsClient } from "./testing/ws-client.ts";
import { quiet } from "../testing/quiet.ts";

const operatorToken = "operator-token-0123456789";

let directory: string;
let gateways: Gateway[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "gw-"));
});

afterEach(async () => {
  await Promise.all(gateways.map((gateway) => gateway.close()));
  gateways = [];
  await rm(directory, { recursive: true, force: true });
});

async function opened(
  fake: FakeService,
  options: Partial<GatewayOptions> = {},
): Promise<Gateway & { readonly unix: string; readonly tcp: string; readonly port: number }> {
  const gateway = await openGateway({
    service: fake.service,
    unixSocketPath: join(directory, "s"),
    logger: quiet,
    ...options,
  });
  gateways.push(gateway);
  const tcp = gateway.tcpUrl ?? "";
  return {
    ...gateway,
    unix: `ws+unix:${gateway.socketPath}:/relay`,
    tcp,
    port: tcp === "" ? 0 : Number(new URL(tcp).port),
  };
}

const withTcp = { tcp: { port: 0, operatorToken } };

async function http(options: RequestOptions): Promise<{
  readonly status: number | undefined;
  readonly body: unknown;
  readonly headers: IncomingMessage["headers"];
}> {
  const sent = request(options);
  sent.end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode, body: JSON.parse(Buffer.concat(chunks).toString()), headers: response.headers };
}

describe("the unix socket", () => {
  test("N1: the socket has mode 600 in a directory of mode 700", async () => {
    const gateway = await opened(fakeService(), { unixSocketPath: join(directory, "deep", "s") });
    const modes = await Promise.all(
      [gateway.socketPath, join(directory, "deep")].map(async (path) => ((await stat(path)).mode & 0o777).toString(8)),
    );
    expect(modes).toEqual(["600", "700"]);
  });

  test("a client is welcomed, asks, and is answered; the broker knows how many there are", async () => {
    const fake = fakeService();
    const { unix } = await opened(fake);
    const client = await welcomed(unix);
    expect(fake.clients()).toBe(1);
    client.say({ type: "request", id: 1, method: "agent.list", params: { all: true } });
    await client.until(() => client.got.length === 2);
    expect(client.got[1]).toEqual({ type: "result", id: 1, result: { all: true } });
    client.webSocket.close();
    await client.closed;
    await expect.poll(fake.clients).toBe(0);
  });

  test("an incarnation's token makes its bearer that agent, until its epoch is over", async () => {
    const fake = fakeService();
    fake.tokens.set("token-ada", { kind: "agent", name: "ada", epoch: 1 });
    const { unix } = await opened(fake);
    const client = await welcomed(unix, {}, "token-ada");
    fake.tokens.set("token-ada", relayError("epoch_expired", "ada@1 is over"));
    client.say({ type: "request", id: 1, method: "inbox.check", params: {} });
    await client.until(() => client.got.length === 2);
    expect(client.got).toMatchObject([
      { type: "welcome", principal: { kind: "agent", name: "ada", epoch: 1 } },
      { type: "error", id: 1, error: { code: "epoch_expired" } },
    ]);
  });

  test("G5: a client that goes away ends its waits in the broker", async () => {
    const fake = fakeService();
    const { unix } = await opened(fake);
    fake.answers.set("agent.wait", () => new Promise(() => undefined));
    const client = await welcomed(unix);
    client.say({ type: "request", id: 1, method: "agent.wait", params: {} });
    await expect.poll(() => fake.calls.length).toBe(1);
    client.webSocket.terminate();
    await expect.poll(() => fake.calls[0]?.options.signal?.aborted).toBe(true);
  });

  test.each<[string, string | Buffer, { binary: boolean }]>([
    ["a frame that is not JSON", "{", { binary: false }],
    ["a binary frame", Buffer.from('{"type":"unsubscribe","id":1}'), { binary: true }],
    [
      "a frame that is not UTF-8",
      Buffer.from('{"type":"request","id":1,"method":"agent.list","params":"\xc3("}', "latin1"),
      { binary: false },
    ],
  ])("N2: %s gets one invalid_frame and ends the connection with 1008", async (_, data, options) => {
    const { unix } = await opened(fakeService());
    const client = await welcomed(unix);
    client.webSocket.send(data, options);
    expect((await client.closed).code).toBe(1008);
    expect(client.got.slice(1)).toMatchObject([{ type: "error", error: { code: "invalid_frame" } }]);
  });

  test("N2: a frame over the bound gets one frame_too_large and ends the connection; one at the bound passes", async () => {
    const { unix } = await opened(fakeService(), { limits: { frameBytesMax: 2_000 } });
    const client = await welcomed(unix);
    const frame = '{"type":"unsubscribe","id":1}';
    client.webSocket.send(frame.padEnd(2_000));
    client.webSocket.send(frame.padEnd(2_001));
    expect((await client.closed).code).toBe(1009);
    expect(client.got.slice(1)).toMatchObject([{ type: "error", error: { code: "frame_too_large" } }]);
  });

  test("versions that do not meet end the connection", async () => {
    const { unix } = await opened(fakeService());
    const client = await wsClient(unix);
    client.say({ type: "hello", versions: { min: 7, max: 9 }, client: { name: "test", version: "1" } });
    expect(await client.closed).toEqual({ code: 1008, reason: "unsupported_version" });
    expect(client.got).toMatchObject([{ type: "error", error: { code: "unsupported_version" } }]);
  });

  test("health is answered here, with no more than is needed to know the broker again", async () => {
    const { socketPath } = await opened(fakeService());
    expect(await http({ socketPath, path: "/health" })).toMatchObject({
      status: 200,
      body: { ok: true, protocol: 1, nonce: "nonce-1" },
    });
  });

  test("H2: other requests get an envelope", async () => {
    const { socketPath } = await opened(fakeService());
    expect(await http({ socketPath, path: "/relay" })).toMatchObject({
      status: 426,
      headers: { upgrade: "websocket" },
      body: { error: { code: "invalid_request" } },
    });
    expect(await http({ socketPath, path: "/other" })).toMatchObject({
      status: 404,
      body: { error: { code: "invalid_request" } },
    });
  });
});

describe("the place of the socket", () => {
  const open = (unixSocketPath: string): Promise<Gateway> =>
    openGateway({ service: fakeService().service, unixSocketPath, logger: quiet });

  test("a path over the system's bound is refused", async () => {
    const path = join(directory, "x".repeat(107 - directory.length));
    expect(Buffer.byteLength(path)).toBe(108);
    await expect(open(path)).rejects.toMatchObject({ code: "socket_path_too_long" });
    const longest = path.slice(0, 107);
    gateways.push(await open(longest));
    expect((await stat(longest)).isSocket()).toBe(true);
  });

  test("K1: a directory that others may enter is refused", async () => {
    await mkdir(join(directory, "open"));
    await (await import("node:fs/promises")).chmod(join(directory, "open"), 0o750);
    await expect(open(join(directory, "open", "s"))).rejects.toMatchObject({
      code: "state_unwritable",
      hint: `Run: chmod 700 ${join(directory, "open")}`,
    });
  });

  test("K1: a link in place of the directory is refused", async () => {
    await mkdir(join(directory, "real"), { mode: 0o700 });
    await symlink(join(directory, "real"), join(directory, "link"));
    await expect(open(join(directory, "link", "s"))).rejects.toMatchObject({ code: "state_unwritable" });
  });

  test("K2: the socket of a broker that was killed is replaced, another file is not", async () => {
    const path = join(directory, "s");
    const { execFileSync } = await import("node:child_process");
    const leave = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
    expect(() => execFileSync(process.execPath, ["-e", leave])).toThrow("Command failed");
    gateways.push(await open(path));
    await writeFile(join(directory, "file"), "precious");
    await expect(open(join(directory, "file"))).rejects.toMatchObject({ code: "state_unwritable" });
  });
});

describe("TCP", () => {
  const agentToken = "token-ada";
  const bearer = (token: string): Record<string, string> => ({ Authorization: `Bearer ${token}` });

  test("N1: nothing listens on TCP unless it is asked for", async () => {
    expect((await opened(fakeService())).tcpUrl).toBeUndefined();
  });

  test("A2: the operator's token makes an operator, in the header or in hello", async () => {
    const { tcp } = await opened(fakeService(), withTcp);
    const byHeader = await welcomed(tcp, { headers: bearer(operatorToken) });
    const byHello = await welcomed(tcp, {}, operatorToken);
    expect([byHeader, byHello].map(({ got }) => got[0])).toMatchObject(
      [1, 2].map(() => ({ type: "welcome", principal: { kind: "operator", name: "operator" } })),
    );
  });

  test("A2: an incarnation's token makes that agent", async () => {
    const fake = fakeService();
    fake.tokens.set(agentToken, { kind: "agent", name: "ada", epoch: 1 });
    const { tcp } = await opened(fake, withTcp);
    const client = await welcomed(tcp, { headers: bearer(agentToken) });
    expect(client.got[0]).toMatchObject({ principal: { kind: "agent", name: "ada" } });
  });

  test("A2: without any token hello is refused", async () => {
    const { tcp } = await opened(fakeService(), withTcp);
    const client = await welcomed(tcp);
    expect(client.got).toMatchObject([{ type: "error", error: { code: "unauthenticated" } }]);
    expect((await client.closed).code).toBe(1008);
  });

  test.each([
    ["a wrong token", { ...bearer("wrong") }, 401, "unauthenticated"],
    ["another scheme", { Authorization: "Basic b3A6b3A=" }, 401, "unauthenticated"],
    ["an expired token", { ...bearer("expired") }, 401, "epoch_expired"],
    ["the Host of a rebound name", { ...bearer(operatorToken), Host: "relay.attacker.example" }, 403, "foreign_origin"],
    ["the Host of another port", { ...bearer(operatorToken), Host: "127.0.0.1:1" }, 403, "foreign_origin"],
    [
      "the Origin of a web site",
      { ...bearer(operatorToken), Origin: "https://attacker.example" },
      403,
      "foreign_origin",
    ],
    ["the Origin of a sandboxed page", { ...bearer(operatorToken), Origin: "null" }, 403, "foreign_origin"],
  ])("H1: an upgrade with %s is refused", async (_, headers, status, code) => {
    const fake = fakeService();
    fake.tokens.set("expired", relayError("epoch_expired", "over"));
    const { tcp } = await opened(fake, withTcp);
    expect(await refusedUpgrade(tcp, headers)).toEqual({ status, code });
  });

  test("H1: the Origin of this very place passes", async () => {
    const { tcp, port } = await opened(fakeService(), withTcp);
    const client = await welcomed(tcp, { headers: { ...bearer(operatorToken), Origin: `http://localhost:${port}` } });
    expect(client.got[0]?.type).toBe("welcome");
  });

  test("H1: plain requests are checked alike, Host first, and health is not told here", async () => {
    const { port } = await opened(fakeService(), withTcp);
    const ask = (path: string, headers: Record<string, string>) => http({ host: "127.0.0.1", port, path, headers });
    const answers = await Promise.all([
      ask("/health", { Host: "relay.attacker.example" }),
      ask("/health", { ...bearer(operatorToken), Origin: "http://attacker.example" }),
      ask("/health", {}),
      ask("/health", bearer("wrong")),
      ask("/health", bearer(operatorToken)),
      ask("/relay", bearer(operatorToken)),
    ]);
    expect(answers.map(({ status, body }) => [status, (body as { error: { code: string } }).error.code])).toEqual([
      [403, "foreign_origin"],
      [403, "foreign_origin"],
      [401, "unauthenticated"],
      [401, "unauthenticated"],
      [404, "invalid_request"],
      [426, "invalid_request"],
    ]);
  });

  test("N1: a port that is taken is a refusal that names it, and nothing is left listening", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as { port: number };
    await expect(opened(fakeService(), { tcp: { port, operatorToken } })).rejects.toMatchObject({
      code: "invalid_request",
      message: `cannot listen on 127.0.0.1:${port} (EADDRINUSE)`,
    });
    await expect(stat(join(directory, "s"))).rejects.toMatchObject({ code: "ENOENT" });
    other.close();
  });

  test("an operator token that can be guessed is refused", async () => {
    await expect(opened(fakeService(), { tcp: { port: 0, operatorToken: "short" } })).rejects.toMatchObject({
      code: "invalid_request",
    });
  });
});

describe("slow readers", () => {
  const big = (count: number): Fact[] =>
    Array.from({ length: count }, () => ({
      type: "agent_status_reported",
      agent: "ada",
      epoch: 1,
      text: "x".repeat(490),
    }));

  test("G4: a reader that pauses while the log grows far beyond its outbox gets everything afterwards", async () => {
    const fake = fakeService();
    const { unix } = await opened(fake);
    const slow = await welcomed(unix);
    slow.say({ type: "subscribe", id: 1, from: 0, filter: {} });
    await slow.until(() => slow.got.length >= 2);
    slow.webSocket.pause();
    for (let round = 0; round < 300; round += 1) {
      fake.append(...big(100));
      await new Promise((resolve) => setImmediate(resolve));
    }
    slow.webSocket.resume();
    const sequences = (): number[] =>
      slow.got.flatMap((frame) => (frame.type === "event" ? [frame.event.sequence] : []));
    await slow.until(() => {
      const last = slow.got.at(-1);
      return last?.type === "event" && last.event.sequence === 30_000;
    });
    expect(sequences()).toEqual(Array.from({ length: 30_000 }, (_, index) => index + 1));
  });

  test("G4: a reader that takes nothing is dropped with the cursor to resume from, and nothing is lost when it does", async () => {
    const fake = fakeService();
    const { unix } = await opened(fake, { limits: { stallTimeoutMs: 100 } });
    const stuck = await welcomed(unix);
    stuck.say({ type: "subscribe", id: 1, from: 0, filter: {} });
    await stuck.until(() => stuck.got.length >= 2);
    stuck.webSocket.pause();
    fake.append(...big(10_000));
    await new Promise((resolve) => setTimeout(resolve, 400));
    stuck.webSocket.resume();
    const { code, reason } = await stuck.closed;
    expect(code).toBe(1013);
    const last = stuck.got.at(-1);
    const cursor = last?.type === "error" ? Number(last.error.data?.["cursor"]) : NaN;
    expect(reason).toBe(`slow_consumer: resume from ${cursor}`);
    const events = stuck.got.filter((frame) => frame.type === "event");
    expect(events.length).toBe(cursor);
    const again = await welcomed(unix);
    again.say({ type: "subscribe", id: 1, from: cursor, filter: {} });
    await again.until(() => again.got.filter((frame) => frame.type === "event").length === 10_000 - cursor);
    expect(again.got.find((frame) => frame.type === "event")).toMatchObject({ event: { sequence: cursor + 1 } });
  });
});

describe("the end", () => {
  test("N3: closing says 1001 to every client, frees both addresses, and can be said twice", async () => {
    const fake = fakeService();
    const gateway = await opened(fake, withTcp);
    const clients = [await welcomed(gateway.unix), await welcomed(gateway.tcp, {}, operatorToken)];
    await Promise.all([gateway.close(), gateway.close()]);
    expect((await Promise.all(clients.map(({ closed }) => closed))).map(({ code }) => code)).toEqual([1001, 1001]);
    await expect(stat(gateway.socketPath)).rejects.toMatchObject({ code: "ENOENT" });
    await expect(once(connect(gateway.port, "127.0.0.1"), "connect")).rejects.toMatchObject({ code: "ECONNREFUSED" });
    expect([fake.clients(), fake.listeners()]).toEqual([0, 0]);
  });

  test("N3: a client that does not answer the close does not hold it up for long", async () => {
    const { unix, close } = await opened(fakeService());
    const client = await welcomed(unix);
    client.webSocket.pause();
    const started = performance.now();
    await close();
    expect(performance.now() - started).toBeLessThan(20_000);
    client.webSocket.terminate();
  });
});

test("a hundred subscribers get what is appended", async () => {
  const fake = fakeService();
  const { unix } = await opened(fake);
  const clients = await Promise.all(Array.from({ length: 100 }, () => welcomed(unix)));
  for (const client of clients) client.say({ type: "subscribe", id: 1, filter: {} });
  await Promise.all(clients.map((client) => client.until(() => client.got.length === 2)));
  fake.append(...Array.from({ length: 50 }, () => working("ada")));
  await Promise.all(clients.map((client) => client.until(() => client.got.length === 52)));
  expect(clients.every((client) => client.got.length === 52)).toBe(true);
});
