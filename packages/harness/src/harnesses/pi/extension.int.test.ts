import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { methods } from "@agent-relay/protocol";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { piExtension } from "./extension.ts";

type Json = Readonly<Record<string, unknown>>;
type Handler = (event: Json, context: Json) => Promise<void>;
interface Tool {
  readonly name: string;
  readonly parameters: unknown;
  readonly promptGuidelines?: readonly string[];
  readonly execute: (id: string, params: Json, signal?: AbortSignal) => Promise<{ readonly content: unknown }>;
}

const listed = [
  { name: "send_message", description: "Sends.", inputSchema: { type: "object" } },
  { name: "check_inbox", description: "Reads.", inputSchema: { type: "object" } },
];

/** A relay that keeps what is posted, as its protocol reads it, and answers calls of its tools. */
let relay: Server;
let posted: Json[];
let answer: (signal: Json) => Json | undefined;
let called: (params: Json) => Json;

beforeEach(async () => {
  posted = [];
  answer = () => undefined;
  called = () => ({ content: [{ type: "text", text: "sent" }] });
  relay = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    request.on("end", () => {
      expect(request.headers.authorization).toBe("Bearer secret");
      const body = JSON.parse(text) as Json;
      const say = (value: unknown): void => void response.writeHead(200).end(JSON.stringify(value));
      if (request.url === "/mcp") {
        const results: Json = { initialize: { instructions: "You are ada." }, "tools/list": { tools: listed } };
        const { method, params } = body as { readonly method: string; readonly params: Json };
        return say({ result: method === "tools/call" ? called(params) : results[method] });
      }
      const { signal, source } = methods["agent.signal"].params.parse(body);
      expect(source).toBe("pi-extension");
      posted.push(signal);
      const given = answer(signal);
      if (given === undefined) response.writeHead(204).end();
      else say(given);
    });
  });
  relay.listen(0, "127.0.0.1");
  await once(relay, "listening");
  const { port } = relay.address() as AddressInfo;
  vi.stubEnv("AGENT_RELAY_HOOK_URL", `http://127.0.0.1:${port}/hooks/pi`);
  vi.stubEnv("AGENT_RELAY_MCP_URL", `http://127.0.0.1:${port}/mcp`);
  vi.stubEnv("AGENT_RELAY_TOKEN", "secret");
});

afterEach(async () => {
  vi.unstubAllEnvs();
  relay.closeAllConnections();
  await new Promise((done) => relay.close(done));
});

let loads = 0;

async function start({ reports = true } = {}) {
  loads += 1;
  const url = `data:text/javascript,${encodeURIComponent(`${piExtension({ reports })}\n// ${loads}`)}`;
  const { default: extension } = (await import(/* @vite-ignore */ url)) as { default: (pi: object) => Promise<void> };
  const handlers = new Map<string, Handler>();
  const tools: Tool[] = [];
  const sent: unknown[] = [];
  await extension({
    on: (event: string, handler: Handler) => handlers.set(event, handler),
    registerTool: (tool: Tool) => tools.push(tool),
    sendUserMessage: (...given: unknown[]) => sent.push(given),
  });
  const context = {
    sessionManager: { getSessionId: () => "s1" },
    model: { contextWindow: 100_000 },
  };
  return {
    tools,
    sent,
    handlers,
    happens: (type: string, more: Json = {}) => handlers.get(type)?.({ type, ...more }, context),
    said: async (count: number) => {
      await vi.waitFor(() => expect(posted.length).toBeGreaterThanOrEqual(count), { timeout: 30_000, interval: 5 });
      return posted;
    },
  };
}

const usage = { input: 8_000, cacheRead: 900, cacheWrite: 0, output: 100 };

describe("the extension inside Pi", () => {
  it("tells the session, the prompt, the turn and what the answers cost, each once and in order", async () => {
    const it = await start();
    await it.happens("session_start");
    await it.happens("agent_start");
    await it.happens("message_end", { message: { role: "user", content: [{ type: "text", text: "hello msg_1" }] } });
    await it.happens("message_end", { message: { role: "assistant", model: "m", usage, stopReason: "stop" } });
    await it.happens("message_end", { message: { role: "toolResult", content: [] } });
    await it.happens("agent_settled");
    await it.happens("agent_settled");
    await it.happens("agent_start");
    expect(await it.said(9)).toEqual([
      { type: "session", sessionId: "s1" },
      { type: "unblocked" },
      { type: "ready" },
      { type: "turn_started" },
      { type: "prompt", text: "hello msg_1" },
      { type: "tokens", inputTokens: 8_900, cachedInputTokens: 900, outputTokens: 100, model: "m" },
      { type: "context", pctLeft: 91 },
      { type: "turn_ended" },
      { type: "turn_started" },
    ]);
  });

  it("tells what the model answered, and not what it says before a tool or of a failure", async () => {
    const it = await start();
    const says = (text: string, stopReason: string) =>
      it.happens("message_end", { message: { role: "assistant", content: [{ type: "text", text }], stopReason } });
    await it.happens("agent_start");
    await says("I look.", "toolUse");
    await says("half", "aborted");
    await says("", "stop");
    await says("All\ngreen.", "stop");
    await it.happens("agent_settled");
    expect((await it.said(4)).slice(1)).toEqual([
      { type: "turn_started" },
      { type: "said", text: "All\ngreen." },
      { type: "turn_ended" },
    ]);
  });

  it("X3: a compaction that a person asks for is a turn; one in the middle of a turn ends nothing", async () => {
    const it = await start();
    await it.happens("session_before_compact");
    await it.happens("session_compact");
    await it.happens("session_before_compact");
    await it.happens("session_compact_failed");
    await it.happens("agent_start");
    await it.happens("session_before_compact");
    await it.happens("session_compact");
    await it.happens("message_end", { message: { role: "user", content: "on" } });
    await it.happens("agent_settled");
    expect((await it.said(10)).map(({ type }) => type)).toEqual([
      "turn_started",
      "compacted",
      "turn_ended",
      "turn_started",
      "turn_ended",
      "session",
      "turn_started",
      "compacted",
      "prompt",
      "turn_ended",
    ]);
  });

  it.each([
    ["401 wrong key", [{ type: "blocked", kind: "auth", what: "401 wrong key" }]],
    ["429 slow down", [{ type: "blocked", kind: "quota", what: "429 slow down" }]],
    ["400 nonsense", []],
  ])("after the turn that failed: %s", async (errorMessage, expected) => {
    const it = await start();
    await it.happens("agent_start");
    await it.happens("message_end", { message: { role: "assistant", stopReason: "error", errorMessage } });
    await it.happens("agent_settled");
    await it.happens("ui_prompt_start", { title: "last" });
    expect((await it.said(4 + expected.length)).slice(2)).toEqual([
      { type: "turn_ended" },
      ...expected,
      { type: "blocked", kind: "question", what: "last" },
    ]);
  });

  it("X4: mail in the answer goes into the running turn, and only there", async () => {
    answer = ({ type }) => (type === "boundary" ? { context: "<relay>look</relay>" } : undefined);
    const it = await start();
    await it.happens("tool_execution_end");
    await it.happens("agent_start");
    await it.happens("tool_execution_end");
    await vi.waitFor(() => expect(it.sent).toEqual([["<relay>look</relay>", { deliverAs: "steer" }]]), {
      timeout: 30_000,
    });
    await it.happens("agent_settled");
    expect((await it.said(4)).map(({ type }) => type)).toEqual(["session", "turn_started", "boundary", "turn_ended"]);
  });

  it("X5: the relay's tools are there; what they say and how they fail reaches the model", async () => {
    const it = await start({ reports: false });
    expect(it.handlers.size).toBe(0);
    expect(it.tools.map(({ name, parameters }) => [name, parameters])).toEqual([
      ["relay_send_message", { type: "object" }],
      ["relay_check_inbox", { type: "object" }],
    ]);
    expect(it.tools[0]?.promptGuidelines).toEqual(["You are ada."]);
    const calls: Json[] = [];
    called = (params) => {
      calls.push(params);
      return { content: [{ type: "text", text: "sent" }] };
    };
    expect(await it.tools[0]?.execute("c1", { to: "ben" })).toMatchObject({
      content: [{ type: "text", text: "sent" }],
    });
    expect(calls).toEqual([{ name: "send_message", arguments: { to: "ben" } }]);
    called = () => ({ isError: true, content: [{ type: "text", text: "nobody is called ben" }] });
    await expect(it.tools[0]?.execute("c2", {})).rejects.toThrow("nobody is called ben");
  });

  it("X1: whatever happens, nothing is thrown, and without a relay it does nothing", async () => {
    const it = await start();
    for (const type of it.handlers.keys())
      for (const more of [{}, { message: null }, { message: { role: "assistant", usage: 7, stopReason: "error" } }])
        await it.handlers.get(type)?.({ type, ...more }, {});
    vi.stubEnv("AGENT_RELAY_HOOK_URL", "");
    vi.stubEnv("AGENT_RELAY_MCP_URL", "");
    posted = [];
    const alone = await start();
    expect(alone.tools).toEqual([]);
    await alone.happens("session_start");
    vi.stubEnv("AGENT_RELAY_MCP_URL", "http://127.0.0.1:9/mcp");
    expect((await start()).tools).toEqual([]);
  });
});
