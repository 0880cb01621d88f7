import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ConversationInput } from "../../conversation.ts";
import { stepTalk } from "./conversation.ts";
import { initialTalk, type ClaudeTalk } from "./talk.ts";

// Lines as 2.1.329 wrote them, without the fields that are not read.
const session = "774c8a46-9c84-4ef3-b55c-65a2ddd799ce";
const initialized = {
  type: "control_response",
  response: { subtype: "success", request_id: "initialize", response: {} },
};
const init = (uuid = "u-1") => ({ type: "system", subtype: "init", session_id: session, uuid, tools: ["Bash"] });
const replay = (text: string, uuid = "r-1") => ({
  type: "user",
  message: { role: "user", content: [{ type: "text", text }] },
  parent_tool_use_id: null,
  uuid,
  isReplay: true,
});
const assistant = (tokens: number, parent: string | null = null, model = "claude-opus-5-5") => ({
  type: "assistant",
  message: {
    id: "msg_1",
    model,
    content: [],
    usage: { input_tokens: 3, cache_read_input_tokens: tokens - 3, output_tokens: 1 },
  },
  parent_tool_use_id: parent,
});
const opus = (inputTokens: number, cacheReadInputTokens: number, outputTokens: number) => ({
  "claude-opus-5-5": {
    inputTokens,
    outputTokens,
    cacheReadInputTokens,
    cacheCreationInputTokens: 0,
    contextWindow: 1_000_000,
  },
});
const result = (more: object = {}) => ({
  type: "result",
  subtype: "success",
  is_error: false,
  terminal_reason: "completed",
  result: "done",
  modelUsage: opus(3, 13_428, 5),
  model_usage_since_last_result: opus(3, 13_428, 5),
  ...more,
});
const apiError = (status: number, text: string) =>
  result({
    is_error: true,
    terminal_reason: "api_error",
    api_error_status: status,
    result: text,
    model_usage_since_last_result: {},
  });
const ask = (requestId: string, tool = "Bash", input: object = { command: "touch a" }) => ({
  type: "control_request",
  request_id: requestId,
  request: { subtype: "can_use_tool", tool_name: tool, input },
});
const echo = (requestId: string) => ({
  type: "control_response",
  response: { subtype: "success", request_id: requestId },
});
const cancel = (requestId: string) => ({ type: "control_cancel_request", request_id: requestId });
const lifecycle = (uuid: string, state: string) => ({ type: "command_lifecycle", command_uuid: uuid, state });
const tasks = (...types: string[]) => ({
  type: "system",
  subtype: "background_tasks_changed",
  tasks: types.map((task_type) => ({ task_type })),
});

const bytes = (...lines: readonly object[]): Uint8Array =>
  new TextEncoder().encode(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));

/** A talk that keeps everything that came of it. */
function talk(options: Parameters<typeof initialTalk>[0] = { known: undefined, resume: undefined }) {
  let state: ClaudeTalk = initialTalk(options);
  let at = 1_000;
  const step = (input: ConversationInput) => {
    const next = stepTalk(state, input);
    ({ state } = next);
    return {
      ...next,
      said: next.observations.map((it) => {
        const { at: _at, source: _source, fidelity: _fidelity, ...rest } = it;
        return rest.type === "blocked" ? `${rest.type} ${rest.kind}: ${rest.what}` : rest.type;
      }),
      ids: next.writes.map(({ id }) => id),
      lines: next.writes.flatMap(({ data }) => (data === "" ? [] : [JSON.parse(data) as Record<string, unknown>])),
    };
  };
  return {
    state: () => state,
    step,
    says: (...lines: readonly object[]) => step({ type: "output", data: bytes(...lines), at: (at += 1), past: false }),
    said: (...lines: readonly object[]) => step({ type: "output", data: bytes(...lines), at: (at += 1), past: true }),
    deliver: (text: string, injection = "inj_1", steer = false) =>
      step({ type: "deliver", injection, text, steer, at: (at += 1) }),
    answer: (verdict: "approve" | "deny") => step({ type: "answer", verdict, at: (at += 1) }),
    interrupt: () => step({ type: "interrupt", at: (at += 1) }),
    tick: (later: number) => step({ type: "tick", at: at + later }),
  };
}

function ready() {
  const it = talk();
  it.step({ type: "started", at: 0 });
  it.says(initialized);
  return it;
}

describe("talking with Claude Code on pipes", () => {
  it("is ready when it answers the first request, and works from a turn's beginning to its result", () => {
    const it = talk();
    expect(it.step({ type: "started", at: 0 }).lines).toEqual([
      { type: "control_request", request_id: "initialize", request: { subtype: "initialize" } },
    ]);
    expect(it.says(initialized).said).toEqual(["ready"]);
    expect(it.says(init()).said).toEqual(["session", "working"]);
    expect(it.says(replay("hello msg_1")).observations).toMatchObject([{ type: "prompt", text: "hello msg_1" }]);
    expect(it.says(assistant(13_431), result()).said).toEqual(["tokens", "context", "said", "turn_ended"]);
    expect(it.says(init("u-2")).said).toEqual(["working"]);
  });

  it("tells what its model answered, before the end of the turn, and nothing of a turn that failed", () => {
    const it = ready();
    it.says(init());
    const { observations } = it.says(result({ result: "All\ngreen." }));
    const said = { type: "said", text: "All\ngreen.", source: "stream:result", fidelity: "exact" };
    expect(observations.slice(-2)).toMatchObject([said, { type: "turn_ended" }]);
    it.says(init("u-2"));
    expect(it.says(apiError(500, "API Error: 500")).said).not.toContain("said");
    it.says(init("u-3"));
    expect(it.says(result({ result: undefined, subtype: "error_during_execution" })).said).not.toContain("said");
  });

  it("K1: a message is accepted by its uuid, and asked for again it is not written again", () => {
    const it = ready();
    const { lines, ids } = it.deliver("hello");
    expect(ids).toEqual(["deliver/inj_1"]);
    const uuid = String(lines[0]?.["uuid"]);
    expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/u);
    expect(talk().deliver("hello").lines[0]?.["uuid"]).toBe(uuid);
    expect(talk().deliver("hello", "inj_2").lines[0]?.["uuid"]).not.toBe(uuid);
    expect(it.says(lifecycle(uuid, "queued")).outcomes).toEqual([
      { injection: "inj_1", outcome: "accepted", evidence: "request_accepted" },
    ]);
    expect(it.says(lifecycle(uuid, "started"), lifecycle(uuid, "completed")).outcomes).toEqual([]);
    const again = it.deliver("hello");
    expect(again.writes).toEqual([]);
    expect(again.outcomes).toMatchObject([{ injection: "inj_1", outcome: "accepted" }]);
  });

  it("K1: a message that it drops is refused", () => {
    const it = ready();
    const uuid = String(it.deliver("hello").lines[0]?.["uuid"]);
    expect(it.says(lifecycle(uuid, "discarded")).outcomes).toEqual([
      { injection: "inj_1", outcome: "refused", evidence: "request_accepted", reason: "it was discarded" },
    ]);
  });

  it("an older version accepts by beginning the turn, and by its echo, also of two messages in one", () => {
    const it = ready();
    it.deliver("hello");
    expect(it.says(init()).outcomes).toMatchObject([{ injection: "inj_1", evidence: "request_accepted" }]);
    it.deliver("one", "inj_2", true);
    it.deliver("two", "inj_3", true);
    expect(it.says(init("u-9")).outcomes).toEqual([]);
    expect(it.says(replay("one\ntwo", "r-9")).outcomes).toEqual([
      { injection: "inj_2", outcome: "accepted", evidence: "turn_steered" },
      { injection: "inj_3", outcome: "accepted", evidence: "turn_steered" },
    ]);
  });

  it("K2: approving allows the input that was shown, and nothing else", () => {
    const it = ready();
    it.says(init());
    expect(it.says(ask("q1")).observations).toMatchObject([
      { type: "blocked", kind: "permission", what: "Bash(touch a)", answerable: true },
    ]);
    const { ids, lines } = it.answer("approve");
    expect(ids).toEqual(["answer/q1"]);
    expect(lines[0]?.["response"]).toEqual({
      subtype: "success",
      request_id: "q1",
      response: { behavior: "allow", updatedInput: { command: "touch a" } },
    });
    expect(it.says(echo("q1")).said).toEqual(["unblocked"]);
    expect(it.answer("approve").writes).toEqual([]);
  });

  it("K2: denying says so, and each question of several is shown and answered in turn", () => {
    const it = ready();
    it.says(init());
    expect(it.says(ask("q1"), ask("q2", "Write", { file_path: "/x", content: "y" }), ask("q1")).said).toEqual([
      "blocked permission: Bash(touch a)",
    ]);
    expect(it.answer("deny").lines[0]?.["response"]).toMatchObject({
      request_id: "q1",
      response: { behavior: "deny" },
    });
    expect(it.says(echo("q1")).said).toEqual(["unblocked", "blocked permission: Write(/x)"]);
    expect(it.answer("approve").ids).toEqual(["answer/q2"]);
    expect(it.says(cancel("q2")).said).toEqual(["unblocked"]);
  });

  it("asks a person's questions as questions", () => {
    const it = ready();
    const input = { questions: [{ question: "Which one?", options: [{ label: "A" }] }] };
    expect(it.says(ask("q1", "AskUserQuestion", input)).said).toEqual(["working", "blocked question: Which one?"]);
  });

  it("refuses a request that it does not understand, so that nothing waits for ever", () => {
    const it = ready();
    const odd = { type: "control_request", request_id: "x1", request: { subtype: "elicitation" } };
    expect(it.says(odd).lines[0]).toMatchObject({ response: { subtype: "error", request_id: "x1" } });
  });

  it("interrupts the running turn under the turn's name, and its result ends it", () => {
    const it = ready();
    expect(it.interrupt().writes).toEqual([]);
    it.says(init("turn-7"), ask("q1"));
    expect(it.interrupt().ids).toEqual(["interrupt/turn-7"]);
    const aborted = result({
      subtype: "error_during_execution",
      is_error: true,
      terminal_reason: "aborted_tools",
      result: undefined,
    });
    expect(it.says(cancel("q1"), echo("interrupt/turn-7"), aborted).said).toEqual([
      "unblocked",
      "tokens",
      "turn_ended",
    ]);
  });

  it("K3: it works on while a subagent runs in the background, and not for a shell", () => {
    const it = ready();
    it.says(init());
    expect(it.says(tasks("local_agent", "local_bash"), result()).said).not.toContain("turn_ended");
    expect(it.says(tasks("local_bash")).said).toEqual([]);
    expect(it.says(init("u-2")).said).toEqual([]);
    expect(it.says(result()).said).toContain("turn_ended");
  });

  it("K3: a subagent that ends without a report does not keep it working for ever", () => {
    const it = ready();
    it.says(init(), tasks("local_agent"), result());
    const { wakeAt } = it.says(tasks());
    expect(wakeAt).toBeDefined();
    expect(it.tick(1_000).said).toEqual([]);
    expect(it.tick(4_000).said).toEqual(["turn_ended"]);
  });

  it("K4: the context is what was sent for the parent's answer, of the window of its model", () => {
    const it = ready();
    it.says(init(), assistant(100_000), result());
    expect(it.says(init("u-2"), assistant(940_000, "toolu_1")).said).toEqual(["working"]);
    expect(it.says(assistant(900_000)).observations).toMatchObject([{ type: "context", pctLeft: 10 }]);
    const other = ready();
    const usage = { "claude-opus-4-8[1m]": { inputTokens: 3, outputTokens: 1, contextWindow: 1_000_000 } };
    other.says(init(), assistant(250_000, null, "claude-opus-4-8"));
    const ended = other.says(result({ modelUsage: usage, model_usage_since_last_result: undefined }));
    expect(ended.observations).toContainEqual(expect.objectContaining({ type: "context", pctLeft: 75 }));
  });

  it("counts what is new since the last result, of every model", () => {
    const it = ready();
    it.says(init());
    expect(it.says(result()).observations).toContainEqual(
      expect.objectContaining({
        type: "tokens",
        inputTokens: 13_431,
        cachedInputTokens: 13_428,
        outputTokens: 5,
        model: "claude-opus-5-5",
      }),
    );
  });

  it("counts the difference of the sums where an older version gives only them", () => {
    const older = (modelUsage: object) => result({ modelUsage, model_usage_since_last_result: undefined });
    const it = ready();
    it.says(init(), older(opus(3, 100, 5)));
    const tokens = expect.objectContaining({ type: "tokens", inputTokens: 53, cachedInputTokens: 50, outputTokens: 2 });
    expect(it.says(init("u-2"), older(opus(6, 150, 7))).observations).toContainEqual(tokens);
    // What a program spent before it was known is not counted again.
    const known = talk({ known: { sessionId: session }, resume: undefined });
    expect(known.says(init(), older(opus(3, 100, 5))).said).not.toContain("tokens");
    expect(known.says(init("u-2"), older(opus(6, 150, 7))).observations).toContainEqual(tokens);
  });

  it.each([
    [401, "Failed to authenticate. API Error: 401 Invalid API key", "auth"],
    [429, "API Error: Request rejected (429) · quota exceeded", "quota"],
    [400, "Your credit balance is too low", "quota"],
  ])("waits for a person after error %s, and goes on when one has answered", (status, text, kind) => {
    const it = ready();
    it.says(init());
    expect(it.says(apiError(status, text)).said).toEqual(["turn_ended", `blocked ${kind}: ${text}`]);
    expect(it.answer("approve")).toMatchObject({ said: ["unblocked"], writes: [] });
    it.says(init("u-2"), apiError(status, text));
    expect(it.says(init("u-3")).said).toEqual(["unblocked", "working"]);
  });

  it("is idle after any other error", () => {
    const it = ready();
    it.says(init());
    expect(it.says(apiError(400, "API Error: 400 bad thing")).said).toEqual(["turn_ended"]);
  });

  it("says that its conversation was replaced by a summary", () => {
    const it = ready();
    expect(it.says({ type: "system", subtype: "compact_boundary" }).said).toEqual(["compacted"]);
  });

  it("leaves at the end of its input", () => {
    expect(ready().step({ type: "leave", at: 9 }).writes).toEqual([{ id: "leave", data: "", end: true }]);
  });

  it("V4: past output leads to the same state and writes nothing; afterwards it asks for what is owed", () => {
    const odd = { type: "control_request", request_id: "x1", request: { subtype: "elicitation" } };
    const lines = [initialized, init(), replay("hi"), ask("q1"), echo("q1"), ask("q2"), odd, assistant(5_000)];
    const live = talk();
    live.says(...lines);
    const past = talk();
    const recalled = past.said(...lines);
    expect(recalled.writes).toEqual([]);
    expect({ ...past.state(), lines: undefined }).toEqual({ ...live.state(), lines: undefined });
    expect(past.step({ type: "caught_up", at: 5 }).ids).toEqual(["refuse/x1"]);
    expect(past.answer("approve").ids).toEqual(["answer/q2"]);
    expect(talk().step({ type: "caught_up", at: 5 }).ids).toEqual(["initialize"]);
  });

  const story = bytes(
    initialized,
    init(),
    replay("hello"),
    ask("q1"),
    echo("q1"),
    assistant(20_000),
    tasks("local_agent"),
    result(),
    tasks(),
    init("u-2"),
    { type: "nonsense", deep: [null, { a: "é😀" }] },
    apiError(429, "quota"),
  );

  it("V2: the cuts do not matter", () => {
    const run = (cuts: readonly number[]) => {
      let state = initialTalk({ known: undefined, resume: undefined });
      const ends = [...cuts.toSorted((one, other) => one - other), story.length];
      const all = ends.flatMap((end, index) => {
        const data = story.subarray(ends[index - 1] ?? 0, end);
        const step = stepTalk(state, { type: "output", data, at: 7, past: false });
        ({ state } = step);
        return [...step.observations, ...step.writes];
      });
      return { all, state };
    };
    const whole = run([]);
    expect(whole.all.length).toBe(11);
    fc.assert(
      fc.property(fc.array(fc.nat(story.length)), (cuts) => {
        expect(run(cuts)).toEqual(whole);
      }),
    );
  });

  it("V2, V5: whatever it writes, no error, and the state stays small", () => {
    const value = fc.anything({ maxDepth: 2 });
    const line = fc.record(
      {
        type: fc.constantFrom(
          "system",
          "user",
          "assistant",
          "result",
          "control_request",
          "control_response",
          "command_lifecycle",
        ),
        subtype: fc.constantFrom("init", "background_tasks_changed", "compact_boundary", "success"),
        session_id: value,
        uuid: value,
        isReplay: fc.boolean(),
        message: fc.oneof(value, fc.record({ content: value, model: fc.string(), usage: value })),
        modelUsage: fc.oneof(value, fc.dictionary(fc.string(), value)),
        model_usage_since_last_result: fc.oneof(value, fc.dictionary(fc.string(), fc.record({ inputTokens: value }))),
        tasks: value,
        request_id: fc.oneof(fc.string(), value),
        request: fc.oneof(
          value,
          fc.record({ subtype: fc.constant("can_use_tool"), tool_name: fc.string(), input: value }),
        ),
        response: fc.oneof(value, fc.record({ request_id: value })),
        is_error: value,
        api_error_status: value,
        result: value,
        command_uuid: value,
        state: fc.constantFrom("queued", "refused", 3),
      },
      { requiredKeys: ["type"] },
    );
    const input = fc.oneof(
      fc.array(line).map((lines) => new TextEncoder().encode(lines.map((it) => `${safely(it)}\n`).join(""))),
      fc.uint8Array(),
    );
    fc.assert(
      fc.property(fc.array(input, { maxLength: 8 }), (inputs) => {
        const it = talk();
        for (const data of inputs) it.step({ type: "output", data, at: 1, past: false });
        for (const type of ["interrupt", "caught_up", "leave", "tick"] as const) it.step({ type, at: 2 });
        it.answer("deny");
      }),
      { numRuns: 100 },
    );
    const flooded = ready();
    for (let count = 0; count < 400; count += 1) {
      flooded.says(ask(`q${count}`), replay("x", `r${count}`), lifecycle(`l${count}`, "queued"));
      flooded.deliver("x", `inj_${count}`);
    }
    const state = flooded.state();
    expect(state.questions.length).toBe(32);
    expect(state.refused.length).toBeLessThanOrEqual(64);
    expect(state.taken.length).toBeLessThanOrEqual(256);
    expect(state.underway.length).toBeLessThanOrEqual(64);
  });
});

function safely(value: unknown): string {
  try {
    return JSON.stringify(value, (_key, it: unknown) => (typeof it === "bigint" ? String(it) : it));
  } catch {
    return "{}";
  }
}
