import { describe, expect, it } from "vitest";
import type { ConversationInput } from "../../conversation.ts";
import { blockOfQwenError, qwenConversation } from "./conversation.ts";

// Lines as Qwen Code 0.24.4 wrote them, without the fields that are not read.
const sessionId = "a0a1df65";
const rpc = (message: object): string => `${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`;
const initialized = rpc({ id: "initialize", result: { protocolVersion: 1 } });
const models = {
  currentModelId: "m",
  availableModels: [
    { modelId: "other", _meta: { contextLimit: 7 } },
    { modelId: "m", _meta: { contextLimit: 200_000 } },
  ],
};
const opened = rpc({ id: "session", result: { sessionId, models } });
const update = (more: object): string =>
  rpc({ method: "session/update", params: { sessionId, update: { sessionUpdate: "agent_message_chunk", ...more } } });
const usage = (inputTokens: number, meta: object = {}): string =>
  update({
    _meta: { usage: { inputTokens, outputTokens: 1, totalTokens: inputTokens + 1, cachedReadTokens: 5 }, ...meta },
  });
const internalError = (injection: string, details?: string): string =>
  rpc({ id: `turn/${injection}`, error: { code: -32_603, message: "Internal error", data: { details } } });

function talk() {
  const conversation = qwenConversation({
    agent: "ada",
    cwd: "/w",
    model: undefined,
    permissionMode: "ask",
    resume: undefined,
  });
  const put = (input: ConversationInput) => {
    const { observations, outcomes } = conversation.step(input);
    return {
      said: observations.map(({ at: _at, source: _source, fidelity: _fidelity, ...rest }) => rest),
      outcomes: outcomes.map(({ injection, outcome }) => `${injection} ${outcome}`),
    };
  };
  const hear = (...lines: readonly string[]) =>
    put({ type: "output", data: new TextEncoder().encode(lines.join("")), at: 5, past: false });
  put({ type: "started", at: 1 });
  return {
    hear,
    deliver: (injection: string) => put({ type: "deliver", injection, text: "hello", steer: false, at: 6 }),
  };
}

describe("Qwen Code on pipes", () => {
  it("counts what is said behind each answer, and what is left of its model's window", () => {
    const { hear } = talk();
    hear(initialized, opened);
    expect(hear(usage(150_000)).said).toEqual([
      { type: "tokens", inputTokens: 150_000, cachedInputTokens: 5, outputTokens: 1, model: undefined },
      { type: "context", pctLeft: 25 },
    ]);
    expect(hear(usage(199_999, { parentToolCallId: "c1" })).said.map(({ type }) => type)).toEqual(["tokens"]);
    expect(hear(update({ _meta: { usage: null } }), update({})).said).toEqual([]);
  });

  it("does not count again what is said of the past while a session is loaded", () => {
    const { hear } = talk();
    hear(initialized);
    expect(hear(usage(150_000)).said).toEqual([]);
  });

  it("a prompt that its model's API failed was taken; one that it could not read was not", () => {
    const { hear, deliver } = talk();
    hear(initialized, opened);
    deliver("i1");
    const failed = hear(internalError("i1", "401 Incorrect API key"));
    expect(failed.outcomes).toEqual(["i1 accepted"]);
    expect(failed.said.map((it) => (it.type === "blocked" ? `blocked ${it.kind}` : it.type))).toEqual([
      "working",
      "turn_ended",
      "blocked auth",
    ]);
    deliver("i2");
    expect(hear(internalError("i2")).outcomes).toEqual(["i2 refused"]);
  });

  it("an error is told by its code", () => {
    expect(blockOfQwenError("429 too many requests")).toBe("quota");
    expect(blockOfQwenError("[API Error: 403 no]")).toBe("auth");
    expect(blockOfQwenError("400 This model's maximum context length is 200000 tokens.")).toBe("context");
    expect(blockOfQwenError("500 the 401 is a bus")).toBeUndefined();
  });
});
