import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ConversationInput } from "../conversation.ts";
import type { AgentSignal } from "../hook-report.ts";
import { readGooseLine, readGooseWords } from "./goose/run.ts";
import { initialOneShot, stepOneShot, type LineReader, type Readers } from "./one-shot.ts";

type Json = Readonly<Record<string, unknown>>;

const bytes = (...lines: readonly unknown[]): Uint8Array =>
  new TextEncoder().encode(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));

/** Of a program whose lines are signals already. */
const readPlain: LineReader = ({ signals }) => (Array.isArray(signals) ? (signals as readonly AgentSignal[]) : []);

function talk(readers: Readers = { read: readPlain }, options: Parameters<typeof initialOneShot>[0] = fresh) {
  let state = initialOneShot(options);
  const put = (input: ConversationInput) => {
    const { state: next, ...rest } = stepOneShot(readers, state, input);
    state = next;
    return { ...rest, said: rest.observations.map(({ type }) => type) };
  };
  return {
    put,
    says: (...lines: readonly unknown[]) => put({ type: "output", data: bytes(...lines), at: 5, past: false }),
    deliver: (injection: string) => put({ type: "deliver", injection, text: "hello msg_1", steer: false, at: 4 }),
  };
}

const fresh = { known: undefined, resume: undefined };

const sessionId = "ses_1";
const tokens = { type: "tokens", inputTokens: 7_947, cachedInputTokens: 900, outputTokens: 7 } as const;
const plain = [
  { signals: [{ type: "session", sessionId }, { type: "turn_started" }] },
  { signals: [{ type: "session", sessionId }, { type: "turn_started" }] },
  { signals: [tokens] },
  { signals: [{ type: "session", sessionId }, tokens, { type: "turn_ended" }] },
];

// Lines as goose wrote them, without the fields that are not read.
const goose = [
  { type: "message", message: { id: "chatcmpl-5", role: "assistant", content: [{ type: "text", text: "all done" }] } },
  { type: "complete", total_tokens: 7_882, input_tokens: 7_873, output_tokens: 9 },
];
const gooseSays = (part: Json) => ({ type: "message", message: { id: null, role: "assistant", content: [part] } });
describe("a program that takes one prompt", () => {
  it("is ready at its start, takes the first message and its end of input, and works to its end", () => {
    const it = talk();
    expect(it.put({ type: "started", at: 1 }).said).toEqual(["ready"]);
    expect(it.deliver("inj_1").writes).toEqual([{ id: "deliver/inj_1", data: "hello msg_1\n", end: true }]);
    const { observations, outcomes } = it.says(...plain);
    expect(outcomes).toEqual([{ injection: "inj_1", outcome: "accepted", evidence: "request_accepted" }]);
    expect(observations.map(({ at: _at, fidelity: _fidelity, source: _source, ...rest }) => rest)).toEqual([
      { type: "session", sessionId },
      { type: "working" },
      { type: "tokens", inputTokens: 7_947, cachedInputTokens: 900, outputTokens: 7, model: undefined },
      { type: "tokens", inputTokens: 7_947, cachedInputTokens: 900, outputTokens: 7, model: undefined },
      { type: "turn_ended" },
    ]);
  });

  it("N1: refuses what comes after, and writes the same message again under the same id", () => {
    const it = talk();
    it.put({ type: "started", at: 1 });
    expect(it.deliver("inj_1").writes).toEqual(it.deliver("inj_1").writes);
    const second = it.deliver("inj_2");
    expect([second.writes, second.outcomes[0]?.outcome]).toEqual([[], "refused"]);
    it.says(...plain);
    expect(it.deliver("inj_1")).toMatchObject({ writes: [], outcomes: [{ outcome: "accepted" }] });
    expect(it.put({ type: "leave", at: 9 }).writes).toEqual([]);
    expect(talk().put({ type: "leave", at: 9 }).writes).toEqual([{ id: "leave", data: "", end: true }]);
  });

  it("V4: after a restart its past output tells that it has its prompt", () => {
    const it = talk();
    const { said } = it.put({ type: "output", data: bytes(...plain.slice(0, 2)), at: 1, past: true });
    expect(said).toEqual(["ready", "session", "working"]);
    expect(it.put({ type: "caught_up", at: 2 })).toMatchObject({ writes: [], observations: [] });
    expect(it.deliver("inj_2").outcomes[0]?.outcome).toBe("refused");
    const known = talk({ read: readPlain }, { known: { sessionId }, resume: undefined });
    expect(known.put({ type: "caught_up", at: 2 }).said).toEqual([]);
    expect(known.says(plain[0]).said).toEqual(["working"]);
  });

  it.each<[string, LineReader, Json, readonly AgentSignal["type"][]]>([
    [
      "goose, refused key",
      readGooseLine,
      gooseSays({ type: "text", text: "Ran into this error: Authentication error: no" }),
      ["turn_started", "blocked"],
    ],
    [
      "goose, quota",
      readGooseLine,
      gooseSays({ type: "text", text: "Ran into this error: Rate limit exceeded" }),
      ["turn_started", "blocked"],
    ],
    [
      "goose, window",
      readGooseLine,
      gooseSays({ type: "systemNotification", msg: "Unable to continue: Context limit still exceeded" }),
      ["turn_started", "context"],
    ],
    [
      "goose, its model quotes that",
      readGooseLine,
      {
        type: "message",
        message: { id: "m", content: [{ type: "text", text: "Ran into this error: Authentication error" }] },
      },
      ["turn_started"],
    ],
  ])("%s", (_what, read, line, expected) => {
    expect(read(line, "new").map(({ type }) => type)).toEqual(expected);
  });

  it("goose: the sum of a session that is continued is nobody's news", () => {
    expect(goose.flatMap((line) => readGooseLine(line, "new"))).toEqual([
      { type: "turn_started" },
      { type: "tokens", inputTokens: 7_873, cachedInputTokens: 0, outputTokens: 9 },
      { type: "turn_ended" },
    ]);
    const continued = talk({ read: readGooseLine }, { known: undefined, resume: "s1" });
    expect(continued.says(...goose).said).toEqual(["ready", "working", "turn_ended"]);
  });

  it("N4: the last message of the model that has words is its answer, put together from its pieces", () => {
    // As goose wrote them, but for the words.
    const says = (id: string | null, ...content: readonly Json[]) => ({
      type: "message",
      message: { id, role: "assistant", created: 1_795_298_777, content },
    });
    const words = (id: string | null, text: string) => says(id, { type: "text", text });
    const tool = says("chatcmpl-1", { type: "toolRequest", id: "call_1", toolCall: { status: "success" } });
    const given = { type: "message", message: { id: "msg_1", role: "user", content: [{ type: "text", text: "no" }] } };
    const answers = (...lines: readonly Json[]) =>
      talk({ read: readGooseLine, words: readGooseWords })
        .says(...lines, ...goose.slice(1))
        .observations.flatMap((it) => (it.type === "said" ? [it.text] : it.type === "turn_ended" ? ["·"] : []));
    expect(
      answers(words("chatcmpl-1", "I look."), tool, given, words("chatcmpl-2", "All\n"), words("chatcmpl-2", "green.")),
    ).toEqual(["All\ngreen.", "·"]);
    expect(answers(words("chatcmpl-1", "I do it now."), tool, given)).toEqual(["I do it now.", "·"]);
    expect(answers(tool, given)).toEqual(["·"]);
    const failure = "Ran into this error: Authentication error: no";
    expect(answers(words("chatcmpl-1", "half"), words(null, failure))).toEqual(["·"]);
  });

  it("V2, V5: however the output is cut it says the same, and nothing makes it fail", () => {
    const all = bytes("noise", [], null, { type: 7 }, ...plain);
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
    const lines = fc.record(
      {
        type: fc.constantFrom("message", "complete"),
        message: fc.anything(),
        input_tokens: fc.anything(),
      },
      { requiredKeys: ["type"] },
    );
    fc.assert(
      fc.property(lines, (line) => {
        readGooseLine(line, "new");
      }),
      { numRuns: 200 },
    );
  });
});
