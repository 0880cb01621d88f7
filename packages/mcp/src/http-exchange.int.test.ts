import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "@modelcontextprotocol/server";
import { expect, test } from "vitest";
import { exchange } from "./http-exchange.ts";
import { quiet } from "./testing/fake-calls.ts";

const meta = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": {},
};

test.each<[string, object, Record<string, string>]>([
  ["with a handshake", {}, {}],
  ["without one", { _meta: meta }, { "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/list" }],
])("X4: of a request %s the library sees the headers of the protocol and no token", async (_, params, headers) => {
  const seen: Headers[] = [];
  const body = { jsonrpc: "2.0", id: 1, method: "tools/list", params };
  const http = createServer((request, response) => {
    const server = new Server({ name: "test", version: "1" }, { capabilities: { tools: {} } });
    server.setRequestHandler("tools/list", (_request, context) => {
      if (context.http?.req !== undefined) seen.push(context.http.req.headers);
      return { tools: [] };
    });
    request.resume();
    void exchange({ request, response, body, server, logger: quiet });
  }).listen(0, "127.0.0.1");
  await once(http, "listening");
  const answer = await fetch(`http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`, {
    method: "POST",
    headers: {
      Authorization: "Bearer secret",
      Cookie: "a=b",
      "Content-Type": "application/json",
      Accept: "application/json, text/event-stream",
      ...headers,
    },
    body: JSON.stringify(body),
  });
  expect(await answer.json()).toMatchObject({ result: { tools: [] } });
  const expected = ["accept", "content-type", ...Object.keys(headers).map((name) => name.toLowerCase())];
  expect(seen.map((each) => [...each.keys()])).toEqual([expected.toSorted()]);
  http.closeAllConnections();
  await new Promise((resolve) => http.close(resolve));
});

test("a client that has left before the exchange begins is served nothing, and holds nothing up", async () => {
  let listed = 0;
  const http = createServer().listen(0, "127.0.0.1");
  await once(http, "listening");
  const asking = fetch(`http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`, {
    method: "POST",
    body: "{}",
  }).catch(() => "left");
  const [request, response] = (await once(http, "request")) as [IncomingMessage, ServerResponse];
  request.socket.destroy();
  await once(response, "close");
  const server = new Server({ name: "test", version: "1" }, { capabilities: { tools: {} } });
  server.setRequestHandler("tools/list", () => {
    listed += 1;
    return { tools: [] };
  });
  await exchange({ request, response, body: { jsonrpc: "2.0", id: 1, method: "tools/list" }, server, logger: quiet });
  expect([await asking, listed]).toEqual(["left", 0]);
  await new Promise((resolve) => http.close(resolve));
});
