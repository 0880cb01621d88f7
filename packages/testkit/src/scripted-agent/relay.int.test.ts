/** Both scripted programs in a real terminal, with an endpoint for hooks and tools on loopback. */
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { personas } from "./personas.ts";
import type { ScriptInput } from "./script.ts";
import { startLoopbackRelay } from "./testing/loopback-relay.ts";
import type { LoopbackRelay, LoopbackRelayOptions } from "./testing/loopback-relay.ts";
import { buildPrograms } from "./testing/programs.ts";
import type { BuiltPrograms } from "./testing/programs.ts";
import { openTerminal } from "./testing/real-terminal.ts";
import type { RealTerminal } from "./testing/real-terminal.ts";

let programs: BuiltPrograms;
let relay: LoopbackRelay;
let terminal: RealTerminal;
let count = 0;

beforeAll(async () => {
  programs = await buildPrograms();
}, 60_000);
afterEach(async () => {
  await terminal.close();
  await relay.goAway();
});
afterAll(() => {
  programs.remove();
});

async function play(
  kind: "agent" | "inboxAgent",
  script: ScriptInput,
  options: LoopbackRelayOptions = {},
): Promise<void> {
  relay = await startLoopbackRelay(options);
  terminal = openTerminal({
    program: programs[kind],
    journalFile: join(programs.directory, `relay-${count++}.jsonl`),
    script,
    env: { AGENT_RELAY_HOOK_URL: relay.hookUrl, AGENT_RELAY_MCP_URL: relay.mcpUrl, AGENT_RELAY_TOKEN: "secret" },
  });
  await terminal.journalled("ready");
}

const envelope = (id: string, body: string, more = ""): string =>
  `<relay-message id="${id}" from="ada" to="bob" at="2026-11-21T10:00:00.000Z"${more}>\n${body}\n</relay-message>\nTo answer: send_message with reply_to "${id}".`;
const submit = (text: string): void => {
  terminal.type(`\u001b[200~${text}\u001b[201~`);
  terminal.type("\r");
};
const signalTypes = (): readonly unknown[] => relay.signals.map((it) => it["type"]);
const toolCalls = (tool: string): readonly Readonly<Record<string, unknown>>[] =>
  relay.calls.filter((it) => it.tool === tool).map((it) => it.arguments);

test("hooks tell of readiness, of the exact prompt, of the context and of the turn's end", async () => {
  await play("agent", personas.contextHooks);
  submit("first line\nsecond ✓");
  await expect.poll(signalTypes).toEqual(["ready", "prompt", "said", "turn_ended", "context"]);
  expect(relay.signals.slice(1)).toEqual([
    { type: "prompt", text: "first line\nsecond ✓" },
    { type: "said", text: "echo: first line\nsecond ✓" },
    { type: "turn_ended" },
    { type: "context", pctLeft: 16 },
  ]);
});

test("B3: what it says in a turn is reported as one answer, before the turn shows as ended", async () => {
  const twice = {
    on: "turn",
    do: [{ say: "All" }, { busy: 50 }, { print: "not words\n" }, { say: "green." }],
  } as const;
  const greeting = { on: "ready", do: [{ say: "hello there" }] } as const;
  await play("agent", { rules: [greeting, twice] });
  submit("go");
  await terminal.journalled("turn_ended");
  expect(relay.signals.filter((it) => it["type"] === "said")).toEqual([{ type: "said", text: "All\ngreen." }]);
  const order = terminal.journal().map((it) => (it.type === "hook" ? it.signal : it.type));
  expect(order.slice(0, order.indexOf("turn_ended"))).toContain("said");
});

test("B3: a turn that is interrupted has no answer", async () => {
  await play("agent", { rules: [{ on: "turn", do: [{ say: "I begin" }, { busy: 60_000 }] }] });
  submit("go");
  await terminal.shows("I begin");
  terminal.type("\u001b");
  await terminal.journalled("turn_ended");
  expect(signalTypes()).toEqual(["ready", "prompt"]);
});

test("signals that the script leaves out are not posted, and those it adds are", async () => {
  await play("agent", { ...personas.permission, hooks: ["blocked", "turn_started"] });
  submit("go");
  await terminal.journalled("dialog_opened");
  terminal.type("\r");
  await terminal.journalled("turn_ended");
  await expect
    .poll(() => relay.signals)
    .toEqual([{ type: "turn_started" }, { type: "blocked", kind: "permission", what: "Run `rm -rf build`?" }]);
});

test("an interrupted turn posts no turn_ended, unless the script says so", async () => {
  await play("agent", { ...personas.neverIdle, hooks: ["turn_ended", "turn_started"] });
  submit("think");
  await terminal.journalled("turn_started");
  terminal.type("\u001b");
  await terminal.journalled("turn_ended");
  submit("/exit");
  await terminal.ended;
  expect(signalTypes()).toEqual(["turn_started"]);
});

test("a turn waits for its prompt hook only if the script says so", async () => {
  const slow = { hookStatus: (number: number) => (number < 3 ? 503 : 204) };
  await play("agent", { ...personas.echo, hookBeforeTurn: true, hooks: ["prompt"] }, slow);
  submit("careful");
  await terminal.journalled("turn_started");
  expect(signalTypes()).toEqual(["prompt"]);
  await terminal.close();
  await relay.goAway();
  await play("agent", { ...personas.echo, hooks: ["prompt"] }, slow);
  submit("eager");
  await terminal.journalled("turn_ended");
  expect(signalTypes()).toEqual([]);
  await expect.poll(signalTypes).toEqual(["prompt"]);
});

test("hooks of turns that ran while the broker was away arrive afterwards, in order", async () => {
  await play("agent", personas.echo);
  await expect.poll(signalTypes).toEqual(["ready"]);
  await relay.goAway();
  submit("one");
  await terminal.journalled("turn_ended", (it) => it.turn === 1);
  submit("two");
  await terminal.journalled("turn_ended", (it) => it.turn === 2);
  await relay.comeBack();
  await expect
    .poll(() => relay.signals.slice(1).map((it) => it["text"] ?? it["type"]))
    .toEqual(["one", "echo: one", "turn_ended", "two", "echo: two", "turn_ended"]);
});

test("each message of a prompt is answered over MCP with a reference to it", async () => {
  await play("agent", personas.replier);
  submit(`${envelope("msg_0000000001", "hello")}\n\n${envelope("msg_0000000002", "and you?")}`);
  await terminal.journalled("turn_ended");
  expect(toolCalls("send_message")).toMatchObject([
    { to: "ada", text: "re: hello", reply_to: "msg_0000000001" },
    { to: "ada", text: "re: and you?", reply_to: "msg_0000000002" },
  ]);
});

test("a reply to what came through a channel goes there", async () => {
  await play("agent", personas.replier);
  submit(envelope("msg_0000000001", "hello").replace('to="bob"', 'to="#general"'));
  await terminal.journalled("turn_ended");
  expect(toolCalls("send_message")).toMatchObject([{ to: "#general", reply_to: "msg_0000000001" }]);
});

test("a reply whose answer was lost is sent again under the same key", async () => {
  await play("agent", personas.replier, {
    run: (_, number) => (number === 1 ? { drop: true } : { content: [{ type: "text", text: "ok" }] }),
  });
  submit(envelope("msg_0000000001", "hello"));
  await terminal.journalled("turn_ended");
  const [first, second, ...others] = toolCalls("send_message");
  expect(first?.["idempotency_key"]).toMatch(/^[\u0021-\u007e]{1,64}$/u);
  expect([second, others]).toEqual([first, []]);
});

test("a possible repeat is journalled as one and, if it was acted on, not acted on again", async () => {
  await play("agent", personas.replier);
  submit(envelope("msg_0000000001", "hello"));
  await terminal.journalled("turn_ended");
  submit(envelope("msg_0000000001", "hello", ' repeat="possible"'));
  await terminal.journalled("turn_ended", (it) => it.turn === 2);
  const seen = terminal.journal().flatMap((it) => (it.type === "message" ? [[it.turn, it.id, it.repeat]] : []));
  expect(seen).toEqual([
    [1, "msg_0000000001", false],
    [2, "msg_0000000001", true],
  ]);
  expect(toolCalls("send_message")).toHaveLength(1);
});

test("rules reach every tool, with their texts filled in", async () => {
  await play("agent", {
    rules: [
      {
        on: "message",
        match: "ask (\\w+)",
        do: [
          { send: { to: "{{1}}", text: "{{from}} asks", mode: "steer" } },
          { report: "asking {{1}}" },
          { ack: true },
          { tool: { name: "wait_for", arguments: { agent: "{{1}}", timeout_seconds: 0 } } },
          { hook: { type: "context", pctLeft: 4 } },
        ],
      },
    ],
  });
  submit(envelope("msg_0000000001", "please ask eve"));
  await terminal.journalled("turn_ended");
  expect(relay.calls.map(({ tool, arguments: { idempotency_key: _, ...rest } }) => [tool, rest])).toEqual([
    ["send_message", { to: "eve", text: "ada asks", mode: "steer" }],
    ["report_status", { text: "asking eve" }],
    ["ack_message", { message_ids: ["msg_0000000001"] }],
    ["wait_for", { agent: "eve", timeout_seconds: 0 }],
  ]);
  await expect.poll(() => relay.signals).toContainEqual({ type: "context", pctLeft: 4 });
});

test("Escape does not wait for a call that a broker leaves open", async () => {
  await play("agent", personas.replier, { run: () => new Promise(() => undefined) });
  submit(envelope("msg_0000000001", "hello"));
  await expect.poll(() => relay.calls.length).toBe(1);
  terminal.type("\u001b");
  expect((await terminal.journalled("turn_ended")).how).toBe("interrupted");
});

/** An inbox that is offered until it is acknowledged. */
function inboxOf(...messages: readonly Readonly<Record<string, unknown>>[]): LoopbackRelayOptions {
  const acknowledged = new Set<unknown>();
  return {
    run: async ({ tool, arguments: given }) => {
      if (tool === "ack_message") for (const id of given["message_ids"] as readonly unknown[]) acknowledged.add(id);
      if (tool !== "check_inbox") return { content: [{ type: "text", text: "ok" }] };
      const waiting = messages.filter((it) => !acknowledged.has(it["id"]));
      if (waiting.length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
      return { content: [{ type: "text", text: "mail" }], structuredContent: { messages: waiting, remaining: 0 } };
    },
  };
}

const letter = {
  id: "msg_0000000001",
  from: "ada",
  to: "bob",
  text: "hello",
  thread: "msg_0000000001",
  reply_to: null,
  possible_repeat: false,
};

test("N1: the inbox agent acts on its mail by the same rules, and then acknowledges it, once", async () => {
  await play("inboxAgent", { ...personas.replier, inboxWaitSeconds: 5, inboxLimit: 7 }, inboxOf(letter));
  await terminal.journalled("turn_ended");
  await expect.poll(() => toolCalls("check_inbox").length).toBeGreaterThan(2);
  expect(relay.calls.slice(0, 3).map(({ tool, arguments: { idempotency_key: _, ...rest } }) => [tool, rest])).toEqual([
    ["check_inbox", { limit: 7, wait_seconds: 5 }],
    ["send_message", { to: "ada", text: "re: hello", reply_to: "msg_0000000001" }],
    ["ack_message", { message_ids: ["msg_0000000001"] }],
  ]);
  expect(terminal.journal()).toContainEqual(
    expect.objectContaining({ type: "message", via: "inbox", id: letter.id, body: "hello", repeat: false }),
  );
  expect([toolCalls("send_message"), signalTypes()]).toMatchObject([{ length: 1 }, ["ready", "turn_ended"]]);
});

test("N1: mail that came again is journalled as a repeat, acknowledged, and not acted on twice", async () => {
  const offered = {
    run: ({ tool }: { readonly tool: string }, number: number) =>
      tool === "check_inbox" && number < 6
        ? { content: [], structuredContent: { messages: [{ ...letter, possible_repeat: number > 1 }], remaining: 0 } }
        : { content: [], structuredContent: { messages: [] } },
  };
  await play("inboxAgent", personas.replier, offered);
  await terminal.journalled("turn_ended", (it) => it.turn === 2);
  const repeats = terminal.journal().flatMap((it) => (it.type === "message" ? [it.repeat] : []));
  expect([repeats, toolCalls("send_message").length]).toEqual([[false, true], 1]);
});

test("N2: the inbox agent goes on when the broker is back", async () => {
  await play("inboxAgent", personas.replier, inboxOf(letter));
  await terminal.journalled("turn_ended");
  await relay.goAway();
  await new Promise((resolve) => setTimeout(resolve, 200));
  const before = toolCalls("check_inbox").length;
  await relay.comeBack();
  await expect.poll(() => toolCalls("check_inbox").length).toBeGreaterThan(before);
});

test("N3: what is typed is not read as a prompt, but /exit leaves with code 0", async () => {
  await play("inboxAgent", {});
  terminal.type("hello\n");
  terminal.type("/exit\n");
  expect(await terminal.ended).toBe(0);
  expect(terminal.journal().map((it) => it.type)).not.toContain("prompt");
});

test("without an inbox to read the inbox agent says so and ends with code 2", async () => {
  relay = await startLoopbackRelay();
  terminal = openTerminal({ program: programs.inboxAgent, journalFile: join(programs.directory, "none.jsonl") });
  expect(await terminal.ended).toBe(2);
  expect(terminal.output()).toContain("AGENT_RELAY_MCP_URL is not set");
});
