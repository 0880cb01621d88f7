import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ConversationInput, ConversationOptions } from "../../conversation.ts";
import { codexConversation } from "./conversation.ts";

const options: ConversationOptions = {
  agent: "ada",
  cwd: "/p",
  model: undefined,
  permissionMode: "ask",
  resume: undefined,
};
const threadId = "01a1";

/** Lines as `codex app-server` 0.169.0 writes them, without what is not read. */
const answered = (id: string, result: object = {}) => ({ id, result });
const failed = (id: string, message: string) => ({ error: { code: -32_600, message }, id });
const note = (method: string, params: object) => ({ method, params: { threadId, ...params } });
const opening = [
  answered("initialize", { userAgent: "agent-relay/0.169.0" }),
  answered("thread", { thread: { id: threadId } }),
];
const turnStarted = (id = "t1", thread = threadId) => note("turn/started", { threadId: thread, turn: { id } });
const turnCompleted = (turn: object = {}, thread = threadId) =>
  note("turn/completed", { threadId: thread, turn: { id: "t1", status: "completed", error: null, ...turn } });
const userMessage = (text: string, thread = threadId) =>
  note("item/started", {
    threadId: thread,
    item: { type: "userMessage", id: "i", content: [{ type: "text", text, text_elements: [] }] },
  });
const usage = (total: number, last: number, thread = threadId) =>
  note("thread/tokenUsage/updated", {
    threadId: thread,
    tokenUsage: {
      total: { totalTokens: total, inputTokens: total - 10, cachedInputTokens: 0, outputTokens: 10 },
      last: { totalTokens: last, inputTokens: last - 10, cachedInputTokens: 0, outputTokens: 10 },
      modelContextWindow: 95_000,
    },
  });
const asks = (id: number, method = "item/commandExecution/requestApproval", params: object = {}) => ({
  id,
  ...note(method, { command: "touch x", reason: "need", ...params }),
});

function bytes(...lines: readonly object[]): Uint8Array {
  return new TextEncoder().encode(lines.map((each) => `${JSON.stringify(each)}\n`).join(""));
}

function talk(given: Partial<ConversationOptions> = {}) {
  const conversation = codexConversation({ ...options, ...given });
  let at = 0;
  const put = (input: Record<string, unknown>) => {
    const step = conversation.step({ at: (at += 1), ...input } as ConversationInput);
    return {
      said: step.observations.map(({ at: _at, source: _source, fidelity: _fidelity, ...rest }) => rest),
      written: step.writes.map(({ id, data, end }) => (end ? { id, end } : { id, ...(JSON.parse(data) as object) })),
      outcomes: step.outcomes,
    };
  };
  const hear = (...lines: readonly object[]) => put({ type: "output", data: bytes(...lines), past: false });
  const past = (...lines: readonly object[]) => put({ type: "output", data: bytes(...lines), past: true });
  const opened = () => {
    put({ type: "started" });
    hear(...opening);
  };
  return { put, hear, past, opened };
}

describe("opening the app server", () => {
  it("introduces itself, starts a thread, and is ready under the thread's id", () => {
    const { put, hear } = talk();
    expect(put({ type: "started" }).written).toMatchObject([{ id: "initialize", method: "initialize" }]);
    expect(hear(answered("initialize")).written).toMatchObject([
      { id: "initialized", method: "initialized" },
      { id: "thread", method: "thread/start", params: { cwd: "/p" } },
    ]);
    expect(hear(answered("thread", { thread: { id: threadId } })).said).toEqual([
      { type: "session", sessionId: threadId },
      { type: "ready" },
    ]);
  });

  it("continues a session, and leaves one that is not known without ever being ready", () => {
    const { put, hear } = talk({ resume: "gone" });
    put({ type: "started" });
    expect(hear(answered("initialize")).written[1]).toMatchObject({
      method: "thread/resume",
      params: { threadId: "gone", excludeTurns: true },
    });
    const { said, written } = hear(failed("thread", "no rollout found for thread id gone"));
    expect(said).toEqual([
      { type: "blocked", kind: "error", what: "no rollout found for thread id gone", answerable: false },
    ]);
    expect(written).toEqual([{ id: "give-up", end: true }]);
  });
});

describe("a turn", () => {
  it("begins with the program's word, proves its prompt, counts its tokens and ends", () => {
    const { put, hear, opened } = talk();
    opened();
    expect(put({ type: "deliver", injection: "m1", text: "hello", steer: false }).written).toMatchObject([
      { id: "turn/m1", method: "turn/start", params: { threadId, input: [{ type: "text", text: "hello" }] } },
    ]);
    expect(hear(answered("turn/m1", { turn: { id: "t1" } })).outcomes).toEqual([
      { injection: "m1", outcome: "accepted", evidence: "request_accepted" },
    ]);
    expect(hear(turnStarted(), userMessage("hello"), usage(11_311, 11_311), usage(11_311, 11_311)).said).toEqual([
      { type: "working" },
      { type: "prompt", text: "hello" },
      { type: "tokens", inputTokens: 11_301, cachedInputTokens: 0, outputTokens: 10, model: undefined },
      { type: "context", pctLeft: 100 },
    ]);
    expect(hear(turnCompleted()).said).toEqual([{ type: "turn_ended" }]);
  });

  it("tells the last message of its model before it ends, and none of a turn that was cut off or of a subagent", () => {
    const { hear, opened } = talk();
    opened();
    const message = (text: string, thread = threadId) =>
      note("item/completed", { threadId: thread, item: { type: "agentMessage", id: "a", text, phase: null } });
    expect(hear(turnStarted(), message("I look."), message("All\ngreen."), message("")).said).toEqual([
      { type: "working" },
    ]);
    expect(hear(message("child's", "child"), turnCompleted()).said).toEqual([
      { type: "said", text: "All\ngreen." },
      { type: "turn_ended" },
    ]);
    hear(turnStarted("t2"), message("half"));
    expect(hear(turnCompleted({ id: "t2", status: "interrupted" })).said).toEqual([{ type: "turn_ended" }]);
    hear(turnStarted("t3"));
    expect(hear(turnCompleted({ id: "t3" })).said).toEqual([{ type: "turn_ended" }]);
  });

  it("takes a message into itself, and one that came too late becomes a turn of its own", () => {
    const { put, hear, opened } = talk();
    opened();
    hear(turnStarted());
    const steered = put({ type: "deliver", injection: "m2", text: "also", steer: true });
    expect(steered.written).toMatchObject([
      { id: "steer/m2", method: "turn/steer", params: { expectedTurnId: "t1", threadId } },
    ]);
    const late = hear(failed("steer/m2", "no active turn to steer"));
    expect(late.outcomes).toEqual([]);
    expect(late.written).toMatchObject([
      { id: "turn/m2", method: "turn/start", params: { input: [{ text: "also" }] } },
    ]);
    put({ type: "deliver", injection: "m3", text: "more", steer: true });
    expect(hear(answered("steer/m3", { turnId: "t1" })).outcomes).toEqual([
      { injection: "m3", outcome: "accepted", evidence: "turn_steered" },
    ]);
    expect(hear(failed("turn/m2", "no")).outcomes).toMatchObject([{ outcome: "refused", reason: "no" }]);
  });

  it("is interrupted by its id, and only while it runs", () => {
    const { put, hear, opened } = talk();
    opened();
    expect(put({ type: "interrupt" }).written).toEqual([]);
    hear(turnStarted());
    expect(put({ type: "interrupt" }).written).toMatchObject([
      { id: "interrupt/t1", method: "turn/interrupt", params: { threadId, turnId: "t1" } },
    ]);
    expect(hear(turnCompleted({ status: "interrupted" })).said).toEqual([{ type: "turn_ended" }]);
  });

  it("goes on while a subagent works, whose prompt and context are not its own and whose tokens count", () => {
    const { hear, opened } = talk();
    opened();
    hear(turnStarted());
    const child = hear(turnStarted("t2", "child"), userMessage("for the child", "child"), usage(8_936, 8_936, "child"));
    expect(child.said).toEqual([
      { type: "tokens", inputTokens: 8_926, cachedInputTokens: 0, outputTokens: 10, model: undefined },
    ]);
    expect(hear(turnCompleted()).said).toEqual([]);
    expect(hear(turnCompleted({}, "child")).said).toEqual([{ type: "turn_ended" }]);
  });

  it("that failed says whether a person is needed, and goes on when one has answered", () => {
    const { put, hear, opened } = talk();
    opened();
    hear(turnStarted());
    const error = { message: "Quota exceeded.", codexErrorInfo: "usageLimitExceeded" };
    expect(hear(turnCompleted({ status: "failed", error })).said).toEqual([
      { type: "turn_ended" },
      { type: "blocked", kind: "quota", what: "Quota exceeded.", answerable: true },
    ]);
    const answer = put({ type: "answer", verdict: "approve" });
    expect(answer).toMatchObject({ said: [{ type: "unblocked" }], written: [] });
    hear(turnStarted());
    const overflow = { message: "no room", codexErrorInfo: "contextWindowExceeded" };
    expect(hear(turnCompleted({ status: "failed", error: overflow })).said).toEqual([
      { type: "turn_ended" },
      { type: "context", pctLeft: 0 },
    ]);
    hear(turnStarted());
    const plain = { message: "high demand", codexErrorInfo: "internalServerError" };
    expect(hear(turnCompleted({ status: "failed", error: plain })).said).toEqual([{ type: "turn_ended" }]);
  });

  it("says when its conversation was replaced by a summary", () => {
    const { hear, opened } = talk();
    opened();
    expect(hear(note("item/completed", { item: { type: "contextCompaction", id: "c" } })).said).toEqual([
      { type: "compacted" },
    ]);
  });

  it("of a continued session counts no tokens of the past", () => {
    const { put, hear } = talk({ resume: threadId });
    put({ type: "started" });
    hear(...opening);
    expect(hear(usage(238_995, 12_342)).said).toEqual([{ type: "context", pctLeft: 100 }]);
    hear(turnStarted());
    expect(hear(usage(251_519, 12_524)).said).toMatchObject([
      { type: "tokens", inputTokens: 12_524 },
      { type: "context" },
    ]);
  });
});

describe("what it is asked", () => {
  it.each([
    ["item/commandExecution/requestApproval", {}, "touch x · need", { decision: "accept" }, { decision: "decline" }],
    [
      "item/fileChange/requestApproval",
      { reason: null, grantRoot: null },
      "change files",
      { decision: "accept" },
      { decision: "decline" },
    ],
    [
      "item/permissions/requestApproval",
      { permissions: { network: true } },
      "permissions · need",
      { permissions: { network: true }, scope: "turn" },
      { permissions: {}, scope: "turn" },
    ],
    [
      "mcpServer/elicitation/request",
      { _meta: { codex_approval_kind: "mcp_tool_call" }, message: "Allow it?" },
      "Allow it?",
      { action: "accept", content: {}, _meta: null },
      { action: "decline", content: null, _meta: null },
    ],
  ])("%s is answered for this once", (method, params, what, approve, deny) => {
    for (const [verdict, result] of [
      ["approve", approve],
      ["deny", deny],
    ] as const) {
      const { put, hear, opened } = talk();
      opened();
      expect(hear(turnStarted(), asks(0, method, params)).said.at(-1)).toEqual({
        type: "blocked",
        kind: "permission",
        what,
        answerable: true,
      });
      const { said, written } = put({ type: "answer", verdict });
      expect({ said, written }).toEqual({ said: [{ type: "unblocked" }], written: [{ id: 0, result }] });
      // It confirms what was answered, and nothing is said twice.
      expect(hear(note("serverRequest/resolved", { requestId: 0 })).said).toEqual([]);
    }
  });

  it("one after the other, and not at all when the turn is over", () => {
    const { put, hear, opened } = talk();
    opened();
    hear(turnStarted(), asks(0), asks(1, undefined, { command: "touch y" }));
    expect(put({ type: "answer", verdict: "deny" }).said).toMatchObject([
      { type: "unblocked" },
      { type: "blocked", what: "touch y · need" },
    ]);
    expect(hear(turnCompleted({ status: "interrupted" })).said).toEqual([
      { type: "unblocked" },
      { type: "turn_ended" },
    ]);
    expect(put({ type: "answer", verdict: "approve" }).written).toEqual([]);
  });

  it("what no verdict can answer is answered at once, so that it never waits", () => {
    const { hear, opened } = talk();
    opened();
    const form = asks(5, "mcpServer/elicitation/request", { _meta: null, message: "Your name?" });
    expect(hear(form)).toMatchObject({ said: [], written: [{ id: 5, result: { action: "decline" } }] });
    expect(hear(asks(6, "item/tool/call"))).toMatchObject({ said: [], written: [{ id: 6, error: { code: -32_601 } }] });
  });
});

describe("taken up again", () => {
  it("reads the past to the same state, writes nothing, and then asks for what is still owed", () => {
    const { put, past, hear } = talk();
    const before = past(...opening, turnStarted(), answered("turn/m1", {}), asks(0), asks(3, "item/tool/call"));
    expect(before.written).toEqual([]);
    expect(before.outcomes).toEqual([{ injection: "m1", outcome: "accepted", evidence: "request_accepted" }]);
    expect(put({ type: "caught_up" }).written).toMatchObject([{ id: 3, error: {} }]);
    expect(put({ type: "answer", verdict: "approve" }).written).toMatchObject([{ id: 0, result: {} }]);
    expect(hear(turnCompleted()).said).toEqual([{ type: "turn_ended" }]);
  });

  it.each([
    [[], ["initialize"]],
    [opening.slice(0, 1), ["initialized", "thread"]],
    [opening, []],
  ])("in the middle of its opening it goes on there (%#)", (lines, owed) => {
    const { put, past } = talk();
    past(...lines);
    expect(put({ type: "caught_up" }).written.map(({ id, ...rest }) => ("method" in rest ? id : ""))).toHaveLength(
      owed.length,
    );
  });

  it("knows a thread whose beginning is not kept, and does not know whether it works", () => {
    const known = () => talk({ known: { sessionId: threadId } });
    const [idle, busy] = [known(), known()];
    expect(idle.hear(turnStarted()).said).toEqual([{ type: "working" }]);
    expect(busy.hear(turnCompleted()).said).toEqual([{ type: "turn_ended" }]);
  });
});

describe("whatever comes", () => {
  const session = bytes(
    ...opening,
    turnStarted(),
    userMessage("grüße 🎉"),
    asks(0),
    note("serverRequest/resolved", { requestId: 0 }),
    turnStarted("t2", "child"),
    usage(8_936, 8_936, "child"),
    usage(11_311, 11_311),
    turnCompleted(),
    turnCompleted({}, "child"),
  );

  it("lines cut anywhere say the same", () => {
    const whole = talk().put({ type: "output", data: session, past: false });
    expect(whole.said).toHaveLength(10);
    fc.assert(
      fc.property(fc.array(fc.nat({ max: session.length }), { maxLength: 40 }), (cuts) => {
        const { put } = talk();
        const edges = [0, ...cuts.toSorted((one, other) => one - other), session.length];
        const parts = edges
          .slice(1)
          .map((end, index) => put({ type: "output", data: session.slice(edges[index], end), past: false }));
        expect(parts.flatMap(({ said }) => said)).toEqual(whole.said);
        expect(parts.flatMap(({ written }) => written)).toEqual(whole.written);
      }),
    );
  });

  it("noise between lines changes nothing, and no input throws", () => {
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json().map((text) => new TextEncoder().encode(`${text}\n`)),
      fc
        .record({
          id: fc.option(fc.oneof(fc.integer(), fc.constantFrom("thread", "initialize", "turn/x", "steer/x"))),
          method: fc.option(fc.constantFrom("turn/started", "turn/completed", "thread/tokenUsage/updated", "error")),
          params: fc.option(fc.dictionary(fc.constantFrom("threadId", "turn", "item", "tokenUsage"), fc.jsonValue())),
          result: fc.option(fc.jsonValue()),
        })
        .map((message) => bytes(message)),
    );
    fc.assert(
      fc.property(fc.array(noise, { maxLength: 20 }), (chunks) => {
        const { put, opened } = talk();
        opened();
        for (const data of chunks) put({ type: "output", data, past: false });
      }),
    );
  });

  it("a line without end is skipped, and the next is read", () => {
    const { put, hear } = talk();
    const half = new Uint8Array(1_048_576).fill(0x61);
    for (let count = 0; count < 5; count += 1) put({ type: "output", data: half, past: false });
    hear({});
    expect(hear(...opening).said).toHaveLength(2);
  });

  it("remembers a bounded number of whatever is not finished", () => {
    const { put, hear, opened } = talk();
    opened();
    for (let each = 0; each < 500; each += 1) {
      hear(asks(each), turnStarted("t", `child-${each}`), usage(20, 20, `child-${each}`));
      put({ type: "deliver", injection: `m${each}`, text: "x", steer: false });
    }
    let answers = 0;
    while (put({ type: "answer", verdict: "deny" }).written.length > 0) answers += 1;
    expect(answers).toBe(64);
  });

  it("ends its input when it is told to leave", () => {
    expect(talk().put({ type: "leave" }).written).toEqual([{ id: "leave", end: true }]);
  });
});
