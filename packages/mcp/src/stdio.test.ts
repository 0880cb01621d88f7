import { PassThrough, Writable } from "node:stream";
import { expect, test } from "vitest";
import { runStdioServer } from "./stdio.ts";
import { ada, fakeCalls, quiet, sample } from "./testing/fake-calls.ts";

const initialize = {
  jsonrpc: "2.0",
  id: 0,
  method: "initialize",
  params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "test", version: "1" } },
};
const checkInbox = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "check_inbox", arguments: {} } };

async function started(output: Writable) {
  const calls = fakeCalls();
  const input = new PassThrough();
  const server = await runStdioServer({ calls, principal: ada, input, output, logger: quiet, version: "0.1.0" });
  return { calls, input, server, say: (message: object) => input.write(`${JSON.stringify(message)}\n`) };
}

function lines(): { readonly output: PassThrough; readonly got: () => Record<string, unknown>[] } {
  const output = new PassThrough();
  let text = "";
  output.on("data", (chunk: Buffer) => (text += chunk.toString()));
  return {
    output,
    got: () =>
      text
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

test("the same tools answer over stdio, and mail is confirmed after the answer", async () => {
  const { output, got } = lines();
  const { calls, say, server } = await started(output);
  say(initialize);
  say({ jsonrpc: "2.0", method: "notifications/initialized" });
  say(checkInbox);
  await expect.poll(() => got().length).toBe(2);
  expect(got()).toMatchObject([
    { id: 0, result: { protocolVersion: "2025-06-18", serverInfo: { name: "agent-relay" } } },
    { id: 1, result: { structuredContent: { messages: [{ id: sample.reply }] } } },
  ]);
  await expect.poll(() => calls.of("inbox.ack").length).toBe(1);
  await server.close();
});

test("a client without a handshake, or one that tries that first, is answered over stdio too", async () => {
  const meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  const discover = { jsonrpc: "2.0", id: 7, method: "server/discover", params: { _meta: meta } };
  const modern = lines();
  const one = await started(modern.output);
  one.say(discover);
  one.say({ ...checkInbox, params: { ...checkInbox.params, _meta: meta } });
  await expect.poll(() => modern.got().length).toBe(2);
  expect(modern.got()).toMatchObject([
    { id: 7, result: { supportedVersions: ["2026-07-28"] } },
    { id: 1, result: { resultType: "complete", structuredContent: { messages: [{ id: sample.reply }] } } },
  ]);
  await expect.poll(() => one.calls.of("inbox.ack").length).toBe(1);
  await one.server.close();

  const legacy = lines();
  const other = await started(legacy.output);
  other.say(discover);
  other.say(initialize);
  other.say({ jsonrpc: "2.0", method: "notifications/initialized" });
  other.say(checkInbox);
  await expect.poll(() => legacy.got().length).toBe(3);
  expect(legacy.got()).toMatchObject([
    { id: 7 },
    { id: 0, result: { protocolVersion: "2025-06-18" } },
    { id: 1, result: { structuredContent: {} } },
  ]);
  await expect.poll(() => other.calls.of("inbox.ack").length).toBe(1);
  await other.server.close();
});

test("I1: mail is not confirmed while the line that brings it is not written out", async () => {
  const written: (() => void)[] = [];
  const output = new Writable({
    highWaterMark: 1_000_000,
    write: (_chunk, _encoding, done) => void written.push(done),
  });
  const { calls, say, server } = await started(output);
  say(checkInbox);
  await expect.poll(() => written.length).toBe(1);
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(calls.of("inbox.ack")).toEqual([]);
  written[0]?.();
  await expect.poll(() => written.length).toBe(2);
  written[1]?.();
  await expect.poll(() => calls.of("inbox.ack").length).toBe(1);
  await server.close();
});

test("I1: mail is not confirmed when the line could not be written", async () => {
  const output = new Writable({ write: (_chunk, _encoding, done) => void setImmediate(done, new Error("EPIPE")) });
  const { calls, say, server } = await started(output);
  say(checkInbox);
  await server.closed;
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect([calls.of("inbox.check").length, calls.of("inbox.ack").length]).toEqual([1, 0]);
});

test("I2: the end of the input ends the server and its waits", async () => {
  const { output } = lines();
  const { calls, input, say, server } = await started(output);
  calls.answers["agent.wait"] = () => new Promise(() => undefined);
  say({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "wait_for", arguments: { agent: "ben" } } });
  await expect.poll(() => calls.of("agent.wait").length).toBe(1);
  input.end();
  await server.closed;
  await server.close();
  expect(calls.of("agent.wait")[0]?.options?.signal?.aborted).toBe(true);
});
