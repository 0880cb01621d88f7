import { once } from "node:events";
import { createServer, request, type IncomingMessage, type Server } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { relayError } from "@agent-relay/protocol";
import { createMcpEndpoint } from "./endpoint.ts";
import { asTransport } from "./sdk-transport.ts";
import { ada, fakeCalls, goodArguments, quiet, sample, type FakeCalls } from "./testing/fake-calls.ts";

let server: Server;
let port: number;
let calls: FakeCalls;
let authenticated: string[];

beforeEach(async () => {
  calls = fakeCalls();
  authenticated = [];
  const endpoint = createMcpEndpoint({
    authenticate: (token) => {
      authenticated.push(token);
      if (token === "old") throw relayError("epoch_expired", "ada@1 is over");
      if (token !== "token-ada") throw relayError("unauthenticated", "no incarnation has this token");
      return { principal: ada, calls };
    },
    logger: quiet,
    version: "0.1.0",
    bodyBytesMax: 100_000,
    requestsInFlightMax: 4,
  });
  server = createServer(endpoint).listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const url = (path = "/mcp"): URL => new URL(`http://127.0.0.1:${port}${path}`);

async function client(): Promise<Client> {
  const made = new Client({ name: "test", version: "1" });
  const transport = new StreamableHTTPClientTransport(url(), { requestInit: { headers: { Authorization: "Bearer token-ada" } } });
  await made.connect(asTransport(transport));
  return made;
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: Record<string, unknown> | undefined;
}

async function ask(path: string, options: { readonly method?: string; readonly headers?: Record<string, string>; readonly body?: string | Buffer } = {}): Promise<Answer> {
  const sent = request({
    host: "127.0.0.1",
    port,
    path,
    method: options.method ?? "POST",
    headers: { Authorization: "Bearer token-ada", "Content-Type": "application/json", Accept: "application/json, text/event-stream", ...options.headers },
  });
  sent.on("error", () => undefined);
  sent.end(options.body);
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return { status: response.statusCode, headers: response.headers, body: text === "" ? undefined : (JSON.parse(text) as Record<string, unknown>) };
}

const rpc = (method: string, params: object = {}): string => JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
const initialize = (protocolVersion: string): string => rpc("initialize", { protocolVersion, capabilities: {}, clientInfo: { name: "test", version: "1" } });
const codeIn = ({ body }: Answer): unknown => (body?.["error"] as { code?: unknown } | undefined)?.code;

describe("the official client", () => {
  test("lists the tools and calls each", async () => {
    const made = await client();
    const { tools } = await made.listTools();
    expect(tools.length).toBe(15);
    for (const { name } of tools) {
      const result = await made.callTool({ name, arguments: goodArguments[name] ?? {} });
      expect([name, result.isError ?? false]).toEqual([name, false]);
    }
    await made.close();
  });

  test("E3: mail is confirmed after the response", async () => {
    const made = await client();
    const result = await made.callTool({ name: "check_inbox", arguments: {} });
    expect(result.structuredContent).toMatchObject({ messages: [{ id: sample.reply }] });
    await expect.poll(() => calls.of("inbox.ack").map(({ params }) => params)).toEqual([{ messageIds: [sample.reply] }]);
    await made.close();
  });
});

describe("versions", () => {
  test.each([
    ["2025-06-18", "2025-06-18"],
    ["2025-11-25", "2025-11-25"],
    ["2026-07-28", "2025-11-25"],
  ])("a client that asks for %s gets %s", async (asked, got) => {
    const { status, body } = await ask("/mcp", { body: initialize(asked) });
    expect([status, body?.["result"]]).toMatchObject([200, { protocolVersion: got }]);
  });

  test("a probe of the revision without handshake is refused in a way that makes clients fall back", async () => {
    const body = rpc("server/discover", { _meta: { "io.modelcontextprotocol/protocolVersion": "2026-07-28" } });
    expect(await ask("/mcp", { body, headers: { "MCP-Protocol-Version": "2026-07-28" } })).toMatchObject({ status: 400, body: { error: { code: -32000 } } });
    expect(await ask("/mcp", { body })).toMatchObject({ status: 200, body: { error: { code: -32601 } } });
  });
});

describe("who may ask", () => {
  test.each<[string, Record<string, string>, number, string]>([
    ["the Host of a rebound name", { Host: "relay.attacker.example" }, 403, "foreign_origin"],
    ["the Host of another port", { Host: "127.0.0.1:1" }, 403, "foreign_origin"],
    ["the Origin of a web site", { Origin: "https://attacker.example" }, 403, "foreign_origin"],
    ["no bearer", { Authorization: "Basic abc" }, 401, "unauthenticated"],
    ["a wrong token", { Authorization: "Bearer wrong" }, 401, "unauthenticated"],
    ["the token of an incarnation that is over", { Authorization: "Bearer old" }, 401, "epoch_expired"],
  ])("E1: %s is refused on every path", async (_, headers, status, code) => {
    for (const path of ["/mcp", "/hooks", "/other"]) {
      const answer = await ask(path, { headers, body: rpc("tools/list") });
      expect([answer.status, codeIn(answer)]).toEqual([status, code]);
    }
    expect(calls.asked).toEqual([]);
  });

  test("E1: a foreign request is refused before its token is looked at", async () => {
    await ask("/mcp", { headers: { Host: "relay.attacker.example" }, body: rpc("tools/list") });
    expect(authenticated).toEqual([]);
  });

  test.each(["GET", "DELETE", "PUT"])("%s is not a method here", async (method) => {
    const answer = await ask("/mcp", { method });
    expect([answer.status, answer.headers.allow, codeIn(answer)]).toEqual([405, "POST", "invalid_request"]);
  });

  test("other paths are not there", async () => {
    expect((await ask("/health")).status).toBe(404);
  });
});

describe("hooks", () => {
  test("a hook's signal reaches the broker", async () => {
    const body = JSON.stringify({ signal: { type: "blocked", kind: "permission", what: "run rm?" }, source: "claude-hook" });
    expect(await ask("/hooks", { body })).toMatchObject({ status: 204, body: undefined });
    expect(calls.of("agent.signal")[0]?.params).toEqual({ signal: { type: "blocked", kind: "permission", what: "run rm?" }, source: "claude-hook" });
  });

  test.each(["", "{", "[]", '{"signal":{"type":"dance"}}'])("the body %j is refused", async (body) => {
    const answer = await ask("/hooks", { body });
    expect([answer.status, codeIn(answer), calls.asked]).toEqual([400, "invalid_request", []]);
  });

  test("what the broker refuses leaves with the status of its code", async () => {
    calls.answers["agent.signal"] = () => Promise.reject(relayError("agent_ended", "ada has ended"));
    const answer = await ask("/hooks", { body: '{"signal":{"type":"ready"}}' });
    expect([answer.status, codeIn(answer)]).toEqual([409, "agent_ended"]);
  });
});

describe("bad requests", () => {
  test.each<[string, Record<string, string>]>([
    ["announced", { "Content-Length": "100001" }],
    ["unannounced", { "Transfer-Encoding": "chunked" }],
  ])("E4: a body over the bound, %s, is refused", async (_, headers) => {
    const answer = await ask("/mcp", { headers, body: " ".repeat(100_001) });
    expect([answer.status, codeIn(answer), answer.headers.connection]).toEqual([413, "frame_too_large", "close"]);
  });

  test("E4: a body that is not UTF-8 is refused", async () => {
    const answer = await ask("/mcp", { body: Buffer.from('{"jsonrpc":"2.0","id":1,"method":"\xc3("}', "latin1") });
    expect([answer.status, codeIn(answer)]).toEqual([400, "invalid_request"]);
  });

  test("E3, E4: a request that breaks off ends its wait, and mail that it would have brought is not confirmed", async () => {
    let release = (): void => undefined;
    calls.answers["inbox.check"] = ({ options }) =>
      new Promise((resolve) => {
        release = () => resolve({ messages: [{ ...mail }], remaining: 0 });
        options?.signal?.addEventListener("abort", () => setImmediate(release));
      });
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    const body = rpc("tools/call", { name: "check_inbox", arguments: { wait_seconds: 30 } });
    socket.write(
      `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer token-ada\r\nContent-Type: application/json\r\n` +
        `Accept: application/json, text/event-stream\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await expect.poll(() => calls.of("inbox.check").length).toBe(1);
    socket.destroy();
    await expect.poll(() => calls.of("inbox.check")[0]?.options?.signal?.aborted).toBe(true);
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(calls.of("inbox.ack")).toEqual([]);
  });

  test("E3: mail whose response was lost after it was taken is not confirmed", async () => {
    calls.answers["agent.wait"] = () => new Promise(() => undefined);
    const call = (id: number, name: string): object => ({ jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: goodArguments[name] } });
    // A batch is answered as a whole, so the mail is taken long before the response could leave.
    const batch = JSON.stringify([call(1, "check_inbox"), call(2, "wait_for")]);
    const sent = request({
      host: "127.0.0.1",
      port,
      path: "/mcp",
      method: "POST",
      headers: { Authorization: "Bearer token-ada", "Content-Type": "application/json", Accept: "application/json, text/event-stream" },
    });
    sent.on("error", () => undefined);
    sent.end(batch);
    await expect.poll(() => [calls.of("inbox.check").length, calls.of("agent.wait").length]).toEqual([1, 1]);
    sent.destroy();
    await expect.poll(() => calls.of("agent.wait")[0]?.options?.signal?.aborted).toBe(true);
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(calls.of("inbox.ack")).toEqual([]);
  });

  test("E4: one incarnation cannot have more requests under way than allowed, and the place is given back", async () => {
    const releases: (() => void)[] = [];
    calls.answers["agent.signal"] = () => new Promise((resolve) => releases.push(() => resolve({})));
    const signal = '{"signal":{"type":"ready"}}';
    const waiting = Array.from({ length: 4 }, () => ask("/hooks", { body: signal }));
    await expect.poll(() => releases.length).toBe(4);
    expect((await ask("/hooks", { body: signal })).status).toBe(429);
    for (const release of releases) release();
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([204, 204, 204, 204]);
    calls.answers["agent.signal"] = () => ({});
    expect((await ask("/hooks", { body: signal })).status).toBe(204);
  });

  test("E4: a bug is one failed request", async () => {
    calls.answers["agent.signal"] = () => Promise.reject(new TypeError("secret internals"));
    const answer = await ask("/hooks", { body: '{"signal":{"type":"ready"}}' });
    expect([answer.status, answer.body]).toEqual([500, { error: { code: "internal", message: "the broker failed at this; its log says why", retryable: false } }]);
  });
});

const mail = {
  messageId: sample.reply,
  sequence: 1,
  at: 0,
  from: "ben",
  to: { kind: "agent", name: "ada" },
  body: "hello",
  mode: "wait",
  replyTo: null,
  threadId: sample.reply,
  actor: null,
  reactions: {},
  possibleRepeat: false,
} as const;
