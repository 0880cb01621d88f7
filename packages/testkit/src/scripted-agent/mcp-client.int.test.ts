/** The MCP client against a server on loopback: both answer formats, sessions, and a broker that goes away. */
import { afterEach, expect, test } from "vitest";
import type { JournalFact } from "./journal.ts";
import { toolCaller } from "./mcp-client.ts";
import type { ToolCaller } from "./mcp-client.ts";
import { startLoopbackRelay } from "./testing/loopback-relay.ts";
import type { LoopbackRelay, LoopbackRelayOptions } from "./testing/loopback-relay.ts";

let relay: LoopbackRelay;
let facts: JournalFact[];
afterEach(() => relay.goAway());

async function calling(options: LoopbackRelayOptions = {}, giveUpAfterMs = 5_000): Promise<ToolCaller> {
  relay = await startLoopbackRelay(options);
  facts = [];
  const journal = { write: (fact: JournalFact) => void facts.push(fact), close: () => undefined };
  return toolCaller({ url: relay.mcpUrl, token: "secret", journal, giveUpAfterMs });
}

const answer = (text: string): Readonly<Record<string, unknown>> => ({
  content: [{ type: "text", text }],
  structuredContent: { text },
});

test("a call is initialized once and answers text and structure", async () => {
  const tools = await calling({ run: ({ arguments: { text } }) => answer(`got ${String(text)}`) });
  await tools.call("send_message", { text: "one" });
  const result = await tools.call("send_message", { text: "two" });
  expect(result).toEqual({ outcome: "ok", text: "got two", structured: { text: "got two" } });
  expect([relay.requests, [...relay.tokens]]).toEqual([
    ["initialize", "notifications/initialized", "tools/call", "tools/call"],
    ["Bearer secret"],
  ]);
});

test.each([true, false])("Q3: an answer may come as a stream of events (kept open: %s)", async (keepOpen) => {
  const tools = await calling({ format: "events", keepOpen, run: () => answer("streamed ✓") });
  expect((await tools.call("check_inbox", {})).text).toBe("streamed ✓");
});

test("Q1: a call made while the broker is away is made again with the same arguments", async () => {
  const tools = await calling();
  await relay.goAway();
  const pending = tools.call("send_message", { text: "hello", idempotency_key: "k" });
  await new Promise((resolve) => setTimeout(resolve, 150));
  await relay.comeBack();
  expect((await pending).outcome).toBe("ok");
  expect(relay.calls).toEqual([{ tool: "send_message", arguments: { text: "hello", idempotency_key: "k" } }]);
});

test("Q1: a connection that breaks before the answer is a call to repeat", async () => {
  const tools = await calling({ run: (_, count) => (count === 1 ? { drop: true } : answer("second")) });
  const result = await tools.call("send_message", { idempotency_key: "k" });
  expect([result.text, relay.calls.map((it) => it.arguments)]).toEqual([
    "second",
    [{ idempotency_key: "k" }, { idempotency_key: "k" }],
  ]);
  expect(facts).toMatchObject([{ type: "tool", outcome: "ok", attempts: 2 }]);
});

test("Q1: a broker that says that it is stopping is away", async () => {
  const stopping = { isError: true, content: [], structuredContent: { error: { code: "broker_stopping" } } };
  const tools = await calling({ run: (_, count) => (count === 1 ? stopping : answer("back")) });
  expect((await tools.call("send_message", {})).text).toBe("back");
});

test("Q1: after its time a call is given up", async () => {
  const tools = await calling({}, 200);
  await relay.goAway();
  expect(await tools.call("send_message", {})).toMatchObject({
    outcome: "gave_up",
    text: expect.stringContaining("ECONNREFUSED") as string,
  });
  await relay.comeBack();
});

test("Q2: a session that the server has forgotten is begun anew", async () => {
  const tools = await calling({ sessions: true });
  await tools.call("send_message", { text: "one" });
  relay.forgetSessions();
  expect((await tools.call("send_message", { text: "two" })).outcome).toBe("ok");
  expect(relay.calls.map((it) => it.arguments["text"])).toEqual(["one", "two"]);
  expect(relay.requests.filter((it) => it.startsWith("tools/call"))).toEqual([
    "tools/call in session-1",
    "tools/call in session-1",
    "tools/call in session-2",
  ]);
});

test("Q4: what a tool refuses is not tried again", async () => {
  const tools = await calling({ run: () => ({ isError: true, content: [{ type: "text", text: "mailbox_full" }] }) });
  expect(await tools.call("send_message", {})).toMatchObject({ outcome: "refused", text: "mailbox_full" });
  expect(relay.calls).toHaveLength(1);
});

test("Q4: an error of the protocol is an answer too", async () => {
  const tools = await calling({ run: () => ({ error: { code: -32602, message: "no tool is called x" } }) });
  expect(await tools.call("x", {})).toMatchObject({ outcome: "refused", text: "no tool is called x" });
});
