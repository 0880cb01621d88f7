import { once } from "node:events";
import { createServer, request, type IncomingMessage, type Server } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { Client, StreamableHTTPClientTransport, type ClientOptions } from "@modelcontextprotocol/client";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { relayError } from "@agent-relay/protocol";
import { createMcpEndpoint } from "./endpoint.ts";
import { ada, fakeCalls, goodArguments, quiet, sample, type FakeCalls } from "./testing/fake-calls.ts";

let server: Server;
let port: number;
let calls: FakeCalls;
let authenticated: string[];
let translated: unknown[];
let says: (body: unknown) => { readonly type: "turn_started" | "turn_ended" | "boundary" }[];
let told: (string | undefined)[];

beforeEach(async () => {
  calls = fakeCalls();
  authenticated = [];
  translated = [];
  told = [];
  says = () => [{ type: "turn_started" }, { type: "turn_ended" }];
  const endpoint = createMcpEndpoint({
    authenticate: (token) => {
      authenticated.push(token);
      if (token === "old") throw relayError("epoch_expired", "ada@1 is over");
      if (token !== "token-ada") throw relayError("unauthenticated", "no incarnation has this token");
      return { principal: ada, calls };
    },
    logger: quiet,
    version: "0.1.0",
    translateHook: (harness, body) => {
      translated.push(body);
      told.push(harness);
      return { signals: says(body), source: "hook:test" };
    },
    answerHook: (harness, _body, text) => (harness === "mute" ? undefined : { additionalContext: text }),
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

async function client(options: ClientOptions = {}): Promise<Client> {
  const made = new Client({ name: "test", version: "1" }, options);
  const transport = new StreamableHTTPClientTransport(url(), {
    requestInit: { headers: { Authorization: "Bearer token-ada" } },
  });
  await made.connect(transport);
  return made;
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: Record<string, unknown> | undefined;
}

async function ask(
  path: string,
  options: {
    readonly method?: string;
    readonly headers?: Record<string, string>;
    readonly body?: string | Buffer;
  } = {},
): Promise<Answer> {
  const sent = request({
    host: "127.0.0.1",
    port,
    path,
    method: options.method ?? "POST",
    headers: {
      Authorization: "Bearer token-ada",
      "Content-Type": "application/json",
      Accept: "application/json, text/event-stream",
      ...options.headers,
    },
  });
  sent.on("error", () => undefined);
  sent.end(options.body);
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return {
    status: response.statusCode,
    headers: response.headers,
    body: text === "" ? undefined : (JSON.parse(text) as Record<string, unknown>),
  };
}

const rpc = (method: string, params: object = {}): string => JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
const initialize = (protocolVersion: string): string =>
  rpc("initialize", { protocolVersion, capabilities: {}, clientInfo: { name: "test", version: "1" } });
/** A request of the revision that has no handshake. */
const stateless = (
  method: string,
  params: object = {},
  {
    revision = "2026-07-28",
    headers = {},
  }: { readonly revision?: string; readonly headers?: Record<string, string> } = {},
): Promise<Answer> => {
  const meta = {
    "io.modelcontextprotocol/protocolVersion": revision,
    "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  const named = "name" in params ? { "Mcp-Name": String(params.name) } : {};
  return ask("/mcp", {
    body: rpc(method, { ...params, _meta: meta }),
    headers: { "MCP-Protocol-Version": revision, "Mcp-Method": method, ...named, ...headers },
  });
};
const codeIn = ({ body }: Answer): unknown => (body?.["error"] as { code?: unknown } | undefined)?.code;

/** What the official client is told to speak, and what it then speaks. */
const clients: readonly (readonly [what: string, options: ClientOptions, revision: string])[] = [
  ["of 2025-06-18", { supportedProtocolVersions: ["2025-06-18"] }, "2025-06-18"],
  ["that shakes hands", {}, "2025-11-25"],
  ["of 2026-07-28 alone", { versionNegotiation: { mode: { pin: "2026-07-28" } } }, "2026-07-28"],
  ["that asks first", { versionNegotiation: { mode: "auto" } }, "2026-07-28"],
];

describe("the official client", () => {
  test.each(clients)("X1: %s lists the tools and calls each", async (_, options, revision) => {
    const made = await client(options);
    expect([made.getNegotiatedProtocolVersion(), made.getServerVersion()?.name]).toEqual([revision, "agent-relay"]);
    const { tools } = await made.listTools();
    expect(tools.length).toBe(Object.keys(goodArguments).length);
    for (const { name } of tools) {
      const result = await made.callTool({ name, arguments: goodArguments[name] ?? {} });
      expect([name, result.isError ?? false]).toEqual([name, false]);
    }
    await made.close();
  });

  test.each(clients)("E3: %s takes mail, which is confirmed after the response", async (_, options) => {
    const made = await client(options);
    const result = await made.callTool({ name: "check_inbox", arguments: {} });
    expect(result.structuredContent).toMatchObject({ messages: [{ id: sample.reply }] });
    await expect
      .poll(() => calls.of("inbox.ack").map(({ params }) => params))
      .toEqual([{ messageIds: [sample.reply] }]);
    await made.close();
  });

  test.each(clients)("%s is told how to behave, and learns of a failure what to do", async (_, options) => {
    calls.answers["inbox.pending"] = () => ({ count: 1, from: ["ben"] });
    const made = await client(options);
    expect(made.getInstructions()).toContain("You are ada");
    const { isError, content } = await made.callTool({ name: "react", arguments: {} });
    expect([isError, content]).toMatchObject([
      true,
      [{ type: "text", text: expect.stringMatching(/^invalid_request: [^]*1 message waits from ben/u) }],
    ]);
    await made.close();
  });
});

describe("versions", () => {
  test.each([
    ["2025-06-18", "2025-06-18"],
    ["2025-11-25", "2025-11-25"],
    ["2026-07-28", "2025-11-25"],
  ])("a handshake that asks for %s gets %s", async (asked, got) => {
    const { status, headers, body } = await ask("/mcp", { body: initialize(asked) });
    expect([status, body?.["result"]]).toMatchObject([200, { protocolVersion: got }]);
    expect([headers["content-type"], headers["mcp-session-id"]]).toEqual(["application/json", undefined]);
  });

  test("X1: a request without a handshake is answered, and says what it is", async () => {
    const discovered = await stateless("server/discover");
    expect(discovered).toMatchObject({
      status: 200,
      body: { result: { resultType: "complete", supportedVersions: ["2026-07-28"], capabilities: { tools: {} } } },
    });
    const called = await stateless("tools/call", { name: "list_agents", arguments: {} });
    expect(called).toMatchObject({
      status: 200,
      headers: { "content-type": "application/json" },
      body: { result: { resultType: "complete", structuredContent: { agents: [{ name: "ben" }] } } },
    });
  });

  test("a revision that is not spoken is refused with those that are", async () => {
    const answer = await stateless("tools/list", {}, { revision: "2031-01-01" });
    expect(answer).toMatchObject({
      status: 400,
      body: { error: { code: -32_022, data: { supported: ["2026-07-28"], requested: "2031-01-01" } } },
    });
  });

  test.each([
    ["another method", { "Mcp-Method": "tools/list" }],
    ["another tool", { "Mcp-Name": "release_agent" }],
    ["another revision", { "MCP-Protocol-Version": "2025-06-18" }],
  ])("headers that name %s than the body are refused, and nothing is called", async (_, headers) => {
    const answer = await stateless("tools/call", { name: "list_agents", arguments: {} }, { headers });
    expect([answer.status, codeIn(answer), calls.asked]).toEqual([400, -32_020, []]);
  });

  test("X3: a stream of changes is not offered", async () => {
    const answer = await stateless("subscriptions/listen", { notifications: { toolsListChanged: true } });
    expect([answer.status, answer.headers["content-type"], codeIn(answer)]).toEqual([404, "application/json", -32_601]);
  });

  test("an unknown method is one failed request", async () => {
    expect(await ask("/mcp", { body: rpc("server/discover") })).toMatchObject({
      status: 200,
      body: { error: { code: -32_601 } },
    });
    expect(await stateless("server/dance")).toMatchObject({ status: 404, body: { error: { code: -32_601 } } });
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

describe("mail for a program that asks for it", () => {
  const body = '{"signal":{"type":"takes_mail","last":{"injection":"zero"}},"source":"plugin"}';

  test("E7: it is the answer as it stands, and whoever got it says so himself", async () => {
    const mail = { injection: "one", text: "<mail>" };
    calls.answers["agent.signal"] = () => ({ mail });
    expect(await ask("/hooks/opencode", { body })).toMatchObject({ status: 200, body: { mail } });
    expect(calls.of("agent.signal")).toHaveLength(1);
  });

  test("E7: so is the wish that it end its turn", async () => {
    calls.answers["agent.signal"] = () => ({ interrupt: true });
    expect(await ask("/hooks/opencode", { body })).toMatchObject({ status: 200, body: { interrupt: true } });
  });

  test("E7: no mail is no answer", async () => {
    calls.answers["agent.signal"] = () => ({});
    expect(await ask("/hooks/opencode", { body })).toMatchObject({ status: 204, body: undefined });
  });
});

describe("mail in the answer to a report", () => {
  const handover = { id: "injection-1", text: "<mail>" };
  const signals = (): unknown[] => calls.of("agent.signal").map((it) => (it.params as { signal: unknown }).signal);
  const served = (arrived: boolean) => ({ type: "served", handover: handover.id, arrived });
  beforeEach(() => {
    says = () => [{ type: "boundary" }];
    calls.answers["agent.signal"] = ({ params }) =>
      (params as { signal: { type: string } }).signal.type === "boundary" ? { handover } : {};
  });

  test("E6: a program gets it in its own words, and it counts once the answer was written out", async () => {
    expect(await ask("/hooks/claude-code", { body: '{"hook_event_name":"PostToolBatch"}' })).toMatchObject({
      status: 200,
      body: { additionalContext: "<mail>" },
    });
    expect(told).toEqual(["claude-code"]);
    await expect.poll(signals).toEqual([{ type: "boundary" }, served(true)]);
  });

  test("E6: a program that speaks the protocol itself gets it as context", async () => {
    const answer = await ask("/hooks", { body: '{"signal":{"type":"boundary"}}' });
    expect(answer).toMatchObject({ status: 200, body: { context: "<mail>" } });
    await expect.poll(signals).toEqual([{ type: "boundary" }, served(true)]);
  });

  test("E6: what cannot be put into an answer has not arrived", async () => {
    expect(await ask("/hooks/mute", { body: "{}" })).toMatchObject({ status: 204, body: undefined });
    await expect.poll(signals).toEqual([{ type: "boundary" }, served(false)]);
  });

  test("E6: an answer that breaks off while it is written has not arrived", async () => {
    const text = "x".repeat(32 * 1_048_576);
    calls.answers["agent.signal"] = ({ params }) =>
      (params as { signal: { type: string } }).signal.type === "boundary" ? { handover: { ...handover, text } } : {};
    const socket = connect(port, "127.0.0.1");
    const body = '{"signal":{"type":"boundary"}}';
    socket.write(
      `POST /hooks HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer token-ada\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await once(socket, "data");
    socket.destroy();
    await expect.poll(signals).toEqual([{ type: "boundary" }, served(false)]);
  });

  test("E6: an answer that nobody waits for any more has not arrived", async () => {
    let release = (): void => undefined;
    calls.answers["agent.signal"] = ({ params }) =>
      (params as { signal: { type: string } }).signal.type === "boundary"
        ? new Promise((resolve) => {
            release = () => {
              resolve({ handover });
            };
          })
        : {};
    const socket = connect(port, "127.0.0.1");
    const [wire] = (await once(server, "connection")) as [Socket];
    const body = '{"signal":{"type":"boundary"}}';
    socket.write(
      `POST /hooks HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer token-ada\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await expect.poll(signals).toHaveLength(1);
    const gone = once(wire, "close");
    socket.destroy();
    await gone;
    release();
    await expect.poll(signals).toEqual([{ type: "boundary" }, served(false)]);
  });
});

describe("hooks", () => {
  test("a hook's signal reaches the broker", async () => {
    const body = JSON.stringify({
      signal: { type: "blocked", kind: "permission", what: "run rm?" },
      source: "claude-hook",
    });
    expect(await ask("/hooks", { body })).toMatchObject({ status: 204, body: undefined });
    expect(calls.of("agent.signal")[0]?.params).toEqual({
      signal: { type: "blocked", kind: "permission", what: "run rm?" },
      source: "claude-hook",
    });
  });

  test("E5: a program's own report becomes signals in their order, one after the other", async () => {
    let under = 0;
    calls.answers["agent.signal"] = async () => {
      under += 1;
      expect(under).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      under -= 1;
      return {};
    };
    const report = { hook_event_name: "Stop", session_id: "s1" };
    expect(await ask("/hooks", { body: JSON.stringify(report) })).toMatchObject({ status: 204, body: undefined });
    expect(translated).toEqual([report]);
    expect(calls.of("agent.signal").map(({ params }) => params)).toEqual([
      { signal: { type: "turn_started" }, source: "hook:test" },
      { signal: { type: "turn_ended" }, source: "hook:test" },
    ]);
  });

  test("E5: a report that means nothing is accepted and changes nothing", async () => {
    says = () => [];
    expect(await ask("/hooks", { body: '{"hook_event_name":"PreToolUse"}' })).toMatchObject({
      status: 204,
      body: undefined,
    });
    expect(calls.asked).toEqual([]);
  });

  test("E5: the protocol's own words are not translated, and are checked", async () => {
    expect((await ask("/hooks", { body: '{"signal":{"type":"ready"}}' })).status).toBe(204);
    expect((await ask("/hooks", { body: '{"signal":{"type":"dance"},"hook_event_name":"Stop"}' })).status).toBe(400);
    expect(translated).toEqual([]);
  });

  test("E4: a translation that fails is a bug of ours and one failed request", async () => {
    says = () => {
      throw new TypeError("secret internals");
    };
    const answer = await ask("/hooks", { body: "{}" });
    expect([answer.status, codeIn(answer), JSON.stringify(answer.body)]).toEqual([
      500,
      "internal",
      expect.not.stringContaining("secret"),
    ]);
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

  test.each<[string, object, string]>([
    ["with a handshake", {}, ""],
    [
      "without one",
      {
        _meta: {
          "io.modelcontextprotocol/protocolVersion": "2026-07-28",
          "io.modelcontextprotocol/clientCapabilities": {},
        },
      },
      "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: check_inbox\r\n",
    ],
  ])(
    "E3, E4: a request %s that breaks off ends its wait, and mail that it would have brought is not confirmed",
    async (_, more, headers) => {
      let release = (): void => undefined;
      calls.answers["inbox.check"] = ({ options }) =>
        new Promise((resolve) => {
          release = () => resolve({ messages: [{ ...mail }], remaining: 0 });
          options?.signal?.addEventListener("abort", () => setImmediate(release));
        });
      const socket = connect(port, "127.0.0.1");
      await once(socket, "connect");
      const body = rpc("tools/call", { name: "check_inbox", arguments: { wait_seconds: 30 }, ...more });
      socket.write(
        `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer token-ada\r\nContent-Type: application/json\r\n` +
          `Accept: application/json, text/event-stream\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`,
      );
      await expect.poll(() => calls.of("inbox.check").length).toBe(1);
      socket.destroy();
      await expect.poll(() => calls.of("inbox.check")[0]?.options?.signal?.aborted).toBe(true);
      for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      expect(calls.of("inbox.ack")).toEqual([]);
    },
  );

  test("E3: mail whose response breaks off while it is written is not confirmed", async () => {
    const body = "x".repeat(16 * 1_048_576);
    calls.answers["inbox.check"] = () => ({ messages: [{ ...mail, body }], remaining: 0 });
    const asked = rpc("tools/call", { name: "check_inbox", arguments: {} });
    const socket = connect(port, "127.0.0.1");
    socket.write(
      `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer token-ada\r\nContent-Type: application/json\r\n` +
        `Accept: application/json, text/event-stream\r\nContent-Length: ${asked.length}\r\n\r\n${asked}`,
    );
    await once(socket, "data");
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(calls.of("inbox.ack")).toEqual([]);
  });

  test("E3: mail whose response was lost after it was taken is not confirmed", async () => {
    calls.answers["agent.wait"] = () => new Promise(() => undefined);
    const call = (id: number, name: string): object => ({
      jsonrpc: "2.0",
      id,
      method: "tools/call",
      params: { name, arguments: goodArguments[name] },
    });
    // A batch is answered as a whole, so the mail is taken long before the response could leave.
    const batch = JSON.stringify([call(1, "check_inbox"), call(2, "wait_for")]);
    const sent = request({
      host: "127.0.0.1",
      port,
      path: "/mcp",
      method: "POST",
      headers: {
        Authorization: "Bearer token-ada",
        "Content-Type": "application/json",
        Accept: "application/json, text/event-stream",
      },
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
    expect([answer.status, answer.body]).toEqual([
      500,
      { error: { code: "internal", message: "the broker failed at this; its log says why", retryable: false } },
    ]);
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
