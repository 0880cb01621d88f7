import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ConversationInput } from "../conversation.ts";
import type { AgentSignal } from "../hook-report.ts";
import { readCopilotLine } from "./github-copilot/run.ts";
import { readGooseLine } from "./goose/run.ts";
import { initialOneShot, stepOneShot, type LineReader } from "./one-shot.ts";
import { readOpencodeLine } from "./opencode/run.ts";

type Json = Readonly<Record<string, unknown>>;

const bytes = (...lines: readonly unknown[]): Uint8Array =>
  new TextEncoder().encode(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));

function talk(read: LineReader = readOpencodeLine, options: Parameters<typeof initialOneShot>[0] = fresh) {
  let state = initialOneShot(options);
  const put = (input: ConversationInput) => {
    const { state: next, ...rest } = stepOneShot(read, state, input);
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

// Lines as the programs wrote them, without the fields that are not read.
const sessionID = "ses_e010fc637ffex5UuBEmLiQaLru";
const used = { total: 7_954, input: 7_047, output: 7, reasoning: 0, cache: { write: 0, read: 900 } };
const opencode = [
  { type: "step_start", sessionID, part: { type: "step-start" } },
  { type: "tool_use", sessionID, part: { type: "tool", tool: "bash", state: { status: "completed" } } },
  { type: "step_finish", sessionID, part: { type: "step-finish", reason: "tool-calls", tokens: used } },
  { type: "text", sessionID, part: { type: "text", text: "done" } },
  { type: "step_finish", sessionID, part: { type: "step-finish", reason: "stop", tokens: used } },
];
const opencodeError = (error: Json) => ({ type: "error", sessionID, error });
const goose = [
  { type: "message", message: { id: "chatcmpl-5", role: "assistant", content: [{ type: "text", text: "all done" }] } },
  { type: "complete", total_tokens: 7_882, input_tokens: 7_873, output_tokens: 9 },
];
const gooseSays = (part: Json) => ({ type: "message", message: { id: null, role: "assistant", content: [part] } });
const copilot = [
  { type: "session.mcp_servers_loaded", data: { servers: [] } },
  { type: "user.message", data: { content: "hello msg_1" } },
  { type: "assistant.turn_start", data: { turnId: "0" } },
  { type: "user.message", agentId: "cbe8", data: { content: "inside" } },
  { type: "result", sessionId: "adf5b9fb", exitCode: 0 },
];

describe("a program that takes one prompt", () => {
  it("is ready at its start, takes the first message and its end of input, and works to its end", () => {
    const it = talk();
    expect(it.put({ type: "started", at: 1 }).said).toEqual(["ready"]);
    expect(it.deliver("inj_1").writes).toEqual([{ id: "deliver/inj_1", data: "hello msg_1\n", end: true }]);
    const { observations, outcomes } = it.says(...opencode);
    expect(outcomes).toEqual([{ injection: "inj_1", outcome: "accepted", evidence: "request_accepted" }]);
    expect(observations.map(({ at: _at, fidelity: _fidelity, source: _source, ...rest }) => rest)).toEqual([
      { type: "session", sessionId: sessionID },
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
    it.says(...opencode);
    expect(it.deliver("inj_1")).toMatchObject({ writes: [], outcomes: [{ outcome: "accepted" }] });
    expect(it.put({ type: "leave", at: 9 }).writes).toEqual([]);
    expect(talk().put({ type: "leave", at: 9 }).writes).toEqual([{ id: "leave", data: "", end: true }]);
  });

  it("V4: after a restart its past output tells that it has its prompt", () => {
    const it = talk();
    const { said } = it.put({ type: "output", data: bytes(...opencode.slice(0, 2)), at: 1, past: true });
    expect(said).toEqual(["ready", "session", "working"]);
    expect(it.put({ type: "caught_up", at: 2 })).toMatchObject({ writes: [], observations: [] });
    expect(it.deliver("inj_2").outcomes[0]?.outcome).toBe("refused");
    const known = talk(readOpencodeLine, { known: { sessionId: sessionID }, resume: undefined });
    expect(known.put({ type: "caught_up", at: 2 }).said).toEqual([]);
    expect(known.says(opencode[0]).said).toEqual(["working"]);
  });

  it.each<[string, LineReader, Json, readonly AgentSignal["type"][]]>([
    [
      "OpenCode, refused key",
      readOpencodeLine,
      opencodeError({ name: "APIError", data: { statusCode: 401 } }),
      ["session", "turn_ended", "blocked"],
    ],
    [
      "OpenCode, quota",
      readOpencodeLine,
      opencodeError({ name: "APIError", data: { statusCode: 429, message: "m" } }),
      ["session", "turn_ended", "blocked"],
    ],
    [
      "OpenCode, window",
      readOpencodeLine,
      opencodeError({ name: "ContextOverflowError" }),
      ["session", "turn_ended", "context"],
    ],
    [
      "OpenCode, else",
      readOpencodeLine,
      opencodeError({ name: "APIError", data: { statusCode: 500 } }),
      ["session", "turn_ended"],
    ],
    ["OpenCode, unknown", readOpencodeLine, { type: "later", sessionID }, []],
    ["OpenCode, no session", readOpencodeLine, { type: "text" }, []],
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
    [
      "Copilot, refused key",
      readCopilotLine,
      { type: "session.error", data: { errorType: "authentication", message: "no" } },
      ["turn_ended", "blocked"],
    ],
    [
      "Copilot, quota",
      readCopilotLine,
      { type: "session.error", data: { statusCode: 429 } },
      ["turn_ended", "blocked"],
    ],
    ["Copilot, else", readCopilotLine, { type: "session.error", data: { statusCode: 400 } }, ["turn_ended"]],
    ["Copilot, interrupted", readCopilotLine, { type: "abort", data: {} }, ["turn_ended"]],
    ["Copilot, in a subagent", readCopilotLine, { type: "abort", agentId: "a", data: {} }, []],
    [
      "Copilot, compacted",
      readCopilotLine,
      {
        type: "session.compaction_complete",
        data: { success: true, tokenLimit: 128_000, postCompactionTokens: 12_673 },
      },
      ["compacted", "context"],
    ],
    ["Copilot, not compacted", readCopilotLine, { type: "session.compaction_complete", data: { success: false } }, []],
    [
      "Copilot, a subagent's tokens",
      readCopilotLine,
      {
        type: "session.usage_record",
        agentId: "a",
        data: { usage: { inputTokens: 5, outputTokens: 1, cacheReadTokens: 2, model: "m" } },
      },
      ["tokens"],
    ],
  ])("%s", (_what, read, line, expected) => {
    expect(read(line, "new").map(({ type }) => type)).toEqual(expected);
  });

  it("goose: the sum of a session that is continued is nobody's news", () => {
    const tokens = { type: "tokens", inputTokens: 7_873, cachedInputTokens: 0, outputTokens: 9 };
    expect(goose.flatMap((line) => readGooseLine(line, "new"))).toEqual([
      { type: "turn_started" },
      tokens,
      { type: "turn_ended" },
    ]);
    const continued = talk(readGooseLine, { known: undefined, resume: "s1" });
    expect(continued.says(...goose).said).toEqual(["ready", "working", "turn_ended"]);
  });

  it("Copilot: its echo of the prompt, and the session at its end", () => {
    const it = talk(readCopilotLine);
    it.deliver("inj_1");
    expect(it.says(...copilot).observations).toMatchObject([
      { type: "ready" },
      { type: "working" },
      { type: "prompt", text: "hello msg_1" },
      { type: "session", sessionId: "adf5b9fb" },
      { type: "turn_ended" },
    ]);
  });

  it("V2, V5: however the output is cut it says the same, and nothing makes it fail", () => {
    const all = bytes("noise", [], null, { type: 7 }, ...opencode);
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
        type: fc.constantFrom("step_finish", "error", "message", "complete", "result", "session.error", "user.message"),
        sessionID: fc.anything(),
        part: fc.anything(),
        error: fc.anything(),
        message: fc.anything(),
        data: fc.anything(),
      },
      { requiredKeys: ["type"] },
    );
    fc.assert(
      fc.property(lines, (line) => {
        for (const read of [readOpencodeLine, readGooseLine, readCopilotLine]) read(line, "new");
      }),
      { numRuns: 200 },
    );
  });
});
