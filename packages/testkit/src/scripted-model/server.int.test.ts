/** The model on a real socket, asked the way programs ask. */
import { request } from "node:http";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, expect, test } from "vitest";
import type { RecordedRequest } from "./record.ts";
import { startScriptedModel } from "./server.ts";
import type { ScriptedModel, ScriptedModelOptions } from "./server.ts";

let model: ScriptedModel | undefined;
afterEach(async () => {
  await model?.close();
});

async function start(options: ScriptedModelOptions = {}): Promise<ScriptedModel> {
  model = await startScriptedModel(options);
  return model;
}

const json = { "content-type": "application/json" };
const post = (path: string, body: unknown): Promise<Response> =>
  fetch(`${model?.url}${path}`, { method: "POST", headers: json, body: JSON.stringify(body) });
const messages = (text: string, more = {}): unknown => ({
  model: "m",
  messages: [{ role: "user", content: text }],
  ...more,
});
const ask = (text: string, more = {}): Promise<Response> => post("/v1/messages", messages(text, more));
const gemini = (method: string): string => `/v1beta/models/g:${method}`;
const contents = (text: string): unknown => ({ contents: [{ role: "user", parts: [{ text }] }] });

/** The same prompt for every API, streamed and in one piece. */
const ways: readonly (readonly [name: string, path: string, body: (text: string) => unknown])[] = [
  ["anthropic", "/v1/messages", (text) => messages(text)],
  ["anthropic, streamed", "/v1/messages?beta=true", (text) => messages(text, { stream: true })],
  ["responses", "/v1/responses", (text) => ({ model: "m", input: text })],
  ["responses, streamed", "/v1/responses", (text) => ({ model: "m", input: text, stream: true })],
  ["chat", "/v1/chat/completions", (text) => messages(text)],
  ["chat, streamed", "/v1/chat/completions", (text) => messages(text, { stream: true })],
  ["gemini", gemini("generateContent"), contents],
  ["gemini, streamed", `${gemini("streamGenerateContent")}?alt=sse`, contents],
  ["gemini, streamed as a list", gemini("streamGenerateContent"), contents],
];

test.each(ways)("%s: a prompt is answered", async (name, path, body) => {
  await start();
  const response = await post(path, body("@model say Hi!"));
  const isEvents = name.endsWith("streamed");
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe(isEvents ? "text/event-stream" : "application/json");
  const text = await response.text();
  expect(text).toContain("Hi!");
  const payloads = isEvents ? [...text.matchAll(/^data: (.*)$/gmu)].map(([, data = ""]) => data) : [text];
  for (const payload of payloads) if (payload !== "[DONE]") expect(() => JSON.parse(payload) as unknown).not.toThrow();
  expect(model?.requests()).toMatchObject([
    { asked: { text: "@model say Hi!" }, outcome: { kind: "answered", say: "Hi!" } },
  ]);
});

test.each(ways)("%s: H4: a failure has the status and its message", async (_, path, body) => {
  await start();
  const response = await post(path, body("@model fail 429 slow down"));
  expect(response.status).toBe(429);
  const { error } = (await response.json()) as { error: { message: string } };
  expect(error.message).toBe("slow down");
});

test("H4: a full context is told as each API does", async () => {
  await start();
  model?.set({ usage: 300_000, contextWindow: 200_000 });
  const told = await Promise.all(ways.map(async ([, path, body]) => (await post(path, body("hello"))).text()));
  expect(told.filter((text) => !/too long|context window|context length|exceeds the maximum/u.test(text))).toEqual([]);
  model?.set({ contextWindow: 300_000 });
  expect((await ask("hello")).status).toBe(200);
});

test("a conversation goes on from call to result to the last words", async () => {
  await start();
  const tools = [{ name: "mcp__relay__send_message", input_schema: {} }];
  const prompt = '<relay-message id="msg_0000000001" from="ada">\n@model reply thank you\n</relay-message>';
  const first = (await (await ask(prompt, { tools })).json()) as {
    content: readonly [{ id: string }];
    stop_reason: string;
  };
  const [call] = first.content;
  const input = { reply_to: "msg_0000000001", text: "thank you" };
  expect(first).toMatchObject({ stop_reason: "tool_use", content: [{ name: "mcp__relay__send_message", input }] });
  const conversation = [
    { role: "user", content: prompt },
    { role: "assistant", content: first.content },
    { role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content: "Accepted." }] },
  ];
  const last = await post("/v1/messages", { model: "m", tools, messages: conversation });
  expect(await last.json()).toMatchObject({
    stop_reason: "end_turn",
    content: [{ text: "Done after 1 tool result: Accepted." }],
  });
});

test("a request that is repeated fails as often as its prompt says, and no other is counted with it", async () => {
  await start();
  const statuses: number[] = [];
  for (const user of ["u1", "u1", "u2", "u1"]) {
    const response = await ask("@model fail 529 x2", { metadata: { user_id: user } });
    statuses.push(response.status);
  }
  expect(statuses).toEqual([529, 529, 529, 200]);
});

test("usage is what the prompt set, else what was set from outside, else by size", async () => {
  await start();
  const usage = async (text: string): Promise<number> => {
    const { usage: told } = (await (await post("/v1/chat/completions", messages(text))).json()) as {
      usage: { prompt_tokens: number };
    };
    return told.prompt_tokens;
  };
  expect(await usage("x".repeat(4_000))).toBeGreaterThan(1_000);
  model?.set({ usage: 50_000 });
  expect(await usage("hello")).toBe(50_000);
  expect(await usage("@model usage 777")).toBe(777);
});

test("tokens are counted where programs ask for that alone", async () => {
  await start();
  model?.set({ usage: 123 });
  expect(await (await post("/v1/messages/count_tokens", messages("hello"))).json()).toEqual({ input_tokens: 123 });
  expect(await (await post(gemini("countTokens"), contents("hello"))).json()).toEqual({ totalTokens: 123 });
});

test("models are listed with the context window that was set", async () => {
  await start();
  model?.set({ contextWindow: 1_000 });
  const { data } = (await (await fetch(`${model?.url}/v1/models`)).json()) as {
    data: readonly { context_length: number }[];
  };
  expect(new Set(data.map((each) => each.context_length))).toEqual(new Set([1_000]));
});

test("another process controls the model and reads the requests over HTTP", async () => {
  await start();
  const refused = await post("/control", { usage: "many" });
  expect([refused.status, await refused.json()]).toEqual([
    400,
    { error: "usage: expected a number that is not negative, or null" },
  ]);
  await post("/control", { failNext: { status: 503, message: "away" } });
  expect([(await ask("hello")).status, (await ask("hello")).status]).toEqual([503, 200]);
  const told = (await (await fetch(`${model?.url}/requests`)).json()) as readonly RecordedRequest[];
  expect(told.map(({ outcome }) => outcome?.kind)).toEqual(["failed", "answered"]);
  expect(await (await fetch(`${model?.url}/control`)).json()).toMatchObject({ failNext: null });
});

test("a failure that was set leaves side requests alone", async () => {
  await start();
  model?.set({ failNext: { status: 500 } });
  expect((await ask("hello", { system: "You are a title generator." })).status).toBe(200);
  expect((await ask("hello")).status).toBe(500);
});

test("rules decide before directives", async () => {
  await start({ rules: [{ when: /deploy/u, reply: { fail: { status: 403 } } }] });
  expect((await ask("@model say deploy")).status).toBe(403);
});

test("a compressed request is read, and one that cannot be read is refused", async () => {
  await start();
  const send = (body: Buffer | string, encoding: string): Promise<Response> =>
    fetch(`${model?.url}/v1/messages`, { method: "POST", headers: { "content-encoding": encoding }, body });
  expect((await send(gzipSync(JSON.stringify(messages("hello"))), "gzip")).status).toBe(200);
  expect((await send("x", "zstd")).status).toBe(400);
  expect((await send("{oops", "identity")).status).toBe(400);
  expect((await fetch(`${model?.url}/v1/unheard-of`)).status).toBe(404);
});

test("the first piece of a slow text comes at once", async () => {
  await start();
  // All of it would take longer than the test may.
  const response = await ask("@model slow 600\n@model say one two three four five", { stream: true });
  const pieces = response.body as unknown as AsyncIterable<Uint8Array>;
  for await (const chunk of pieces) if (Buffer.from(chunk).includes("text_delta")) break;
});

test("a slow text comes piece by piece", async () => {
  await start();
  const began = performance.now();
  const response = await ask("@model slow 0.6\n@model say one two three four five", { stream: true });
  const times: number[] = [];
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    if (Buffer.from(chunk).includes("text_delta")) times.push(performance.now() - began);
  }
  expect(times.length).toBeGreaterThan(1);
  expect(performance.now() - began).toBeGreaterThan(550);
});

test("a delay comes before the first byte", async () => {
  await start();
  model?.set({ delayMs: 200 });
  const began = performance.now();
  await ask("hello");
  expect(performance.now() - began).toBeGreaterThan(190);
});

test.each(["hang 30", "slow 30"])(
  "H2: a program that goes away while it must wait (%s) disturbs nobody",
  async (directive) => {
    await start();
    const gone = new AbortController();
    const body = JSON.stringify(
      messages(`@model ${directive}\n@model say a longer text to be streamed`, { stream: true }),
    );
    const asked = fetch(`${model?.url}/v1/messages`, { method: "POST", body, signal: gone.signal }).then((it) =>
      it.text(),
    );
    await expect.poll(() => model?.requests().length).toBe(1);
    gone.abort();
    await expect(asked).rejects.toThrow("aborted");
    await expect.poll(() => model?.requests()[0]?.outcome).toEqual({ kind: "disconnected" });
    expect((await ask("hello")).status).toBe(200);
  },
);

test("H3: closing ends what is under way and leaves neither socket nor timer; closing twice is closing once", async () => {
  const resources = (): readonly string[] =>
    process.getActiveResourcesInfo().filter((name) => /^TCP|^Timeout$|^HTTP/u.test(name));
  const before = resources().length;
  const { url, close } = await start();
  const body = JSON.stringify(messages("@model hang 30"));
  const ended = new Promise<string>((resolve) => {
    const call = request(`${url}/v1/messages`, { method: "POST", agent: false }, () => resolve("answered"));
    call.on("error", ({ message }) => resolve(message)).end(body);
  });
  await expect.poll(() => model?.requests().length).toBe(1);
  expect(close()).toBe(close());
  await close();
  expect(await ended).toBe("socket hang up");
  await expect.poll(() => resources().length).toBeLessThanOrEqual(before);
  expect(model?.requests()[0]?.outcome).toEqual({ kind: "disconnected" });
});

test("a WebSocket is refused in a way that makes programs use HTTP", async () => {
  const { url } = await start();
  const answer = await new Promise<string>((resolve) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1", () => {
      socket.write("GET /v1/responses HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
    });
    socket.on("data", (data) => resolve(String(data).split("\r\n")[0] ?? ""));
  });
  expect(answer).toBe("HTTP/1.1 426 Upgrade Required");
});

test("a port that is taken is said at the start", async () => {
  const { url } = await start();
  await expect(startScriptedModel({ port: Number(new URL(url).port) })).rejects.toMatchObject({ code: "EADDRINUSE" });
});

test("H1: only loopback is listened on", async () => {
  const { url } = await start();
  expect(new URL(url).hostname).toBe("127.0.0.1");
  const other = new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.2", () => resolve(socket.destroy()));
    socket.on("error", reject);
  });
  await expect(other).rejects.toMatchObject({ code: "ECONNREFUSED" });
});

test("each answer is logged with its outcome", async () => {
  const logged: RecordedRequest[] = [];
  await start({ log: (entry) => logged.push(entry) });
  await ask("@model fail 400");
  await ask("hello");
  expect(logged.map(({ outcome }) => outcome?.kind)).toEqual(["failed", "answered"]);
});
