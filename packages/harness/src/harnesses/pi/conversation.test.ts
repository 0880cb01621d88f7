import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ConversationInput } from "../../conversation.ts";
import { initialPiTalk, stepPiTalk } from "./conversation.ts";

// Lines as 0.87.1 wrote them, without the fields that are not read.
const state = {
  id: "state",
  type: "response",
  command: "get_state",
  success: true,
  data: { model: { contextWindow: 100_000 }, sessionId: "s1" },
};
const response = (injection: string, more: object = { success: true }) => ({
  id: `deliver/${injection}`,
  type: "response",
  command: "prompt",
  ...more,
});
const start = { type: "agent_start" };
const settled = { type: "agent_settled" };
const user = (text: string) => ({ type: "message_end", message: { role: "user", content: [{ type: "text", text }] } });
const assistant = (input: number, more: object = {}) => ({
  type: "message_end",
  message: {
    role: "assistant",
    model: "m",
    usage: { input, output: 15, cacheRead: 100, cacheWrite: 0 },
    stopReason: "stop",
    ...more,
  },
});
const failure = (errorMessage: string) =>
  assistant(0, { usage: { input: 0, output: 0 }, stopReason: "error", errorMessage });

const bytes = (...lines: readonly unknown[]): Uint8Array =>
  new TextEncoder().encode(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));

function talk(options: Parameters<typeof initialPiTalk>[0] = { known: undefined }) {
  let now = initialPiTalk(options);
  const put = (input: ConversationInput) => {
    const { state: next, ...rest } = stepPiTalk(now, input);
    now = next;
    return {
      ...rest,
      said: rest.observations.map((it) => (it.type === "blocked" ? `blocked ${it.kind}` : it.type)),
      lines: rest.writes.map(({ data }) => JSON.parse(data || "{}") as unknown),
    };
  };
  return {
    put,
    state: () => now,
    hears: (...lines: readonly unknown[]) => put({ type: "output", data: bytes(...lines), at: 5, past: false }),
    heard: (...lines: readonly unknown[]) => put({ type: "output", data: bytes(...lines), at: 5, past: true }),
    deliver: (injection: string, text = "hello msg_1", steer = false) =>
      put({ type: "deliver", injection, text, steer, at: 4 }),
  };
}

function ready() {
  const it = talk();
  it.put({ type: "started", at: 0 });
  it.hears(state);
  return it;
}

describe("talking with Pi on pipes", () => {
  it("is ready when it answers, and works from the start of a run until it has settled", () => {
    const it = talk();
    expect(it.put({ type: "started", at: 0 }).lines).toEqual([{ id: "state", type: "get_state" }]);
    expect(it.hears(state).said).toEqual(["session", "ready"]);
    expect(it.hears(start, user("hello"), assistant(24_885)).observations).toMatchObject([
      { type: "working" },
      { type: "prompt", text: "hello" },
      { type: "tokens", inputTokens: 24_985, cachedInputTokens: 100, outputTokens: 15, model: "m" },
      { type: "context", pctLeft: 75 },
    ]);
    expect(
      it.hears({ type: "agent_end" }, { type: "compaction_end", result: {} }, { type: "compaction_end", aborted: true })
        .said,
    ).toEqual(["compacted"]);
    expect(it.hears(settled).said).toEqual(["turn_ended"]);
  });

  it("tells each answer of its model, and not what it says before a tool, or of a turn that was cut off", () => {
    const it = ready();
    const says = (text: string, stopReason: string) => assistant(5, { content: [{ type: "text", text }], stopReason });
    it.hears(start);
    const { observations } = it.hears(says("I look.", "toolUse"), says("half", "aborted"), says("no", "error"));
    expect(observations.filter(({ type }) => type === "said")).toEqual([]);
    const answered = it.hears(says("All\ngreen.", "stop"), settled).observations;
    expect(answered.filter(({ type }) => type !== "tokens")).toMatchObject([
      { type: "said", text: "All\ngreen." },
      { type: "turn_ended" },
    ]);
  });

  it("P1: a message is accepted by its echo, not by success, and not written again", () => {
    const it = ready();
    expect(it.deliver("inj_1").lines).toEqual([
      { id: "deliver/inj_1", type: "prompt", message: "hello msg_1", streamingBehavior: "steer" },
    ]);
    expect(it.hears(response("inj_1"), start).outcomes).toEqual([]);
    expect(it.hears(user("hello msg_1")).outcomes).toEqual([
      { injection: "inj_1", outcome: "accepted", evidence: "request_accepted" },
    ]);
    expect(it.deliver("inj_1")).toMatchObject({ writes: [], outcomes: [{ outcome: "accepted" }] });
  });

  it("P1: one that it dropped is refused, one that it has not read is awaited", () => {
    const it = ready();
    it.deliver("inj_1");
    expect(it.hears(response("inj_1"), settled).outcomes).toMatchObject([{ injection: "inj_1", outcome: "refused" }]);
    it.hears(start);
    it.deliver("inj_2", "steered msg_2", true);
    expect(it.hears(settled)).toMatchObject({ outcomes: [], said: ["turn_ended"] });
    expect(it.hears(response("inj_2"), start, user("steered msg_2")).outcomes).toEqual([
      { injection: "inj_2", outcome: "accepted", evidence: "turn_steered" },
    ]);
    it.hears(settled);
    it.deliver("inj_3");
    expect(it.deliver("inj_4").outcomes).toMatchObject([{ injection: "inj_4", outcome: "refused" }]);
    expect(it.hears(response("inj_3", { success: false, error: "no" })).outcomes).toMatchObject([
      { outcome: "refused", reason: "no" },
    ]);
    it.hears(start);
    expect(it.deliver("inj_5").outcomes).toMatchObject([{ outcome: "refused", reason: "its turn runs" }]);
  });

  it.each([
    ['401: {"message":"bad key"}', ["turn_ended", "blocked auth"]],
    ["429: slow down", ["turn_ended", "blocked quota"]],
    ["500: broken", ["turn_ended"]],
  ])("after a turn that failed with %s", (error, expected) => {
    const it = ready();
    it.hears(start, failure(error));
    expect(it.hears(settled).said).toEqual(expected);
    const isBlocked = expected.length > 1;
    expect(it.hears(start).said).toEqual(isBlocked ? ["unblocked", "working"] : ["working"]);
    expect(it.put({ type: "answer", verdict: "approve", at: 9 }).said).toEqual([]);
  });

  it("a failure that it got over is none", () => {
    const it = ready();
    expect(it.hears(start, failure("429: slow"), assistant(5), settled).said).toEqual([
      "working",
      "tokens",
      "context",
      "turn_ended",
    ]);
  });

  it("an interrupt is asked for once in a turn, and only in one", () => {
    const it = ready();
    const interrupt = () => it.put({ type: "interrupt", at: 6 }).writes.map(({ id }) => id);
    expect(interrupt()).toEqual([]);
    it.hears(start);
    expect([interrupt(), interrupt()]).toEqual([["interrupt/1"], ["interrupt/1"]]);
    it.hears(settled, start);
    expect(interrupt()).toEqual(["interrupt/2"]);
    expect(it.put({ type: "leave", at: 7 }).writes).toEqual([{ id: "leave", data: "", end: true }]);
  });

  it("P3, V4: what an extension asks is declined, in the past only when that is over", () => {
    const ask = (id: string, method = "confirm") => ({ type: "extension_ui_request", id, method });
    const declined = { type: "extension_ui_response", id: "q1", cancelled: true };
    expect(ready().hears(ask("q1"), ask("q2", "notify")).lines).toEqual([declined]);
    const it = talk();
    expect(it.heard(state, ask("q1")).writes).toEqual([]);
    expect(it.put({ type: "caught_up", at: 9 }).lines).toEqual([declined]);
    const known = talk({ known: { sessionId: "s1" } });
    expect(known.put({ type: "caught_up", at: 9 }).lines).toEqual([{ id: "state", type: "get_state" }]);
    expect(known.hears(state).said).toEqual([]);
  });

  it("V2, V5: however the output is cut it says the same; nothing makes it fail, and its state stays small", () => {
    const all = bytes(7, null, [], state, start, user("a"), assistant(5), failure("401: x"), settled);
    const whole = talk().put({ type: "output", data: all, at: 5, past: false }).observations;
    fc.assert(
      fc.property(fc.array(fc.nat(all.length), { maxLength: 20 }), (cuts) => {
        const it = talk();
        const ends = [...cuts.toSorted((a, b) => a - b), all.length];
        const pieces = ends.map((end, index) => all.slice(ends[index - 1] ?? 0, end));
        expect(pieces.flatMap((data) => it.put({ type: "output", data, at: 5, past: false }).observations)).toEqual(
          whole,
        );
      }),
      { numRuns: 50 },
    );
    const it = ready();
    fc.assert(
      fc.property(
        fc.record({
          type: fc.constantFrom("response", "message_end", "compaction_end", "extension_ui_request"),
          id: fc.anything(),
          message: fc.jsonValue(),
          data: fc.jsonValue(),
          command: fc.constantFrom("get_state", "prompt"),
          method: fc.constant("input"),
        }),
        (line) => void it.hears(line),
      ),
      { numRuns: 200 },
    );
    for (let each = 0; each < 1_000; each += 1) {
      it.deliver(`inj_${each}`, "x");
      it.heard(start, user("x"), settled, { type: "extension_ui_request", id: `q${each}`, method: "input" });
    }
    expect(JSON.stringify(it.state()).length).toBeLessThan(20_000);
  });
});
