import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Conversation, ConversationInput, ConversationOptions } from "../../conversation.ts";
import { geminiConversation } from "../gemini-cli/conversation.ts";
import { copilotConversation } from "../github-copilot/conversation.ts";
import { opencodeConversation } from "../opencode/conversation.ts";

// Lines as Gemini CLI 0.61.0 wrote them, without the fields that are not read.
const sessionId = "26596bfa-54c6-4899-bec4-2723d1c17620";
const rpc = (message: object): string => `${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`;
const initialized = rpc({ id: "initialize", result: { protocolVersion: 1 } });
const opened = rpc({ id: "session", result: { sessionId, modes: {} } });
const update = (sessionUpdate: string, more: object = {}): string =>
  rpc({ method: "session/update", params: { sessionId, update: { sessionUpdate, ...more } } });
const said = update("agent_message_chunk", { content: { type: "text", text: "done" } });
const commands = update("available_commands_update", { availableCommands: [] });
const ended = (injection: string): string =>
  rpc({
    id: `turn/${injection}`,
    result: {
      stopReason: "end_turn",
      _meta: {
        quota: {
          model_usage: [{ model: "gemini-2.5-flash", token_count: { input_tokens: 24_966, output_tokens: 7 } }],
        },
      },
    },
  });
const failed = (injection: string, code: number, message: string): string =>
  rpc({ id: `turn/${injection}`, error: { code, message } });
const ask = (id: number, title = "touch x1", kinds = ["allow_always", "allow_once", "reject_once"]): string =>
  rpc({
    id,
    method: "session/request_permission",
    params: {
      sessionId,
      options: kinds.map((kind) => ({ kind, optionId: `option-${kind}`, name: kind })),
      toolCall: { toolCallId: `call-${id}`, title, status: "pending" },
    },
  });

const options: ConversationOptions = {
  agent: "ada",
  cwd: "/w",
  model: undefined,
  permissionMode: "ask",
  resume: undefined,
};
const output = (text: string | Uint8Array, past = false): ConversationInput => ({
  type: "output",
  data: typeof text === "string" ? new TextEncoder().encode(text) : text,
  at: 5,
  past,
});
const deliver = (injection: string, text = "hello"): ConversationInput => ({
  type: "deliver",
  injection,
  text,
  steer: false,
  at: 6,
});

/** What it says in short, what it writes by id, and what became of deliveries. */
function talk(conversation: Conversation) {
  const observations: string[] = [];
  const writes: {
    readonly id: string;
    readonly message: Record<string, unknown> | undefined;
    readonly end: boolean;
  }[] = [];
  const outcomes: string[] = [];
  const tell = (...inputs: readonly ConversationInput[]): void => {
    for (const input of inputs) {
      const step = conversation.step(input);
      for (const it of step.observations) {
        const detail =
          it.type === "blocked"
            ? ` ${it.kind} ${it.what ?? ""} ${it.answerable}`
            : it.type === "tokens"
              ? ` ${it.inputTokens} ${it.outputTokens} ${it.model ?? ""}`
              : it.type === "session"
                ? ` ${it.sessionId}`
                : it.type === "context"
                  ? ` ${it.pctLeft}`
                  : it.type === "said"
                    ? ` ${it.text}`
                    : "";
        observations.push(`${it.type}${detail}`);
      }
      for (const { id, data, end } of step.writes)
        writes.push({ id, message: data === "" ? undefined : (JSON.parse(data) as Record<string, unknown>), end });
      for (const it of step.outcomes) outcomes.push(`${it.injection} ${it.outcome} ${it.reason ?? it.evidence}`);
    }
  };
  return { observations, writes, outcomes, tell };
}

function openTalk(more: Partial<ConversationOptions> = {}) {
  const it = talk(geminiConversation({ ...options, ...more }));
  it.tell({ type: "started", at: 1 }, output(initialized + opened + commands));
  return it;
}

describe("a program that speaks the Agent Client Protocol", () => {
  it("is ready once it has a session, whose id is its own", () => {
    const { observations, writes } = openTalk();
    expect(observations).toEqual([`session ${sessionId}`, "ready"]);
    expect(writes).toMatchObject([
      { id: "initialize", message: { id: "initialize", method: "initialize", params: { protocolVersion: 1 } } },
      { id: "session", message: { id: "session", method: "session/new", params: { cwd: "/w", mcpServers: [] } } },
    ]);
  });

  it("a turn works from its first sign to its end, and its tokens count", () => {
    const it = openTalk();
    it.tell(deliver("i1", "hello\nthere"));
    expect(it.writes.at(-1)).toMatchObject({
      id: "turn/i1",
      message: { method: "session/prompt", params: { sessionId, prompt: [{ type: "text", text: "hello\nthere" }] } },
    });
    expect(it.outcomes).toEqual([]);
    it.tell(output(said), output(said), output(ended("i1")));
    expect(it.outcomes).toEqual(["i1 accepted request_accepted"]);
    expect(it.observations.slice(2)).toEqual([
      "working",
      "tokens 24966 7 gemini-2.5-flash",
      "said donedone",
      "turn_ended",
    ]);
  });

  it("the answer of a turn is its last message with words, whatever it said before it used a tool", () => {
    const says = (text: string, more: object = {}): string =>
      update("agent_message_chunk", { content: { type: "text", text }, ...more });
    const answers = (...lines: readonly string[]): readonly string[] => {
      const it = openTalk();
      it.tell(deliver("i1"), output(lines.join("")));
      return it.observations.filter((one) => one.startsWith("said"));
    };
    const tool = update("tool_call", { toolCallId: "call-0" });
    expect(answers(says("I "), says("look."), tool, says("All\n"), says("green."), ended("i1"))).toEqual([
      "said All\ngreen.",
    ]);
    expect(answers(says("I do it now."), tool, says(""), ended("i1"))).toEqual(["said I do it now."]);
    expect(answers(says("one", { messageId: "a" }), says("two", { messageId: "b" }), ended("i1"))).toEqual([
      "said two",
    ]);
    const inside = { _meta: { parentToolCallId: "call-0" } };
    expect(answers(tool, says("inside", inside), ended("i1"))).toEqual([]);
    expect(answers(says("half"), rpc({ id: "turn/i1", result: { stopReason: "cancelled" } }))).toEqual([]);
    expect(answers(says("half"), failed("i1", 500, "no"))).toEqual([]);
    expect(answers(ended("i1"))).toEqual([]);
  });

  it("V5: of a very long answer the ends are kept, and what is between them is counted", () => {
    const it = openTalk();
    it.tell(deliver("i1"));
    const piece = update("agent_message_chunk", { content: { type: "text", text: "x".repeat(100_000) } });
    for (let count = 0; count < 9; count += 1) it.tell(output(piece));
    it.tell(output(ended("i1")));
    const said = it.observations.find((one) => one.startsWith("said")) ?? "";
    const [, missing] = /\[… (\d+) characters left out …\]/u.exec(said) ?? [];
    expect(said.length).toBeLessThanOrEqual("said ".length + 16_000);
    expect(Number(missing) + (said.match(/x/gu)?.length ?? 0)).toBe(900_000);
  });

  it("only one prompt at a time, because a second would end the first", () => {
    const it = openTalk();
    it.tell(deliver("i1"), deliver("i2"));
    expect(it.writes.filter(({ id }) => id.startsWith("turn/")).map(({ id }) => id)).toEqual(["turn/i1"]);
    expect(it.outcomes).toEqual(["i2 refused a turn runs"]);
    const early = talk(geminiConversation(options));
    early.tell({ type: "started", at: 1 }, deliver("i1"));
    expect(early.outcomes).toEqual(["i1 refused it has no session yet"]);
  });

  it("approve permits once and never always; deny refuses once", () => {
    const it = openTalk();
    it.tell(deliver("i1"), output(ask(0)), { type: "answer", verdict: "approve", at: 7 });
    it.tell(output(ask(1, "rm -rf x")), { type: "answer", verdict: "deny", at: 8 });
    expect(it.writes.slice(-2)).toMatchObject([
      {
        id: "answer/0",
        message: { id: 0, result: { outcome: { outcome: "selected", optionId: "option-allow_once" } } },
      },
      {
        id: "answer/1",
        message: { id: 1, result: { outcome: { outcome: "selected", optionId: "option-reject_once" } } },
      },
    ]);
    expect(it.observations.slice(2)).toEqual([
      "working",
      "blocked permission touch x1 true",
      "unblocked",
      "blocked permission rm -rf x true",
      "unblocked",
    ]);
  });

  it("what can only be permitted for ever cannot be permitted from here, but be refused", () => {
    const it = openTalk();
    it.tell(deliver("i1"), output(ask(0, "all", ["allow_always"])), { type: "answer", verdict: "approve", at: 7 });
    expect(it.observations.at(-1)).toBe("blocked permission all false");
    expect(it.writes.at(-1)?.id).toBe("turn/i1");
    it.tell({ type: "answer", verdict: "deny", at: 8 });
    expect(it.writes.at(-1)?.message).toMatchObject({ result: { outcome: { outcome: "cancelled" } } });
  });

  it("of two requests one is shown after the other, and a tool that goes on waits no more", () => {
    const it = openTalk();
    it.tell(deliver("i1"), output(ask(0, "one") + ask(1, "two")));
    it.tell(output(update("tool_call_update", { toolCallId: "call-0", status: "completed" })));
    expect(it.observations.slice(3)).toEqual([
      "blocked permission one true",
      "unblocked",
      "blocked permission two true",
    ]);
    it.tell(output(ended("i1")));
    expect(it.observations.slice(6)).toEqual(["unblocked", "tokens 24966 7 gemini-2.5-flash", "turn_ended"]);
  });

  it("an interrupt cancels what is asked and the turn, which says that it is over", () => {
    const it = openTalk();
    it.tell(deliver("i1"), output(ask(0)), { type: "interrupt", at: 7 });
    expect(it.writes.slice(-2)).toMatchObject([
      { id: "cancelled/0", message: { id: 0, result: { outcome: { outcome: "cancelled" } } } },
      { id: "cancel/i1", message: { method: "session/cancel", params: { sessionId } } },
    ]);
    it.tell(output(rpc({ id: "turn/i1", result: { stopReason: "cancelled" } })));
    expect(it.observations.slice(-2)).toEqual(["unblocked", "turn_ended"]);
  });

  it("other requests are refused at once, so that it never waits", () => {
    const it = openTalk();
    it.tell(output(rpc({ id: 9, method: "fs/read_text_file", params: {} })));
    expect(it.writes.at(-1)).toMatchObject({ id: "given/9", message: { id: 9, error: { code: -32_601 } } });
  });

  it("a failure of its API ends the turn; what a person has to remove blocks until somebody has answered", () => {
    const it = openTalk();
    it.tell(deliver("i1"), output(failed("i1", 401, '{"error":{"code":401,"message":"noauth"}}')));
    expect(it.outcomes).toEqual(["i1 accepted request_accepted"]);
    expect(it.observations.slice(2)).toEqual([
      "working",
      "turn_ended",
      'blocked auth {"error":{"code":401,"message":"noauth"}} true',
    ]);
    it.tell({ type: "answer", verdict: "approve", at: 9 });
    expect(it.observations.at(-1)).toBe("unblocked");
    it.tell(deliver("i2"), output(failed("i2", 400, "bad")));
    expect(it.observations.slice(-2)).toEqual(["working", "turn_ended"]);
    it.tell(deliver("i3"), output(failed("i3", 400, "The input token count (9) exceeds the maximum number of tokens")));
    expect(it.observations.at(-1)).toBe("context 0");
  });

  it("a prompt that the protocol refused was not taken", () => {
    const it = openTalk();
    it.tell(deliver("i1"), output(failed("i1", -32_602, "Session not found")), deliver("i2"));
    expect(it.outcomes).toEqual(["i1 refused Session not found"]);
    expect(it.writes.at(-1)?.id).toBe("turn/i2");
    expect(it.observations).not.toContain("working");
  });

  it("a session is continued, and what is said of its past is nobody's turn", () => {
    const it = talk(geminiConversation({ ...options, resume: "old" }));
    it.tell({ type: "started", at: 1 }, output(initialized));
    expect(it.writes.at(-1)?.message).toMatchObject({
      method: "session/load",
      params: { sessionId: "old", cwd: "/w" },
    });
    it.tell(output(update("user_message_chunk") + rpc({ id: "session", result: {} }) + said + commands));
    expect(it.observations).toEqual(["session old", "ready"]);
  });

  it("one that cannot be continued says why, and is told to end", () => {
    const it = talk(geminiConversation({ ...options, resume: "unknown" }));
    const error = { code: -32_603, message: "Internal error", data: { details: "Invalid session identifier" } };
    it.tell({ type: "started", at: 1 }, output(initialized + rpc({ id: "session", error })));
    expect(it.observations).toEqual(["blocked error Invalid session identifier false"]);
    expect(it.writes.at(-1)).toMatchObject({ id: "give-up", end: true });
    const signedOut = talk(geminiConversation(options));
    signedOut.tell({ type: "started", at: 1 }, output(initialized + rpc({ id: "session", error: { code: -32_000 } })));
    expect(signedOut.observations).toEqual(["blocked auth it was refused false"]);
  });

  it("the past writes nothing, and the next step of the opening is asked for at its end (V4)", () => {
    const it = talk(geminiConversation(options));
    it.tell(output(initialized, true));
    expect(it.writes).toEqual([]);
    it.tell({ type: "caught_up", at: 9 });
    expect(it.writes.map(({ id }) => id)).toEqual(["session"]);
  });

  it("the end of a turn from before a restart is the end of its delivery", () => {
    const it = talk(geminiConversation({ ...options, known: { sessionId } }));
    it.tell({ type: "caught_up", at: 9 }, output(said + ended("i1")));
    expect(it.writes).toEqual([]);
    expect(it.outcomes).toEqual(["i1 accepted request_accepted"]);
    expect(it.observations.at(-1)).toBe("turn_ended");
  });

  it("what is asked has the command in it, whatever the model calls it", () => {
    const it = openTalk();
    const asking = (id: number, toolCall: object): string =>
      rpc({ id, method: "session/request_permission", params: { sessionId, toolCall, options: [] } });
    it.tell(deliver("i1"), output(asking(0, { title: "tidy up", rawInput: { command: "rm -rf x" } })));
    it.tell({ type: "answer", verdict: "deny", at: 7 });
    it.tell(output(asking(1, { title: "run `ls -l`", rawInput: { command: "ls -l" } })));
    it.tell({ type: "answer", verdict: "deny", at: 8 }, output(asking(2, { rawInput: { command: "pwd" } })));
    expect(it.observations.filter((one) => one.startsWith("blocked"))).toEqual([
      "blocked permission tidy up: rm -rf x false",
      "blocked permission run `ls -l` false",
      "blocked permission pwd false",
    ]);
  });

  it("what it says of its window is told when it changes, and not while a session is loaded", () => {
    const window = (used: number): string => update("usage_update", { used, size: 100_000 });
    const it = openTalk();
    it.tell(output(window(7_679) + window(7_700) + window(0) + window(93_000)));
    expect(it.observations.slice(2)).toEqual(["context 92", "context 7"]);
    const continued = talk(geminiConversation({ ...options, resume: sessionId }));
    continued.tell({ type: "started", at: 1 }, output(initialized + window(7_679)));
    expect(continued.observations).toEqual([]);
  });

  it("in mode bypass what can be permitted once is, and nobody is asked", () => {
    const it = openTalk({ permissionMode: "bypass" });
    it.tell(deliver("i1"), output(ask(0)), output(ask(1, "rm", ["allow_always", "reject_once"])));
    expect(it.writes.filter(({ id }) => id.startsWith("answer/"))).toMatchObject([
      { id: "answer/0", message: { id: 0, result: { outcome: { optionId: "option-allow_once" } } } },
    ]);
    expect(it.observations.slice(2)).toEqual(["working", "blocked permission rm false"]);
  });

  it("Copilot: of a sum of tokens only what was added counts, and a continued session begins with its first", () => {
    const over = (injection: string, inputTokens: number, outputTokens: number): string =>
      rpc({ id: `turn/${injection}`, result: { usage: { inputTokens, outputTokens, cachedReadTokens: 0 } } });
    const turns = [deliver("i1"), output(over("i1", 10_193, 2)), deliver("i2"), output(over("i2", 30_765, 17))];
    const it = talk(copilotConversation(options));
    it.tell({ type: "started", at: 1 }, output(initialized + opened), ...turns);
    expect(it.observations.filter((one) => one.startsWith("tokens"))).toEqual(["tokens 10193 2 ", "tokens 20572 15 "]);
    const continued = talk(copilotConversation({ ...options, resume: sessionId }));
    continued.tell({ type: "started", at: 1 }, output(initialized + opened), ...turns);
    expect(continued.observations.filter((one) => one.startsWith("tokens"))).toEqual(["tokens 20572 15 "]);
  });

  it("Copilot: a failure that it says in an answer blocks at the end of the turn, if nothing came after it", () => {
    const says = (text: string): string => update("agent_message_chunk", { content: { type: "text", text } });
    const refused = "Error: Authentication failed with provider at http://127.0.0.1:1/v1 (HTTP 401).";
    const over = (injection: string): string => rpc({ id: `turn/${injection}`, result: { stopReason: "end_turn" } });
    const it = talk(copilotConversation(options));
    it.tell(
      { type: "started", at: 1 },
      output(initialized + opened),
      deliver("i1"),
      output(says(refused) + over("i1")),
    );
    it.tell(deliver("i2"), output(says("Error: (HTTP 429)") + says("got over it") + over("i2")));
    expect(it.observations.slice(2)).toEqual([
      "working",
      "turn_ended",
      `blocked auth ${refused} true`,
      "unblocked",
      "working",
      "said Error: (HTTP 429)got over it",
      "turn_ended",
    ]);
  });

  it("OpenCode: a tool that it calls in progress waits for a verdict all the same, until it is over", () => {
    const call = (status: string): string => update("tool_call_update", { toolCallId: "call-0", status });
    const it = talk(opencodeConversation(options));
    it.tell({ type: "started", at: 1 }, output(initialized + opened), deliver("i1"));
    it.tell(output(call("in_progress") + ask(0) + call("in_progress")));
    expect(it.observations.slice(2)).toEqual(["working", "blocked permission touch x1 true"]);
    it.tell(output(call("failed")));
    expect(it.observations.at(-1)).toBe("unblocked");
  });

  it("OpenCode: an error of the model's API says that the prompt was taken", () => {
    const over = (injection: string, message: string, data?: object): string =>
      rpc({ id: `turn/${injection}`, error: { code: -32_603, message: `Internal error: ${message}`, data } });
    const it = talk(opencodeConversation(options));
    it.tell({ type: "started", at: 1 }, output(initialized + opened));
    it.tell(deliver("i1"), output(over("i1", "nonsense", { service: "session", errorName: "APIError" })));
    it.tell(deliver("i2"), output(over("i2", "no such session")));
    it.tell(deliver("i3"), output(over("i3", "Incorrect API key provided", { errorName: "APIError" })));
    expect(it.outcomes).toEqual([
      "i1 accepted request_accepted",
      "i2 refused Internal error: no such session",
      "i3 accepted request_accepted",
    ]);
    expect(it.observations.at(-1)).toBe("blocked auth Internal error: Incorrect API key provided true");
  });

  it("leaving ends its stdin", () => {
    const it = openTalk();
    it.tell({ type: "leave", at: 9 });
    expect(it.writes.at(-1)).toEqual({ id: "leave", message: undefined, end: true });
  });

  const stream = initialized + opened + commands + said + ask(0) + ask(1, "ü two") + ended("i1") + "nonsense\n" + said;

  it("bytes that are cut anywhere say the same (V2)", () => {
    const whole = talk(geminiConversation(options));
    whole.tell({ type: "started", at: 1 }, output(stream));
    const bytes = new TextEncoder().encode(stream);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), (cuts) => {
        const it = talk(geminiConversation(options));
        it.tell({ type: "started", at: 1 });
        const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
        for (const [index, from] of places.slice(0, -1).entries())
          it.tell(output(bytes.subarray(from, places[index + 1])));
        expect(it.observations).toEqual(whole.observations);
        expect(it.writes).toEqual(whole.writes);
      }),
      { numRuns: 60 },
    );
  });

  it("any bytes and any JSON are survived (V2)", () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json().map((text) => new TextEncoder().encode(`${text}\n`)),
      fc
        .record({
          id: fc.constantFrom("turn/i1", "session", 0, null),
          method: fc.constantFrom("session/update", "session/request_permission", "x", undefined),
          params: fc.object(),
          result: fc.object(),
        })
        .map((message) => new TextEncoder().encode(rpc(message))),
    );
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 12 }), (chunks) => {
        const it = openTalk();
        it.tell(deliver("i1"));
        for (const chunk of chunks) it.tell(output(chunk));
        it.tell({ type: "interrupt", at: 9 }, { type: "answer", verdict: "approve", at: 9 });
      }),
      { numRuns: 200 },
    );
  });
});
