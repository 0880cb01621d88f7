import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { methods } from "@agent-relay/protocol";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { opencodePlugin, pluginMark } from "./plugin.ts";

type Json = Readonly<Record<string, unknown>>;
interface Hooks {
  readonly event: (input: { readonly event: unknown }) => Promise<void>;
  readonly "chat.message": (about: Json, out: Json) => Promise<void>;
  readonly "tool.execute.after": (about: Json, out: Json) => Promise<void>;
}

const root = "ses_root";
const child = "ses_child";
const model = { providerID: "offline", modelID: "scripted" };

/** A relay that keeps what is posted, as its protocol reads it. */
let relay: Server;
let posted: Json[];
let answer: (signal: Json) => { readonly status: number; readonly body?: unknown };
/** Its questions for mail, which wait until they are answered. */
let questions: { readonly last: unknown; readonly reply: (status: number, body?: object) => void }[];

beforeEach(async () => {
  posted = [];
  questions = [];
  answer = () => ({ status: 204 });
  relay = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    request.on("end", () => {
      const { signal, source } = methods["agent.signal"].params.parse(JSON.parse(text));
      expect([request.headers.authorization, source]).toEqual(["Bearer secret", "opencode-plugin"]);
      if (signal.type === "takes_mail") {
        const reply = (status: number, body?: object) =>
          void response.writeHead(status).end(body === undefined ? undefined : JSON.stringify(body));
        questions.push({ last: signal.last, reply });
        return;
      }
      const { status, body } = answer(signal);
      if (status < 500) posted.push(signal);
      response.writeHead(status).end(body === undefined ? undefined : JSON.stringify(body));
    });
  });
  relay.listen(0, "127.0.0.1");
  await once(relay, "listening");
  const { port } = relay.address() as AddressInfo;
  vi.stubEnv("AGENT_RELAY_HOOK_URL", `http://127.0.0.1:${port}/hooks/opencode`);
  vi.stubEnv("AGENT_RELAY_TOKEN", "secret");
});

afterEach(async () => {
  vi.unstubAllEnvs();
  relay.closeAllConnections();
  await new Promise((done) => relay.close(done));
});

let loads = 0;

async function start(client: object = {}) {
  loads += 1;
  const url = `data:text/javascript,${encodeURIComponent(`${opencodePlugin()}\n// ${loads}`)}`;
  const { AgentRelay } = (await import(/* @vite-ignore */ url)) as { AgentRelay: (input: object) => Promise<Hooks> };
  const limits = { providers: [{ id: "offline", models: { scripted: { limit: { context: 100_000 } } } }] };
  const load = () => AgentRelay({ client: { config: { providers: async () => ({ data: limits }) }, ...client } });
  const hooks = await load();
  const happens = (type: string, properties: Json = {}) => hooks.event({ event: { type, properties } });
  return {
    hooks,
    load,
    happens,
    created: (id: string, parentID?: string) => happens("session.created", { info: { id, parentID } }),
    status: (type: string, sessionID = root) => happens("session.status", { sessionID, status: { type } }),
    prompt: (text: string, sessionID = root) =>
      hooks["chat.message"]({ sessionID }, { message: { agent: "build", model }, parts: [{ type: "text", text }] }),
    answers: async (
      id: string,
      tokens: Json,
      more: { readonly sessionID?: string; readonly summary?: boolean } = {},
    ) => {
      const { sessionID = root, summary } = more;
      await happens("message.updated", { sessionID, info: { id, role: "assistant", sessionID, summary, ...model } });
      const part = { id: `part_${id}`, messageID: id, sessionID, type: "step-finish", tokens };
      await happens("message.part.updated", { sessionID, part });
    },
    said: async (count: number) => {
      await vi.waitFor(() => expect(posted.length).toBeGreaterThanOrEqual(count), { timeout: 30_000, interval: 5 });
      return posted;
    },
  };
}

const tokens = (input: number, output: number, read = 0) => ({
  total: input + output + read,
  input,
  output,
  reasoning: 0,
  cache: { read, write: 0 },
});

describe("the plugin inside OpenCode", () => {
  it("tells the session, the prompt, the turn and what the answers cost, each once and in order", async () => {
    const it = await start();
    await it.created(root);
    await it.prompt("hello msg_1");
    await it.status("busy");
    await it.answers("m1", tokens(8_000, 100, 900));
    await it.happens("message.part.updated", {
      part: { id: "part_m1", messageID: "m1", sessionID: root, type: "step-finish", tokens: tokens(8_000, 100, 900) },
    });
    await it.status("busy");
    await it.status("idle");
    await it.happens("session.idle", { sessionID: root });
    await it.prompt("again");
    expect(await it.said(7)).toEqual([
      { type: "session", sessionId: root },
      { type: "prompt", text: "hello msg_1" },
      { type: "turn_started" },
      { type: "tokens", inputTokens: 8_900, cachedInputTokens: 900, outputTokens: 100, model: "offline/scripted" },
      { type: "context", pctLeft: 91 },
      { type: "turn_ended" },
      { type: "prompt", text: "again" },
    ]);
  });

  it("tells the newest message of the model at the end of a turn, whole, and nothing of one that was interrupted", async () => {
    const it = await start();
    const message = (id: string, more: Json = {}) =>
      it.happens("message.updated", {
        sessionID: root,
        info: { id, role: "assistant", sessionID: root, ...model, ...more },
      });
    const text = (messageID: string, id: string, words: string, more: Json = {}) =>
      it.happens("message.part.updated", {
        part: { id, messageID, sessionID: root, type: "text", text: words, ...more },
      });
    await it.status("busy");
    await it.happens("message.updated", { sessionID: root, info: { id: "u1", role: "user", sessionID: root } });
    await text("u1", "p0", "the prompt");
    await message("m1");
    await text("m1", "p1", "I look.");
    await message("m2");
    await text("m2", "p2", "All");
    await text("m2", "p2", "All\ngreen.");
    await text("m2", "p3", "Bye.");
    await message("m3");
    await text("m3", "p4", "", {});
    await message("c1", { sessionID: child });
    await it.created(child, root);
    await text("c1", "p5", "inside", { sessionID: child });
    await it.status("idle");
    await it.status("busy");
    await message("m4");
    await text("m4", "p6", "half");
    await it.happens("session.error", { sessionID: root, error: { name: "MessageAbortedError", data: {} } });
    await it.status("idle");
    await it.status("busy");
    await it.status("idle");
    expect(await it.said(7)).toEqual([
      { type: "turn_started" },
      { type: "said", text: "All\ngreen.\nBye." },
      { type: "turn_ended" },
      { type: "turn_started" },
      { type: "turn_ended" },
      { type: "turn_started" },
      { type: "turn_ended" },
    ]);
  });

  it("a session that is continued is told with its first prompt", async () => {
    const it = await start();
    await it.prompt("go on");
    expect(await it.said(2)).toEqual([
      { type: "session", sessionId: root },
      { type: "prompt", text: "go on" },
    ]);
  });

  it("O3: of a subagent only its tokens and what it asks count", async () => {
    const it = await start();
    await it.created(root);
    await it.created(child, root);
    await it.prompt("inside", child);
    await it.status("busy", child);
    await it.answers("c1", tokens(50_000, 10), { sessionID: child });
    await it.happens("permission.asked", {
      id: "p1",
      sessionID: child,
      permission: "bash",
      metadata: { command: "ls" },
    });
    await it.happens("session.error", { sessionID: child, error: { name: "APIError", data: { statusCode: 401 } } });
    await it.status("idle", child);
    await it.happens("session.compacted", { sessionID: child });
    await it.happens("permission.replied", { sessionID: child, requestID: "p1", reply: "once" });
    expect(await it.said(4)).toEqual([
      { type: "session", sessionId: root },
      { type: "tokens", inputTokens: 50_000, cachedInputTokens: 0, outputTokens: 10, model: "offline/scripted" },
      { type: "blocked", kind: "permission", what: "bash(ls)" },
      { type: "unblocked" },
    ]);
  });

  it("of several questions the first that is open stands, and the end of the turn ends them", async () => {
    const it = await start();
    await it.prompt("go");
    await it.status("busy");
    const ask = (id: string, permission: string) =>
      it.happens("permission.asked", { id, sessionID: root, permission, patterns: ["*"], metadata: {} });
    await ask("p1", "edit");
    await ask("p2", "webfetch");
    await it.happens("question.asked", { id: "q1", sessionID: root, questions: [{ question: "Which?" }] });
    await it.happens("permission.replied", { sessionID: root, requestID: "p2", reply: "once" });
    await it.happens("permission.replied", { sessionID: root, requestID: "p1", reply: "once" });
    await it.happens("question.rejected", { sessionID: root, requestID: "q1" });
    await ask("p3", "edit");
    await it.status("idle");
    await it.happens("permission.replied", { sessionID: root, requestID: "p3", reply: "reject" });
    await it.prompt("last");
    expect((await it.said(9)).slice(3)).toEqual([
      { type: "blocked", kind: "permission", what: "edit" },
      { type: "blocked", kind: "question", what: "Which?" },
      { type: "unblocked" },
      { type: "blocked", kind: "permission", what: "edit" },
      { type: "turn_ended" },
      { type: "prompt", text: "last" },
    ]);
  });

  it.each<[string, Json, readonly Json[]]>([
    [
      "a refused key",
      { name: "APIError", data: { statusCode: 401, message: "bad\nkey" } },
      [{ type: "blocked", kind: "auth", what: "bad key" }],
    ],
    [
      "a provider without a sign-in",
      { name: "ProviderAuthError", data: {} },
      [{ type: "blocked", kind: "auth", what: "ProviderAuthError" }],
    ],
    [
      "an exhausted quota",
      { name: "APIError", data: { statusCode: 429, message: "slow" } },
      [{ type: "blocked", kind: "quota", what: "slow" }],
    ],
    ["a full window", { name: "ContextOverflowError", data: {} }, [{ type: "context", pctLeft: 0 }]],
    ["an interruption", { name: "MessageAbortedError", data: {} }, []],
    ["any other failure", { name: "APIError", data: { statusCode: 400 } }, []],
    ["nothing that is known", { name: 7 }, []],
  ])("after the turn that failed: %s", async (_what, error, expected) => {
    const it = await start();
    await it.status("busy");
    await it.happens("session.error", { sessionID: root, error });
    await it.status("idle");
    await it.prompt("next");
    const said = await it.said(4 + expected.length);
    expect(said.slice(0, 2 + expected.length)).toEqual([{ type: "turn_started" }, { type: "turn_ended" }, ...expected]);
  });

  it("a window that it compacted by itself is not full, and its summary says nothing of the context", async () => {
    const it = await start();
    await it.status("busy");
    await it.happens("session.error", { sessionID: root, error: { name: "ContextOverflowError" } });
    await it.answers("s1", tokens(90_000, 10), { summary: true });
    await it.happens("session.compacted", { sessionID: root });
    await it.status("idle");
    await it.prompt("next");
    expect((await it.said(6)).map(({ type }) => type)).toEqual([
      "turn_started",
      "tokens",
      "compacted",
      "turn_ended",
      "session",
      "prompt",
    ]);
  });

  it("O2: what nobody answers is said again, in order; what is refused is not", async () => {
    let failures = 2;
    answer = ({ type }) =>
      type === "session" && failures-- > 0 ? { status: 503 } : { status: type === "prompt" ? 400 : 204 };
    const it = await start();
    await it.prompt("first");
    await it.status("busy");
    expect((await it.said(3)).map(({ type }) => type)).toEqual(["session", "prompt", "turn_started"]);
  });

  it("O4: mail in the answer goes into the running turn as it is, and only there", async () => {
    const sent: unknown[] = [];
    answer = ({ type }) =>
      type === "boundary" ? { status: 200, body: { context: "<relay>look</relay>" } } : { status: 204 };
    const it = await start({ session: { promptAsync: async (input: unknown) => void sent.push(input) } });
    const ran = (sessionID: string) => it.hooks["tool.execute.after"]({ sessionID, tool: "bash" }, {});
    await it.created(child, root);
    await ran(root);
    await it.prompt("go");
    await it.status("busy");
    await ran(child);
    await ran(root);
    await it.said(4);
    await expect.poll(() => sent).toHaveLength(1);
    const parts = [{ type: "text", text: "<relay>look</relay>" }];
    expect(sent).toEqual([{ path: { id: root }, body: { agent: "build", model, parts } }]);
    expect(posted.filter(({ type }) => type === "boundary")).toHaveLength(1);
  });

  it("O1: whatever happens, nothing is thrown, and without a relay nothing is posted", async () => {
    const it = await start({ config: { providers: () => Promise.reject(new Error("no")) } });
    for (const type of [
      "session.created",
      "session.status",
      "message.updated",
      "message.part.updated",
      "permission.asked",
      "question.asked",
      "session.error",
    ])
      for (const properties of [
        undefined,
        null,
        {},
        { info: 7, part: 7, status: 7, questions: 7, error: 7, sessionID: root },
      ])
        await it.hooks.event({ event: { type, properties } });
    await it.answers("m1", { input: "many", output: -1, cache: null });
    vi.stubEnv("AGENT_RELAY_HOOK_URL", "");
    const alone = await start();
    await alone.prompt("hello");
  });

  /** One whose server keeps what is submitted to it. */
  const submitting = async (refuses: readonly object[] = []) => {
    const submitted: unknown[] = [];
    const outcomes = [...refuses];
    const promptAsync = async (request: unknown) => {
      submitted.push(request);
      return outcomes.shift() ?? {};
    };
    const aborted: unknown[] = [];
    const abort = async (request: unknown) => aborted.push(request);
    return { ...(await start({ session: { promptAsync, abort } })), submitted, aborted };
  };
  const question = async (count: number) => {
    await vi.waitFor(() => expect(questions).toHaveLength(count), { timeout: 30_000, interval: 5 });
    return questions[count - 1] as (typeof questions)[number];
  };
  const mail = { injection: "one", text: "<relay-message>" };

  it("O7: inside a process that another with this plugin has started it says and takes nothing", async () => {
    vi.stubEnv(pluginMark, "1");
    const { hooks } = await start();
    expect(hooks).toEqual({});
  });

  it("O7: what it starts can tell, and what loads it again in the same process is the same agent", async () => {
    vi.stubEnv(pluginMark, undefined);
    const it = await submitting();
    expect(process.env[pluginMark]).toBe(String(process.pid));
    await it.load();
    await it.prompt("hello");
    await it.said(2);
  });

  it("O6: it asks for mail once there is a conversation, and once only", async () => {
    const it = await submitting();
    await it.created(root);
    expect(questions).toEqual([]);
    await it.prompt("hello");
    await it.prompt("again");
    await it.said(3);
    expect((await question(1)).last).toBeUndefined();
  });

  it("O6: mail becomes a prompt with the agent and the model of the last, and the next question says so", async () => {
    const it = await submitting();
    await it.prompt("hello");
    (await question(1)).reply(200, { mail });
    expect((await question(2)).last).toEqual({ injection: "one" });
    const body = { agent: "build", model, parts: [{ type: "text", text: mail.text }] };
    expect(it.submitted).toEqual([{ path: { id: root }, body }]);
  });

  it("O6: it ends the turn that runs when the answer says so, and asks on", async () => {
    const it = await submitting();
    await it.prompt("hello");
    (await question(1)).reply(200, { interrupt: true });
    expect((await question(2)).last).toBeUndefined();
    expect([it.aborted, it.submitted]).toEqual([[{ path: { id: root } }], []]);
  });

  it("O6: what it is given again, also by another relay, it does not submit again", async () => {
    const it = await submitting();
    await it.prompt("hello");
    (await question(1)).reply(200, { mail });
    (await question(2)).reply(200, { mail });
    (await question(3)).reply(503);
    (await question(4)).reply(200, { mail });
    expect((await question(5)).last).toEqual({ injection: "one" });
    expect(it.submitted).toHaveLength(1);
  });

  it("O6: one that cannot be submitted is told, and nothing is asked until there is a prompt again", async () => {
    const it = await submitting([{ error: { data: { message: "no such session" } } }]);
    await it.prompt("hello");
    (await question(1)).reply(200, { mail });
    const told = await question(2);
    expect(told.last).toEqual({ injection: "one", failed: "no such session" });
    told.reply(204);
    // Longer than it waits before it asks a relay again that had nothing.
    await new Promise((done) => setTimeout(done, 700));
    expect(questions).toHaveLength(2);
    await expect
      .poll(async () => {
        await it.prompt("again");
        return questions;
      })
      .toHaveLength(3);
    expect(questions[2]?.last).toBeUndefined();
  });

  it("O6: loaded a second time, the newest asks and neither submits what the other has", async () => {
    const it = await submitting();
    await it.prompt("hello");
    await question(1);
    const again = await it.load();
    await again["chat.message"](
      { sessionID: root },
      { message: { agent: "build", model }, parts: [{ type: "text", text: "hello" }] },
    );
    await question(2);
    // The older one was answered last of all.
    questions[0]?.reply(200, { mail });
    for (const status of ["busy", "idle", "busy", "idle"]) await it.status(status);
    await it.said(7);
    expect([it.submitted, questions.length]).toEqual([[], 2]);
    questions[1]?.reply(200, { mail });
    expect((await question(3)).last).toEqual({ injection: "one" });
    expect(it.submitted).toHaveLength(1);
  });
});
